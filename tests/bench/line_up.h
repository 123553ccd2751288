/* line_up.h - everybody who is measured, and the servers behind them. */
#ifndef WAT_BENCH_LINE_UP_H
#define WAT_BENCH_LINE_UP_H

#include "tests/bench/contestants.h"
#include "tests/bench/report.h"

struct line_up {
	struct echo echo, echo_tcp;
	struct node node;
	struct contestant contestants[N_CONTESTANTS]; /* run is NULL: takes no part */
	char redis_version[32];
};

/* Those whose programs are not there are left out, and that is said. */
void line_up_start(struct line_up *ret, const char *dir);
void line_up_end(struct line_up *line_up);

#endif
