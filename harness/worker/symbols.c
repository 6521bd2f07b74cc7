/* SPDX-License-Identifier: Apache-2.0 */
/* The loaded part of a file has no table of static functions, so the file is mapped once more and
 * read.  It may have been replaced meanwhile: nothing in it is trusted. */
#include "harness/worker/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 512 };

/* Where an address lies. */
typedef struct {
    uintptr_t address;
    uintptr_t offset; /* in the file's own count of addresses */
    char path[PATH_SIZE];
    bool found;
} place;

/* A file as mapped. */
typedef struct {
    const unsigned char *data;
    size_t size;
} image;

/* ---- which file ------------------------------------------------------------------------------ */

static int look_in(struct dl_phdr_info *info, size_t size, void *ctx)
{
    place *at = ctx;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD || at->address < start ||
            at->address - start >= part->p_memsz)
            continue;
        at->offset = at->address - info->dlpi_addr;
        snprintf(at->path, sizeof(at->path), "%s", info->dlpi_name);
        at->found = true;
        return 1;
    }
    return 0;
}

/* The program itself has no name among the loaded files. */
static const char *program_name(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size - 1);

    if (length <= 0)
        return "program";
    out[length] = '\0';
    return out;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* ---- its symbols ----------------------------------------------------------------------------- */

static bool map_file(const char *path, image *out)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return false;
    void *data = MAP_FAILED;
    if (fstat(file, &about) == 0 && about.st_size > 0)
        data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (data == MAP_FAILED)
        return false;
    *out = (image){ data, (size_t)about.st_size };
    return true;
}

/* A part of the file; NULL if it is not all there. */
static const void *part_of(const image *file, uint64_t offset, uint64_t size)
{
    return offset > file->size || size > file->size - offset ? NULL : file->data + offset;
}

static const ElfW(Shdr) *sections(const image *file, size_t *count)
{
    const ElfW(Ehdr) *head = part_of(file, 0, sizeof(*head));

    if (head == NULL || memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
        head->e_shentsize != sizeof(ElfW(Shdr)) || head->e_shoff % _Alignof(ElfW(Shdr)) != 0)
        return NULL;
    *count = head->e_shnum;
    return part_of(file, head->e_shoff, *count * sizeof(ElfW(Shdr)));
}

/* The function of @table that holds @offset; NULL: none. */
static const char *find_in(const image *file, const ElfW(Shdr) *all, size_t count,
                           const ElfW(Shdr) *table, uintptr_t offset, uintptr_t *start)
{
    const ElfW(Sym) *symbols = part_of(file, table->sh_offset, table->sh_size);
    size_t symbol_count = table->sh_size / sizeof(*symbols);

    if (symbols == NULL || table->sh_offset % _Alignof(ElfW(Sym)) != 0 || table->sh_link >= count)
        return NULL;
    const ElfW(Shdr) *names = &all[table->sh_link];
    const char *text = part_of(file, names->sh_offset, names->sh_size);
    if (text == NULL || names->sh_size == 0 || text[names->sh_size - 1] != '\0')
        return NULL;
    for (size_t i = 0; i < symbol_count; i++) {
        const ElfW(Sym) *each = &symbols[i];
        if ((each->st_info & 0xf) == STT_FUNC && each->st_value <= offset &&
            offset - each->st_value < each->st_size && each->st_name < names->sh_size) {
            *start = each->st_value;
            return text + each->st_name;
        }
    }
    return NULL;
}

/* The full table if there is one, else that of the dynamic linker. */
static const char *find_symbol(const image *file, uintptr_t offset, uintptr_t *start)
{
    static const ElfW(Word) kinds[] = { SHT_SYMTAB, SHT_DYNSYM };
    size_t count = 0;
    const ElfW(Shdr) *all = sections(file, &count);

    for (size_t kind = 0; all != NULL && kind < 2; kind++) {
        for (size_t i = 0; i < count; i++) {
            const char *name = all[i].sh_type != kinds[kind]
                                   ? NULL
                                   : find_in(file, all, count, &all[i], offset, start);
            if (name != NULL)
                return name;
        }
    }
    return NULL;
}

bool beamc__symbol_is_own(uintptr_t address)
{
    place at = { .address = address };

    dl_iterate_phdr(look_in, &at);
    return at.found && at.path[0] == '\0';
}

void beamc__symbol_print(uintptr_t address, char *out, size_t size)
{
    char own[PATH_SIZE];
    place at = { .address = address };
    image file;
    uintptr_t start = 0;

    dl_iterate_phdr(look_in, &at);
    if (!at.found) {
        snprintf(out, size, "0x%zx", (size_t)address);
        return;
    }
    bool is_program = at.path[0] == '\0';
    const char *name = last_part(is_program ? program_name(own, sizeof(own)) : at.path);
    if (!map_file(is_program ? "/proc/self/exe" : at.path, &file)) {
        snprintf(out, size, "%s+0x%zx", name, (size_t)at.offset);
        return;
    }
    const char *symbol = find_symbol(&file, at.offset, &start);
    if (symbol != NULL)
        snprintf(out, size, "%s+0x%zx (%s+0x%zx)", symbol, (size_t)(at.offset - start), name,
                 (size_t)at.offset);
    else
        snprintf(out, size, "%s+0x%zx", name, (size_t)at.offset);
    munmap((void *)file.data, file.size);
}
