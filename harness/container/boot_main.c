/* SPDX-License-Identifier: Apache-2.0 */
/* beamc-boot: what a container starts.
 *
 *     beamc-boot --id=1-1 --provision_endpoint=localhost:40001
 *     beamc-boot --worker_pool */
#include "harness/container/boot.h"

int main(int argc, char **argv)
{
    return beamc__boot_main(argc, argv);
}
