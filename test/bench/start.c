/* SPDX-License-Identifier: Apache-2.0 */
/* How soon a worker is there: from exec to its control stream, as the runner sees it.
 *
 *     bench_start 20 build/bin/wordcount
 *     bench_start 20 podman run --rm --network=host localhost/wordcount:latest */
#include "harness/container/spawn.h"
#include "test/harness/container/boot_peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <uv.h>

enum { MOST = 1000 };

/* Milliseconds, to the control stream; the worker has ended well when this returns. */
static double start_once(boot_peer *peer, const char *path, const char *const *args, int number)
{
    const beamc__spawn_options options = { .path = path, .args = args, .output = -1 };
    uint64_t start = uv_hrtime();
    int status;
    pid_t pid;

    ck_assert_int_eq(beamc__spawn(&pid, &options), 0);
    boot_peer_wait_came(peer, number);
    double took = (double)(uv_hrtime() - start) / 1e6;
    boot_peer_dismiss(peer);
    waitpid(pid, &status, 0);
    if (status != 0)
        fprintf(stderr, "%s: status %d\n", path, status);
    return took;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A path, or a name that a shell would find. */
static char *find(const char *name)
{
    char *out = NULL;
    char *directories = strdup(getenv("PATH") == NULL ? "" : getenv("PATH"));

    if (strchr(name, '/') != NULL)
        return realpath(name, NULL);
    for (char *rest = directories, *one; out == NULL && (one = strsep(&rest, ":")) != NULL;) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", one, name);
        out = realpath(path, NULL);
    }
    free(directories);
    return out;
}

static int count;
static char **command; /* NULL ends it */

START_TEST(measure)
{
    static double took[MOST];
    boot_peer *peer = boot_peer_new();
    char provision[256];
    int size = 0;

    while (command[size] != NULL)
        size++;
    const char **args = calloc((size_t)size + 3, sizeof(*args));
    char *path = find(command[0]);
    ck_assert_ptr_nonnull(args);
    ck_assert_msg(path != NULL, "%s: not found", command[0]);
    snprintf(provision, sizeof(provision), "--provision_endpoint=%s", boot_peer_url(peer));
    memcpy(args, command, (size_t)size * sizeof(*args));
    args[size] = "--id=1-1";
    args[size + 1] = provision;
    for (int i = 0; i < count; i++)
        took[i] = start_once(peer, path, args, i + 1);
    qsort(took, (size_t)count, sizeof(*took), compare);
    printf("from exec to control: %.1f ms at best, %.1f median, %.1f at worst of %d\n", took[0],
           took[count / 2], took[count - 1], count);
    free(path);
    free(args);
    boot_peer_free(peer);
}
END_TEST

/* The scripted runner is Check's, so this is a test that never fails by what it measures. */
int main(int argc, char **argv)
{
    count = argc < 3 ? 0 : atoi(argv[1]);
    if (count < 1 || count > MOST) {
        fprintf(stderr, "usage: bench_start COUNT COMMAND...\n");
        return 2;
    }
    command = argv + 2;
    Suite *suite = suite_create("start");
    TCase *tc = tcase_create("start");
    tcase_set_timeout(tc, 600);
    tcase_add_test(tc, measure);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_MINIMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
