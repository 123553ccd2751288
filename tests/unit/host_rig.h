/* host_rig.h - a real watd-host without watd: a test speaks the control protocol to it, and holds
 * the client's end of its channels. Nothing here waits for a time; what fails, fails the test. */
#ifndef WAT_TESTS_HOST_RIG_H
#define WAT_TESTS_HOST_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <wat/envelope.pb-c.h>
#include <wat/host.pb-c.h>

#include "proto/attribution.h"
#include "proto/status.h"
#include "proto/stream.h"
#include "tests/lib/cases.h"

#define RIG_STATE_MAX (128u * 1024u)

struct rig {
	pid_t pid;
	struct stream control;
	int lifeline; /* the write end */
	int out, err; /* read ends of its pipes */
	struct attribution *page;
	uint64_t last_id;
	bool confined;       /* it was asked to be */
	uint64_t generation; /* of the last instance that was started */
	/* Of the last answer. */
	wat_status status;
	Wat__Envelope__Failure *failure;
	uint8_t state[RIG_STATE_MAX];
	size_t n_state;
	Wat__Host__Snapshot *snapshot; /* that the state is of; NULL: there was none */
	/* Events so far. */
	unsigned n_checkpoints, n_counts, n_wants, n_rebuilt, n_panics;
	char panic[512]; /* the last: method and text */
	uint8_t checkpoint[RIG_STATE_MAX];
	size_t n_checkpoint;
	uint32_t channels; /* the last ChannelCount */
	uint8_t channels_of;
	unsigned n_denials, n_denied; /* Denied events, and the calls that they stand for */
	Wat__Host__Denied denied;     /* the last one; only its numbers live on */
	char denied_method[64];
	uint32_t end_step; /* the last EndStep */
	uint64_t end_step_n;
};

void rig_init(struct rig *rig);
/* Kills what still runs. */
void rig_deinit(struct rig *rig);
/* Exit code, or -signal. */
int rig_wait(struct rig *rig);
/* All that it wrote to stderr, after its end. */
void rig_read_stderr(struct rig *rig, char *text, size_t n);

/* What instance i is (its id is 16 times i). */
struct rig_start {
	const char *plugin, *service;
	uint64_t hash;
	const ProtobufCMessage *state; /* NULL: an empty one */
	bool pool, run_start;
	uint8_t instance;
	uint64_t generation;         /* 0: 7 */
	uint32_t durability;         /* 0: none */
	Wat__Host__Snapshot *from;   /* instead of the state; NULL: that */
	Wat__Host__Verdict *verdict; /* NULL: none */
	bool recover_only, replay, replay_to_end;
	uint64_t replay_to;
};
wat_status rig_start(struct rig *rig, const struct rig_start *start);
/* Without waiting for the answer. */
void rig_start_send(struct rig *rig, const struct rig_start *start);
wat_status rig_attach_raw(struct rig *rig,
			  uint8_t instance,
			  uint8_t grant,
			  uint8_t lane,
			  uint64_t mask,
			  bool resume,
			  int fd);
/* A file of the journal (taken), before Start or while it serves. */
wat_status rig_segment(struct rig *rig, uint8_t instance, uint64_t number, bool fresh, int fd);
wat_status rig_detach(struct rig *rig, uint8_t instance, uint8_t grant);
wat_status rig_drain(struct rig *rig, uint8_t instance, bool run_stop);
/* Without waiting for the answer, and that. */
void rig_drain_send(struct rig *rig, uint8_t instance, bool run_stop);
wat_status rig_answer(struct rig *rig);
wat_status rig_finish(struct rig *rig, uint8_t instance, wat_status status, const char *text);
/* Reads what the host says until the event came. */
void rig_await_checkpoints(struct rig *rig, unsigned n);
void rig_await_panics(struct rig *rig, unsigned n);
void rig_await_denied(struct rig *rig, unsigned n);
void rig_await_channels(struct rig *rig, uint8_t grant, uint32_t channels);
void rig_await_wants(struct rig *rig, unsigned n);

/* Writes all that is queued; the next frame, false at the end; a body that must be one. */
void rig_write_all(struct stream *stream);
bool rig_read_frame(struct stream *stream, struct frame *frame, const uint8_t **body);
ProtobufCMessage *rig_unpack(const ProtobufCMessageDescriptor *descriptor,
			     const uint8_t *body,
			     size_t n);

/* A client's end. */
struct peer {
	struct stream stream;
	uint64_t last_id;
	uint64_t window; /* of the calls that are queued */
	/* The last frame. */
	struct frame frame;
	const uint8_t *body;
	uint8_t grant;
	/* Of ATTACHED. */
	Wat__Envelope__LaneState lane;
	uint64_t last_applied;
};

/* Attached, and ATTACHED read. */
void peer_attach(struct rig *rig, struct peer *peer, uint8_t instance, uint8_t grant, uint8_t lane);
/* The same with a lane that is known. */
void peer_resume(struct rig *rig, struct peer *peer, uint8_t instance, uint8_t grant, uint8_t lane);
void peer_close(struct peer *peer);
/* Queues a CALL and returns its id; peer_flush writes. */
uint64_t peer_queue(struct peer *peer,
		    uint16_t method,
		    uint32_t budget,
		    const ProtobufCMessage *in);
void peer_queue_frame(struct peer *peer, const struct frame *frame, const void *body, size_t n);
void peer_flush(struct peer *peer);
/* The next frame; false at the end of the stream. */
bool peer_read(struct peer *peer);
/* The same under an id. */
void peer_queue_as(struct peer *peer, uint64_t id, uint16_t method, const ProtobufCMessage *in);
/* Reads the answer to that id: the status. */
wat_status peer_answer(struct peer *peer, uint64_t id);
/* One call and its answer: the status, and with OK the body. */
wat_status peer_call(struct peer *peer, uint16_t method, const ProtobufCMessage *in);
/* Of the last frame, FAIL or GOAWAY; free with protobuf_c_message_free_unpacked. */
Wat__Envelope__Failure *peer_failure(const struct peer *peer);
/* Reads GOAWAY and the end of the stream; the last_read_id. */
uint64_t peer_expect_goaway(struct peer *peer, wat_status status);

#endif
