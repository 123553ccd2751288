/* output_log.c - lines in the order they came, of each name and of all. Pure. */
#include "daemon/supervisor/output_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/support/list.h"

#define BUCKETS 256u

/* The lines of one name; there are no empty ones. */
struct book {
	struct list link; /* in its bucket */
	char name[OUTPUT_NAME_SIZE];
	struct list lines;
	size_t n_bytes;
	uint64_t dropped;
};

struct entry {
	struct list all, of_book;
	struct book *book;
	struct output_line line;
	char text[];
};

struct output_log {
	uint64_t before, last_seq, dropped;
	size_t of_name, in_all, n_bytes;
	struct list all;
	struct list books[BUCKETS];
};

/* FNV-1a; names are the operator's. */
static size_t bucket_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash % BUCKETS;
}

int output_log_new(uint64_t first_seq, size_t of_name, size_t in_all, struct output_log **ret)
{
	struct output_log *log = calloc(1, sizeof *log);

	if (!log)
		return -ENOMEM;
	log->before = log->last_seq = log->dropped = first_seq - 1;
	log->of_name = of_name;
	log->in_all = in_all;
	list_init(&log->all);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&log->books[i]);
	*ret = log;
	return 0;
}

static struct book *find_book(const struct output_log *log, const char *name)
{
	list_for_each (i, &log->books[bucket_of(name)]) {
		struct book *book = container_of(i, struct book, link);

		if (strcmp(book->name, name) == 0)
			return book;
	}
	return NULL;
}

static struct book *book_of(struct output_log *log, const char *name)
{
	struct book *book = find_book(log, name);

	if (book)
		return book;
	book = calloc(1, sizeof *book);
	if (!book)
		return NULL;
	memcpy(book->name, name, strnlen(name, sizeof book->name - 1));
	list_init(&book->lines);
	book->dropped = log->before;
	list_append(&log->books[bucket_of(book->name)], &book->link);
	return book;
}

static void drop_book_if_empty(struct book *book)
{
	if (!list_empty(&book->lines))
		return;
	list_remove(&book->link);
	free(book);
}

static size_t size_of(const struct entry *entry)
{
	return sizeof *entry + entry->line.n + 1;
}

static void drop(struct output_log *log, struct entry *entry)
{
	struct book *book = entry->book;

	book->dropped = entry->line.seq;
	if (log->dropped < entry->line.seq)
		log->dropped = entry->line.seq;
	log->n_bytes -= size_of(entry);
	book->n_bytes -= size_of(entry);
	list_remove(&entry->all);
	list_remove(&entry->of_book);
	free(entry);
	drop_book_if_empty(book);
}

struct output_log *output_log_free(struct output_log *log)
{
	struct list *first;

	if (!log)
		return NULL;
	while ((first = list_first(&log->all)))
		drop(log, container_of(first, struct entry, all));
	free(log);
	return NULL;
}

static struct entry *entry_new(const struct output_line *line)
{
	struct entry *entry = malloc(sizeof *entry + line->n + 1);

	if (!entry)
		return NULL;
	entry->line = *line;
	entry->line.name[sizeof entry->line.name - 1] = '\0';
	memcpy(entry->text, line->text, line->n);
	entry->text[line->n] = '\0';
	entry->line.text = entry->text;
	return entry;
}

/* The newest line stays, however long it is. */
static void trim(struct output_log *log, const struct entry *newest)
{
	struct book *book = newest->book;

	while (book->n_bytes > log->of_name && list_first(&book->lines) != &newest->of_book)
		drop(log, container_of(list_first(&book->lines), struct entry, of_book));
	while (log->n_bytes > log->in_all && list_first(&log->all) != &newest->all)
		drop(log, container_of(list_first(&log->all), struct entry, all));
}

int output_log_add(struct output_log *log, const struct output_line *line)
{
	struct entry *entry = entry_new(line);

	if (!entry)
		return -ENOMEM;
	entry->book = book_of(log, entry->line.name);
	if (!entry->book) {
		free(entry);
		return -ENOMEM;
	}
	entry->line.seq = ++log->last_seq;
	list_append(&log->all, &entry->all);
	list_append(&entry->book->lines, &entry->of_book);
	log->n_bytes += size_of(entry);
	entry->book->n_bytes += size_of(entry);
	trim(log, entry);
	return 0;
}

/* Either list of an entry, so that one walk serves both. */
struct walk {
	const struct list *head;
	bool of_book;
};

static bool walk_init(struct walk *walk, const struct output_log *log, const char *name)
{
	const struct book *book = *name ? find_book(log, name) : NULL;

	*walk = (struct walk){book ? &book->lines : &log->all, book != NULL};
	return book || !*name;
}

static const struct entry *entry_at(const struct walk *walk, const struct list *at)
{
	return walk->of_book ? container_of(at, const struct entry, of_book)
			     : container_of(at, const struct entry, all);
}

/* The first line of the answer; the head: there is none. From the end, since what is asked for is
 * mostly near to it. */
static const struct list *find_first(const struct walk *walk, const struct output_query *query)
{
	const struct list *first = walk->head;
	size_t n = 0;

	while (first->prev != walk->head && (query->newest == 0 || n < query->newest)) {
		const struct output_line *line = &entry_at(walk, first->prev)->line;

		if (line->seq <= query->after_seq || line->at_ms < query->since_ms)
			break;
		first = first->prev;
		n++;
	}
	return first;
}

uint64_t output_log_read(const struct output_log *log,
			 const struct output_query *query,
			 void (*visit)(void *arg, const struct output_line *line),
			 void *arg)
{
	uint64_t cursor = query->after_seq;
	size_t n = 0, n_bytes = 0;
	struct walk walk;

	if (!walk_init(&walk, log, query->name))
		return cursor;
	for (const struct list *i = find_first(&walk, query); i != walk.head; i = i->next) {
		const struct output_line *line = &entry_at(&walk, i)->line;

		n_bytes += line->n;
		if (n == query->limit || (n > 0 && n_bytes > query->bytes))
			break;
		visit(arg, line);
		cursor = line->seq;
		n++;
	}
	return cursor;
}

uint64_t output_log_dropped(const struct output_log *log, const char *name)
{
	const struct book *book;

	if (!*name)
		return log->dropped;
	book = find_book(log, name);
	return book ? book->dropped : log->before;
}
