/* SPDX-License-Identifier: BSD-2-Clause */
/* conf_parse.y - the grammar of jail.conf(5).
 *
 * Actions only hand pieces to conf_tree.c, whose arena owns every value: there
 * is nothing to destroy when the parser drops symbols. Re-entrant; .include
 * runs a second parser inside an action of the first, at most
 * CONF_MAX_INCLUDE deep. A value of NULL is a failed allocation: it passes
 * through to the ';', which stops the parser.
 */
%code requires {
#include "jail/conf_tree.h"
}

%code {
/* Three symbols for each open block, six within a parameter: this stack is
 * enough for CONF_MAX_DEPTH, and being the largest too it never moves. */
#undef YYINITDEPTH
#define YYINITDEPTH 256
#define YYMAXDEPTH  256

static int
conf_yylex(CONF_YYSTYPE *lval, struct conf_source *src)
{
	int token;

	if (conf_brace_owed(src))
		return '}';
	do
		token = conf_scan_next(lval, src->scanner);
	while ((token == '{' || token == '}') && !conf_brace(src, token));
	return token;
}

static void
conf_yyerror(struct conf_source *src, const char *text)
{
	conf_unexpected(src, text);
}
}

%define api.pure full
%define api.prefix {conf_yy}
%param { struct conf_source *src }

%union {
	struct conf_piece *piece;
	struct conf_string *string;
	struct conf_stmt *stmt;
}

%token APPEND "+="
/* The first piece of a string, and one glued to the piece before it. */
%token <piece> TEXT VARIABLE GLUED_TEXT GLUED_VARIABLE
%type <string> string
%type <stmt> key assign param

%%

conf:
	%empty
	| conf jail
	| conf param ';' { if (!conf_stmt_end(src, $param)) YYABORT; }
	| conf ';'
	| conf error ';' { conf_recovered(src); yyerrok; }
	;

jail:
	jail_name '{' conf '}' { conf_block_close(src); }
	;

jail_name:
	TEXT { if (!conf_block_open(src, $TEXT)) YYABORT; }
	;

param:
	key
	| assign
	;

assign:
	key '=' string { $$ = conf_stmt_first($key, CONF_SET, $string); }
	| key "+=" string { $$ = conf_stmt_first($key, CONF_ADD, $string); }
	| key string { $$ = conf_stmt_first($key, CONF_BARE, $string); }
	| assign[list] ',' string { $$ = conf_stmt_value($list, $string); }
	;

key:
	TEXT { $$ = conf_stmt_new(src, $TEXT, false); }
	| VARIABLE { $$ = conf_stmt_new(src, $VARIABLE, true); }
	;

string:
	TEXT { $$ = conf_string_new(src, $TEXT); }
	| VARIABLE { $$ = conf_string_new(src, $VARIABLE); }
	| string[s] GLUED_TEXT { $$ = conf_string_glue($s, $GLUED_TEXT); }
	| string[s] GLUED_VARIABLE { $$ = conf_string_glue($s, $GLUED_VARIABLE); }
	;
%%
