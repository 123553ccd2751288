/* test_misdeeds_process.c - whatever a service does in a process of its own, its caller is told
 * what happened, its Admin in full, and nobody else notices. rows 46, 49, 50 */
#include <wat/wat.h>

#include "tests/scenario/misdeeds.h"

int main(void)
{
	return misdeeds_run(WAT_TIER_PROCESS);
}
