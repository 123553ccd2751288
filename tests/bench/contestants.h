/* contestants.h - who is measured: each with its own server process and its own client. */
#ifndef WAT_BENCH_CONTESTANTS_H
#define WAT_BENCH_CONTESTANTS_H

#include <wat/wat.h>

#include "counter.client.h"
#include "tests/bench/bench.h"

/* raw.c: bytes that come back from bench-echo, in frames of the same size as ours. */
struct echo {
	pid_t pid;
	char path[128];
	unsigned port; /* 0: at path */
};
void echo_start(struct echo *ret, const char *program, const char *dir);
void echo_start_tcp(struct echo *ret, const char *program, const char *dir);
int echo_connect(const struct echo *echo);
void raw_start(struct contestant *ret, const struct echo *echo);
/* frames.c: the same echo, by frames that are made and read, or by messages in them. */
void frames_start(struct contestant *ret, const struct echo *echo, bool messages);

/* redis.c: INCR by redis-benchmark, from a redis-server of our own that keeps nothing. */
void redis_start(struct contestant *ret, const char *dir);
/* The same by TCP. */
void redis_start_tcp(struct contestant *ret, const char *dir);
/* One with an append-only file; append: "always" or "everysec". */
void redis_start_durable(struct contestant *ret,
			 const char *dir,
			 const char *name,
			 const char *append);
const char *redis_socket(const struct contestant *contestant);
/* "7.0.15". */
void redis_version(char *ret_version, size_t size);

/* grpc.c: bench-grpc, a gRPC server and client in C++ by TCP, if it was built. */
bool grpc_exists(void);
void grpc_start(struct contestant *ret, const char *dir);
/* disk.c: commits one after the other, to the disk that dir is on; nobody serves. */
void fdatasync_start(struct contestant *ret, const char *dir);
void sqlite_start(struct contestant *ret, const char *dir);

/* service.c: a watd, and Increment of counters by libwat. */
struct node {
	pid_t pid;
	char socket[128], admin_socket[128];
	char remote[128]; /* wat://KEY@127.0.0.1:PORT */
	wat *w;
	wat_node *node;
};
void node_start(struct node *ret, const char *dir);
/* The same, and whoever comes may stay, however many have bound nothing. */
void node_start_wide(struct node *ret, const char *dir);
/* As node_start, with other plugins. */
void node_start_with(struct node *ret, const char *dir, const char *plugin_dir);
void node_end(struct node *node);
counter_admin *node_spawn(struct node *node, const char *name, uint32_t tier, uint32_t durability);
counter_user *node_user(counter_admin *admin, const char *name);
/* A counter on that tier, and 4 Users of it. */
void service_start(struct contestant *ret,
		   const char *name,
		   struct node *node,
		   uint32_t tier,
		   uint32_t durability);
/* The same by TCP, 4 connections, each with its own encryption. */
void service_start_tcp(struct contestant *ret,
		       const char *name,
		       struct node *node,
		       uint32_t tier,
		       uint32_t durability);
/* The counter has what was added, and no more. */
void service_end(struct contestant *contestant);

#endif
