/* hold.c - the capabilities that a user holds. Tokens are wiped when they have been handed to
 * libwat. */
#include "client/watctl/hold.h"

#include <errno.h>
#include <string.h>

#include "client/watctl/choose.h"
#include "client/watctl/connection.h"
#include "client/watctl/message.h"
#include "client/watctl/problem.h"

int hold_keyring(struct watctl *ctl, struct keyring **ret)
{
	int r = connection_open(ctl);

	if (r != 0)
		return r;
	r = keyring_new(wat_node_id(ctl->connection), ret);
	if (r == -ENOMEM)
		return problem_memory(ctl);
	return r < 0 ? problem_exit(ctl, WATCTL_CONFIG, WAT_FAILED_PRECONDITION,
				    "there is no place for a keyring, since you have no home; name "
				    "one with $WAT_KEYRING")
		     : 0;
}

int hold_check_name(const struct watctl *ctl, const char *what, const char *name)
{
	if (keyring_name_ok(name))
		return 0;
	return problem(ctl, WAT_INVALID_ARGUMENT,
		       "\"%s\" can't be the name of %s: 1 to 63 of a-z 0-9 . _ -, a letter or "
		       "digit first",
		       name, what);
}

int hold_reserve(const struct watctl *ctl,
		 const struct keyring *keyring,
		 const char *instance,
		 const char *user,
		 struct token_file **ret)
{
	int r = keyring_reserve(keyring, instance, user, ret);

	if (r == -ENOMEM)
		return problem_memory(ctl);
	return r < 0 ? problem_file(ctl, "no token can be kept in the keyring",
				    keyring_path(keyring), r)
		     : 0;
}

int hold_reserve_out(const struct watctl *ctl, struct token_file **ret)
{
	const char *out = ctl->values[WATCTL_OUT];
	int r = out ? token_file_reserve(out, ret) : 0;

	return r < 0 ? problem_file(ctl, "no token can be written to", out, r) : 0;
}

int hold_commit(const struct watctl *ctl,
		const char *what,
		struct token_file *file,
		const char *token)
{
	int r = token_file_commit(file, token);

	return r < 0 ? problem_exit(ctl, WATCTL_CONFIG, WAT_DATA_LOSS,
				    "%s was made, but its token could not be kept: %s", what,
				    strerror(-r))
		     : 0;
}

/* Binds, and sees that it is for the instance that was named. */
static int open_token(struct watctl *ctl,
		      int role,
		      const char *instance,
		      const char *token,
		      wat_capability **ret)
{
	_cleanup_(wat_capability_freep) wat_capability *capability = NULL;
	int r = wat_capability_open(ctl->connection, role, 0, token, &capability);

	if (r != 0)
		return problem_call(ctl, instance, r);
	if (strcmp(wat_capability_instance(capability), instance) != 0)
		return problem(ctl, WAT_ACCESS_DENIED, "the token is for %s, not for %s",
			       wat_capability_instance(capability), instance);
	*ret = TAKE(capability);
	return 0;
}

int hold_open_admin(struct watctl *ctl,
		    const struct keyring *keyring,
		    const char *instance,
		    wat_capability **ret)
{
	_cleanup_(token_text_freep) char *token = NULL;
	int r = keyring_read(keyring, instance, NULL, &token);

	if (r == -ENOENT)
		return problem(ctl, WAT_ACCESS_DENIED,
			       "you don't hold the Admin of %s: it is not in the keyring %s; who "
			       "began %s holds it, and who manages the node makes one: watctl "
			       "admin %s",
			       instance, keyring_path(keyring), instance, instance);
	if (r < 0)
		return problem_file(ctl, "the keyring can't be read", keyring_path(keyring), r);
	return open_token(ctl, WAT_ROLE_ADMIN, instance, token, ret);
}

int hold_open_user(struct watctl *ctl, const char *instance, wat_capability **ret)
{
	_cleanup_(token_text_freep) char *token = NULL;
	int r;

	if ((r = hold_check_name(ctl, "an instance", instance)) != 0 ||
	    (r = connection_open(ctl)) != 0)
		return r;
	r = choose_user_token(ctl, instance, &token);
	return r != 0 ? r : open_token(ctl, WAT_ROLE_USER, instance, token, ret);
}

int hold_schema(struct watctl *ctl, wat_capability *capability, struct schema **ret)
{
	_cleanup_(wat_memory_freep) uint8_t *bytes = NULL;
	size_t n;
	int r = wat_capability_schema(capability, &bytes, &n);

	if (r != 0)
		return problem_call(ctl, wat_capability_instance(capability), r);
	return message_schema(ctl, bytes, n, ret);
}
