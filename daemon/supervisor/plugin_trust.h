/* plugin_trust.h - whose signatures on plugins are accepted, and whether each needs one. Loop
 * thread. */
#ifndef WAT_SUPERVISOR_PLUGIN_TRUST_H
#define WAT_SUPERVISOR_PLUGIN_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/minisign.h"
#include "proto/support/must_check.h"

struct plugin_trust {
	bool required;
	char *directory; /* where the keys come from; NULL: none are accepted */
	struct minisign_public *keys;
	size_t n_keys;
};

/* Bytes for the sentence about what is wrong. */
#define PLUGIN_TRUST_TEXT_MAX 512

/* Reads the public keys of the directory, NULL for none: each *.pub of it. One that is no key, or
 * no key at all where signatures are required, is -EBADMSG; another -errno; each with a sentence.
 * *trust is replaced as a whole, or left as it was. */
int plugin_trust_load(struct plugin_trust *trust,
		      const char *directory,
		      bool required,
		      char text[static PLUGIN_TRUST_TEXT_MAX]) WAT_MUST_CHECK;
void plugin_trust_deinit(struct plugin_trust *trust);

/* May these bytes of the plugin at `path` be mapped? signature: the text of PATH.minisig, NULL if
 * there is none. A signature that is none of an accepted key's is refused even where none is
 * required, as long as there are keys. -EKEYREJECTED with a sentence. */
int plugin_trust_judge(const struct plugin_trust *trust,
		       const char *path,
		       const uint8_t *bytes,
		       size_t n,
		       const char *signature,
		       char text[static PLUGIN_TRUST_TEXT_MAX]) WAT_MUST_CHECK;

#endif
