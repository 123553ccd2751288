/* crash_point.h - places where a process dies on purpose, so that a test can show that nothing is
 * lost there. In test builds (WAT_DEBUG) only; in others they are nothing.
 *
 * WAT_CRASH_AT=NAME or NAME:N kills the process with SIGKILL at the place of that name, the N-th
 * time that it gets there (default 1). WAT_CRASH_FLAG=PATH makes it happen once: the file is made
 * then, and where it is already nobody dies. Any thread. */
#ifndef WAT_BASE_CRASH_POINT_H
#define WAT_BASE_CRASH_POINT_H

/* Name, program, what has just been done there. */
#define CRASH_POINTS(P)                                                                    \
	P(append_before, "host", "a batch has run, nothing of it is written")              \
	P(append_half, "host", "half of a record is in the segment")                       \
	P(append_after, "host", "a record is in the segment, no answer is written")        \
	P(sync_after, "host", "a record is durable, no answer is written")                 \
	P(answer_after, "host", "answers of a batch are written")                          \
	P(attach_after, "host", "a lane has begun, ATTACHED is not written")               \
	P(switch_header, "host", "a fresh segment has its header, the old one goes on")    \
	P(switch_after, "host", "a fresh segment is gone on with, watd was not answered")  \
	P(fault_noted, "host", "a thread has noted that it raised a signal")               \
	P(recover_read, "host", "snapshot and segments are read, nothing is written")      \
	P(replay_call, "host", "a call of a journal was run again")                        \
	P(recover_after, "host", "a recovered instance has begun its fresh segment")       \
	P(life_after, "host", "a user's handler is in the journal, watd was not answered") \
	P(drain_after, "host", "the last state is given, watd was not answered")           \
	P(segment_made, "watd", "a fresh segment is a file, no host has it")               \
	P(segment_sent, "watd", "a fresh segment is with a running host")                  \
	P(start_answered, "watd", "a host has recovered, its snapshot is not stored")      \
	P(begin_stored, "watd", "an incarnation is stored, its spawn is not answered")     \
	P(checkpoint_stored, "watd", "a snapshot is stored, old segments are there")       \
	P(segment_dropped, "watd", "one of the old segments is gone")                      \
	P(provision_ran, "watd", "a Provision handler has run, its grant is not stored")   \
	P(provision_stored, "watd", "a grant is stored, its Provision is not answered")    \
	P(revoking_stored, "watd", "a grant is being revoked, its host was not told")      \
	P(deprovision_ran, "watd", "a Deprovision handler has run, that is not stored")    \
	P(death_seen, "watd", "a host has died, nothing is noted of that")                 \
	P(verdict_noted, "watd", "a call must not run again, no host knows it")            \
	P(verdict_sent, "watd", "a host was told that a call must not run again")          \
	P(verdict_stored, "watd", "that call's answer is stored, the note is as it was")   \
	P(stop_drained, "watd", "a last state is there, it is not stored")                 \
	P(stop_stored, "watd", "a last state is stored, the Stop is not answered")         \
	P(commit_before, "watd", "a group of changes is applied, not committed")           \
	P(commit_after, "watd", "a group of changes is committed, nobody was told")

#include <stdbool.h>

enum crash_point {
#define CRASH_POINT_ENUM(name, program, text) CRASH_POINT_##name,
	CRASH_POINTS(CRASH_POINT_ENUM)
#undef CRASH_POINT_ENUM
		CRASH_POINT_N
};

#ifdef WAT_DEBUG
bool crash_point_is_due(enum crash_point point);
void crash_point_die(void);
/* Dies after the statement, which is done for this only. */
#define CRASH_AFTER(name, statement)                          \
	do {                                                  \
		if (crash_point_is_due(CRASH_POINT_##name)) { \
			statement;                            \
			crash_point_die();                    \
		}                                             \
	} while (0)
#else
#define CRASH_AFTER(name, statement) ((void)0)
#endif
#define CRASH_HERE(name) CRASH_AFTER(name, )

#endif
