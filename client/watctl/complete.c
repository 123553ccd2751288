/* complete.c - what the word at hand of a command line may be: commands and options from their
 * tables, names from watd, or from the keyring where watd does not tell. It says nothing else, and
 * does not wait: somebody has pressed a key. */
#include <stdio.h>
#include <string.h>

#include "client/watctl/commands.h"
#include "client/watctl/complete_names.h"
#include "client/watctl/options.h"

#define ANSWER_MS 1000u
#define POSITIONAL_MAX 16

/* A command line up to the word at hand. */
struct typed {
	struct watctl ctl;
	char *positional[POSITIONAL_MAX]; /* behind the command */
	int n_positional;
	int pending;      /* option whose value comes next; -1: none */
	bool only_words;  /* after -- */
	const char *word; /* the one at hand */
};

static void take_option(struct typed *typed, int option, const char *value)
{
	if (option < 0)
		return;
	typed->ctl.given |= UINT64_C(1) << option;
	if (!option_rows[option].value)
		return;
	if (value)
		typed->ctl.values[option] = value;
	else
		typed->pending = option;
}

static void take_long(struct typed *typed, const char *name)
{
	size_t n = strcspn(name, "=");

	take_option(typed, option_of_name(name, n), name[n] ? name + n + 1 : NULL);
}

/* The rest of -sPATH is its value. */
static void take_short(struct typed *typed, const char *letters)
{
	for (; *letters; letters++) {
		int option = option_of_letter(typed->ctl.command, *letters);
		bool valued = option >= 0 && option_rows[option].value;

		take_option(typed, option, valued && letters[1] ? letters + 1 : NULL);
		if (valued)
			return;
	}
}

static void take_word(struct typed *typed, char *word)
{
	if (typed->pending >= 0) {
		typed->ctl.values[typed->pending] = word;
		typed->pending = -1;
	} else if (!typed->only_words && strcmp(word, "--") == 0) {
		typed->only_words = true;
	} else if (!typed->only_words && strncmp(word, "--", 2) == 0) {
		take_long(typed, word + 2);
	} else if (!typed->only_words && *word == '-' && word[1]) {
		take_short(typed, word + 1);
	} else if (!typed->ctl.command) {
		typed->ctl.command = command_find(word);
	} else if (typed->n_positional < POSITIONAL_MAX) {
		typed->positional[typed->n_positional++] = word;
	}
}

static void offer(const char *word, const char *candidate)
{
	if (strncmp(candidate, word, strlen(word)) == 0)
		puts(candidate);
}

static void offer_commands(const char *word)
{
	const struct command *command;

	for (size_t i = 0; (command = command_at(i)); i++)
		offer(word, command->name);
}

/* "thread|process" */
static void offer_choices(const char *prefix, const char *word, const char *choices)
{
	for (const char *at = choices; *at; at += *at == '|') {
		size_t n = strcspn(at, "|");
		char choice[64];

		(void)snprintf(choice, sizeof choice, "%s%.*s", prefix, (int)n, at);
		offer(word, choice);
		at += n;
	}
}

static void offer_options(const struct typed *typed)
{
	for (int i = 0; i < WATCTL_N_OPTIONS; i++) {
		const struct option_row *row = &option_rows[i];
		char name[64];

		if (!command_has(typed->ctl.command, (enum watctl_option)i))
			continue;
		(void)snprintf(name, sizeof name, "--%s", row->name);
		offer(typed->word, name);
	}
}

/* prefix: what stands before the value in the same word ("--tier="). */
static void offer_kind(struct typed *typed, enum watctl_word kind, const char *prefix)
{
	switch (kind) {
	case WORD_FILE:
		puts(":files");
		break;
	case WORD_COMMAND:
		offer_commands(typed->word);
		break;
	case WORD_TIER:
		offer_choices(prefix, typed->word, option_rows[WATCTL_TIER].value);
		break;
	case WORD_STATE:
		offer_choices(prefix, typed->word, option_rows[WATCTL_FOR].value);
		break;
	case WORD_DURABILITY:
		offer_choices(prefix, typed->word, option_rows[WATCTL_DURABILITY].value);
		break;
	case WORD_RESTART:
		offer_choices(prefix, typed->word, option_rows[WATCTL_RESTART].value);
		break;
	case WORD_LEVEL:
		offer_choices(prefix, typed->word, "error|warning|info|debug");
		break;
	case WORD_SHELL:
		offer_choices(prefix, typed->word, "bash");
		break;
	case WORD_SIGNING:
		offer_choices(prefix, typed->word, "keygen|sign|verify");
		break;
	case WORD_TOKEN:
		offer_choices(prefix, typed->word, "inspect|attenuate|newkey");
		break;
	case WORD_INSTANCE:
	case WORD_SERVICE:
	case WORD_USER:
	case WORD_METHOD:
	case WORD_FIELD:
		complete_names(&typed->ctl, kind, prefix, typed->word);
		break;
	case WORD_ANY:
	default:
		break;
	}
}

static enum watctl_word kind_of_argument(const struct typed *typed)
{
	const struct command *command = typed->ctl.command;
	int i = typed->n_positional;

	if (command->n_max >= 0 && i >= command->n_max)
		return WORD_ANY;
	return command->words[i < WATCTL_WORDS_MAX ? i : WATCTL_WORDS_MAX - 1];
}

static void offer_value_in_word(struct typed *typed)
{
	size_t n = strcspn(typed->word, "=");
	int option = option_of_name(typed->word + 2, n - 2);
	char prefix[64];

	if (option < 0 || n + 2 > sizeof prefix)
		return;
	(void)snprintf(prefix, sizeof prefix, "%.*s=", (int)n, typed->word);
	offer_kind(typed, option_rows[option].word, prefix);
}

static void offer_all(struct typed *typed)
{
	if (typed->pending >= 0)
		offer_kind(typed, option_rows[typed->pending].word, "");
	else if (!typed->only_words && strncmp(typed->word, "--", 2) == 0 &&
		 strchr(typed->word, '='))
		offer_value_in_word(typed);
	else if (!typed->only_words && *typed->word == '-')
		offer_options(typed);
	else if (!typed->ctl.command)
		offer_commands(typed->word);
	else
		offer_kind(typed, kind_of_argument(typed), "");
}

int command_complete(char *const *words, int n)
{
	struct typed typed = {.pending = -1, .word = n > 0 ? words[n - 1] : ""};

	/* Nobody would read what goes wrong in the middle of a line. */
	if (!freopen("/dev/null", "w", stderr))
		return 0;
	for (int i = 0; i < n - 1; i++)
		take_word(&typed, words[i]);
	typed.ctl.socket = typed.ctl.values[WATCTL_SOCKET];
	typed.ctl.timeout_ms = ANSWER_MS;
	typed.ctl.arguments = typed.positional;
	typed.ctl.n_arguments = typed.n_positional;
	offer_all(&typed);
	watctl_deinit(&typed.ctl);
	return 0;
}
