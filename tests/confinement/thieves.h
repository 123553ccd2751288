/* thieves.h - a watd with the plugins that want more than they get. */
#ifndef WAT_TESTS_THIEVES_H
#define WAT_TESTS_THIEVES_H

#include "burglar.client.h"
#include "clerk.client.h"
#include "tests/scenario/configured.h"

struct thieves {
	struct configured *c;
	char plugins[64], keyring[128];
	wat *w;
	wat_node *node;
};

/* As cmocka fixtures; *state is the struct thieves. watd was not started. */
int thieves_set_up(void **state);
int thieves_tear_down(void **state);
#define THIEVES_CASE(test) cmocka_unit_test_setup_teardown(test, thieves_set_up, thieves_tear_down)

/* watd runs with that configuration, and there is a keyring in its directory. */
void thieves_start(struct thieves *t, const char *configuration);

/* 0, or what wat_failure tells of. */
int thieves_spawn(struct thieves *t, const char *name, uint32_t tier, burglar_user **ret);
/* Its host's process. */
pid_t thieves_host(struct thieves *t, const char *name);

#endif
