/* order.c - `after` as a graph: depth first, with what is on the way and what is done marked. A way
 * has at most as many steps as there are sections. */
#include "daemon/config/order.h"

#include <stdlib.h>
#include <string.h>

enum mark { NEW, ON_THE_WAY, DONE };

struct walk {
	const struct config *config;
	struct problems *problems; /* NULL: checked already */
	enum mark *marks;          /* by the section's place in config->sections */
	size_t *way;               /* the sections on the way, first to last */
	size_t n_way;
	const struct config_section **order; /* NULL: nobody wants it */
	size_t n_order;
};

static bool find(const struct config *config, const char *name, size_t *ret)
{
	for (size_t i = 0; i < config->n_sections; i++)
		if (config->sections[i]->type == CONFIG_INSTANCE &&
		    strcmp(config->sections[i]->name, name) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/* "a -> b -> a", from the section where the way meets itself. */
static void refuse_circle(const struct walk *walk, size_t back_to)
{
	const struct config_section *last = walk->config->sections[walk->way[walk->n_way - 1]];
	char names[512] = "";
	size_t i = walk->n_way;

	while (i > 0 && walk->way[i - 1] != back_to)
		i--;
	for (i = i > 0 ? i - 1 : 0; i < walk->n_way; i++) {
		(void)strncat(names, walk->config->sections[walk->way[i]]->name,
			      sizeof names - strlen(names) - 1);
		(void)strncat(names, " -> ", sizeof names - strlen(names) - 1);
	}
	(void)strncat(names, walk->config->sections[back_to]->name,
		      sizeof names - strlen(names) - 1);
	problems_add(walk->problems, config_place(last, INSTANCE_KEY_after),
		     "after goes round in a circle: %s; expected an order", names);
}

static void visit(struct walk *walk, size_t i);

static void follow(struct walk *walk, const struct config_section *section, const char *name)
{
	size_t next;

	if (!find(walk->config, name, &next)) {
		if (walk->problems)
			problems_add(walk->problems, config_place(section, INSTANCE_KEY_after),
				     "after = %s: expected the name of an [instance] of this "
				     "configuration",
				     name);
	} else if (walk->marks[next] == NEW) {
		visit(walk, next);
	} else if (walk->marks[next] == ON_THE_WAY && walk->problems) {
		refuse_circle(walk, next);
	}
}

static void visit(struct walk *walk, size_t i)
{
	const struct config_section *section = walk->config->sections[i];
	const char *after = config_text(section, INSTANCE_KEY_after);
	char name[VALUE_WORD_SIZE];

	walk->marks[i] = ON_THE_WAY;
	walk->way[walk->n_way++] = i;
	while (after && value_next(&after, name, sizeof name))
		follow(walk, section, name);
	walk->n_way--;
	walk->marks[i] = DONE;
	if (walk->order)
		walk->order[walk->n_order++] = section;
}

static void walk_all(struct walk *walk)
{
	const struct config *config = walk->config;

	walk->marks = calloc(config->n_sections + 1, sizeof *walk->marks);
	walk->way = calloc(config->n_sections + 1, sizeof *walk->way);
	for (size_t i = 0; walk->marks && walk->way && i < config->n_sections; i++)
		if (config->sections[i]->type == CONFIG_INSTANCE && walk->marks[i] == NEW)
			visit(walk, i);
	if (walk->problems && (!walk->marks || !walk->way))
		problems_add(walk->problems, &(struct place){.file = "after"},
			     "no memory to check the order");
	free(walk->marks);
	free(walk->way);
}

void order_check(const struct config *config, struct problems *problems)
{
	struct walk walk = {.config = config, .problems = problems};

	walk_all(&walk);
}

size_t order_make(const struct config *config, const struct config_section **ret)
{
	struct walk walk = {.config = config, .order = ret};

	walk_all(&walk);
	return walk.n_order;
}
