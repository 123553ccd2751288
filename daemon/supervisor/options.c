/* options.c - command line and defaults of watd. Runs on the main thread before anything else. */
#include "daemon/supervisor/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/supervisor/beside.h"
#include "daemon/supervisor/config.h"
#include "proto/support/cleanup.h"

char **options_field(struct options *options, const char *name)
{
#define FIELD_BY_NAME(field, text, value, help) \
	if (strcmp(name, text) == 0)            \
		return &options->field;
	OPTIONS_LIST(FIELD_BY_NAME)
#undef FIELD_BY_NAME
	return NULL;
}

static void print_help(void)
{
	puts("usage: watd [OPTION]...\n"
	     "Hosts services: private state behind capabilities. Stays in the foreground.\n\n"
	     "  --config FILE          configuration, section [watd]: the options below without "
	     "dashes");
#define HELP_LINE(field, name, value, help) printf("  --%-20s %s\n", name " " value, help);
	OPTIONS_LIST(HELP_LINE)
#undef HELP_LINE
	puts("  --version              print the version\n  --help                 print this");
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

static int parse_arguments(struct options *options, int argc, char **argv)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'},
#define LONG_OPTION(field, name, value, help) {name, required_argument, NULL, 'o'},
		OPTIONS_LIST(LONG_OPTION)
#undef LONG_OPTION
			{"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int which, index, r = 0;

	while (r == 0 && (which = getopt_long(argc, argv, "", table, &index)) >= 0) {
		switch (which) {
		case 'c':
			r = set(&options->config, optarg);
			break;
		case 'o':
			r = set(options_field(options, table[index].name), optarg);
			break;
		case 'v':
			puts("watd " WAT_VERSION);
			return OPTIONS_EXIT_OK;
		case 'h':
			print_help();
			return OPTIONS_EXIT_OK;
		default:
			fputs("watd: see watd --help\n", stderr);
			return OPTIONS_EXIT_USAGE;
		}
	}
	if (r == 0 && optind < argc) {
		fprintf(stderr, "watd: unexpected argument \"%s\"; see watd --help\n",
			argv[optind]);
		return OPTIONS_EXIT_USAGE;
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
	static const char *const plugins[] = {WAT_PLUGIN_PLACE, "../plugins", NULL};
	int r = beside_program(hosts, &options->host_program);

	if (r < 0 || options->plugin_dir)
		return r;
	return beside_program(plugins, &options->plugin_dir);
}

static int set_defaults(struct options *options)
{
	int r;

	if ((r = set_from_environment(&options->state_dir, "STATE_DIRECTORY")) < 0 ||
	    (r = set_from_environment(&options->runtime_dir, "RUNTIME_DIRECTORY")) < 0 ||
	    (r = set_state_dir(&options->state_dir)) < 0 ||
	    (r = set_runtime_dir(&options->runtime_dir)) < 0 ||
	    (r = set_default(&options->socket, "%s/watd.sock", options->runtime_dir)) < 0 ||
	    (r = set_default(&options->admin_socket, "%s/admin.sock", options->runtime_dir)) < 0 ||
	    (r = set_default(&options->log_level, "%s", "info")) < 0 ||
	    (r = set_default(&options->log_format, "%s", "text")) < 0)
		return r;
	return set_beside_program(options);
}

static int check_values(struct options *options)
{
	options->level = log_level_from_name(options->log_level);
	if (options->level < 0) {
		fprintf(stderr, "watd: log-level \"%s\": expected error, warning, info or debug\n",
			options->log_level);
		return OPTIONS_EXIT_USAGE;
	}
	if (strcmp(options->log_format, "text") == 0) {
		options->format = LOG_FORMAT_TEXT;
	} else if (strcmp(options->log_format, "json") == 0) {
		options->format = LOG_FORMAT_JSON;
	} else {
		fprintf(stderr, "watd: log-format \"%s\": expected text or json\n",
			options->log_format);
		return OPTIONS_EXIT_USAGE;
	}
	return OPTIONS_RUN;
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

int options_read(struct options *options, int argc, char **argv)
{
	int r = parse_arguments(options, argc, argv);

	if (r != 0)
		return r;
	if (options->config) {
		r = config_read(options->config, options);
		if (r != 0)
			return r < 0 ? r : OPTIONS_EXIT_CONFIG;
	}
	r = set_defaults(options);
	if (r == 0)
		r = make_absolute(&options->plugin_dir);
	return r < 0 ? r : check_values(options);
}

void options_deinit(struct options *options)
{
	free(options->config);
#define FREE_FIELD(field, name, value, help) free(options->field);
	OPTIONS_LIST(FREE_FIELD)
#undef FREE_FIELD
	free(options->host_program);
	*options = (struct options){0};
}
