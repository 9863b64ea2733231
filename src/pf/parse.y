/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.y - the grammar of pf.conf(5).
 *
 * Actions fill the statement at hand (S); the end of its line hands it over
 * (parser.c), so that what a later statement means can depend on an earlier
 * one. Everything is in one arena: nothing to destroy when the parser drops
 * symbols. An item that could not be allocated is NULL, and the arena's
 * failure ends the text.
 */
%code requires {
#include "pf/tree.h"
struct pf_parser;
}

%code {
#include "pf/parser.h"

#define S (p->stmt)

static int
pf_yylex(PF_YYSTYPE *lval, struct pf_parser *p)
{
	return pf_lex_next(&p->lex, &lval->word, &lval->num);
}

static void
pf_yyerror(struct pf_parser *p, const char *text)
{
	pf_complain(p, "%s", text);
}

/* Say a complaint about the statement at hand and drop it. */
#define BAD(...)                                                               \
	do {                                                                   \
		pf_complain(p, __VA_ARGS__);                                   \
		YYERROR;                                                       \
	} while (0)

static struct pf_val
a_word(const char *w)
{
	return (struct pf_val){ w, 0 };
}

static struct pf_val
a_num(long long n)
{
	return (struct pf_val){ NULL, n };
}

static struct pf_items
list_of(struct pf_item *i)
{
	return (struct pf_items){ i, i };
}

static struct pf_items
list_join(struct pf_items a, struct pf_items b)
{
	pf_items_join(&a, &b);
	return a;
}

static struct pf_item *
item(struct pf_parser *p, struct pf_val a)
{
	struct pf_item *i = pf_item_new(p);

	if (i != NULL)
		i->a = a;
	return i;
}

static struct pf_item *
item2(struct pf_parser *p, int kind, struct pf_val a, struct pf_val b)
{
	struct pf_item *i = item(p, a);

	if (i != NULL) {
		i->kind = (uint8_t)kind;
		i->b = b;
		i->has_b = true;
	}
	return i;
}

static struct pf_item *
compared(struct pf_parser *p, int op, struct pf_val a, struct pf_val b)
{
	struct pf_item *i = item2(p, 0, a, b);

	if (i != NULL)
		i->op = (uint8_t)op;
	return i;
}
}

%define api.pure full
%define api.prefix {pf_yy}
%define api.token.prefix {T_}
%param { struct pf_parser *p }

%union {
	const char *word;
	long long num;
	struct pf_val val;
	struct pf_item *item;
	struct pf_items list;
	struct pf_side side;
	struct pf_curve_stmt curve;
}

%token AF_TO ALL ALLOW_OPTS ALLOW_RELATED ALTQ ANCHOR ANTISPOOF ANY BANDWIDTH
%token BINAT BINAT_ANCHOR BINAT_TO BITMASK BLOCK BLOCK_POLICY BRIDGE_TO BUCKETS
%token CBQ CODE CODELQ DEBUG DIVERT_REPLY DIVERT_TO DNPIPE DNQUEUE DROP DUP_TO
%token ENDPOINT_INDEPENDENT ETHER FAIL_POLICY FAIRQ FASTROUTE FILENAME
%token FINGERPRINTS FLAGS FLOATING FLUSH FOR FRAGMENT FROM GLOBAL GROUP HFSC
%token HOGS HOSTID ICMP_TYPE ICMP6_TYPE IF_BOUND IN INCLUDE INET INET6 INTERVAL
%token KEEP KEEPCOUNTERS L3 LABEL LIMIT LINKSHARE LOAD LOG LOGINTERFACE
%token MAP_E_PORTSET MATCH MAX MAX_MSS MAX_SRC_CONN MAX_SRC_CONN_RATE
%token MAX_SRC_NODES MAX_SRC_STATES MIN_TTL MODULATE NAT NAT_ANCHOR NAT_TO NO
%token NO_DF NO_ROUTE NO_SYNC ON ONCE OPTIMIZATION OS OUT OVERLOAD PASS PORT
%token PRIO PRIORITY PRIQ PROBABILITY PROTO QLIMIT QUEUE QUICK RANDOM RANDOM_ID
%token RDR RDR_ANCHOR RDR_TO REALTIME REASSEMBLE RECEIVED_ON REPLY_TO
%token REQUIRE_ORDER RETURN RETURN_ICMP RETURN_ICMP6 RETURN_RST RIDENTIFIER
%token ROUND_ROBIN ROUTE ROUTE_TO RTABLE RULE RULESET_OPTIMIZATION SCRUB SET
%token SET_TOS SKIP SLOPPY SOURCE_HASH SOURCE_TRACK STATE STATE_DEFAULTS
%token STATE_POLICY STATIC_PORT STICKY_ADDRESS SYNCOOKIES SYNPROXY TABLE TAG
%token TAGGED TARGET TBRSIZE TIMEOUT TO TOS TTL UPPERLIMIT URPF_FAILED USER
%token OUTSIDE INSIDE ARROW
%token END 0 "end of file"
%token BAD /* no word of the language: a complaint was made */
%token <word> STRING
%token <num> NUMBER

%type <word> words macro_text macro_part maybe_name
%type <num> yes number unop pair_op dir af bound flush track
%type <val> val range
%type <item> if_item proto_item ip_host port_item id_item icmp_item os_item
%type <item> route_host state_opt timeout_item limit_item mac queue_child flag
%type <item> host
%type <list> ifs if_items protos proto_items hosts host_items ports port_items
%type <list> ids id_items icmps icmp_items oses os_items route_hosts
%type <list> route_items state_opts state_list timeouts timeout_items limits
%type <list> limit_items macs mac_items children child_items flag_items
%type <list> antispoof_ifs antispoof_items sched_flags pool_hosts
%type <item> antispoof_if
%type <side> side side_hosts
%type <curve> curve

%%

file:
	%empty
	| file NL
	| file line NL { pf_stmt_end(p); }
	| file INCLUDE STRING NL { pf_include(p, $STRING); }
	| file error NL { pf_stmt_drop_all(p); yyerrok; }
	;

NL: '\n' ;
nls: %empty | nls '\n' ;
comma: %empty | ',' ;

line:
	macro
	| SET option
	| table
	| scrub
	| ether
	| ether_anchor
	| altq
	| queue
	| nat
	| binat
	| trans_anchor
	| filter
	| anchor
	| load_anchor
	| antispoof
	;

/* --- words --- */

val:
	STRING { $$ = a_word($STRING); }
	| NUMBER { $$ = a_num($NUMBER); }
	;

number:
	NUMBER
	| STRING { if (!pf_number(p, $STRING, &$$)) YYERROR; }
	;

words:
	STRING
	| words[w] STRING { $$ = pf_join(p, $w, " ", $STRING); }
	;

yes:
	NO { $$ = 0; }
	| STRING { if (!pf_yes(p, $STRING, &$$)) YYERROR; }
	;

macro: STRING '=' macro_text { if (!pf_macro(p, $STRING, $macro_text)) YYERROR; } ;
macro_text:
	macro_part
	| macro_text[t] macro_part { $$ = pf_join(p, $t, " ", $macro_part); }
	;
macro_part:
	STRING
	| NUMBER { $$ = pf_decimal(p, $NUMBER); }
	;

/* --- options --- */

option:
	TIMEOUT timeouts { pf_set_timeouts(p, &$timeouts); }
	| LIMIT limits { pf_set_limits(p, &$limits); }
	| OPTIMIZATION STRING { pf_set_optimization(p, $STRING); }
	| RULESET_OPTIMIZATION words { pf_set_ruleset_optimization(p, $words); }
	| LOGINTERFACE STRING { pf_set_loginterface(p, $STRING); }
	| LOGINTERFACE ALL { pf_set_loginterface(p, "all"); }
	| BLOCK_POLICY DROP { pf_set_block_policy(p, PF_DROP); }
	| BLOCK_POLICY RETURN { pf_set_block_policy(p, PF_RETURN); }
	| FAIL_POLICY DROP { pf_set_fail_policy(p, PF_DROP); }
	| FAIL_POLICY RETURN { pf_set_fail_policy(p, PF_RETURN); }
	| STATE_POLICY bound { pf_set_state_policy(p, $bound); }
	| STATE_DEFAULTS state_list { pf_set_state_defaults(p, &$state_list); }
	| REQUIRE_ORDER yes { pf_set_require_order(p, $yes); }
	| FINGERPRINTS STRING { pf_set_fingerprints(p, $STRING); }
	| SKIP ON ifs { pf_set_skip(p, &$ifs); }
	| DEBUG STRING { pf_set_debug(p, $STRING); }
	| HOSTID number { pf_set_hostid(p, $number); }
	| KEEPCOUNTERS { pf_set_keepcounters(p); }
	| REASSEMBLE yes { pf_set_reassemble(p, $yes, false); }
	| REASSEMBLE yes NO_DF { pf_set_reassemble(p, $yes, true); }
	| SYNCOOKIES STRING { pf_set_syncookies(p, $STRING, NULL, NULL, NULL, NULL); }
	| SYNCOOKIES STRING[mode] '(' STRING[a] STRING[av] ')' {
		pf_set_syncookies(p, $mode, $a, $av, NULL, NULL);
	}
	| SYNCOOKIES STRING[mode] '(' STRING[a] STRING[av] comma STRING[b]
	  STRING[bv] ')' {
		pf_set_syncookies(p, $mode, $a, $av, $b, $bv);
	}
	;

timeouts:
	timeout_item { $$ = list_of($1); }
	| '{' nls timeout_items '}' { $$ = $3; }
	;
timeout_items:
	timeout_item nls { $$ = list_of($1); }
	| timeout_items[l] comma timeout_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
timeout_item:
	STRING NUMBER { $$ = item2(p, 0, a_word($STRING), a_num($NUMBER)); }
	| INTERVAL NUMBER { $$ = item2(p, 0, a_word("interval"), a_num($NUMBER)); }
	;

limits:
	limit_item { $$ = list_of($1); }
	| '{' nls limit_items '}' { $$ = $3; }
	;
limit_items:
	limit_item nls { $$ = list_of($1); }
	| limit_items[l] comma limit_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
limit_item: STRING NUMBER { $$ = item2(p, 0, a_word($STRING), a_num($NUMBER)); } ;

bound:
	IF_BOUND { $$ = 1; }
	| FLOATING { $$ = 0; }
	;

/* --- tables --- */

table: TABLE '<' STRING '>' { S->kind = PF_STMT_TABLE; S->name = $STRING; } table_opts ;
table_opts: %empty | table_opts table_opt ;
table_opt:
	STRING { if (!pf_table_word(p, $STRING)) YYERROR; }
	| FILENAME STRING { pf_table_part(p, $STRING, NULL); }
	| '{' nls '}' { S->table.init = true; }
	| '{' nls host_items '}' { pf_table_part(p, NULL, &$host_items); }
	;

/* --- what most rules share --- */

dir:
	%empty { $$ = PF_INOUT; }
	| IN { $$ = PF_IN; }
	| OUT { $$ = PF_OUT; }
	;

logquick:
	%empty
	| QUICK { S->quick = true; }
	| log
	| QUICK log { S->quick = true; }
	| log QUICK { S->quick = true; }
	;
log_maybe: %empty | log ;
log:
	LOG { S->log |= PF_LOG; }
	| LOG '(' { S->log |= PF_LOG; } log_opts ')'
	;
log_opts: log_opt | log_opts comma log_opt ;
log_opt:
	ALL { S->log |= PF_LOG_ALL; }
	| USER { S->log |= PF_LOG_USER; }
	| GROUP { S->log |= PF_LOG_USER; }
	| TO STRING { S->log_to = $STRING; }
	;

interface: %empty | ON ifs { S->ifs = $ifs; } ;
ifs:
	if_item { $$ = list_of($1); }
	| '{' nls if_items '}' { $$ = $3; }
	;
if_items:
	if_item nls { $$ = list_of($1); }
	| if_items[l] comma if_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
if_item:
	STRING { $$ = item(p, a_word($STRING)); }
	| '!' STRING { if (($$ = item(p, a_word($STRING))) != NULL) $$->not = true; }
	;

af:
	%empty { $$ = PF_AF_NONE; }
	| INET { $$ = PF_AF_INET; }
	| INET6 { $$ = PF_AF_INET6; }
	;

proto: %empty | PROTO protos { S->protos = $protos; } ;
protos:
	proto_item { $$ = list_of($1); }
	| '{' nls proto_items '}' { $$ = $3; }
	;
proto_items:
	proto_item nls { $$ = list_of($1); }
	| proto_items[l] comma proto_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
proto_item: val { $$ = item(p, $val); } ;

fromto:
	%empty
	| ALL
	| from_side os_maybe
	| from_side os_maybe TO side { S->dst = $side; }
	| os_some
	| os_maybe TO side { S->dst = $side; }
	;
from_side: FROM side { S->src = $side; } ;
os_maybe: %empty | os_some ;
os_some: OS oses { S->os = $oses; } ;
oses:
	os_item { $$ = list_of($1); }
	| '{' nls os_items '}' { $$ = $3; }
	;
os_items:
	os_item nls { $$ = list_of($1); }
	| os_items[l] comma os_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
os_item: STRING { $$ = item(p, a_word($STRING)); } ;

side:
	side_hosts
	| side_hosts PORT ports { $$ = $side_hosts; $$.ports = $ports; }
	| PORT ports { $$ = (struct pf_side){ .ports = $ports }; }
	;
side_hosts: hosts { $$ = (struct pf_side){ .hosts = $hosts }; } ;

hosts:
	ip_host { $$ = list_of($1); }
	| '{' nls host_items '}' { $$ = $3; }
	;
host_items:
	hosts nls
	| host_items[l] comma hosts[i] nls { $$ = list_join($l, $i); }
	;
ip_host:
	ANY { $$ = item2(p, PF_HOST_ANY, a_word(NULL), a_word(NULL)); }
	| host
	| '!' host { $$ = $2; if ($$ != NULL) $$->not = !$$->not; }
	| NO_ROUTE { $$ = item2(p, PF_HOST_NOROUTE, a_word(NULL), a_word(NULL)); }
	| '!' NO_ROUTE {
		if (($$ = item2(p, PF_HOST_NOROUTE, a_word(NULL), a_word(NULL))) != NULL)
			$$->not = true;
	}
	| URPF_FAILED { $$ = item2(p, PF_HOST_URPF, a_word(NULL), a_word(NULL)); }
	| '!' URPF_FAILED {
		if (($$ = item2(p, PF_HOST_URPF, a_word(NULL), a_word(NULL))) != NULL)
			$$->not = true;
	}
	;
host:
	STRING { $$ = pf_host(p, PF_HOST_WORD, $1, -1); }
	| STRING '/' NUMBER { $$ = pf_host(p, PF_HOST_WORD, $1, $3); }
	| NUMBER '/' NUMBER { $$ = pf_host(p, PF_HOST_WORD, pf_decimal(p, $1), $3); }
	| STRING[a] '-' STRING[b] {
		$$ = item2(p, PF_HOST_RANGE, a_word($a), a_word($b));
	}
	| '(' STRING ')' { $$ = pf_host(p, PF_HOST_DYN, $2, -1); }
	| '(' STRING ')' '/' NUMBER { $$ = pf_host(p, PF_HOST_DYN, $2, $5); }
	| '<' STRING '>' { $$ = pf_host(p, PF_HOST_TABLE, $2, -1); }
	;

ports:
	port_item { $$ = list_of($1); }
	| '{' nls port_items '}' { $$ = $3; }
	;
port_items:
	port_item nls { $$ = list_of($1); }
	| port_items[l] comma port_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
port_item:
	range { $$ = compared(p, PF_OP_NONE, $1, $1); }
	| unop range { $$ = compared(p, (int)$1, $2, $2); }
	| range[a] pair_op range[b] { $$ = compared(p, (int)$2, $a, $b); }
	;
range: val ;
unop:
	'=' { $$ = PF_OP_EQ; }
	| '!' '=' { $$ = PF_OP_NE; }
	| '<' '=' { $$ = PF_OP_LE; }
	| '<' { $$ = PF_OP_LT; }
	| '>' '=' { $$ = PF_OP_GE; }
	| '>' { $$ = PF_OP_GT; }
	;
pair_op:
	OUTSIDE { $$ = PF_OP_OUTSIDE; }
	| INSIDE { $$ = PF_OP_INSIDE; }
	;

ids:
	id_item { $$ = list_of($1); }
	| '{' nls id_items '}' { $$ = $3; }
	;
id_items:
	id_item nls { $$ = list_of($1); }
	| id_items[l] comma id_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
id_item:
	val { $$ = compared(p, PF_OP_EQ, $1, $1); }
	| unop val { $$ = compared(p, (int)$1, $2, $2); }
	| val[a] pair_op val[b] { $$ = compared(p, (int)$2, $a, $b); }
	;

icmps:
	icmp_item { $$ = list_of($1); }
	| '{' nls icmp_items '}' { $$ = $3; }
	;
icmp_items:
	icmp_item nls { $$ = list_of($1); }
	| icmp_items[l] comma icmp_item[i] nls { $$ = list_join($l, list_of($i)); }
	;
icmp_item:
	val { $$ = item(p, $1); }
	| val[t] CODE val[c] { $$ = item2(p, 0, $t, $c); }
	;

/* --- filter rules --- */

filter:
	filter_action dir { S->kind = PF_STMT_FILTER; S->dir = (uint8_t)$dir; }
	logquick interface route af { S->af = (uint8_t)$af; } proto fromto
	filter_opts
	;

filter_action:
	PASS { S->action = PF_PASS; }
	| MATCH { S->action = PF_MATCH; }
	| BLOCK { S->action = PF_BLOCK; } block_how
	;

block_how:
	%empty
	| DROP { S->ret_given = true; S->ret = PF_DROP; }
	| RETURN { S->ret_given = true; S->ret = PF_RETURN; }
	| RETURN_RST { S->ret_given = true; S->ret = PF_RETURN_RST; }
	| RETURN_RST '(' TTL NUMBER ')' {
		S->ret_given = true;
		S->ret = PF_RETURN_RST;
		S->ret_ttl = $NUMBER;
		if ($NUMBER < 0 || $NUMBER > 255)
			BAD("illegal ttl value %lld", $NUMBER);
	}
	| RETURN_ICMP { S->ret_given = true; S->ret = PF_RETURN_ICMP; }
	| RETURN_ICMP '(' val ')' {
		S->ret_given = true;
		S->ret = PF_RETURN_ICMP;
		S->code4 = $val;
		S->has_code4 = true;
	}
	| RETURN_ICMP '(' val[c4] comma val[c6] ')' {
		S->ret_given = true;
		S->ret = PF_RETURN_ICMP;
		S->code4 = $c4;
		S->code6 = $c6;
		S->has_code4 = S->has_code6 = true;
	}
	| RETURN_ICMP6 { S->ret_given = true; S->ret = PF_RETURN_ICMP; }
	| RETURN_ICMP6 '(' val ')' {
		S->ret_given = true;
		S->ret = PF_RETURN_ICMP;
		S->code6 = $val;
		S->has_code6 = true;
	}
	;

route:
	%empty
	| FASTROUTE { S->route = PF_FASTROUTE; }
	| ROUTE_TO { S->route = PF_ROUTE_TO; } route_pool
	| REPLY_TO { S->route = PF_REPLY_TO; } route_pool
	| DUP_TO { S->route = PF_DUP_TO; } route_pool
	;
route_pool:
	route_hosts { S->route_pool.is_set = true; S->route_pool.hosts = $1; p->pool = &S->route_pool; } pool_opts
	;
route_hosts:
	route_host { $$ = list_of($1); }
	| '{' nls route_items '}' { $$ = $3; }
	;
route_items:
	route_host nls { $$ = list_of($1); }
	| route_items[l] comma route_host[i] nls { $$ = list_join($l, list_of($i)); }
	;
route_host:
	STRING { $$ = pf_route_host(p, $1, NULL); }
	| STRING '/' STRING { $$ = pf_route_host(p, NULL, NULL); }
	| '<' STRING '>' { $$ = pf_host(p, PF_HOST_TABLE, $2, -1); }
	| '(' STRING host ')' { $$ = pf_route_host(p, $2, $3); }
	;

filter_opts: %empty | filter_opts filter_opt ;
filter_opt:
	USER ids { S->users = list_join($ids, S->users); }
	| GROUP ids { S->groups = list_join($ids, S->groups); }
	| FLAGS { if (S->has_flags) BAD("flags cannot be redefined"); } flags { S->has_flags = true; }
	| ICMP_TYPE icmps { if (!pf_icmp(p, PF_AF_INET, &$icmps)) YYERROR; }
	| ICMP6_TYPE icmps { if (!pf_icmp(p, PF_AF_INET6, &$icmps)) YYERROR; }
	| PRIO NUMBER {
		if (S->has_prio)
			BAD("prio cannot be redefined");
		if ($NUMBER < 0 || $NUMBER > 7)
			BAD("prio must be 0 - 7");
		S->has_prio = true;
		S->prio = $NUMBER;
	}
	| TOS val {
		if (S->has_tos)
			BAD("tos cannot be redefined");
		S->has_tos = true;
		S->tos = $val;
	}
	| state
	| RIDENTIFIER number { S->ridentifier = $number; }
	| FRAGMENT { S->fragment = true; }
	| ALLOW_OPTS { S->allow_opts = true; }
	| ONCE { S->once = true; }
	| LABEL STRING { if (!pf_label(p, $STRING)) YYERROR; }
	| queue_use
	| DNPIPE number { S->dn[0] = $number; S->dn[1] = 0; S->dn_is_queue = false; }
	| DNPIPE '(' number[a] ')' { S->dn[0] = $a; S->dn[1] = 0; S->dn_is_queue = false; }
	| DNPIPE '(' number[a] comma number[b] ')' { S->dn[0] = $a; S->dn[1] = $b; S->dn_is_queue = false; }
	| DNQUEUE number { S->dn[0] = $number; S->dn[1] = 0; S->dn_is_queue = true; }
	| DNQUEUE '(' number[a] ')' { S->dn[0] = $a; S->dn[1] = 0; S->dn_is_queue = true; }
	| DNQUEUE '(' number[a] comma number[b] ')' { S->dn[0] = $a; S->dn[1] = $b; S->dn_is_queue = true; }
	| TAG words { S->tag = $words; }
	| tagged
	| PROBABILITY val { S->has_probability = true; S->probability = $val; }
	| rtable
	| DIVERT_TO range { S->has_divert = true; S->divert_port = $range; }
	| DIVERT_TO STRING PORT range {
		S->has_divert = true;
		S->divert_host = $STRING;
		S->divert_port = $range;
	}
	| DIVERT_REPLY { S->divert_reply = true; }
	| SCRUB '(' { S->scrub.given = true; } scrub_opts ')'
	| SET set_item
	| SET '(' set_items ')'
	| RECEIVED_ON STRING { S->rcv_if = $STRING; }
	| '!' RECEIVED_ON STRING { S->rcv_if = $STRING; S->rcv_if_not = true; }
	| NAT_TO { p->pool = &S->nat; } pool
	| RDR_TO { p->pool = &S->rdr; } pool
	| BINAT_TO { p->pool = &S->nat; S->binat_to = true; } pool
	| AF_TO af { S->af_to = (uint8_t)$af; } FROM { p->pool = &S->nat; } pool af_to_dst
	;
af_to_dst: %empty | TO { p->pool = &S->rdr; } pool ;

rtable:
	RTABLE NUMBER {
		if ($NUMBER < 0 || $NUMBER > PF_RTABLE_MAX)
			BAD("invalid rtable id");
		S->rtable = $NUMBER;
	}
	;
tagged:
	TAGGED words { S->tagged = $words; S->tagged_not = false; }
	| '!' TAGGED words { S->tagged = $words; S->tagged_not = true; }
	;
flags:
	STRING[set] '/' STRING[mask] { S->flags = $set; S->flag_mask = $mask; }
	| '/' STRING[mask] { S->flags = ""; S->flag_mask = $mask; }
	| ANY { S->flags_any = true; }
	;
queue_use:
	QUEUE STRING { S->queue = $STRING; S->pqueue = NULL; }
	| QUEUE '(' STRING[q] ')' { S->queue = $q; S->pqueue = NULL; }
	| QUEUE '(' STRING[q] comma STRING[pq] ')' { S->queue = $q; S->pqueue = $pq; }
	;
set_items: set_item | set_items comma set_item ;
set_item:
	PRIO NUMBER { S->n_set_prio = 1; S->set_prio[0] = $NUMBER; }
	| PRIO '(' NUMBER[a] ')' { S->n_set_prio = 1; S->set_prio[0] = $a; }
	| PRIO '(' NUMBER[a] comma NUMBER[b] ')' {
		S->n_set_prio = 2;
		S->set_prio[0] = $a;
		S->set_prio[1] = $b;
	}
	| TOS val { S->has_set_tos = true; S->set_tos = $val; }
	;

state:
	NO STATE { if (!pf_state(p, PF_STATE_NONE, NULL)) YYERROR; }
	| KEEP STATE state_opts { if (!pf_state(p, PF_STATE_KEEP, &$3)) YYERROR; }
	| MODULATE STATE state_opts { if (!pf_state(p, PF_STATE_MODULATE, &$3)) YYERROR; }
	| SYNPROXY STATE state_opts { if (!pf_state(p, PF_STATE_SYNPROXY, &$3)) YYERROR; }
	;
state_opts:
	%empty { $$ = list_of(NULL); }
	| '(' state_list ')' { $$ = $2; }
	;
state_list:
	state_opt { $$ = list_of($1); }
	| state_list[l] comma state_opt[i] { $$ = list_join($l, list_of($i)); }
	;
state_opt:
	MAX NUMBER { $$ = item2(p, PF_SO_MAX, a_num($2), a_num(0)); }
	| NO_SYNC { $$ = item2(p, PF_SO_NO_SYNC, a_num(0), a_num(0)); }
	| MAX_SRC_STATES NUMBER { $$ = item2(p, PF_SO_MAX_SRC_STATES, a_num($2), a_num(0)); }
	| MAX_SRC_CONN NUMBER { $$ = item2(p, PF_SO_MAX_SRC_CONN, a_num($2), a_num(0)); }
	| MAX_SRC_CONN_RATE NUMBER[n] '/' NUMBER[s] {
		$$ = item2(p, PF_SO_MAX_SRC_CONN_RATE, a_num($n), a_num($s));
	}
	| MAX_SRC_NODES NUMBER { $$ = item2(p, PF_SO_MAX_SRC_NODES, a_num($2), a_num(0)); }
	| OVERLOAD '<' STRING '>' flush {
		$$ = item2(p, PF_SO_OVERLOAD, a_word($STRING), a_num($flush));
	}
	| SOURCE_TRACK track { $$ = item2(p, PF_SO_TRACK, a_num($2), a_num(0)); }
	| bound { $$ = item2(p, PF_SO_BOUND, a_num($1), a_num(0)); }
	| SLOPPY { $$ = item2(p, PF_SO_SLOPPY, a_num(0), a_num(0)); }
	| ALLOW_RELATED { $$ = item2(p, PF_SO_RELATED, a_num(0), a_num(0)); }
	| STRING NUMBER { $$ = item2(p, PF_SO_TIMEOUT, a_word($1), a_num($2)); }
	| INTERVAL NUMBER { $$ = item2(p, PF_SO_TIMEOUT, a_word("interval"), a_num($2)); }
	;
flush:
	%empty { $$ = 0; }
	| FLUSH { $$ = PF_FLUSH; }
	| FLUSH GLOBAL { $$ = PF_FLUSH | PF_FLUSH_GLOBAL; }
	;
track:
	%empty { $$ = PF_TRACK_ON; }
	| GLOBAL { $$ = PF_TRACK_GLOBAL; }
	| RULE { $$ = PF_TRACK_RULE; }
	;

/* --- anchors --- */

anchor:
	ANCHOR maybe_name dir logquick interface af {
		S->kind = PF_STMT_ANCHOR;
		S->name = $maybe_name;
		S->dir = (uint8_t)$dir;
		S->af = (uint8_t)$af;
	}
	proto fromto filter_opts anchor_body
	;
maybe_name:
	%empty { $$ = NULL; }
	| STRING
	;
anchor_body:
	%empty
	| '{' NL { if (!pf_anchor_open(p)) YYERROR; } anchor_lines '}' { pf_anchor_close(p); }
	;
anchor_lines:
	%empty
	| anchor_lines NL
	| anchor_lines filter NL { pf_stmt_end(p); }
	| anchor_lines anchor NL { pf_stmt_end(p); }
	| anchor_lines error NL { pf_stmt_drop(p); yyerrok; }
	;

trans_anchor:
	trans_anchor_word words interface af {
		S->kind = PF_STMT_TRANS_ANCHOR;
		S->name = $words;
		S->af = (uint8_t)$af;
	}
	proto fromto rtable_maybe
	;
trans_anchor_word:
	NAT_ANCHOR { S->trans = PF_NAT; }
	| RDR_ANCHOR { S->trans = PF_RDR; }
	| BINAT_ANCHOR { S->trans = PF_BINAT; }
	;
rtable_maybe: %empty | rtable ;

load_anchor:
	LOAD ANCHOR words[name] FROM words[file] {
		S->kind = PF_STMT_LOAD_ANCHOR;
		S->name = $name;
		S->file = $file;
	}
	;

antispoof:
	ANTISPOOF { S->kind = PF_STMT_ANTISPOOF; } logquick FOR antispoof_ifs af {
		S->ifs = $antispoof_ifs;
		S->af = (uint8_t)$af;
	}
	antispoof_opts
	;
antispoof_ifs:
	antispoof_if { $$ = list_of($1); }
	| '{' nls antispoof_items '}' { $$ = $3; }
	;
antispoof_items:
	antispoof_if nls { $$ = list_of($1); }
	| antispoof_items[l] comma antispoof_if[i] nls { $$ = list_join($l, list_of($i)); }
	;
antispoof_if:
	if_item
	| '(' STRING ')' { if (($$ = item(p, a_word($STRING))) != NULL) $$->kind = PF_HOST_DYN; }
	;
antispoof_opts: %empty | antispoof_opts antispoof_opt ;
antispoof_opt:
	LABEL STRING { if (!pf_label(p, $STRING)) YYERROR; }
	| RIDENTIFIER number { S->ridentifier = $number; }
	| rtable
	;

/* --- scrub rules --- */

scrub:
	SCRUB { S->kind = PF_STMT_SCRUB; } scrub_rest
	| NO SCRUB { S->kind = PF_STMT_SCRUB; S->no = true; } scrub_rest
	;
scrub_rest:
	dir { S->dir = (uint8_t)$dir; } logquick interface af { S->af = (uint8_t)$af; }
	proto fromto scrub_opts_maybe
	;
scrub_opts_maybe: %empty | scrub_opts ;
scrub_opts: scrub_opt | scrub_opts comma scrub_opt ;
scrub_opt:
	NO_DF {
		if (S->scrub.no_df)
			BAD("no-df cannot be respecified");
		S->scrub.no_df = true;
	}
	| MIN_TTL NUMBER {
		if (S->scrub.min_ttl != 0)
			BAD("min-ttl cannot be respecified");
		if ($NUMBER < 0 || $NUMBER > 255)
			BAD("illegal min-ttl value %lld", $NUMBER);
		S->scrub.min_ttl = $NUMBER;
	}
	| MAX_MSS NUMBER {
		if (S->scrub.max_mss != 0)
			BAD("max-mss cannot be respecified");
		if ($NUMBER < 0 || $NUMBER > 65535)
			BAD("illegal max-mss value %lld", $NUMBER);
		S->scrub.max_mss = $NUMBER;
	}
	| SET_TOS val {
		if (S->scrub.has_set_tos)
			BAD("set-tos cannot be respecified");
		S->scrub.has_set_tos = true;
		S->scrub.set_tos = $val;
	}
	| RANDOM_ID {
		if (S->scrub.random_id)
			BAD("random-id cannot be respecified");
		S->scrub.random_id = true;
	}
	| REASSEMBLE STRING { if (!pf_reassemble_tcp(p, $STRING)) YYERROR; }
	| FRAGMENT REASSEMBLE { if (!pf_fragment(p, 1)) YYERROR; }
	| FRAGMENT NO REASSEMBLE { if (!pf_fragment(p, 0)) YYERROR; }
	| rtable
	| tagged
	;

/* --- translation --- */

nat:
	nat_word { S->kind = PF_STMT_NAT; } nat_pass log_maybe interface af { S->af = (uint8_t)$af; }
	proto fromto nat_tag nat_tagged rtable_maybe nat_target
	;
nat_word:
	NAT { S->trans = PF_NAT; }
	| RDR { S->trans = PF_RDR; }
	| NO NAT { S->trans = PF_NAT; S->no = true; }
	| NO RDR { S->trans = PF_RDR; S->no = true; }
	;
nat_pass: %empty | PASS { S->pass = true; } ;
nat_tag: %empty | TAG STRING { S->tag = $STRING; } ;
nat_tagged: %empty | tagged ;
nat_target:
	pool_opts_none
	| ARROW { p->pool = S->trans == PF_RDR ? &S->rdr : &S->nat; } pool
	;
pool_opts_none: %empty ;

pool:
	pool_hosts pool_port pool_opts { p->pool->is_set = true; p->pool->hosts = $1; }
	;
pool_hosts: hosts ;
pool_port:
	%empty
	| PORT val { p->pool->has_port = true; p->pool->port = $val; }
	;
pool_opts: %empty | pool_opts pool_opt ;
pool_opt:
	BITMASK { if (!pf_pool_type(p, PF_POOL_BITMASK)) YYERROR; }
	| RANDOM { if (!pf_pool_type(p, PF_POOL_RANDOM)) YYERROR; }
	| ROUND_ROBIN { if (!pf_pool_type(p, PF_POOL_ROUNDROBIN)) YYERROR; }
	| SOURCE_HASH { if (!pf_pool_type(p, PF_POOL_SOURCEHASH)) YYERROR; p->pool->has_key = true; }
	| SOURCE_HASH words {
		if (!pf_pool_type(p, PF_POOL_SOURCEHASH))
			YYERROR;
		p->pool->has_key = true;
		p->pool->key = $words;
	}
	| STATIC_PORT {
		if (p->pool->static_port)
			BAD("static-port cannot be redefined");
		p->pool->static_port = true;
	}
	| STICKY_ADDRESS {
		if (p->pool->sticky)
			BAD("sticky-address cannot be redefined");
		p->pool->sticky = true;
	}
	| ENDPOINT_INDEPENDENT { p->pool->endpoint_independent = true; }
	| MAP_E_PORTSET number[a] '/' number[b] '/' number[c] {
		if (p->pool->has_mape)
			BAD("map-e-portset cannot be redefined");
		if (!pf_mape(p, $a, $b, $c))
			YYERROR;
	}
	;

binat:
	binat_word { S->kind = PF_STMT_BINAT; S->trans = PF_BINAT; } nat_pass log_maybe
	interface af { S->af = (uint8_t)$af; } proto FROM hosts[src] { S->src.hosts = $src; }
	binat_to nat_tag nat_tagged rtable_maybe binat_target
	;
binat_word: BINAT | NO BINAT { S->no = true; } ;
binat_to: %empty | TO hosts { S->dst.hosts = $hosts; } ;
binat_target:
	%empty
	| ARROW { p->pool = &S->nat; } hosts pool_port { S->nat.is_set = true; S->nat.hosts = $hosts; }
	;

/* --- ether rules --- */

ether:
	ETHER ether_action dir { S->kind = PF_STMT_ETHER; S->dir = (uint8_t)$dir; } ether_quick
	interface ether_bridge proto ether_fromto ether_l3 ether_opts
	;
ether_action:
	PASS { S->action = PF_PASS; }
	| MATCH { S->action = PF_MATCH; }
	| BLOCK { S->action = PF_BLOCK; }
	;
ether_quick: %empty | QUICK { S->quick = true; } ;
ether_bridge: %empty | BRIDGE_TO STRING { S->bridge_to = $STRING; } ;
ether_fromto:
	%empty
	| ALL
	| FROM macs { S->macs_src = $2; }
	| FROM macs[a] TO macs[b] { S->macs_src = $a; S->macs_dst = $b; }
	| TO macs { S->macs_dst = $2; }
	;
macs:
	mac { $$ = list_of($1); }
	| '{' nls mac_items '}' { $$ = $3; }
	;
mac_items:
	mac nls { $$ = list_of($1); }
	| mac_items[l] comma mac[i] nls { $$ = list_join($l, list_of($i)); }
	;
mac:
	STRING { $$ = pf_host(p, 0, $1, -1); }
	| STRING '/' NUMBER { $$ = pf_host(p, 0, $1, $3); }
	| '!' STRING { if (($$ = pf_host(p, 0, $2, -1)) != NULL) $$->not = true; }
	| '!' STRING '/' NUMBER { if (($$ = pf_host(p, 0, $2, $4)) != NULL) $$->not = true; }
	| ANY { $$ = item2(p, PF_HOST_ANY, a_word(NULL), a_word(NULL)); }
	;
ether_l3: %empty | L3 fromto ;
ether_opts: %empty | ether_opts ether_opt ;
ether_opt:
	QUEUE STRING { S->queue = $STRING; }
	| QUEUE '(' STRING ')' { S->queue = $STRING; }
	| RIDENTIFIER number { S->ridentifier = $number; }
	| LABEL STRING { if (!pf_label(p, $STRING)) YYERROR; }
	| TAG words { S->tag = $words; }
	| tagged
	| DNPIPE number { S->dn[0] = $number; S->dn_is_queue = false; }
	| DNQUEUE number { S->dn[0] = $number; S->dn_is_queue = true; }
	;
ether_anchor:
	ETHER ANCHOR maybe_name dir ether_quick interface {
		S->kind = PF_STMT_ETHER_ANCHOR;
		S->name = $maybe_name;
		S->dir = (uint8_t)$dir;
	}
	proto ether_fromto ether_l3 ether_anchor_body
	;
ether_anchor_body:
	%empty
	| '{' NL { if (!pf_anchor_open(p)) YYERROR; } ether_lines '}' { pf_anchor_close(p); }
	;
ether_lines:
	%empty
	| ether_lines NL
	| ether_lines ether NL { pf_stmt_end(p); }
	| ether_lines ether_anchor NL { pf_stmt_end(p); }
	| ether_lines error NL { pf_stmt_drop(p); yyerrok; }
	;

/* --- queues --- */

altq:
	ALTQ ON ifs { S->kind = PF_STMT_ALTQ; S->ifs = $ifs; } queue_opts QUEUE children {
		S->q.children = $children;
	}
	;
queue:
	QUEUE STRING { S->kind = PF_STMT_QUEUE; S->q.name = $STRING; } interface queue_opts
	queue_children
	;
queue_children: %empty | children { S->q.children = $children; } ;
children:
	queue_child { $$ = list_of($1); }
	| '{' nls child_items '}' { $$ = $3; }
	;
child_items:
	queue_child nls { $$ = list_of($1); }
	| child_items[l] comma queue_child[i] nls { $$ = list_join($l, list_of($i)); }
	;
queue_child: STRING { $$ = item(p, a_word($STRING)); } ;

queue_opts: %empty | queue_opts queue_opt ;
queue_opt:
	BANDWIDTH val {
		if (S->q.has_bandwidth)
			BAD("bandwidth cannot be respecified");
		S->q.has_bandwidth = true;
		S->q.bandwidth = $val;
	}
	| PRIORITY NUMBER {
		if (S->q.has_priority)
			BAD("priority cannot be respecified");
		if ($NUMBER < 0 || $NUMBER > 255)
			BAD("priority out of range: max 255");
		S->q.has_priority = true;
		S->q.priority = $NUMBER;
	}
	| QLIMIT NUMBER {
		if (S->q.has_qlimit)
			BAD("qlimit cannot be respecified");
		if ($NUMBER < 0 || $NUMBER > 65535)
			BAD("qlimit out of range: max 65535");
		S->q.has_qlimit = true;
		S->q.qlimit = $NUMBER;
	}
	| TBRSIZE NUMBER {
		if (S->q.has_tbrsize)
			BAD("tbrsize cannot be respecified");
		if ($NUMBER < 0 || $NUMBER > UINT32_MAX)
			BAD("tbrsize too big: max %u", UINT32_MAX);
		S->q.has_tbrsize = true;
		S->q.tbrsize = $NUMBER;
	}
	| sched
	;
sched:
	sched_flags_word sched_flags { S->q.flags = $sched_flags; }
	| HFSC { S->q.sched = PF_HFSC; } hfsc
	| FAIRQ { S->q.sched = PF_FAIRQ; } fairq
	| CODELQ { S->q.sched = PF_CODELQ; } codel
	;
sched_flags_word:
	CBQ { S->q.sched = PF_CBQ; }
	| PRIQ { S->q.sched = PF_PRIQ; }
	;
sched_flags:
	%empty { $$ = list_of(NULL); }
	| '(' flag_items ')' { $$ = $2; }
	;
flag_items:
	flag { $$ = list_of($1); }
	| flag_items[l] comma flag[i] { $$ = list_join($l, list_of($i)); }
	;
flag: STRING { $$ = item(p, a_word($STRING)); } ;

hfsc: %empty | '(' hfsc_opts ')' ;
hfsc_opts: hfsc_opt | hfsc_opts comma hfsc_opt ;
hfsc_opt:
	flag { struct pf_items l = list_of($1); pf_items_join(&S->q.flags, &l); }
	| LINKSHARE curve { S->q.linkshare = $curve; }
	| REALTIME curve { S->q.realtime = $curve; }
	| UPPERLIMIT curve { S->q.upperlimit = $curve; }
	;
curve:
	val { $$ = (struct pf_curve_stmt){ .given = true, .m2 = $1 }; }
	| '(' val[a] comma NUMBER comma val[b] ')' {
		$$ = (struct pf_curve_stmt){ .given = true, .two = true, .m1 = $a, .d = $NUMBER, .m2 = $b };
	}
	;
fairq: %empty | '(' fairq_opts ')' ;
fairq_opts: fairq_opt | fairq_opts comma fairq_opt ;
fairq_opt:
	flag { struct pf_items l = list_of($1); pf_items_join(&S->q.flags, &l); }
	| LINKSHARE curve { S->q.linkshare = $curve; }
	| HOGS val { S->q.has_hogs = true; S->q.hogs = $val; }
	| BUCKETS number { S->q.buckets = $number; }
	;
codel: %empty | '(' codel_opts ')' ;
codel_opts: codel_opt | codel_opts comma codel_opt ;
codel_opt:
	flag { struct pf_items l = list_of($1); pf_items_join(&S->q.flags, &l); }
	| TARGET number { S->q.target = $number; }
	| INTERVAL number { S->q.interval = $number; }
	;
%%
