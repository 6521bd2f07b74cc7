/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/cli/cli.h"

int main(int argc, char **argv)
{
    return beamc__cli(argc, (const char *const *)argv, stdout, stderr);
}
