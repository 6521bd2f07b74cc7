/* SPDX-License-Identifier: Apache-2.0 */
#include "beside.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

beamc_error *beamc__beside(char out[PATH_MAX], const char *name)
{
    ssize_t size = readlink("/proc/self/exe", out, PATH_MAX - 1);

    if (size < 0)
        return beamc_error_system(errno, "/proc/self/exe");
    out[size] = '\0';
    char *last = strrchr(out, '/') + 1;
    if ((size_t)(last - out) + strlen(name) >= PATH_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "%s is in a directory with too long a name", out);
    strcpy(last, name);
    if (access(out, X_OK) < 0)
        return beamc_error_system(errno, "%s, which is installed together with beamc", out);
    return NULL;
}
