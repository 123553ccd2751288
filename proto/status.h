/* status.h - how a call can end. Public: installed as <wat/status.h>.
 * 0 to 16 are gRPC's codes (grpc/doc/statuscodes.md); 7, PERMISSION_DENIED, is never sent. */
#ifndef WAT_STATUS_H
#define WAT_STATUS_H

#define WAT_STATUSES(S)                                                        \
	S(OK, 0, "done")                                                       \
	S(CANCELLED, 1, "the caller took the call back")                       \
	S(UNKNOWN, 2, "failed in a way that has no name here")                 \
	S(INVALID_ARGUMENT, 3, "the request is malformed or makes no sense")   \
	S(DEADLINE_EXCEEDED, 4, "the time for the call is over")               \
	S(NOT_FOUND, 5, "there is no such thing")                              \
	S(ALREADY_EXISTS, 6, "the name is taken")                              \
	S(PERMISSION_DENIED, 7, "never sent")                                  \
	S(RESOURCE_EXHAUSTED, 8, "a limit is reached; not applied")            \
	S(FAILED_PRECONDITION, 9, "not possible in the present state")         \
	S(ABORTED, 10, "a conflict with another call")                         \
	S(OUT_OF_RANGE, 11, "a value is outside its range")                    \
	S(UNIMPLEMENTED, 12, "there is no such method")                        \
	S(INTERNAL, 13, "a mistake inside the service or watd")                \
	S(UNAVAILABLE, 14, "not now; try again")                               \
	S(DATA_LOSS, 15, "stored data is damaged")                             \
	S(UNAUTHENTICATED, 16, "no proof was given")                           \
	S(ACCESS_DENIED, 32, "the capability does not allow this")             \
	S(STALE, 33, "a capability of an earlier incarnation")                 \
	S(STOPPED, 34, "the instance was stopped")                             \
	S(SERVER_DIED, 35, "the service died; the chain says how")             \
	S(PEER_DIED, 36, "a service that it called died")                      \
	S(DISCONNECTED, 37, "the connection was lost; the call may have run")  \
	S(OVERLOADED, 38, "too busy; not executed")                            \
	S(START_FAILED, 39, "the service could not start; the chain says why") \
	S(TOO_LARGE, 40, "larger than the limit")                              \
	S(TOO_OLD, 41, "answered long ago; not run again")                     \
	S(DEADLOCK, 42, "the call would wait for itself")

typedef enum wat_status {
#define WAT_STATUS_ENUM(name, number, text) WAT_##name = number,
	WAT_STATUSES(WAT_STATUS_ENUM) WAT_STATUS_END = 43 /* greater than all of them */
#undef WAT_STATUS_ENUM
} wat_status;

#ifdef __cplusplus
extern "C" {
#endif

/* "STALE"; "UNKNOWN" for a number that is no status. A constant; any thread. */
const char *wat_status_name(int status);
/* "a capability of an earlier incarnation". A constant; any thread. */
const char *wat_status_text(int status);

#ifdef __cplusplus
}
#endif

#endif
