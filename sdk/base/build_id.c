/* SPDX-License-Identifier: Apache-2.0 */
/* A note in the program's file, which the loader has put into memory:
 *
 *     | name size | value size | type: 3 | "GNU\0" | value ... | */
#include "build_id.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static bool read_notes(char *out, const uint8_t *at, size_t size)
{
    ElfW(Nhdr) head;

    while (size >= sizeof(head)) {
        memcpy(&head, at, sizeof(head));
        size_t whole = sizeof(head) + padded(head.n_namesz) + padded(head.n_descsz);
        if (whole > size)
            return false;
        if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 &&
            memcmp(at + sizeof(head), "GNU", 4) == 0 && head.n_descsz > 0 &&
            head.n_descsz <= (BEAMC__BUILD_ID_SIZE - 1) / 2) {
            const uint8_t *value = at + sizeof(head) + padded(head.n_namesz);
            for (size_t i = 0; i < head.n_descsz; i++)
                snprintf(out + 2 * i, 3, "%02x", value[i]);
            return true;
        }
        at += whole;
        size -= whole;
    }
    return false;
}

/* The first object is the program itself. */
static int on_object(struct dl_phdr_info *info, size_t size, void *out)
{
    (void)size;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE &&
            read_notes(out, (const uint8_t *)(info->dlpi_addr + segment->p_vaddr),
                       segment->p_memsz))
            break;
    }
    return 1;
}

bool beamc__build_id(char out[BEAMC__BUILD_ID_SIZE])
{
    out[0] = '\0';
    dl_iterate_phdr(on_object, out);
    return out[0] != '\0';
}
