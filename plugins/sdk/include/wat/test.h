/* test.h - a service's handlers inside the process of a test: without a daemon, under a debugger,
 * valgrind or a sanitizer, with a clock and randomness that the test sets. What serves the calls is
 * what serves them in watd-host: decoding, limits, the old state after a failure, panics, calls
 * that are answered later. Handlers run on the thread that calls; nothing here is thread safe.
 *
 * Functions return 0, a positive wat_status, or a negative errno; wat_test_text() has the sentence
 * of the last failure. Outputs are untouched on failure. Messages that are returned are the
 * caller's: the generated X_free, or protobuf_c_message_free_unpacked. The typed functions of a
 * service are in its generated NAME.test.h. */
#ifndef WAT_TEST_H
#define WAT_TEST_H

#include <stdint.h>

#include <wat/interface.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAT_TEST_API __attribute__((visibility("default")))
#define WAT_TEST_CHECK __attribute__((visibility("default"), warn_unused_result))

typedef struct wat_test wat_test; /* one instance of one service */

/* Nothing runs yet. INVALID_ARGUMENT for a service that a host would refuse, with the reason on
 * stderr; -ENOMEM. Free with wat_test_free. */
WAT_TEST_CHECK int wat_test_new(const struct wat_service *service, wat_test **ret);
/* Begins an incarnation: load, if the service has a live form, then Start. state NULL: no field is
 * set. START_FAILED with the handler's sentence; FAILED_PRECONDITION when one is running. */
WAT_TEST_CHECK int wat_test_start(wat_test *test, const ProtobufCMessage *state);
/* Ends what runs without Stop and frees the live form. Returns NULL; takes NULL. */
WAT_TEST_API wat_test *wat_test_free(wat_test *test);
/* Of the last failure; "" before the first. Valid until the next call. */
WAT_TEST_API const char *wat_test_text(const wat_test *test);

/* Unix time in nanoseconds as handlers see it; it stands still. At first 1,000,000,000 s. */
WAT_TEST_API void wat_test_set_time(wat_test *test, uint64_t unix_ns);
WAT_TEST_API void wat_test_advance(wat_test *test, uint64_t ns);
/* What wat_random gives from here on depends on the seed only. At first 0. */
WAT_TEST_API void wat_test_seed(wat_test *test, uint64_t seed);

/* Lets a user in by the Provision handler, whose refusal this returns; ALREADY_EXISTS. */
WAT_TEST_CHECK int wat_test_provision(wat_test *test, const char *user);
/* Ends the user by the Deprovision handler, its open calls before; NOT_FOUND. */
WAT_TEST_CHECK int wat_test_deprovision(wat_test *test, const char *user);
/* The user's connection is lost: the Disconnect handler runs if it had called; NOT_FOUND. */
WAT_TEST_CHECK int wat_test_disconnect(wat_test *test, const char *user);
/* Whose calls come next. Until then it is "tester", for whom Provision never ran. NOT_FOUND. */
WAT_TEST_CHECK int wat_test_act_as(wat_test *test, const char *user);

/* One call, of internal methods too. in NULL: no field is set. The call's status; -EAGAIN when its
 * handler took it, to be answered later: then *ret_call is its number for wat_test_answer (ret_call
 * may be NULL). *ret_out (may be NULL) is the reply. */
WAT_TEST_CHECK int wat_test_call(wat_test *test,
				 uint16_t method,
				 const ProtobufCMessage *in,
				 ProtobufCMessage **ret_out,
				 uint64_t *ret_call);
/* The answer of a call that was taken, once: its status, or -EAGAIN as long as there is none;
 * -ENOENT for a number that is not open. */
WAT_TEST_CHECK int wat_test_answer(wat_test *test, uint64_t call, ProtobufCMessage **ret_out);

/* The state as it would be stored now: by save, if the service has a live form. */
WAT_TEST_CHECK int wat_test_state(wat_test *test, ProtobufCMessage **ret_state);
/* A suspension and what follows it: save, a new process, load; neither Stop nor Start runs. */
WAT_TEST_CHECK int wat_test_resume(wat_test *test);
/* A death and what follows it, of a deterministic service: a new process makes the instance from
 * what the last start, resume or crash left, by running again what was called since, with the time
 * and the randomness that it had. START_FAILED, with the call and what differs, for one that does
 * not do again what it did: then nothing runs any more. FAILED_PRECONDITION for any other service.
 * Users stay; calls are made on new connections. */
WAT_TEST_CHECK int wat_test_crash(wat_test *test);
/* Ends the incarnation, its users too: Stop, save. A failing Stop leaves the instance as it is.
 * Another incarnation may be started from the state, as watd would. ret_state may be NULL. */
WAT_TEST_CHECK int wat_test_stop(wat_test *test, ProtobufCMessage **ret_state);

#ifdef __cplusplus
}
#endif

#endif
