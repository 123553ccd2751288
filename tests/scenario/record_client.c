/* record_client.c - program of one client in a process of its own: record-client NUMBER, with the
 * memory of the recording as descriptor RECORD_FD. */
#include <stdlib.h>

#include "tests/scenario/record.h"

int main(int argc, char **argv)
{
	struct record *record;
	uint32_t number = argc == 2 ? (uint32_t)atoi(argv[1]) : RECORD_CLIENTS;

	if (number >= RECORD_CLIENTS || record_map(RECORD_FD, &record) < 0)
		return 64;
	return record_run(record, number);
}
