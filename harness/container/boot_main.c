/* SPDX-License-Identifier: Apache-2.0 */
/* beamc-boot: what a container starts.
 *
 *     beamc-boot --id=1-1 --provision_endpoint=localhost:40001
 *     beamc-boot --worker_pool
 *     beamc-boot --worker_pool --worker_pool_address=0.0.0.0:50000 */
#include "harness/container/boot.h"

int main(int argc, char **argv)
{
    return beamc__boot_main(argc, argv);
}
