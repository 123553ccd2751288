/* plugin_copies.h - the files that hosts map: private copies of plugins in STATE_DIR/plugins, each
 * named after the digest of its bytes. A plugin that is installed anew, or overwritten in place,
 * changes nothing for who runs already; what was checked is what is mapped. Loop thread. */
#ifndef WAT_SUPERVISOR_PLUGIN_COPIES_H
#define WAT_SUPERVISOR_PLUGIN_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/support/must_check.h"

/* BLAKE2b-256 of the file. */
#define PLUGIN_DIGEST_SIZE 32u
/* Of which a copy is named after the first. */
#define PLUGIN_NAMED_SIZE 16u
/* More than any plugin has; its file is read whole. */
#define PLUGIN_FILE_MAX (256u << 20)
/* Bytes for the sentence about what is wrong. */
#define PLUGIN_COPY_TEXT_MAX 512

struct plugin_trust;

struct plugin_copies {
	char *directory; /* absolute */
	int fd;
};

/* Makes the directory, for its owner alone. */
int plugin_copies_init(struct plugin_copies *copies, const char *state_dir) WAT_MUST_CHECK;
void plugin_copies_deinit(struct plugin_copies *copies);

/* What is to be mapped. */
struct plugin_wanted {
	const char *path;      /* where it is installed */
	const uint8_t *schema; /* digest of its section .wat.schema, as it was read before */
	uint8_t *digest;       /* all 0: whatever is there now, and is put here */
	const struct plugin_trust *trust;
};

/* The path of the copy with that digest, which is made unless it is there; its signature is checked
 * as `trust` says. 0, or -errno with a sentence in text that says what to do: -ESTALE the installed
 * file is another by now, -EKEYREJECTED its signature is none that is accepted. */
int plugin_copy_provide(const struct plugin_copies *copies,
			const struct plugin_wanted *wanted,
			char **ret_path,
			char text[static PLUGIN_COPY_TEXT_MAX]) WAT_MUST_CHECK;

/* Removes the copies that nobody uses. What can't be removed is logged. */
void plugin_copies_sweep(const struct plugin_copies *copies,
			 bool (*used)(void *arg, const uint8_t digest[PLUGIN_NAMED_SIZE]),
			 void *arg);

#endif
