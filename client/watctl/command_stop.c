/* command_stop.c - stop: the incarnation ends, and its final state is printed. */
#include <sodium.h>
#include <stdio.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/message.h"
#include "client/watctl/problem.h"

/* On stderr: the state alone goes to stdout. */
static void tell_left(const wat_capability *admin, const char *name)
{
	const struct wat_user_left *users;
	size_t n, all = wat_users_left(admin, &users, &n);
	char id[33] = "";

	if (all > 0)
		fprintf(stderr, "watctl: %zu user%s of %s %s left without deprovision:\n", all,
			all == 1 ? "" : "s", name, all == 1 ? "was" : "were");
	for (size_t i = 0; i < n; i++) {
		if (users[i].grant_id)
			(void)sodium_bin2hex(id, sizeof id, users[i].grant_id, 16);
		fprintf(stderr, "  %s  %s%s\n", id, users[i].name,
			users[i].channels > 0 ? "  (connected)" : "");
	}
	if (n < all)
		fprintf(stderr, "  and %zu more\n", all - n);
}

/* Everything that the answer needs to be read is there before anything is stopped. */
int command_stop(struct watctl *ctl)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(wat_capability_freep) wat_capability *admin = NULL;
	_cleanup_(schema_freep) struct schema *schema = NULL;
	_cleanup_(wat_memory_freep) uint8_t *state = NULL;
	const char *name = watctl_argument(ctl, 0), *type;
	size_t n;
	int r;

	if ((r = hold_check_name(ctl, "an instance", name)) != 0 ||
	    (r = hold_keyring(ctl, &keyring)) != 0 ||
	    (r = hold_open_admin(ctl, keyring, name, &admin)) != 0 ||
	    (r = hold_schema(ctl, admin, &schema)) != 0)
		return r;
	type = schema_state(schema, wat_capability_service(admin));
	if (!type || !schema_message(schema, type))
		return problem(ctl, WAT_DATA_LOSS, "the schema of %s names no state",
			       wat_capability_service(admin));
	r = wat_stop_raw(admin, &state, &n);
	if (r != 0)
		return problem_call(ctl, name, r);
	tell_left(admin, name);
	return message_print(ctl, schema, type, state, n);
}
