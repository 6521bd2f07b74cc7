/* SPDX-License-Identifier: Apache-2.0 */
/* Which libraries a program gets is for its loader to say; it can be asked:
 *
 *     $ /lib64/ld-linux-x86-64.so.2 --list PROGRAM
 *             linux-vdso.so.1 (0x00007ffd8a3f1000)
 *             libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1c6a400000)
 *             /lib64/ld-linux-x86-64.so.2 (0x00007f1c6a62d000)            */
#include "elf.h"

#include "harness/container/spawn.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    Elf64_Half machine;
    const char *name;
} architectures[] = {
    { EM_X86_64, "amd64" }, { EM_AARCH64, "arm64" }, { EM_PPC64, "ppc64le" },
    { EM_S390, "s390x" },   { EM_RISCV, "riscv64" }, { EM_LOONGARCH, "loong64" },
};

#if defined(__x86_64__)
#define NATIVE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE EM_AARCH64
#elif defined(__powerpc64__)
#define NATIVE EM_PPC64
#elif defined(__s390x__)
#define NATIVE EM_S390
#elif defined(__riscv)
#define NATIVE EM_RISCV
#elif defined(__loongarch__)
#define NATIVE EM_LOONGARCH
#else
#define NATIVE EM_NONE
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER ELFDATA2LSB
#else
#define ORDER ELFDATA2MSB
#endif

/* ---- the file -------------------------------------------------------------------------------- */

static bool read_head(Elf64_Ehdr *head, const void *bytes, size_t size)
{
    if (size < sizeof(*head))
        return false;
    memcpy(head, bytes, sizeof(*head));
    return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 && head->e_ident[EI_CLASS] == ELFCLASS64 &&
           head->e_ident[EI_DATA] == ORDER && head->e_phentsize == sizeof(Elf64_Phdr) &&
           (head->e_type == ET_EXEC || head->e_type == ET_DYN);
}

static bool read_segment(Elf64_Phdr *out, const Elf64_Ehdr *head, size_t i, const void *bytes,
                         size_t size)
{
    uint64_t at = i * sizeof(*out);

    if (head->e_phoff > size || size - head->e_phoff < at + sizeof(*out))
        return false;
    memcpy(out, (const uint8_t *)bytes + head->e_phoff + at, sizeof(*out));
    return out->p_offset <= size && out->p_filesz <= size - out->p_offset;
}

beamc_error *beamc__elf_read(beamc__elf *out, const void *bytes, size_t size, beamc_arena *arena)
{
    Elf64_Ehdr head;
    Elf64_Phdr segment;

    *out = (beamc__elf){ NULL, false, NULL };
    if (!read_head(&head, bytes, size))
        return beamc_error_new(BEAMC_ECORRUPT, "this is no program of 64 bits for Linux");
    for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures); i++)
        if (architectures[i].machine == head.e_machine)
            out->architecture = architectures[i].name;
    if (out->architecture == NULL)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "it is for an unknown kind of machine, %u",
                               head.e_machine);
    out->is_native = head.e_machine == NATIVE;
    for (size_t i = 0; i < head.e_phnum; i++) {
        if (!read_segment(&segment, &head, i, bytes, size))
            return beamc_error_new(BEAMC_ECORRUPT, "the program is cut off");
        if (segment.p_type != PT_INTERP || segment.p_filesz == 0)
            continue;
        out->loader = beamc_arena_strndup(arena, (const char *)bytes + segment.p_offset,
                                          segment.p_filesz - 1);
        if (out->loader == NULL)
            return beamc_error_nomem();
    }
    return NULL;
}

void beamc__elf_strip(beamc_buffer *file)
{
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    size_t end = sizeof(head);

    if (!read_head(&head, file->data, file->size))
        return;
    for (size_t i = 0; i < head.e_phnum; i++) {
        if (!read_segment(&segment, &head, i, file->data, file->size))
            return;
        if (segment.p_offset + segment.p_filesz > end)
            end = segment.p_offset + segment.p_filesz;
    }
    if (head.e_phoff + (uint64_t)head.e_phnum * sizeof(segment) > end)
        return;
    head.e_shoff = 0;
    head.e_shnum = head.e_shstrndx = 0;
    memcpy(file->data, &head, sizeof(head));
    file->size = end;
}

/* ---- its libraries --------------------------------------------------------------------------- */

static bool read_all(int file, beamc_buffer *out)
{
    for (;;) {
        uint8_t *to = beamc_buffer_reserve(out, 4096);
        ssize_t got = to == NULL ? -1 : pread(file, to, 4096, (off_t)out->size);
        if (got <= 0)
            return got == 0;
        out->size += (size_t)got;
    }
}

/* What the loader says, NUL at its end.  A name without '/' is a library to it. */
static beamc_error *ask_loader(const beamc__elf *elf, const char *program, beamc_buffer *out)
{
    char path[PATH_MAX];
    const char *const args[] = { elf->loader, "--list", path, NULL };
    int file = memfd_create("libraries", MFD_CLOEXEC);
    int status = 0;
    pid_t pid;

    if (file < 0)
        return beamc_error_system(errno, "memory for the answer of %s", elf->loader);
    snprintf(path, sizeof(path), "%s%s", strchr(program, '/') == NULL ? "./" : "", program);
    const beamc__spawn_options options = { .path = elf->loader, .args = args, .output = file };
    int problem = beamc__spawn(&pid, &options);
    while (problem == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    bool all = problem == 0 && read_all(file, out);
    close(file);
    if (problem != 0)
        return beamc_error_system(problem, "its loader %s", elf->loader);
    beamc_buffer_append_byte(out, '\0');
    if (!all || beamc_buffer_failed(out))
        return beamc_error_nomem();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return beamc_error_new(BEAMC_EIO, "its loader %s: %.*s", elf->loader,
                               (int)strcspn((char *)out->data, "\n"), (char *)out->data);
    return NULL;
}

/* One line: "NAME => PATH (0x..)", "PATH (0x..)", "NAME (0x..)" or "NAME => not found"; or
 * "PROGRAM: PATH: version `NAME' not found (required by ..)" of a library that is too old. */
static beamc_error *read_line(beamc__elf_library *out, char *line, beamc_arena *arena)
{
    char *arrow = strstr(line, " => ");

    out->name = NULL;
    line += strspn(line, " \t");
    if (arrow != NULL && strstr(arrow, "not found") != NULL)
        return beamc_error_new(BEAMC_ENOENT, "it needs the library %.*s, which is not here",
                               (int)strcspn(line, " "), line);
    if (strstr(line, "' not found (required by ") != NULL && strstr(line, ": ") != NULL)
        return beamc_error_new(BEAMC_ENOENT, "%s", strstr(line, ": ") + 2);
    char *path = arrow != NULL ? arrow + 4 : line;
    if (*path != '/')
        return NULL; /* the kernel's own, which is no file */
    path[strcspn(path, " ")] = '\0';
    line[strcspn(line, " ")] = '\0';
    out->path = beamc_arena_strdup(arena, path);
    out->name = beamc_arena_strdup(arena, arrow != NULL ? line : strrchr(path, '/') + 1);
    return out->path == NULL || out->name == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *read_lines(beamc__elf_library **out, size_t *count, char *text,
                               beamc_arena *arena)
{
    size_t lines = 0;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    *out = beamc_arena_calloc(arena, lines + 1, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    for (char *line; (line = strsep(&text, "\n")) != NULL && *count <= lines;) {
        BEAMC_TRY(read_line(&(*out)[*count], line, arena));
        if ((*out)[*count].name != NULL)
            ++*count;
    }
    return NULL;
}

beamc_error *beamc__elf_libraries(beamc__elf_library **out, size_t *count, const beamc__elf *elf,
                                  const char *program, beamc_arena *arena)
{
    beamc_buffer text;

    *out = NULL;
    *count = 0;
    if (elf->loader == NULL)
        return NULL;
    if (!elf->is_native)
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "it is for %s and needs libraries that are not here; link it "
                               "statically",
                               elf->architecture);
    beamc_buffer_init(&text);
    beamc_error *error = ask_loader(elf, program, &text);
    if (error == NULL)
        error = read_lines(out, count, (char *)text.data, arena);
    beamc_buffer_dispose(&text);
    return error;
}

/* ---- whether it can be started --------------------------------------------------------------- */

/* False: this is no program, or one that cannot be read. */
static bool read_file(beamc__elf *out, const char *path, beamc_arena *arena)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = MAP_FAILED;
    struct stat status;

    if (file < 0)
        return false;
    if (fstat(file, &status) == 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED)
        return false;
    beamc_error *error = beamc__elf_read(out, bytes, (size_t)status.st_size, arena);
    munmap(bytes, (size_t)status.st_size);
    beamc_error_free(error); /* a script is none */
    return error == NULL;
}

beamc_error *beamc__elf_check(const char *path, beamc_arena *arena)
{
    beamc__elf_library *libraries;
    size_t count;
    beamc__elf elf;

    if (!read_file(&elf, path, arena) || !elf.is_native || elf.loader == NULL ||
        access(elf.loader, X_OK) < 0)
        return NULL;
    return beamc__elf_libraries(&libraries, &count, &elf, path, arena);
}
