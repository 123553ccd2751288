/* story.c - marks, read again. */
#include "tests/power/story.h"

#include <string.h>

static void set_ready(struct story *story)
{
	story->ready = true;
	for (size_t i = 0; i < STORY_INSTANCES; i++)
		for (size_t c = 0; c < STORY_CLIENTS; c++)
			story->instances[i].clients[c].floor =
				story->instances[i].clients[c].answered;
}

static void read_mark(struct story *story, const struct power_entry *mark, bool before)
{
	struct story_instance *instance = &story->instances[mark->other / 16];
	struct story_client *client = &instance->clients[mark->other % 16];

	if (mark->file == STORY_ANSWERED)
		client->places[mark->at >> 32] = (uint32_t)mark->at;
	if (!before)
		return;
	switch (mark->file) {
	case STORY_READY:
		set_ready(story);
		break;
	case STORY_SPAWNED:
		instance->spawned = true;
		break;
	case STORY_GRANTED:
		client->granted = true;
		break;
	case STORY_REVOKING:
		client->revoking = true;
		break;
	case STORY_REVOKED:
		client->revoked = true;
		break;
	case STORY_SENT:
		client->sent = mark->at;
		if (client->sent_ever < mark->at)
			client->sent_ever = mark->at;
		break;
	case STORY_BACK:
		client->sent = client->answered = client->floor = mark->at;
		break;
	case STORY_ANSWERED:
		client->answered = mark->at >> 32;
		break;
	case STORY_STOPPING:
		instance->stopping = true;
		break;
	case STORY_STOPPED:
		instance->stopped = true;
		instance->final_place = mark->at;
		break;
	default:
		break;
	}
}

void story_read(struct story *story, const struct power_log *log, uint64_t end)
{
	memset(story, 0, sizeof *story);
	for (uint64_t at = 0; at < log->end; at += power_log_at(log, at)->size)
		if (power_log_at(log, at)->kind == POWER_MARK)
			read_mark(story, power_log_at(log, at), at < end);
}
