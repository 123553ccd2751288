/* answers.c - answers of mutating calls by their request id. Loop thread. */
#include "daemon/supervisor/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Request ids are random, so their first bytes are a hash. */
static size_t bucket_of(const uint8_t id[16])
{
	return (size_t)(id[0] | id[1] << 8) % ANSWERS_BUCKETS;
}

void answers_init(struct answers *answers)
{
	for (size_t i = 0; i < ANSWERS_BUCKETS; i++)
		list_init(&answers->buckets[i]);
	list_init(&answers->oldest_first);
	answers->n = 0;
}

static void answer_remove(struct answers *answers, struct answer *answer)
{
	list_remove(&answer->by_id);
	list_remove(&answer->by_age);
	answers->n--;
	free(answer);
}

static void remove_oldest(struct answers *answers)
{
	struct list *oldest = list_first(&answers->oldest_first);

	if (oldest)
		answer_remove(answers, container_of(oldest, struct answer, by_age));
}

void answers_deinit(struct answers *answers)
{
	while (answers->n > 0)
		remove_oldest(answers);
}

int answers_add(struct answers *answers, const struct store_answer *row)
{
	struct answer *answer = malloc(sizeof *answer + row->reply_len);

	if (!answer)
		return -ENOMEM;
	memcpy(answer->request_id, row->request_id, 16);
	memcpy(answer->owner, row->owner, 16);
	answer->method = row->method;
	answer->n = row->reply_len;
	if (answer->n > 0)
		memcpy(answer->reply, row->reply, answer->n);
	list_append(&answers->buckets[bucket_of(answer->request_id)], &answer->by_id);
	list_append(&answers->oldest_first, &answer->by_age);
	if (++answers->n > ANSWERS_MAX)
		remove_oldest(answers);
	return 0;
}

const struct answer *answers_find(const struct answers *answers, const uint8_t request_id[16])
{
	list_for_each (i, &answers->buckets[bucket_of(request_id)]) {
		const struct answer *answer = container_of(i, struct answer, by_id);

		if (memcmp(answer->request_id, request_id, 16) == 0)
			return answer;
	}
	return NULL;
}
