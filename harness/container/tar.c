/* SPDX-License-Identifier: Apache-2.0 */
#include "tar.h"

#include <stdio.h>

enum { BLOCK = 512 };

typedef struct {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char time[12];
    char sum[8];
    char kind;
    char link[100];
    char magic[6];
    char version[2];
    char owner[32];
    char group[32];
    char device[16];
    char prefix[155];
    char rest[12];
} header;

_Static_assert(sizeof(header) == BLOCK, "a header is one block");

static int write_header(beamc_buffer *out, const char *name, char kind, unsigned mode, int64_t time,
                        uint64_t size)
{
    header head = {
        .kind = kind, .magic = "ustar", .version = { '0', '0' }, .owner = "root", .group = "root"
    };
    unsigned sum = 0;

    if (strlen(name) >= sizeof(head.name) || size >> 33 != 0)
        return BEAMC_ELIMIT;
    memcpy(head.name, name, strlen(name));
    snprintf(head.mode, sizeof(head.mode), "%07o", mode & 07777);
    snprintf(head.uid, sizeof(head.uid), "%07o", 0);
    snprintf(head.gid, sizeof(head.gid), "%07o", 0);
    snprintf(head.size, sizeof(head.size), "%011llo", (unsigned long long)size);
    snprintf(head.time, sizeof(head.time), "%011llo",
             (unsigned long long)(time < 0 || time >> 33 != 0 ? 0 : time));
    /* The sum is of the header with blanks in its own place. */
    memset(head.sum, ' ', sizeof(head.sum));
    for (size_t i = 0; i < sizeof(head); i++)
        sum += ((const unsigned char *)&head)[i];
    snprintf(head.sum, sizeof(head.sum), "%06o", sum & 0777777);
    beamc_buffer_append(out, &head, sizeof(head));
    return BEAMC_OK;
}

static void append_zeros(beamc_buffer *out, size_t size)
{
    static const char zeros[2 * BLOCK];

    beamc_buffer_append(out, zeros, size);
}

int beamc__tar_directory(beamc_buffer *out, const char *name, unsigned mode, int64_t time)
{
    return write_header(out, name, '5', mode, time, 0);
}

int beamc__tar_file(beamc_buffer *out, const char *name, unsigned mode, int64_t time,
                    const void *bytes, size_t size)
{
    int code = write_header(out, name, '0', mode, time, size);

    if (code < 0)
        return code;
    beamc_buffer_append(out, bytes, size);
    append_zeros(out, (BLOCK - size % BLOCK) % BLOCK);
    return BEAMC_OK;
}

void beamc__tar_end(beamc_buffer *out)
{
    append_zeros(out, 2 * BLOCK);
}
