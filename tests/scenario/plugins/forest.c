/* forest.c - counts trees. Runs on its instance's thread. */
#include "forest.service.h"

struct sums {
	uint64_t trees, rings;
};

/* As deep as a message may be. */
static void add(const forest_tree *tree, struct sums *sums)
{
	sums->trees++;
	sums->rings += tree->n_rings;
	for (size_t i = 0; i < tree->n_branches; i++)
		add(tree->branches[i], sums);
	for (size_t i = 0; i < tree->n_grafts; i++)
		if (tree->grafts[i]->value)
			add(tree->grafts[i]->value, sums);
	if (tree->top)
		add(tree->top, sums);
}

wat_status forest_on_count(struct forest_count_call *call,
			   forest_state *state,
			   const forest_tree *in,
			   forest_number *out)
{
	struct sums sums = {0, 0};

	(void)call;
	(void)state;
	add(in, &sums);
	out->n = sums.trees;
	return WAT_OK;
}

wat_status forest_on_rings(struct forest_rings_call *call,
			   forest_state *state,
			   const forest_tree *in,
			   forest_number *out)
{
	struct sums sums = {0, 0};

	(void)call;
	(void)state;
	add(in, &sums);
	out->n = sums.rings;
	return WAT_OK;
}

wat_status forest_on_plant(struct forest_plant_call *call,
			   forest_state *state,
			   const forest_tree *in,
			   forest_number *out)
{
	struct sums sums = {0, 0};

	(void)call;
	add(in, &sums);
	state->planted += sums.trees;
	out->n = state->planted;
	return WAT_OK;
}
