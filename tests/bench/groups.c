/* groups.c - who is measured in turn with whom. Pure. */
#include "tests/bench/report.h"

const struct group groups[N_GROUPS] = {
	{
		.key = "unix",
		.name = "Unix sockets",
		.first = RAW,
		.last = REDIS,
		.to = {RAW, REDIS},
		.to_names = {"of raw", "of Redis"},
		.placements = {true, true},
	},
	{
		.key = "tcp",
		.name = "TCP, 127.0.0.1",
		.first = RAW_TCP,
		.last = GRPC,
		.to = {RAW_TCP, REDIS_TCP},
		.to_names = {"of raw", "of Redis"},
		.placements = {true, true},
	},
	{
		.key = "disk",
		.name = "To the disk",
		.first = FDATASYNC,
		.last = REDIS_EVERYSEC,
		.to = {FDATASYNC, SQLITE},
		.to_names = {"of disk", "of SQLite"},
		.placements = {false, true},
	},
};
