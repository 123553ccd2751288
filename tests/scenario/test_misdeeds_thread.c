/* test_misdeeds_thread.c - whatever a service does in the pool, its caller is told what happened,
 * its Admin in full; the other services of the pool go on from their journals, and those outside
 * don't notice. rows 46, 49, 50, 51 */
#include <wat/wat.h>

#include "tests/scenario/misdeeds.h"

int main(void)
{
	return misdeeds_run(WAT_TIER_THREAD);
}
