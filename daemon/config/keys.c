/* keys.c - the tables of keys.h. Constant data. */
#include "daemon/config/keys.h"

#define KEY_ROW(id, name, kind, applied, need, fallback, example, help) \
	{name, VALUE_##kind, CONFIG_##applied, CONFIG_##need, fallback, example, help},

static const struct config_key watd_keys[] = {CONFIG_WATD_KEYS(KEY_ROW)};
static const struct config_key plugin_keys[] = {CONFIG_PLUGIN_KEYS(KEY_ROW)};
static const struct config_key instance_keys[] = {CONFIG_INSTANCE_KEYS(KEY_ROW)};
static const struct config_key grant_keys[] = {CONFIG_GRANT_KEYS(KEY_ROW)};
static const struct config_key group_keys[] = {CONFIG_GROUP_KEYS(KEY_ROW)};

const struct config_section_type config_types[CONFIG_TYPES_N] = {
	[CONFIG_WATD] = {"watd", false, "watd itself.", watd_keys, WATD_KEYS_N},
	[CONFIG_PLUGIN] = {"plugin", true,
			   "A plugin that is not in plugin-dir, or that needs something.",
			   plugin_keys, PLUGIN_KEYS_N},
	[CONFIG_INSTANCE] = {"instance", true,
			     "An instance that watd begins if there is none of that name. One "
			     "that exists, running or stopped, is left as it is.",
			     instance_keys, INSTANCE_KEYS_N},
	[CONFIG_GRANT] = {"grant", true,
			  "A User of an instance, for a program that starts at boot: watd keeps "
			  "its token in a file.",
			  grant_keys, GRANT_KEYS_N},
	[CONFIG_GROUP] = {"group", true,
			  "Instances whose deaths concern each other, in the order in which they "
			  "are started: as `after` says, else as they stand in the files.",
			  group_keys, GROUP_KEYS_N},
};

const char *const config_applied_names[] = {
	[CONFIG_RELOAD] = "reload",
	[CONFIG_RESTART] = "restart",
	[CONFIG_SPAWN] = "spawn",
};
