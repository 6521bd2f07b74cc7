/* SPDX-License-Identifier: Apache-2.0 */
/* A container image for workers, written without a container engine and without root.  One layer:
 *
 *     /opt/apache/beam/boot       the entry: the program, or beamc-boot
 *     /lib/...                    its loader and the libraries that it needs, if it does
 *     /etc/passwd, group, nsswitch.conf, ssl/certs/ca-certificates.crt
 *     /root, /tmp
 *
 * The file is an archive in two forms at once, which Docker, podman, skopeo and containerd read: an
 * OCI image layout, and what `docker save` writes.  The same inputs give the same bytes. */
#ifndef BEAMC_CONTAINER_IMAGE_H
#define BEAMC_CONTAINER_IMAGE_H

#include <beamc/error.h>
#include <stdint.h>

/* All of it is borrowed for the call. */
typedef struct {
    const char *boot;      /* the program that containers start */
    const char *libraries; /* a program whose libraries go in, too; NULL: none */
    const char *tag;       /* what the image is called: "localhost/wordcount:latest" */
    const char *output;    /* a file if it ends in ".tar", else a directory, which is made */
    bool symbols;          /* keep symbols and debug information */
} beamc__image_options;

/* What was made. */
typedef struct {
    uint64_t unpacked; /* bytes of all files in a container */
    uint64_t packed;   /* bytes of the image: what travels */
    const char *architecture;
    size_t library_count;
    bool has_certificates;
} beamc__image_facts;

/* Errors name the file.  @output is there only when it is whole. */
BEAMC_MUST_USE beamc_error *beamc__image_write(const beamc__image_options *options,
                                               beamc__image_facts *facts);

/* "localhost/NAME:latest" for a program's path, in what images may be called. */
BEAMC_MUST_USE beamc_error *beamc__image_tag_for(char *out, size_t size, const char *program);

#endif
