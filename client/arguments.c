/* arguments.c - structs of callers that were compiled with an older or a newer wat.h. Pure. */
#include <string.h>

#include "client/private.h"

/* No version has more bytes; a larger size is one that nobody set. */
#define SIZE_MAX_EVER 4096u

static int refuse_size(const char *what, uint32_t size)
{
	return failure_set(WAT_INVALID_ARGUMENT, NULL,
			   "struct wat_%s has the size %u; begin with its _INIT", what, size);
}

/* What an older caller does not have is zero, which is its default; what a newer one has and does
 * not set is zero too. */
static int take(const char *what, const void *given, void *ret, size_t known)
{
	const uint8_t *bytes = given;
	uint32_t size;

	memcpy(&size, given, sizeof size);
	if (size < sizeof size || size > SIZE_MAX_EVER)
		return refuse_size(what, size);
	memset(ret, 0, known);
	memcpy(ret, given, size < known ? size : known);
	for (size_t i = known; i < size; i++)
		if (bytes[i] != 0)
			return failure_set(WAT_INVALID_ARGUMENT, NULL,
					   "struct wat_%s sets what this libwat does not know: it "
					   "has %u bytes, of which %zu are known",
					   what, size, known);
	return 0;
}

int spawn_take(const struct wat_spawn *given, struct wat_spawn *ret)
{
	int r;

	*ret = (struct wat_spawn)WAT_SPAWN_INIT;
	r = given ? take("spawn", given, ret, sizeof *ret) : 0;
	if (r != 0)
		return r;
	if (ret->flags & ~(uint32_t)WAT_SPAWN_ATTACHED)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "struct wat_spawn: not all flags of 0x%x are known", ret->flags);
	return 0;
}

int start_take(const struct wat_spawn *given, struct wat_spawn *ret)
{
	int r = spawn_take(given, ret);

	if (r == 0 && ret->flags != 0)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "struct wat_spawn: flags are for a spawn");
	return r;
}

int grant_take(const struct wat_grant *given, struct wat_grant *ret)
{
	int r;

	*ret = (struct wat_grant)WAT_GRANT_INIT;
	r = given ? take("grant", given, ret, sizeof *ret) : 0;
	if (r != 0)
		return r;
	if (!ret->name)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "a grant needs the name of its user");
	if (ret->flags & ~(uint32_t)WAT_GRANT_SESSION || ret->reserved != 0)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "struct wat_grant: not all flags of 0x%x are known", ret->flags);
	return 0;
}

int attenuation_take(const struct wat_attenuation *given, struct wat_attenuation *ret)
{
	int r;

	*ret = (struct wat_attenuation)WAT_ATTENUATION_INIT;
	r = given ? take("attenuation", given, ret, sizeof *ret) : 0;
	if (r != 0)
		return r;
	if (ret->flags != 0)
		return failure_set(WAT_INVALID_ARGUMENT, NULL,
				   "struct wat_attenuation: no flag of 0x%x is known", ret->flags);
	return 0;
}
