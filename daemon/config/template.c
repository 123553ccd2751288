/* template.c - conf/watd.conf, from the tables. */
#include "daemon/config/template.h"

#include <string.h>

#include "daemon/config/keys.h"

#define COLUMNS 100u

static const char introduction[] =
	"# watd.conf - the configuration of watd, as watd --default-config prints it.\n"
	"#\n"
	"# It is read from --config FILE, else $CONFIGURATION_DIRECTORY/watd.conf, else\n"
	"# /etc/watd/watd.conf, by an unprivileged user $XDG_CONFIG_HOME/watd/watd.conf. Then "
	"come\n"
	"# conf.d/*.conf beside it, in the order of their names; in [watd] the later one wins. "
	"Options of\n"
	"# the command line go before all files. watd --check-config says what is wrong, all of "
	"it.\n"
	"#\n"
	"# One key = value on a line, comments on lines of their own. Every key is here: with its "
	"default\n"
	"# (or what has to be given) as #key = value, and with an example as # key = value where "
	"there is\n"
	"# no default. In brackets stand what a value may be, and when a change of it is applied:\n"
	"#   reload   by SIGHUP, or watctl reload\n"
	"#   restart  when watd is started again\n"
	"#   spawn    when the instance is begun for the first time\n";

/* Words in lines of "# ". */
static void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > COLUMNS) {
			(void)fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%s%.*s", column ? " " : "# ", (int)n, text);
		text += n + strspn(text + n, " ");
	}
	(void)fputc('\n', out);
}

static void print_key(FILE *out, const struct config_key *key, bool example)
{
	char text[512];

	(void)snprintf(text, sizeof text, "%s (%s; %s)", key->help, value_expected(key->kind),
		       config_applied_names[key->applied]);
	(void)fputc('\n', out);
	print_wrapped(out, text);
	if (!example && (key->fallback || key->need == CONFIG_MUST))
		(void)fprintf(out, "#%s = %s\n", key->name,
			      key->fallback ? key->fallback : key->example);
	else
		(void)fprintf(out, "# %s = %s\n", key->name, key->example);
}

/* A section that would need a file of somebody else's is an example as a whole. */
static void print_section(FILE *out,
			  const struct config_section_type *type,
			  const char *name,
			  bool example)
{
	(void)fputc('\n', out);
	print_wrapped(out, type->help);
	(void)fprintf(out, "#%s[%s%s%s]\n", example ? " " : "", type->word, type->named ? " " : "",
		      name);
	for (size_t i = 0; i < type->n_keys; i++)
		print_key(out, &type->keys[i], example);
}

void config_print_template(FILE *out)
{
	(void)fputs(introduction, out);
	print_section(out, &config_types[CONFIG_WATD], "", false);
	print_section(out, &config_types[CONFIG_PLUGIN], "counter", true);
	print_section(out, &config_types[CONFIG_INSTANCE], "counter", false);
	print_section(out, &config_types[CONFIG_GRANT], "reader", false);
	print_section(out, &config_types[CONFIG_GROUP], "shop", false);
}
