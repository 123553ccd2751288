/* check_config.c - watd --check-config: what is wrong, or what would be started. */
#include "daemon/supervisor/check_config.h"

#include <stdlib.h>
#include <sysexits.h>

#include "daemon/config/order.h"
#include "daemon/supervisor/configured.h"
#include "proto/support/cleanup.h"

void problems_print(const struct problems *problems, FILE *out)
{
	for (size_t i = 0; i < problems->n; i++)
		fprintf(out, "%s\n", problems->texts[i]);
	if (problems->n_more > 0)
		fprintf(out, "watd: and %zu more\n", problems->n_more);
}

static void print_files(const struct config *config)
{
	printf("configuration:");
	for (size_t i = 0; i < config->n_files; i++)
		printf(" %s", config->files[i]);
	puts(config->n_files ? "" : " no file, all defaults");
}

/* As they would be started one by one; those that `after` leaves free are started together. */
static int print_instances(const struct config *config)
{
	_cleanup_(freep) const struct config_section **order =
		calloc(config->n_sections + 1, sizeof(*order));
	size_t n;

	if (!order)
		return EX_OSERR;
	n = order_make(config, order);
	printf("instances: %zu", n);
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? ", " : " - ", order[i]->name);
	puts("");
	return 0;
}

static void print_grants(const struct config *config)
{
	size_t n = 0;

	config_for_each (grant, config, CONFIG_GRANT) {
		printf("%s%s of %s in %s", n++ ? ", " : "grants: ", grant->name,
		       config_text(grant, GRANT_KEY_instance), config_text(grant, GRANT_KEY_out));
	}
	puts(n ? "" : "grants: 0");
}

int check_config(const struct options *options, struct problems *problems)
{
	struct problems unread = {0};
	int r = configured_check(options, NULL, NULL, problems, &unread);

	if (r == 0 && unread.n > 0) {
		problems_print(&unread, stderr);
		fputs("watd: not checked, since you may not read it\n", stderr);
	}
	problems_print(problems, stderr);
	problems_deinit(&unread);
	if (r < 0)
		return EX_OSERR;
	if (problems_any(problems))
		return EX_CONFIG;
	print_files(options->config);
	r = print_instances(options->config);
	print_grants(options->config);
	return r;
}
