/* SPDX-License-Identifier: Apache-2.0 */
/* Container images: what other tools read out of them, and what cannot be put in. */
#include "harness/container/image.h"

#include "harness/container/elf.h"
#include "harness/container/tar.h"
#include "proto/urns.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static beamc_arena *arena;

static void setup(void)
{
    arena = beamc_arena_new();
    scratch_setup();
}

static void teardown(void)
{
    scratch_teardown();
    beamc_arena_free(arena);
}

/* The smallest file that says it is a program: a header, a segment and what it holds.  Behind that
 * @tail bytes that are never loaded. */
static void make_program(const char *path, unsigned machine, const char *loader, const char *holds,
                         size_t tail)
{
    struct {
        Elf64_Ehdr head;
        Elf64_Phdr segments[2];
        char loader[32];
        char holds[64];
        char tail[1024];
    } file = { 0 };

    memcpy(file.head.e_ident, ELFMAG, SELFMAG);
    file.head.e_ident[EI_CLASS] = ELFCLASS64;
    file.head.e_ident[EI_DATA] = ELFDATA2LSB;
    file.head.e_type = ET_EXEC;
    file.head.e_machine = (Elf64_Half)machine;
    file.head.e_phoff = sizeof(file.head);
    file.head.e_phentsize = sizeof(*file.segments);
    file.head.e_phnum = loader == NULL ? 1 : 2;
    file.head.e_shoff = sizeof(file) - sizeof(file.tail);
    file.head.e_shnum = 3;
    file.segments[0].p_type = PT_LOAD;
    file.segments[0].p_filesz = sizeof(file) - sizeof(file.tail);
    if (loader != NULL) {
        strcpy(file.loader, loader);
        file.segments[1].p_type = PT_INTERP;
        file.segments[1].p_offset = (size_t)(file.loader - (char *)&file);
        file.segments[1].p_filesz = strlen(loader) + 1;
    }
    strcpy(file.holds, holds);
    memset(file.tail, 'x', sizeof(file.tail));
    ck_assert_uint_le(tail, sizeof(file.tail));
    scratch_write(path, &file, sizeof(file) - sizeof(file.tail) + tail);
    ck_assert_int_eq(chmod(path, 0755), 0);
}

static void make_worker(const char *path)
{
    make_program(path, EM_X86_64, NULL, BEAMC_TEXT_BUILD_ID_OPTION, 1024);
}

static const char *make_image(const char *program, const char *tag, const char *output,
                              beamc__image_facts *facts)
{
    const beamc__image_options options = { .boot = program, .tag = tag, .output = output };
    beamc__image_facts own;

    return scratch_text(beamc__image_write(&options, facts == NULL ? &own : facts));
}

static void check_command(const char *command, const char *expected)
{
    char text[PATH_MAX];

    snprintf(text, sizeof(text), "{ %s; } >said", command);
    scratch_run(text);
    beamc_buffer said = scratch_read("said");
    ck_assert_str_eq((char *)said.data, expected);
    beamc_buffer_dispose(&said);
}

#define LAYER "$(sed -E 's/.*\"Layers\":\\[\"([^\"]*)\".*/\\1/' manifest.json)"

START_TEST(an_image_is_an_archive_of_blobs_by_their_hashes)
{
    beamc__image_facts facts;

    make_worker("worker");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "w.tar", &facts), "ok");
    ck_assert_str_eq(facts.architecture, "amd64");
    ck_assert_uint_eq(facts.library_count, 0);
    char *left = scratch_list(".");
    ck_assert_str_eq(left, "w.tar worker ");
    free(left);
    scratch_run("tar xf w.tar");
    scratch_run(
        "cd blobs/sha256 && for blob in *; do echo \"$blob  $blob\"; done | sha256sum -c --quiet");
    check_command("cat oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    check_command("grep -o '\"RepoTags\":[^]]*]' manifest.json",
                  "\"RepoTags\":[\"localhost/w:1\"]\n");
    /* From the index to the manifest to the layer, whose hash when unpacked the config has. */
    scratch_run("of() { grep -o 'sha256:[0-9a-f]*' \"$1\" | sed 's/sha256:/blobs\\/sha256\\//'; }\n"
                "manifest=$(of index.json) && set -- $(of \"$manifest\") && test $# -eq 2 &&\n"
                "grep -q \"$(zcat <\"$2\" | sha256sum | cut -d ' ' -f 1)\" \"$1\" &&\n"
                "grep -q '\"architecture\":\"amd64\"' \"$1\" && test \"$2\" = " LAYER);
    check_command("tar tzf " LAYER " | grep -v ssl/certs/ca",
                  "etc/\netc/ssl/\netc/ssl/certs/\nopt/\nopt/apache/\nopt/apache/beam/\nroot/\n"
                  "tmp/\netc/passwd\netc/group\netc/nsswitch.conf\nopt/apache/beam/boot\n");
    check_command("tar tvzf " LAYER " tmp | cut -c 1-20", "drwxrwxrwt root/root\n");
}
END_TEST

START_TEST(the_program_is_the_entry_without_what_is_not_loaded)
{
    make_worker("worker");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "w.tar", NULL), "ok");
    scratch_run("tar xf w.tar && tar xzf " LAYER " opt");
    beamc_buffer whole = scratch_read("worker"), stripped = scratch_read("opt/apache/beam/boot");
    ck_assert_uint_eq(stripped.size, whole.size - 1024);
    Elf64_Ehdr head;
    memcpy(&head, stripped.data, sizeof(head));
    ck_assert_uint_eq(head.e_shoff, 0);
    ck_assert_int_eq(memcmp(whole.data + sizeof(head), stripped.data + sizeof(head),
                            stripped.size - sizeof(head)),
                     0);
    ck_assert_int_eq(access("opt/apache/beam/boot", X_OK), 0);
    beamc_buffer_dispose(&whole);
    beamc_buffer_dispose(&stripped);
}
END_TEST

START_TEST(the_same_program_makes_the_same_image)
{
    make_worker("worker");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "a.tar", NULL), "ok");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "b.tar", NULL), "ok");
    scratch_run("cmp a.tar b.tar");
}
END_TEST

START_TEST(an_image_can_be_a_directory)
{
    make_worker("worker");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "w", NULL), "ok");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "w.tar", NULL), "ok");
    scratch_run("mkdir t && tar xf w.tar -C t && diff -r w t");
}
END_TEST

START_TEST(what_is_no_worker_is_refused_by_name)
{
    const struct {
        const char *path, *error;
    } cases[] = {
        { "missing", "missing: No such file or directory" },
        { ".", ".: this is no file" },
        { "text", "text: this is no program of 64 bits for Linux" },
        { "other", "other: this is no program made with beamc" },
        { "odd", "odd: it is for an unknown kind of machine, 40" },
        { "arm", "arm: it is for arm64 and needs libraries that are not here; link it statically" },
    };

    scratch_write_text("text", "#!/bin/sh\n");
    make_program("other", EM_X86_64, NULL, "nothing", 0);
    make_program("odd", EM_ARM, NULL, BEAMC_TEXT_BUILD_ID_OPTION, 0);
#if defined(__aarch64__)
    make_program("arm", EM_X86_64, "/lib/ld.so", BEAMC_TEXT_BUILD_ID_OPTION, 0);
#else
    make_program("arm", EM_AARCH64, "/lib/ld.so", BEAMC_TEXT_BUILD_ID_OPTION, 0);
#endif
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ck_assert_str_eq(make_image(cases[i].path, "localhost/w:1", "w.tar", NULL), cases[i].error);
        ck_assert(!scratch_exists("w.tar"));
    }
}
END_TEST

START_TEST(an_image_for_another_machine_needs_no_libraries)
{
    beamc__image_facts facts;

    make_program("arm", EM_AARCH64, NULL, BEAMC_TEXT_BUILD_ID_OPTION, 0);
    ck_assert_str_eq(make_image("arm", "localhost/w:1", "w.tar", &facts), "ok");
    ck_assert_str_eq(facts.architecture, "arm64");
}
END_TEST

START_TEST(tags_are_checked)
{
    static const char *const bad[] = { "", "w", ":1", "w:1\"", "W:1", "a b:1", "host:5000/w" };
    static const char *const good[] = { "w:1", "localhost/w:V1", "host:5000/a/w:1.0-x_y" };

    make_worker("worker");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(strstr(make_image("worker", bad[i], "w.tar", NULL), "image") != NULL, "%s",
                      bad[i]);
    ck_assert(!scratch_exists("w.tar"));
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        ck_assert_str_eq(make_image("worker", good[i], "w.tar", NULL), "ok");
}
END_TEST

START_TEST(a_tag_comes_from_the_programs_name)
{
    char tag[32];

    ck_assert_ptr_null(beamc__image_tag_for(tag, sizeof(tag), "build/My Program+"));
    ck_assert_str_eq(tag, "localhost/my-program-:latest");
    ck_assert_ptr_nonnull(strstr(
        scratch_text(beamc__image_tag_for(tag, sizeof(tag), "a-name-that-is-too-long-by-far")),
        "too long"));
}
END_TEST

START_TEST(output_that_cannot_be_written_is_an_error)
{
    make_worker("worker");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "no/w.tar", NULL),
                     "writing no/w.tar: No such file or directory");
    ck_assert_str_eq(make_image("worker", "localhost/w:1", "worker/w", NULL),
                     "making directory worker/w: Not a directory");
}
END_TEST

/* ---- programs -------------------------------------------------------------------------------- */

START_TEST(a_loader_tells_the_libraries)
{
    char own[PATH_MAX];
    beamc__elf elf;
    beamc__elf_library *libraries;
    size_t count, found = 0;

    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    ck_assert_int_gt(size, 0);
    own[size] = '\0';
    if (_i == 1) { /* named from its own directory */
        ck_assert_int_eq(symlink(own, "program"), 0);
        strcpy(own, "program");
    }
    beamc_buffer bytes = scratch_read(own);
    ck_assert_ptr_null(beamc__elf_read(&elf, bytes.data, bytes.size, arena));
    beamc_buffer_dispose(&bytes);
    ck_assert(elf.is_native);
    ck_assert_str_eq(scratch_text(beamc__elf_libraries(&libraries, &count, &elf, own, arena)),
                     "ok");
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(access(libraries[i].path, R_OK), 0);
        found += strcmp(libraries[i].name, "libc.so.6") == 0;
    }
    ck_assert_uint_eq(found, 1);
}
END_TEST

START_TEST(programs_that_are_cut_off_do_no_harm)
{
    make_program("p", EM_X86_64, "/lib/ld.so", "x", 0);
    beamc_buffer bytes = scratch_read("p");
    beamc__elf elf;

    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, bytes.data, size);
        beamc_error *error = beamc__elf_read(&elf, copy, size, arena);
        ck_assert_ptr_nonnull(error);
        beamc_error_free(error);
        free(copy);
        beamc_buffer part;
        beamc_buffer_init(&part);
        beamc_buffer_append(&part, bytes.data, size);
        beamc__elf_strip(&part);
        ck_assert_uint_eq(part.size, size);
        beamc_buffer_dispose(&part);
    }
    ck_assert_ptr_null(beamc__elf_read(&elf, bytes.data, bytes.size, arena));
    ck_assert_str_eq(elf.loader, "/lib/ld.so");
    beamc_buffer_dispose(&bytes);
}
END_TEST

START_TEST(archives_take_names_up_to_their_size)
{
    char name[101];
    beamc_buffer out;

    memset(name, 'n', 100);
    name[100] = '\0';
    beamc_buffer_init(&out);
    ck_assert_int_eq(beamc__tar_file(&out, name, 0644, 0, "x", 1), BEAMC_ELIMIT);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(beamc__tar_file(&out, name + 1, 0644, 0, "x", 1), BEAMC_OK);
    ck_assert_uint_eq(out.size, 1024);
    beamc_buffer_dispose(&out);
}
END_TEST

Suite *suite_image(void)
{
    Suite *suite = suite_create("image");
    TCase *tc = tcase_create("image");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, an_image_is_an_archive_of_blobs_by_their_hashes);
    tcase_add_test(tc, the_program_is_the_entry_without_what_is_not_loaded);
    tcase_add_test(tc, the_same_program_makes_the_same_image);
    tcase_add_test(tc, an_image_can_be_a_directory);
    tcase_add_test(tc, what_is_no_worker_is_refused_by_name);
    tcase_add_test(tc, an_image_for_another_machine_needs_no_libraries);
    tcase_add_test(tc, tags_are_checked);
    tcase_add_test(tc, a_tag_comes_from_the_programs_name);
    tcase_add_test(tc, output_that_cannot_be_written_is_an_error);
    tcase_add_loop_test(tc, a_loader_tells_the_libraries, 0, 2);
    tcase_add_test(tc, programs_that_are_cut_off_do_no_harm);
    tcase_add_test(tc, archives_take_names_up_to_their_size);
    suite_add_tcase(suite, tc);
    return suite;
}
