/* main.c - watd-gate: started by watd with the link at descriptor 3, gives up what it does not
 * need, serves until watd goes. */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/base/log.h"
#include "daemon/base/title.h"
#include "daemon/gate/gate.h"
#include "daemon/gate/sandbox.h"

static int fail(int r, const char *what)
{
	log_error(what, "error", strerror(-r));
	return EX_OSERR;
}

/* What later calls would open or look up is there before the sandbox is. */
static int prepare(void)
{
	/* systemd may send it to every process of the service; the end comes from watd. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	return sodium_init() < 0 ? -ENOSYS : 0;
}

int main(int argc, char **argv)
{
	struct gate gate;
	int r = prepare();

	title_init(argc, argv);
	title_set("watd: gate");
	if (r < 0)
		return fail(r, "the gate has no source of randomness");
	r = sandbox_drop_root();
	if (r < 0)
		return fail(r, "the gate can't give up root; it needs an account watd-gate");
	r = gate_init(&gate, GATE_LINK_FD);
	if (r == 0)
		r = gate_start(&gate, sandbox_enter);
	if (r < 0)
		return fail(r, "the gate can't shut itself in");
	r = gate_run(&gate);
	gate_deinit(&gate);
	return r < 0 ? fail(r, "the gate can't go on") : EXIT_SUCCESS;
}
