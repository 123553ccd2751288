/* sandbox.c - the stages: limits, Landlock, then the list of system calls, which comes last since
 * it forbids what came before. */
#include "daemon/host/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/call_filter.h"
#include "daemon/base/sanitized.h"
#include "daemon/host/sandbox_calls.h"
#include "proto/support/cleanup.h"

#define N(array) (sizeof(array) / sizeof *(array))

/* Where libraries of plugins are; a kernel without one of the directories has none there. */
static const struct landlock_place libraries[] = {
	{"/lib", LANDLOCK_LOAD, true},           {"/lib64", LANDLOCK_LOAD, true},
	{"/usr/lib", LANDLOCK_LOAD, true},       {"/usr/lib64", LANDLOCK_LOAD, true},
	{"/usr/local/lib", LANDLOCK_LOAD, true}, {"/etc/ld.so.cache", LANDLOCK_LOAD, true},
};

/* Who connects to others wants to know their addresses by name. */
static const struct landlock_place names[] = {
	{"/etc/resolv.conf", LANDLOCK_READ, true},   {"/etc/hosts", LANDLOCK_READ, true},
	{"/etc/nsswitch.conf", LANDLOCK_READ, true}, {"/etc/gai.conf", LANDLOCK_READ, true},
	{"/etc/host.conf", LANDLOCK_READ, true},     {"/etc/services", LANDLOCK_READ, true},
};

static int say(char text[static SANDBOX_TEXT_MAX], const char *what, const char *about, int r)
{
	(void)snprintf(text, SANDBOX_TEXT_MAX, "the host can't be confined: %s%s%.160s: %s", what,
		       about ? " " : "", about ? about : "", strerror(-r));
	return r;
}

static int allow(int rules,
		 const struct sandbox_wants *wants,
		 const struct landlock_place *places,
		 size_t n,
		 bool to_load,
		 char *text)
{
	for (size_t i = 0; i < n; i++) {
		int r = places[i].use != LANDLOCK_LOAD || to_load
				? landlock_allow(rules, &places[i], wants->landlock)
				: 0;

		if (r < 0)
			return say(text, "Landlock", places[i].path, r);
	}
	return 0;
}

/* to_load: of stage one. */
static int make_rules(const struct sandbox_wants *wants, bool to_load, char *text)
{
	_cleanup_(fd_closep) int rules = landlock_rules(wants->net, wants->landlock);
	int r;

	if (rules < 0)
		return say(text, "Landlock", NULL, rules);
	if ((r = allow(rules, wants, libraries, N(libraries), to_load, text)) < 0 ||
	    (r = allow(rules, wants, names, wants->net ? N(names) : 0, to_load, text)) < 0 ||
	    (r = allow(rules, wants, wants->places, wants->n_places, to_load, text)) < 0)
		return r;
	return fd_take(&rules);
}

static int lock_files(struct sandbox *sandbox, const struct sandbox_wants *wants, char *text)
{
	_cleanup_(fd_closep) int rules = make_rules(wants, true, text);
	int r;

	if (rules < 0)
		return rules;
	/* Made before, stage two has to open and ask for nothing. */
	if (!wants->pool)
		sandbox->rules = make_rules(wants, false, text);
	if (!wants->pool && sandbox->rules < 0)
		return sandbox->rules;
	r = landlock_enter(rules);
	return r < 0 ? say(text, "Landlock", NULL, r) : 0;
}

/* A root without privileges is anybody who owns root's files. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3], none[N(now)] = {{0}};

	/* A service manager that left watd none may not let it ask, either. */
	if (syscall(SYS_capget, &header, now) == 0 && memcmp(now, none, sizeof now) == 0)
		return 0;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int filter_calls(struct sandbox *sandbox, enum sandbox_stage stage, bool pool)
{
	struct sandbox_calls calls = {
		.stage_two = stage == SANDBOX_TWO,
		.to_be_closed = stage == SANDBOX_ONE && !pool,
		.reads = sandbox->reads || sandbox->net,
		.writes = sandbox->writes,
		.net = sandbox->net,
	};
	struct call_filter filter;

	sandbox_calls_fill(&filter, &calls);
	return call_filter_enter(&filter, stage == SANDBOX_TWO);
}

/* What libraries do once, and not where it is forbidden. */
static void warm_up(void)
{
	tzset();
}

static void note_needs(struct sandbox *sandbox, const struct sandbox_wants *wants)
{
	sandbox->net = wants->net;
	for (size_t i = 0; i < wants->n_places; i++) {
		sandbox->reads |= wants->places[i].use == LANDLOCK_READ;
		sandbox->writes |= wants->places[i].use == LANDLOCK_WRITE;
	}
}

int sandbox_enter(struct sandbox *sandbox,
		  const struct sandbox_wants *wants,
		  char text[static SANDBOX_TEXT_MAX])
{
	int r;

	if (WAT_SANITIZED) {
		sandbox->stage = SANDBOX_OFF;
		return 0;
	}
	warm_up();
	note_needs(sandbox, wants);
	/* A file that is as large as it may be is an error of whoever writes, and no signal. */
	(void)signal(SIGXFSZ, SIG_IGN);
	r = drop_capabilities();
	if (r < 0)
		return say(text, "its capabilities", NULL, r);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return say(text, "no_new_privs", NULL, -errno);
	if (wants->landlock == 0 && wants->pool && !wants->trusted)
		return say(text, "a pool, where the kernel has no Landlock", NULL, -EOPNOTSUPP);
	r = wants->landlock > 0 ? lock_files(sandbox, wants, text) : 0;
	if (r < 0)
		return r;
	r = filter_calls(sandbox, SANDBOX_ONE, wants->pool);
	if (r < 0)
		return say(text, "seccomp", NULL, r);
	sandbox->stage = SANDBOX_ONE;
	return 0;
}

int sandbox_close(struct sandbox *sandbox, char text[static SANDBOX_TEXT_MAX])
{
	int r;

	if (sandbox->stage != SANDBOX_ONE)
		return 0;
	if (sandbox->rules >= 0) {
		r = landlock_enter(sandbox->rules);
		if (r < 0)
			return say(text, "Landlock, after loading", NULL, r);
		sandbox->rules = fd_close(sandbox->rules);
	}
	r = filter_calls(sandbox, SANDBOX_TWO, false);
	if (r < 0)
		return say(text, "seccomp, after loading", NULL, r);
	sandbox->stage = SANDBOX_TWO;
	return 0;
}
