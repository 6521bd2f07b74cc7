/* SPDX-License-Identifier: Apache-2.0 */
/* The line reader against a naive split.  The input's first bytes say the block size, the cuts of
 * the file, the delimiter and the compression it is read with; the rest is the file. */
#include "sdk/io/line_reader.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const beamc_string delimiters[] = { { "", 0 }, { ";", 1 }, { "ab", 2 }, { "\r\n", 2 },
                                           { "\n", 1 }, { "aab", 3 } };

/* The length of the line at @at and, in *@next, where the one after it begins. */
static size_t naive_line(const uint8_t *file, size_t size, size_t at, beamc_string delimiter,
                         size_t *next)
{
    bool lines = delimiter.size == 0;
    beamc_string ends = lines ? beamc_string_of("\n") : delimiter;

    for (size_t i = at; i + ends.size <= size; i++) {
        if (memcmp(file + i, ends.data, ends.size) != 0)
            continue;
        *next = i + ends.size;
        return i - at - (lines && i > at && file[i - 1] == '\r');
    }
    *next = size;
    return size - at;
}

static void check_plain(const char *path, const uint8_t *head, const uint8_t *file, size_t size)
{
    beamc_string delimiter = delimiters[head[3] % (sizeof(delimiters) / sizeof(delimiters[0]))];
    beamc__line_options options = { delimiter, false, 1 + head[0] % 50 };
    beamc__line_reader reader;
    beamc_string line;
    size_t cuts[4] = { 0, size * head[1] / 255, size * head[2] / 255, size };
    size_t at = 0;

    if (cuts[1] > cuts[2])
        cuts[1] = cuts[2];
    beamc_error *err = beamc__line_reader_init(&reader, &options);
    assert(err == NULL);
    for (int i = 0; i < 3; i++) {
        err = beamc__line_reader_open(&reader, path, BEAMC_COMPRESSION_NONE, cuts[i], cuts[i + 1]);
        assert(err == NULL);
        while (beamc__line_reader_next(&reader, &line, &err)) {
            assert(at >= cuts[i] && at < cuts[i + 1]);
            const uint8_t *begin = file + at;
            size_t length = naive_line(file, size, at, delimiter, &at);
            assert(line.size == length);
            assert(length == 0 || memcmp(line.data, begin, length) == 0);
            assert(beamc__line_reader_position(&reader) == at);
        }
        assert(err == NULL);
    }
    assert(at == size);
    beamc__line_reader_dispose(&reader);
}

/* Decompressing what may be anything: an error or lines, but no crash. */
static void check_packed(const char *path, const uint8_t *head)
{
    static const beamc_compression compressions[] = { BEAMC_COMPRESSION_GZIP,
                                                      BEAMC_COMPRESSION_ZSTD,
                                                      BEAMC_COMPRESSION_BZIP2 };
    beamc__line_options options = { { NULL, 0 }, false, 1 + head[0] };
    beamc__line_reader reader;
    beamc_string line;
    uint64_t bytes = 0;

    beamc_error *err = beamc__line_reader_init(&reader, &options);
    assert(err == NULL);
    err = beamc__line_reader_open(&reader, path, compressions[head[4] % 3], 0, BEAMC__TO_END);
    while (err == NULL && beamc__line_reader_next(&reader, &line, &err)) {
        bytes += line.size + 1;
        if (bytes > 1 << 20)
            break;
    }
    beamc_error_free(err);
    beamc__line_reader_dispose(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];

    if (size < HEAD)
        return 0;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t written = write(fd, data + HEAD, size - HEAD);
    assert(written == (ssize_t)(size - HEAD));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    check_plain(path, data, data + HEAD, size - HEAD);
    check_packed(path, data);
    close(fd);
    return 0;
}
