/* token_out.h - the file in which a program finds its token: whole or not at all, for its owner, or
 * for a group too. Loop thread. */
#ifndef WAT_SUPERVISOR_TOKEN_OUT_H
#define WAT_SUPERVISOR_TOKEN_OUT_H

#include <sys/types.h>

#include "proto/support/cleanup.h"
#include "proto/support/must_check.h"
#include "proto/token.h"

/* A place for a token that is yet to be made, so that none is made that can't be kept. */
struct token_out;

/* Makes the file beside the final one; its directory has to exist. gid (gid_t)-1: mode 0600, else
 * 0640. What an earlier watd left half done is replaced. -EEXIST: what is at the path is no file.
 */
int token_out_reserve(const char *path, gid_t gid, struct token_out **ret) WAT_MUST_CHECK;
/* Writes the token with its seed, syncs, and takes the place of what was at the path. Once. */
int token_out_commit(struct token_out *out, const struct token *token) WAT_MUST_CHECK;
/* Removes what was not committed. Returns NULL; takes NULL. */
struct token_out *token_out_free(struct token_out *out);
DEFINE_CLEANUP(struct token_out *, token_out_free);

/* Removes what an earlier watd left half done, where nothing new is written. */
void token_out_clean(const char *path);

enum token_out_mode { TOKEN_OUT_MODE_RIGHT = 0, TOKEN_OUT_MODE_OTHER = 1 };
/* The token in the file, which the caller wipes, and whether owner, group and mode are as they
 * would be written. -EBADMSG: it is no token with a seed. */
int token_out_read(const char *path, gid_t gid, struct token *ret_token) WAT_MUST_CHECK;

#endif
