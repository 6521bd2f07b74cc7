/* SPDX-License-Identifier: Apache-2.0 */
/* beamc image */
#include "beside.h"
#include "commands.h"
#include "harness/container/image.h"
#include "proto/urns.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { TAG_SIZE = 256 };

static const beamc_option_spec options[] = {
    { .name = "tag",
      .help = "what the image is called; if not given, localhost/PROGRAM:latest",
      .placeholder = "NAME:TAG" },
    { .name = "output",
      .help = "the file to write; a name that does not end in .tar becomes a "
              "directory; if not given, PROGRAM-image.tar",
      .placeholder = "FILE.tar" },
    { .name = "symbols",
      .help = "keeps symbols and debug information",
      .kind = BEAMC_OPTION_BOOL,
      .default_value = "false" },
    BEAMC__COMMAND_HELP,
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static void tell(const beamc__call *call, const beamc__image_options *image,
                 const beamc__image_facts *facts)
{
    size_t size = strlen(image->output);

    fprintf(call->out, "%s\n", image->output);
    fprintf(call->err, "image %s for linux/%s: %.1f MB, unpacked %.1f MB; %zu libraries%s\n",
            image->tag, facts->architecture, (double)facts->packed / 1e6,
            (double)facts->unpacked / 1e6, facts->library_count,
            facts->has_certificates ? "" : "; no certificates, as this machine has none");
    if (size >= 4 && strcmp(image->output + size - 4, ".tar") == 0)
        fprintf(call->err, "to use it: docker load -i %s   (or podman load)\n", image->output);
    else
        fprintf(call->err, "to use it: skopeo copy oci:%s:%s docker://REGISTRY/NAME:TAG\n",
                image->output, image->tag);
    fprintf(call->err, "then: --environment_type=DOCKER --environment_config=%s\n", image->tag);
}

static beamc_error *run(const beamc__call *call, int *status)
{
    const char *program = call->argument_count == 0 ? NULL : call->arguments[0];
    char boot[PATH_MAX], own[PATH_MAX], tag[TAG_SIZE] = BEAMC_TEXT_WORKER_IMAGE, output[PATH_MAX];
    beamc__image_options image = { .boot = program,
                                   .symbols = beamc_option_bool(call->options, "symbols", false) };
    beamc__image_facts facts;

    if (program != NULL) {
        BEAMC_TRY(beamc__image_tag_for(tag, sizeof(tag), program));
    } else {
        BEAMC_TRY(beamc__beside(boot, "beamc-boot"));
        BEAMC_TRY(beamc__beside(own, "beamc"));
        image.boot = boot;
        /* What is staged later is most likely linked as this program is. */
        image.libraries = own;
    }
    snprintf(output, sizeof(output), "%s-image.tar",
             last_part(program == NULL ? "beamc" : program));
    image.tag = beamc_option_or(call->options, "tag", tag);
    image.output = beamc_option_or(call->options, "output", output);
    beamc_error *error = beamc__image_write(&image, &facts);
    if (error != NULL) {
        if (beamc_error_code(error) == BEAMC_EINVAL)
            *status = BEAMC__EXIT_USAGE;
        return error;
    }
    tell(call, &image, &facts);
    return NULL;
}

const beamc__command beamc__command_image = {
    .name = "image",
    .takes = "[PROGRAM]",
    .summary = "makes a container image for workers",
    .help =
        "Writes an image for --environment_type=DOCKER, without a container engine. With a\n"
        "PROGRAM made with beamc, that is what containers start, and jobs that the same build of "
        "it\n"
        "submits need nothing fetched; for jobs of another build it fetches the program that was\n"
        "staged. Without one the image fetches always: then one image serves all programs that\n"
        "need no libraries but the C library's.\n"
        "\n"
        "Libraries that the program needs on this machine go in. The same inputs make the same\n"
        "image, byte for byte. Docker, podman, skopeo and containerd read the file.\n"
        "\n"
        "Examples:\n"
        "  beamc image build/bin/wordcount --tag=localhost/wordcount:1\n"
        "  beamc image --output=build/beamc.tar && podman load -i build/beamc.tar\n"
        "  wordcount --runner=flink --environment_type=DOCKER "
        "--environment_config=localhost/wordcount:1",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 0,
    .most = 1,
    .run = run,
};
