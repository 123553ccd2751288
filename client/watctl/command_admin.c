/* command_admin.c - admin: whoever manages the node makes one more Admin of an instance, for one
 * that the configuration began, or whose Admin was lost. */
#include <stdio.h>

#include <jansson.h>

#include "client/watctl/commands.h"
#include "client/watctl/connection.h"
#include "client/watctl/hold.h"
#include "client/watctl/output.h"
#include "client/watctl/problem.h"

static int print_admin(const struct watctl *ctl, const char *name, uint32_t ended)
{
	json_auto_t *view = json_pack("{s:s, s:s, s:I}", "name", name, "admin", "is in the keyring",
				      "ended", (json_int_t)ended);

	if (!view)
		return problem_memory(ctl);
	if (ctl->values[WATCTL_OUT])
		(void)json_object_set_new(view, "out", json_string(ctl->values[WATCTL_OUT]));
	if (ctl->json) {
		output_json(view);
		return 0;
	}
	printf("an Admin of %s is in the keyring\n", name);
	if (ended > 0)
		printf("%u other%s ended\n", ended, ended == 1 ? "" : "s");
	return 0;
}

/* There is a place for it before it is made. */
int command_admin(struct watctl *ctl)
{
	_cleanup_(keyring_freep) struct keyring *keyring = NULL;
	_cleanup_(token_file_freep) struct token_file *kept = NULL, *out = NULL;
	_cleanup_(wat_memory_freep) char *token = NULL;
	const char *name = watctl_argument(ctl, 0);
	uint32_t ended = 0;
	int r;

	if ((r = hold_check_name(ctl, "an instance", name)) != 0 ||
	    (r = hold_keyring(ctl, &keyring)) != 0 ||
	    (r = hold_reserve(ctl, keyring, name, NULL, &kept)) != 0 ||
	    (r = hold_reserve_out(ctl, &out)) != 0)
		return r;
	r = wat_mint_admin_raw(ctl->node, name, watctl_given(ctl, WATCTL_ONLY) ? WAT_ADMIN_ONLY : 0,
			       &token, &ended);
	if (r != 0)
		return problem_call(ctl, name, r);
	if ((r = hold_commit(ctl, name, kept, token)) != 0 ||
	    (out && (r = hold_commit(ctl, name, out, token)) != 0))
		return r;
	return print_admin(ctl, name, ended);
}
