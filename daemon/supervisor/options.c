/* options.c - command line, configuration and defaults of watd become one. */
#include "daemon/supervisor/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/caps/key_file.h"
#include "daemon/config/template.h"
#include "daemon/supervisor/beside.h"
#include "proto/support/cleanup.h"

#define MEBIBYTE UINT64_C(1048576)

char **options_field(struct options *options, enum watd_key key)
{
	static const size_t offsets[] = {
#define FIELD_OFFSET(id, ...) [WATD_KEY_##id] = offsetof(struct options, id),
		CONFIG_WATD_KEYS(FIELD_OFFSET)
#undef FIELD_OFFSET
	};

	return (char **)(void *)((char *)options + offsets[key]);
}

const char *options_text(const struct options *options, enum watd_key key)
{
	return *options_field((struct options *)options, key);
}

static const struct config_key *key_of(size_t i)
{
	return &config_types[CONFIG_WATD].keys[i];
}

static void print_option(const char *name, const char *word, const char *help)
{
	printf("  --%s%s%s\n        %s\n", name, *word ? " " : "", word, help);
}

static void print_help(void)
{
	puts("usage: watd [OPTION]...\n"
	     "Hosts services: private state behind capabilities. Stays in the foreground.\n");
	print_option(
		"config", "FILE",
		"configuration; without it $CONFIGURATION_DIRECTORY/watd.conf, /etc/watd/watd.conf "
		"or XDG's");
	print_option("check-config", "", "say what is wrong with the configuration; exit 78 or 0");
	print_option("default-config", "",
		     "print a configuration with every key, its values and its default");
	for (size_t i = 0; i < WATD_KEYS_N; i++) {
		print_option(key_of(i)->name, value_word(key_of(i)->kind), key_of(i)->help);
		printf("        (%s%s%s)\n", value_expected(key_of(i)->kind),
		       key_of(i)->fallback ? "; default " : "",
		       key_of(i)->fallback ? key_of(i)->fallback : "");
	}
	print_option("print-address", "", "print the addresses that TCP clients use");
	print_option("restore", "FILE",
		     "go back to a backup (watctl backup), and end; no watd may run. Nothing is "
		     "deleted: what was there is set aside");
	print_option("keygen", "FILE",
		     "make an issuing key, mode 0600, for a credential node.key of the service "
		     "(watd keygen FILE does the same)");
	print_option("version", "", "print the version");
	print_option("help", "", "print this");
	puts("\nThe same keys, without dashes, stand in [watd] of the configuration, which also "
	     "has\n"
	     "[plugin NAME], [instance NAME], [grant NAME] and [group NAME]. SIGHUP reads it "
	     "again.");
}

static int set(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* A path may be relative here, where one sees from where. */
static int set_given(struct options *options, size_t key, const char *text)
{
	enum value_kind kind = key_of(key)->kind;

	if (kind == VALUE_PATH || kind == VALUE_SOCKET ? *text != '\0' : value_is_valid(kind, text))
		return set(&options->given[key], text);
	fprintf(stderr, "watd: --%s \"%s\": expected %s\n", key_of(key)->name, text,
		kind == VALUE_PATH || kind == VALUE_SOCKET ? "a path" : value_expected(kind));
	return OPTIONS_EXIT_USAGE;
}

enum {
	OPTION_CONFIG = 1000,
	OPTION_CHECK,
	OPTION_DEFAULT,
	OPTION_ADDRESS,
	OPTION_RESTORE,
	OPTION_KEYGEN,
	OPTION_VERSION,
	OPTION_HELP,
	OPTION_KEYS, /* + enum watd_key */
};

static int make_key_file(const char *path)
{
	int r = key_file_make(path);

	if (r == 0)
		return OPTIONS_EXIT_OK;
	fprintf(stderr, "watd: no key can be made at %s: %s\n", path, strerror(-r));
	return OPTIONS_EXIT_USAGE;
}

static int take_option(struct options *options, int which)
{
	switch (which) {
	case OPTION_CONFIG:
		return set(&options->given_config, optarg);
	case OPTION_CHECK:
		options->check = true;
		return 0;
	case OPTION_DEFAULT:
		config_print_template(stdout);
		return OPTIONS_EXIT_OK;
	case OPTION_ADDRESS:
		options->print_address = true;
		return 0;
	case OPTION_RESTORE:
		return set(&options->restore, optarg);
	case OPTION_KEYGEN:
		return make_key_file(optarg);
	case OPTION_VERSION:
		puts("watd " WAT_VERSION);
		return OPTIONS_EXIT_OK;
	case OPTION_HELP:
		print_help();
		return OPTIONS_EXIT_OK;
	default:
		if (which >= OPTION_KEYS)
			return set_given(options, (size_t)(which - OPTION_KEYS), optarg);
		fputs("watd: see watd --help\n", stderr);
		return OPTIONS_EXIT_USAGE;
	}
}

/* A word, as watctl's commands are. */
static int keygen(int n, char **words)
{
	if (n == 2)
		return make_key_file(words[1]);
	fputs("watd: keygen needs a FILE, and nothing else; see watd --help\n", stderr);
	return OPTIONS_EXIT_USAGE;
}

static int parse_arguments(struct options *options, int argc, char **argv)
{
	static const struct option table[] = {
#define LONG_OPTION(id, name, ...) {name, required_argument, NULL, OPTION_KEYS + WATD_KEY_##id},
		CONFIG_WATD_KEYS(LONG_OPTION)
#undef LONG_OPTION
			{"config", required_argument, NULL, OPTION_CONFIG},
		{"check-config", no_argument, NULL, OPTION_CHECK},
		{"default-config", no_argument, NULL, OPTION_DEFAULT},
		{"print-address", no_argument, NULL, OPTION_ADDRESS},
		{"restore", required_argument, NULL, OPTION_RESTORE},
		{"keygen", required_argument, NULL, OPTION_KEYGEN},
		{"version", no_argument, NULL, OPTION_VERSION},
		{"help", no_argument, NULL, OPTION_HELP},
		{0},
	};
	int which, r = 0;

	while (r == 0 && (which = getopt_long(argc, argv, "", table, NULL)) != -1)
		r = take_option(options, which);
	if (r == 0 && optind < argc && strcmp(argv[optind], "keygen") == 0)
		return keygen(argc - optind, argv + optind);
	if (r == 0 && optind < argc) {
		fprintf(stderr, "watd: unexpected argument \"%s\"; see watd --help\n",
			argv[optind]);
		return OPTIONS_EXIT_USAGE;
	}
	return r;
}

/* Where the configuration is when nobody says so: *ret, heap. */
static int default_config(char **ret)
{
	const char *given = getenv("CONFIGURATION_DIRECTORY"), *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int n;

	if (given && *given)
		n = asprintf(ret, "%.*s/watd.conf", (int)strcspn(given, ":"), given);
	else if (geteuid() == 0)
		n = asprintf(ret, "/etc/watd/watd.conf");
	else if (xdg && *xdg == '/')
		n = asprintf(ret, "%s/watd/watd.conf", xdg);
	else
		n = asprintf(ret, "%s/.config/watd/watd.conf",
			     home && *home ? home : "/nonexistent");
	return n < 0 ? -ENOMEM : 0;
}

static int load_config(struct options *options, struct problems *problems)
{
	_cleanup_(freep) char *path = NULL;
	int r;

	if (options->given_config)
		return config_load(options->given_config, true, problems, &options->config);
	r = default_config(&path);
	return r < 0 ? r : config_load(path, false, problems, &options->config);
}

/* The command line goes before the files. */
static int merge(struct options *options)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < WATD_KEYS_N; i++) {
		const char *text = options->given[i] ? options->given[i]
						     : options->config->watd.values[i].text;

		if (text)
			r = set(options_field(options, (enum watd_key)i), text);
	}
	return r;
}

static int set_default(char **field, const char *format, const char *a)
	__attribute__((format(printf, 2, 0)));

static int set_default(char **field, const char *format, const char *a)
{
	if (*field)
		return 0;
	return asprintf(field, format, a) < 0 ? -ENOMEM : 0;
}

/* The first directory of a colon-separated list, as systemd sets it. */
static int set_from_environment(char **field, const char *variable)
{
	const char *value = getenv(variable);
	size_t n;

	if (*field || !value || !*value)
		return 0;
	n = strcspn(value, ":");
	*field = strndup(value, n);
	return *field ? 0 : -ENOMEM;
}

static int set_state_dir(char **field)
{
	const char *home = getenv("HOME"), *xdg = getenv("XDG_STATE_HOME");

	if (geteuid() == 0)
		return set_default(field, "%s", "/var/lib/watd");
	if (xdg && *xdg)
		return set_default(field, "%s/watd", xdg);
	return set_default(field, "%s/.local/state/watd", home && *home ? home : "/nonexistent");
}

static int set_runtime_dir(char **field)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char user[32];

	if (geteuid() == 0)
		return set_default(field, "%s", "/run/watd");
	if (xdg && *xdg)
		return set_default(field, "%s/watd", xdg);
	(void)snprintf(user, sizeof user, "%u", (unsigned)geteuid());
	return set_default(field, "/run/user/%s/watd", user);
}

/* Where this watd is installed; in a build tree, where that has them. */
static int set_beside_program(struct options *options)
{
	static const char *const hosts[] = {WAT_HOST_PLACE, "../libexec/watd-host", NULL};
	static const char *const gates[] = {WAT_GATE_PLACE, "../libexec/watd-gate", NULL};
	static const char *const plugins[] = {WAT_PLUGIN_PLACE, "../plugins", NULL};
	int r = beside_program(hosts, &options->host_program);

	if (r == 0)
		r = beside_program(gates, &options->gate_program);
	if (r < 0 || options->plugin_dir)
		return r;
	return beside_program(plugins, &options->plugin_dir);
}

/* What depends on this machine comes before what does not. */
static int set_defaults(struct options *options)
{
	int r;

	if ((r = set_from_environment(&options->state_dir, "STATE_DIRECTORY")) < 0 ||
	    (r = set_from_environment(&options->runtime_dir, "RUNTIME_DIRECTORY")) < 0 ||
	    (r = set_state_dir(&options->state_dir)) < 0 ||
	    (r = set_runtime_dir(&options->runtime_dir)) < 0 ||
	    (r = set_default(&options->socket, "%s/watd.sock", options->runtime_dir)) < 0 ||
	    (r = set_default(&options->admin_socket, "%s/admin.sock", options->runtime_dir)) < 0 ||
	    (r = set_beside_program(options)) < 0)
		return r;
	for (size_t i = 0; i < WATD_KEYS_N; i++) {
		if (key_of(i)->fallback)
			r = set_default(options_field(options, (enum watd_key)i), "%s",
					key_of(i)->fallback);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t number_of(const struct options *options, enum watd_key key)
{
	return value_number(key_of(key)->kind, options_text(options, key));
}

static struct early_drop drop_of(const struct options *options, enum watd_key key)
{
	uint32_t n[3];

	value_drop(options_text(options, key), n);
	return (struct early_drop){.from = n[0], .percent = n[1], .full = n[2]};
}

static struct token_rate rate_of(const struct options *options,
				 enum watd_key per_s,
				 enum watd_key burst)
{
	return (struct token_rate){.per_s = (uint32_t)number_of(options, per_s),
				   .burst = (uint32_t)number_of(options, burst)};
}

static void read_values(struct options *options)
{
	options->level = log_level_from_name(options->log_level);
	options->format =
		strcmp(options->log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	options->limits = (struct limits){
		.connections = number_of(options, WATD_KEY_max_connections),
		.calls = number_of(options, WATD_KEY_max_calls),
		.capabilities = number_of(options, WATD_KEY_max_capabilities),
		.waiting = number_of(options, WATD_KEY_max_waiting),
		.hello_s = number_of(options, WATD_KEY_hello_timeout),
		.grant_life_s = number_of(options, WATD_KEY_grant_life),
		.key_grace_s = number_of(options, WATD_KEY_key_grace),
		.gate_connections = number_of(options, WATD_KEY_gate_connections),
		.gate_connections_of_address =
			number_of(options, WATD_KEY_gate_connections_of_address),
		.of_uid = {.connections =
				   (uint32_t)number_of(options, WATD_KEY_max_connections_of_uid),
			   .handshakes = rate_of(options, WATD_KEY_handshake_rate,
						 WATD_KEY_handshake_burst)},
		.binds = rate_of(options, WATD_KEY_bind_rate, WATD_KEY_bind_burst),
		.unauthenticated = drop_of(options, WATD_KEY_max_unauthenticated),
		.buffered = number_of(options, WATD_KEY_max_buffered) * MEBIBYTE,
		.keep = {.checkpoints = number_of(options, WATD_KEY_checkpoints),
			 .others = number_of(options, WATD_KEY_snapshots)},
		.ballast = number_of(options, WATD_KEY_ballast) << 20,
		.memory = number_of(options, WATD_KEY_memory_max) * MEBIBYTE,
	};
}

/* Hosts are told paths, and have no say in where they are. A directory that is not there yet stays
 * as it was given. */
static int make_absolute(char **field)
{
	char *absolute = realpath(*field, NULL);

	if (!absolute)
		return errno == ENOMEM ? -ENOMEM : 0;
	free(*field);
	*field = absolute;
	return 0;
}

/* From options->given on. */
static int complete(struct options *options, struct problems *problems)
{
	int r;

	if ((r = load_config(options, problems)) < 0 || (r = merge(options)) < 0 ||
	    (r = set_defaults(options)) < 0 || (r = make_absolute(&options->plugin_dir)) < 0)
		return r;
	read_values(options);
	return OPTIONS_RUN;
}

int options_read(struct options *options, int argc, char **argv, struct problems *problems)
{
	int r = parse_arguments(options, argc, argv);

	return r != 0 ? r : complete(options, problems);
}

int options_read_again(const struct options *running,
		       struct problems *problems,
		       struct options *ret)
{
	struct options options = {0};
	int r = 0;

	if (running->given_config)
		r = set(&options.given_config, running->given_config);
	for (size_t i = 0; r == 0 && i < WATD_KEYS_N; i++)
		if (running->given[i])
			r = set(&options.given[i], running->given[i]);
	if (r == 0)
		r = complete(&options, problems);
	if (r < 0)
		options_deinit(&options);
	else
		*ret = options;
	return r;
}

void options_deinit(struct options *options)
{
	for (size_t i = 0; i < WATD_KEYS_N; i++) {
		free(*options_field(options, (enum watd_key)i));
		free(options->given[i]);
	}
	free(options->given_config);
	free(options->restore);
	free(options->host_program);
	free(options->gate_program);
	config_free(options->config);
	*options = (struct options){0};
}

bool options_require_signed(const struct options *options)
{
	return strcmp(options->require_signed, "yes") == 0;
}
