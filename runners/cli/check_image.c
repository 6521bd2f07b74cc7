/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the command line of docker, or podman, what it knows of an image. */
#include "check_workers.h"

#include "runners/portable/child.h"
#include "runners/portable/path.h"
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

enum { OUTPUT_SIZE = 4096, WORDS_SIZE = 512, PLATFORM_SIZE = 64 };

/* "linux/amd64": of this machine, as images say it. */
static void this_platform(char out[PLATFORM_SIZE])
{
    static const char *const names[][2] = {
        { "x86_64", "amd64" },    { "aarch64", "arm64" },   { "i686", "386" },
        { "armv7l", "arm" },      { "ppc64le", "ppc64le" }, { "s390x", "s390x" },
        { "riscv64", "riscv64" },
    };
    struct utsname about;

    out[0] = '\0';
    if (uname(&about) != 0)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(about.machine, names[i][0]) == 0)
            snprintf(out, PLATFORM_SIZE, "linux/%s", names[i][1]);
}

/* The last line that it said, which is the answer; *@found: whether the tool has the image. */
static beamc_error *inspect(const char *name, const char *path, const char *image,
                            int64_t timeout_ms, char *out, size_t size, bool *found)
{
    static const char format[] = "{{.Os}}/{{.Architecture}} {{json .Config.Entrypoint}}";
    const char *const args[] = { name, "image", "inspect", "--format", format, image, NULL };
    const beamc__child_options options = { name, path, args, NULL };
    beamc__child *child;
    int status;

    *found = false;
    BEAMC_TRY(beamc__child_start(&child, &options));
    bool ended = beamc__child_wait(child, timeout_ms, &status);
    beamc__child_words(child, out, size);
    beamc__child_free(child);
    if (!ended)
        return beamc_error_new(BEAMC_ETIMEOUT, "%s image inspect: no answer within %lld s", name,
                               (long long)(timeout_ms / 1000));
    *found = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (*found || strcasestr(out, "no such") != NULL || strcasestr(out, "not known") != NULL ||
        strcasestr(out, "not found") != NULL)
        return NULL;
    return beamc_error_new(BEAMC_EIO, "%s image inspect %s%s", name, image, out);
}

static void check_known(beamc__findings *findings, const char *image, const char *about)
{
    char ours[PLATFORM_SIZE];
    size_t size = strcspn(about, " ");

    this_platform(ours);
    if (ours[0] != '\0' && (strlen(ours) != size || strncmp(ours, about, size) != 0))
        beamc__find(findings, BEAMC__FINDING_PROBLEM,
                    "image %s is for %.*s, and this machine is %s: build it for %s", image,
                    (int)size, about, ours, ours);
    else
        beamc__find(findings, BEAMC__FINDING_OK, "image %s is here, for %.*s", image, (int)size,
                    about);
    const char *entry = about + size + strspn(about + size, " ");
    if (strcmp(entry, "null") == 0 || strcmp(entry, "[]") == 0 || entry[0] == '\0')
        beamc__find(
            findings, BEAMC__FINDING_PROBLEM,
            "image %s starts nothing: its ENTRYPOINT must be beamc-boot or another worker's "
            "boot program",
            image);
}

/* Whether the tool was there and answered: then what it knows was told. */
static bool ask_tool(beamc__findings *findings, const char *tool, const char *image,
                     beamc__finding bad, int64_t timeout_ms, beamc_error **error)
{
    char path[PATH_MAX], words[WORDS_SIZE];
    bool found;

    if (*error != NULL || !beamc__path_find(tool, path, sizeof(path)))
        return false;
    *error = inspect(tool, path, image, timeout_ms, words, sizeof(words), &found);
    if (*error != NULL)
        return false;
    if (found)
        check_known(findings, image, words[0] == ':' ? words + 2 : words);
    else if (strncmp(image, "localhost/", 10) == 0)
        beamc__find(findings, bad, "%s does not have image %s: beamc image makes one", tool, image);
    else
        beamc__find(findings, BEAMC__FINDING_WARNING,
                    "%s does not have image %s, so the runner has to pull it: try %s pull %s, or "
                    "make one by beamc image",
                    tool, image, tool, image);
    return true;
}

void beamc__check_image(beamc__findings *findings, const char *image, bool is_local,
                        int64_t timeout_ms)
{
    /* What is wrong here may be right on the runner's machines. */
    beamc__finding bad = is_local ? BEAMC__FINDING_PROBLEM : BEAMC__FINDING_WARNING;
    beamc_error *docker = NULL, *podman = NULL;
    char words[WORDS_SIZE];

    if (ask_tool(findings, "docker", image, bad, timeout_ms, &docker))
        return;
    if (!ask_tool(findings, "podman", image, bad, timeout_ms, &podman)) {
        if (!beamc__find_error(findings, docker) && !beamc__find_error(findings, podman))
            beamc__find(findings, bad,
                        "workers are containers of %s, and neither docker nor podman is in the "
                        "PATH: the runner needs docker on its machines",
                        image);
        else if (docker != NULL)
            beamc_error_free(podman); /* docker is what runners look for */
        return;
    }
    if (docker != NULL) {
        beamc_error_print(docker, words, sizeof(words));
        beamc__find(
            findings, BEAMC__FINDING_WARNING,
            "runners call docker, which does not work here (%s); podman stands in for it if "
            "its docker is first in their PATH, or DOCKER_HOST names its service",
            words);
    }
    beamc_error_free(docker);
}
