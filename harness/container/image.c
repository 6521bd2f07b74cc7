/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs are named by their SHA-256, and each names those before it:
 *
 *     index.json -> manifest -> config, with the hash of the unpacked layer
 *     manifest.json (Docker's) -> config, layer        -> layer, gzip of a tar archive */
#include "image.h"

#include "harness/container/boot.h"
#include "harness/container/elf.h"
#include "harness/container/tar.h"
#include "proto/urns.h"
#include "sdk/base/sha256.h"
#include <beamc/arena.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define CERTIFICATES "etc/ssl/certs/ca-certificates.crt"
#define MEDIA        "application/vnd.oci.image."

enum { NAME_SIZE = 128, TIME_SIZE = 32, GZIP = 16 + MAX_WBITS, PARTS = 6 };

/* A file of the image's archive. */
typedef struct {
    char name[NAME_SIZE];
    beamc_buffer bytes;
} part;

typedef struct {
    const beamc__image_options *options;
    beamc__image_facts *facts;
    beamc_arena *arena;
    beamc_buffer file; /* the one that is read */
    beamc_buffer tar;  /* the layer, unpacked */
    int64_t time;      /* of the newest that went in */
    char created[TIME_SIZE];
    char layer_hash[BEAMC__SHA256_TEXT_SIZE]; /* unpacked */
    part parts[PARTS];
    size_t part_count;
} image;

/* ---- files ----------------------------------------------------------------------------------- */

static beamc_error *read_into(beamc_buffer *out, int file, const char *path)
{
    beamc_buffer_clear(out);
    for (;;) {
        uint8_t *to = beamc_buffer_reserve(out, 1 << 16);
        if (to == NULL)
            return beamc_error_nomem();
        ssize_t got = read(file, to, 1 << 16);
        if (got == 0)
            return NULL;
        if (got < 0 && errno != EINTR)
            return beamc_error_system(errno, "%s", path);
        out->size += got < 0 ? 0 : (size_t)got;
    }
}

/* Reads @path into image->file. */
static beamc_error *read_file(image *of, const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return beamc_error_system(errno, "%s", path);
    beamc_error *error = NULL;
    if (fstat(file, &status) < 0)
        error = beamc_error_system(errno, "%s", path);
    else if (!S_ISREG(status.st_mode))
        error = beamc_error_new(BEAMC_EINVAL, "%s: this is no file", path);
    else
        error = read_into(&of->file, file, path);
    close(file);
    if (error == NULL && status.st_mtime > of->time)
        of->time = status.st_mtime;
    return error;
}

static beamc_error *check(int code, const char *name)
{
    return code < 0 ? beamc_error_new((beamc_code)code, "%s does not fit into an image", name)
                    : NULL;
}

/* Each file of the layer has the same time, whatever that of the machine's is. */
static beamc_error *add_file(image *of, const char *name, unsigned mode, const void *bytes,
                             size_t size)
{
    of->facts->unpacked += size;
    return check(beamc__tar_file(&of->tar, name, mode, 0, bytes, size), name);
}

static beamc_error *add_text(image *of, const char *name, const char *text)
{
    return add_file(of, name, 0644, text, strlen(text));
}

/* ---- the layer ------------------------------------------------------------------------------- */

/* Our own programs know the option; with the shared library it is in there. */
static bool is_worker(const beamc_buffer *file, const beamc__elf_library *libraries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(libraries[i].name, "libbeamc.so", 11) == 0)
            return true;
    return memmem(file->data, file->size, BEAMC_TEXT_BUILD_ID_OPTION,
                  strlen(BEAMC_TEXT_BUILD_ID_OPTION)) != NULL;
}

static beamc_error *read_program(image *of, const char *path, beamc__elf *elf,
                                 beamc__elf_library **libraries, size_t *count)
{
    BEAMC_TRY(read_file(of, path));
    beamc_error *error = beamc__elf_read(elf, of->file.data, of->file.size, of->arena);
    if (error == NULL)
        error = beamc__elf_libraries(libraries, count, elf, path, of->arena);
    return beamc_error_wrap(error, "%s", path);
}

/* Where the loader looks without being told: that is where it has the C library from. */
static const char *library_directory(const beamc__elf_library *libraries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(libraries[i].name, "libc.so.6") == 0)
            return libraries[i].path;
    return "/lib/libc.so.6";
}

static beamc_error *add_parents(image *of, const char *name)
{
    char path[PATH_MAX];

    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof(path), "%.*s/", (int)(slash - name), name);
        BEAMC_TRY(check(beamc__tar_directory(&of->tar, path, 0755, 0), path));
    }
    return NULL;
}

static beamc_error *add_libraries(image *of, const beamc__elf *elf,
                                  const beamc__elf_library *libraries, size_t count)
{
    const char *directory = library_directory(libraries, count);
    int size = (int)(strrchr(directory, '/') - directory);
    bool has_parents = false;
    char name[PATH_MAX];

    if (elf->loader == NULL)
        return NULL;
    snprintf(name, sizeof(name), "%s", elf->loader + 1);
    BEAMC_TRY(add_parents(of, name));
    BEAMC_TRY(read_file(of, elf->loader));
    BEAMC_TRY(add_file(of, name, 0755, of->file.data, of->file.size));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(libraries[i].path, elf->loader) == 0)
            continue;
        snprintf(name, sizeof(name), "%.*s/%s", size - 1, directory + 1, libraries[i].name);
        if (!has_parents)
            BEAMC_TRY(add_parents(of, name));
        has_parents = true;
        BEAMC_TRY(read_file(of, libraries[i].path));
        if (!of->options->symbols)
            beamc__elf_strip(&of->file);
        BEAMC_TRY(add_file(of, name, 0755, of->file.data, of->file.size));
        of->facts->library_count++;
    }
    return NULL;
}

static beamc_error *add_system(image *of)
{
    static const struct {
        const char *name;
        unsigned mode;
    } directories[] = { { "etc/", 0755 },  { "etc/ssl/", 0755 },    { "etc/ssl/certs/", 0755 },
                        { "opt/", 0755 },  { "opt/apache/", 0755 }, { "opt/apache/beam/", 0755 },
                        { "root/", 0700 }, { "tmp/", 01777 } };

    for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
        BEAMC_TRY(check(beamc__tar_directory(&of->tar, directories[i].name, directories[i].mode, 0),
                        directories[i].name));
    BEAMC_TRY(add_text(of, "etc/passwd",
                       "root:x:0:0:root:/root:/sbin/nologin\n"
                       "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"));
    BEAMC_TRY(add_text(of, "etc/group", "root:x:0:\nnogroup:x:65534:\n"));
    BEAMC_TRY(add_text(of, "etc/nsswitch.conf", "hosts: files dns\n"));
    /* Where the machine has none, a worker knows nobody to trust. */
    if (access("/" CERTIFICATES, R_OK) < 0)
        return NULL;
    int64_t before = of->time;
    BEAMC_TRY(read_file(of, "/" CERTIFICATES));
    of->time = before;
    of->facts->has_certificates = true;
    return add_file(of, CERTIFICATES, 0644, of->file.data, of->file.size);
}

static beamc_error *make_layer(image *of)
{
    const beamc__image_options *options = of->options;
    beamc__elf_library *libraries = NULL;
    beamc__elf boot, other;
    size_t count = 0;

    BEAMC_TRY(add_system(of));
    BEAMC_TRY(read_program(of, options->boot, &boot, &libraries, &count));
    if (!is_worker(&of->file, libraries, count))
        return beamc_error_new(BEAMC_EINVAL, "%s: this is no program made with beamc",
                               options->boot);
    of->facts->architecture = boot.architecture;
    if (!options->symbols)
        beamc__elf_strip(&of->file);
    BEAMC_TRY(
        add_file(of, "opt/apache/beam/" BEAMC__BOOT_NAME, 0755, of->file.data, of->file.size));
    BEAMC_TRY(add_libraries(of, &boot, libraries, count));
    if (options->libraries == NULL || boot.loader != NULL)
        return NULL;
    BEAMC_TRY(read_program(of, options->libraries, &other, &libraries, &count));
    return add_libraries(of, &other, libraries, count);
}

/* ---- blobs ----------------------------------------------------------------------------------- */

static beamc_error *hash(char out[BEAMC__SHA256_TEXT_SIZE], const beamc_buffer *bytes)
{
    beamc__sha256 *sum = beamc__sha256_new();
    bool ok = sum != NULL && beamc__sha256_update(sum, bytes->data, bytes->size) == BEAMC_OK &&
              beamc__sha256_finish(sum, out) == BEAMC_OK;

    beamc__sha256_free(sum);
    return ok ? NULL : beamc_error_nomem();
}

static part *add_part(image *of, const char *name)
{
    part *one = &of->parts[of->part_count++];

    snprintf(one->name, sizeof(one->name), "%s", name);
    beamc_buffer_init(&one->bytes);
    return one;
}

/* Names it by what is in it by now; *@digest is those 64 digits, as long as the part. */
static beamc_error *name_blob(part *one, const char **digest)
{
    static const char directory[] = "blobs/sha256/";
    char digits[BEAMC__SHA256_TEXT_SIZE];

    if (beamc_buffer_failed(&one->bytes))
        return beamc_error_nomem();
    BEAMC_TRY(hash(digits, &one->bytes));
    snprintf(one->name, sizeof(one->name), "%s%s", directory, digits);
    *digest = one->name + sizeof(directory) - 1;
    return NULL;
}

static beamc_error *compress_layer(const beamc_buffer *from, beamc_buffer *to)
{
    z_stream stream = { .next_in = from->data, .avail_in = (uInt)from->size };

    if (from->size > UINT_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "the image is over 4 GB");
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return beamc_error_nomem();
    size_t room = deflateBound(&stream, (uLong)from->size);
    stream.next_out = beamc_buffer_reserve(to, room);
    stream.avail_out = (uInt)room;
    bool ok = stream.next_out != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    to->size += ok ? stream.total_out : 0;
    deflateEnd(&stream);
    return ok ? NULL : beamc_error_nomem();
}

static void write_config(const image *of, beamc_buffer *out)
{
    beamc_buffer_printf(out,
                        "{\"created\":\"%s\",\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{"
                        "\"Env\":[\"PATH=/usr/local/bin:/usr/bin:/bin\",\"HOME=/root\"],"
                        "\"Entrypoint\":[\"/opt/apache/beam/" BEAMC__BOOT_NAME
                        "\"],\"WorkingDir\":\"/\"},"
                        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]},"
                        "\"history\":[{\"created\":\"%s\",\"created_by\":\"beamc image\"}]}",
                        of->created, of->facts->architecture, of->layer_hash, of->created);
}

static void write_descriptor(beamc_buffer *out, const char *kind, const part *blob,
                             const char *digest)
{
    beamc_buffer_printf(out, "{\"mediaType\":\"" MEDIA "%s\",\"digest\":\"sha256:%s\",\"size\":%zu",
                        kind, digest, blob->bytes.size);
}

static void write_manifest(beamc_buffer *out, const part *config, const char *config_digest,
                           const part *layer, const char *layer_digest)
{
    beamc_buffer_printf(out, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA
                             "manifest.v1+json\",\"config\":");
    write_descriptor(out, "config.v1+json", config, config_digest);
    beamc_buffer_printf(out, "},\"layers\":[");
    write_descriptor(out, "layer.v1.tar+gzip", layer, layer_digest);
    beamc_buffer_printf(out, "}]}");
}

static void write_index(const image *of, beamc_buffer *out, const part *manifest,
                        const char *digest)
{
    beamc_buffer_printf(out, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA
                             "index.v1+json\",\"manifests\":[");
    write_descriptor(out, "manifest.v1+json", manifest, digest);
    beamc_buffer_printf(out,
                        ",\"platform\":{\"architecture\":\"%s\",\"os\":\"linux\"},"
                        "\"annotations\":{\"io.containerd.image.name\":\"%s\","
                        "\"org.opencontainers.image.ref.name\":\"%s\"}}]}",
                        of->facts->architecture, of->options->tag, of->options->tag);
}

static beamc_error *make_parts(image *of)
{
    part *layer = add_part(of, ""), *config = add_part(of, ""), *manifest = add_part(of, "");
    const char *layer_digest = NULL, *config_digest = NULL, *manifest_digest = NULL;
    time_t newest = (time_t)of->time;
    struct tm when;

    gmtime_r(&newest, &when);
    strftime(of->created, sizeof(of->created), "%Y-%m-%dT%H:%M:%SZ", &when);
    BEAMC_TRY(hash(of->layer_hash, &of->tar));
    BEAMC_TRY(compress_layer(&of->tar, &layer->bytes));
    BEAMC_TRY(name_blob(layer, &layer_digest));
    write_config(of, &config->bytes);
    BEAMC_TRY(name_blob(config, &config_digest));
    write_manifest(&manifest->bytes, config, config_digest, layer, layer_digest);
    BEAMC_TRY(name_blob(manifest, &manifest_digest));
    write_index(of, &add_part(of, "index.json")->bytes, manifest, manifest_digest);
    beamc_buffer_append_string(&add_part(of, "oci-layout")->bytes,
                               "{\"imageLayoutVersion\":\"1.0.0\"}");
    beamc_buffer_printf(&add_part(of, "manifest.json")->bytes,
                        "[{\"Config\":\"%s\",\"RepoTags\":[\"%s\"],\"Layers\":[\"%s\"]}]",
                        config->name, of->options->tag, layer->name);
    for (size_t i = 0; i < of->part_count; i++) {
        if (beamc_buffer_failed(&of->parts[i].bytes))
            return beamc_error_nomem();
        of->facts->packed += of->parts[i].bytes.size;
    }
    return NULL;
}

/* ---- output ---------------------------------------------------------------------------------- */

static beamc_error *write_bytes(const char *path, const beamc_buffer *bytes)
{
    char *name = NULL;
    beamc_error *error = NULL;

    if (asprintf(&name, "%s.part", path) < 0)
        return beamc_error_nomem();
    FILE *file = fopen(name, "wbe");
    bool ok = file != NULL && fwrite(bytes->data, 1, bytes->size, file) == bytes->size;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok || rename(name, path) < 0) {
        error = beamc_error_system(errno, "writing %s", path);
        (void)unlink(name);
    }
    free(name);
    return error;
}

static beamc_error *write_archive(const image *of)
{
    beamc_buffer tar;
    beamc_error *error = NULL;

    beamc_buffer_init(&tar);
    error = check(beamc__tar_directory(&tar, "blobs/", 0755, 0), "blobs/");
    if (error == NULL)
        error = check(beamc__tar_directory(&tar, "blobs/sha256/", 0755, 0), "blobs/sha256/");
    for (size_t i = 0; error == NULL && i < of->part_count; i++)
        error = check(beamc__tar_file(&tar, of->parts[i].name, 0644, 0, of->parts[i].bytes.data,
                                      of->parts[i].bytes.size),
                      of->parts[i].name);
    beamc__tar_end(&tar);
    if (error == NULL && beamc_buffer_failed(&tar))
        error = beamc_error_nomem();
    if (error == NULL)
        error = write_bytes(of->options->output, &tar);
    beamc_buffer_dispose(&tar);
    return error;
}

static beamc_error *make_directory(const char *path)
{
    return mkdir(path, 0755) < 0 && errno != EEXIST
               ? beamc_error_system(errno, "making directory %s", path)
               : NULL;
}

static beamc_error *write_directory(const image *of)
{
    const char *directory = of->options->output;
    char path[PATH_MAX];

    BEAMC_TRY(make_directory(directory));
    snprintf(path, sizeof(path), "%s/blobs", directory);
    BEAMC_TRY(make_directory(path));
    snprintf(path, sizeof(path), "%s/blobs/sha256", directory);
    BEAMC_TRY(make_directory(path));
    /* The index names the others, so they are there before it. */
    for (size_t i = 0; i < of->part_count; i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, of->parts[i].name);
        BEAMC_TRY(write_bytes(path, &of->parts[i].bytes));
    }
    return NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Strict enough to need no quoting in JSON; engines have the rest to say. */
static beamc_error *check_tag(const char *tag)
{
    for (const char *at = tag; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("._-/:", *at) == NULL)
            return beamc_error_new(BEAMC_EINVAL, "an image cannot be called \"%s\"", tag);
    const char *colon = strrchr(tag, ':');
    size_t size = colon == NULL || strchr(colon, '/') != NULL ? strlen(tag) : (size_t)(colon - tag);
    for (size_t i = 0; i < size; i++)
        if (isupper((unsigned char)tag[i]))
            return beamc_error_new(BEAMC_EINVAL, "an image cannot be called \"%s\": upper case",
                                   tag);
    if (size == 0 || size == strlen(tag))
        return beamc_error_new(BEAMC_EINVAL, "an image is called NAME:TAG, and not \"%s\"", tag);
    return NULL;
}

beamc_error *beamc__image_tag_for(char *out, size_t size, const char *program)
{
    const char *slash = strrchr(program, '/');
    int written = snprintf(out, size, "localhost/%s:latest", slash == NULL ? program : slash + 1);

    if (written < 0 || (size_t)written >= size)
        return beamc_error_new(BEAMC_ELIMIT, "%s: its name is too long for an image", program);
    for (char *at = out; *at != '\0'; at++) {
        if (isupper((unsigned char)*at))
            *at = (char)tolower((unsigned char)*at);
        else if (!isalnum((unsigned char)*at) && strchr("._-/:", *at) == NULL)
            *at = '-';
    }
    return NULL;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static beamc_error *make(image *of)
{
    BEAMC_TRY(make_layer(of));
    beamc__tar_end(&of->tar);
    if (beamc_buffer_failed(&of->tar))
        return beamc_error_nomem();
    BEAMC_TRY(make_parts(of));
    return ends_with(of->options->output, ".tar") ? write_archive(of) : write_directory(of);
}

beamc_error *beamc__image_write(const beamc__image_options *options, beamc__image_facts *facts)
{
    image of = { .options = options, .facts = facts, .arena = beamc_arena_new() };

    *facts = (beamc__image_facts){ 0 };
    if (of.arena == NULL)
        return beamc_error_nomem();
    beamc_buffer_init(&of.file);
    beamc_buffer_init(&of.tar);
    beamc_error *error = check_tag(options->tag);
    if (error == NULL)
        error = make(&of);
    for (size_t i = 0; i < of.part_count; i++)
        beamc_buffer_dispose(&of.parts[i].bytes);
    beamc_buffer_dispose(&of.tar);
    beamc_buffer_dispose(&of.file);
    beamc_arena_free(of.arena);
    return error;
}
