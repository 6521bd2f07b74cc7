/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "runners/portable/child.h"
#include "runners/portable/path.h"
#include "runners/portable/reach.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { LOOK_MS = 20, CONNECT_MS = 200, CLUSTER_MS = 5000, ARGS_MAX = 32, TEXT_SIZE = 4096, LINE_SIZE = 512 };

struct beamc__server {
    beamc__child *child;
    char *endpoint;
    char *artifacts; /* a directory of the server's own; NULL: none */
};

/* What the runners differ in. */
typedef struct {
    const char *name;     /* for messages */
    const char *variable; /* of the environment, that says where it is */
    const char *command;  /* looked for in PATH; NULL: it is a jar */
    const char *class;    /* of a jar's directory */
    const char *master;   /* its option for the cluster */
    unsigned port;        /* of a cluster that is named without; 0: none is */
    const char *wanted;   /* for who has none */
} server_kind;

static const server_kind kinds[] = {
    [BEAMC_SERVER_NONE] = { 0 },
    [BEAMC_SERVER_PRISM] = {
        "Prism", "BEAM_PRISM", "prism", NULL, NULL, 0,
        "give --prism_location=FILE, set BEAM_PRISM, or put prism into the PATH (go install "
        "github.com/apache/beam/sdks/v2/go/cmd/prism@latest)",
    },
    [BEAMC_SERVER_FLINK] = {
        "the Flink job server", "BEAM_FLINK_JOB_SERVER_JAR", NULL,
        "org.apache.beam.runners.flink.FlinkJobServerDriver", "--flink-master", 8081,
        "give --flink_job_server_jar=FILE or set BEAM_FLINK_JOB_SERVER_JAR (its jar is "
        "org.apache.beam:beam-runners-flink-1.19-job-server of Maven), or give the --job_endpoint "
        "of one that runs",
    },
    [BEAMC_SERVER_SPARK] = {
        "the Spark job server", "BEAM_SPARK_JOB_SERVER_JAR", NULL,
        "org.apache.beam.runners.spark.SparkJobServerDriver", "--spark-master-url", 0,
        "give --spark_job_server_jar=FILE or set BEAM_SPARK_JOB_SERVER_JAR (its jar is "
        "org.apache.beam:beam-runners-spark-3-job-server of Maven), or give the --job_endpoint of "
        "one that runs",
    },
};

/* Newer Java hides from Flink and Spark what they need; older Java does not read this variable. */
#define OPEN(package) " --add-opens=java.base/" package "=ALL-UNNAMED"
#define JAVA_OPTIONS                                                                               \
    "JDK_JAVA_OPTIONS=" OPEN("java.lang") OPEN("java.lang.invoke") OPEN("java.lang.reflect")       \
        OPEN("java.io") OPEN("java.net") OPEN("java.nio") OPEN("java.text") OPEN("java.time")      \
            OPEN("java.util") OPEN("java.util.concurrent") OPEN("java.util.concurrent.atomic")     \
                OPEN("sun.nio.ch") OPEN("sun.nio.cs") OPEN("sun.security.action")                  \
                    OPEN("sun.util.calendar")

/* ---- finding programs ------------------------------------------------------------------------ */

/* The value of a variable; NULL if it is empty, too. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static beamc_error *find_program(const server_kind *kind, const char *location, char *out,
                                 size_t size)
{
    struct stat about;

    if (location == NULL)
        location = variable(kind->variable);
    if (location == NULL) {
        if (beamc__path_find(kind->command, out, size))
            return NULL;
        return beamc_error_new(BEAMC_ENOENT, "%s is not found: %s", kind->name, kind->wanted);
    }
    bool is_directory = stat(location, &about) == 0 && S_ISDIR(about.st_mode);
    snprintf(out, size, is_directory ? "%s/%s" : "%s", location, kind->command);
    if (beamc__path_is_program(out))
        return NULL;
    return beamc_error_new(BEAMC_ENOENT, "%s: %s is no program", kind->name, out);
}

static beamc_error *find_java(const char *given, char *out, size_t size)
{
    const char *home = variable("JAVA_HOME");

    if (given != NULL && strchr(given, '/') != NULL) {
        snprintf(out, size, "%s", given);
        if (beamc__path_is_program(out))
            return NULL;
    } else if (given == NULL && home != NULL) {
        snprintf(out, size, "%s/bin/java", home);
        if (beamc__path_is_program(out))
            return NULL;
        return beamc_error_new(BEAMC_ENOENT, "JAVA_HOME=%s: there is no bin/java", home);
    } else if (beamc__path_find(given == NULL ? "java" : given, out, size)) {
        return NULL;
    }
    return beamc_error_new(
        BEAMC_ENOENT,
        "no Java is found as %s: install one (such as openjdk-17-jre-headless) or "
        "give --job_server_java_launcher=FILE",
        given == NULL ? "java" : given);
}

/* Several jars, as Java has it. */
static bool is_class_path(const char *location)
{
    size_t size = strlen(location);

    return strchr(location, ':') != NULL || (size > 0 && location[size - 1] == '*');
}

/* ---- command lines --------------------------------------------------------------------------- */

typedef struct {
    const char *args[ARGS_MAX + 1];
    size_t count;
    beamc_arena *arena;
} command;

static beamc_error *add(command *to, const char *arg)
{
    if (arg == NULL)
        return beamc_error_nomem();
    if (to->count == ARGS_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "too many arguments for a job server");
    to->args[to->count++] = arg;
    return NULL;
}

static beamc_error *prism_command(command *to, const char *path, unsigned port)
{
    BEAMC_TRY(add(to, path));
    BEAMC_TRY(add(to, "--serve_http=false"));
    BEAMC_TRY(add(to, "--log_kind=text"));
    BEAMC_TRY(add(to, "--log_level=warn"));
    return add(to, beamc_arena_printf(to->arena, "--job_port=%u", port));
}

/* A jar is started as it says itself; jars without a word, in a directory or as a class path, by
 * the name of the class. */
static beamc_error *add_jar(command *to, const server_kind *kind, const char *location)
{
    struct stat about;

    if (stat(location, &about) == 0 && !S_ISDIR(about.st_mode)) {
        BEAMC_TRY(add(to, "-jar"));
        return add(to, location);
    }
    bool is_path = is_class_path(location);
    if (!is_path && (access(location, R_OK) < 0))
        return beamc_error_system(errno, "%s: %s", kind->name, location);
    BEAMC_TRY(add(to, "-cp"));
    BEAMC_TRY(add(to, is_path ? location : beamc_arena_printf(to->arena, "%s/*", location)));
    return add(to, kind->class);
}

static beamc_error *java_command(command *to, const server_kind *kind,
                                 const beamc_portable_options *options, const char *java,
                                 unsigned port, const char *artifacts)
{
    const char *location = options->location;

    if (location == NULL)
        location = variable(kind->variable);
    if (location == NULL)
        return beamc_error_new(BEAMC_ENOENT, "%s is not found: %s", kind->name, kind->wanted);
    BEAMC_TRY(add(to, java));
    for (size_t i = 0; i < options->jvm_property_count; i++)
        BEAMC_TRY(add(to, options->jvm_properties[i]));
    BEAMC_TRY(add_jar(to, kind, location));
    if (options->master != NULL)
        BEAMC_TRY(add(to, beamc_arena_printf(to->arena, "%s=%s", kind->master, options->master)));
    BEAMC_TRY(add(to, "--job-host=localhost"));
    BEAMC_TRY(add(to, beamc_arena_printf(to->arena, "--job-port=%u", port)));
    BEAMC_TRY(add(to, "--artifact-port=0"));
    BEAMC_TRY(add(to, "--expansion-port=0"));
    return add(to, beamc_arena_printf(to->arena, "--artifacts-dir=%s", artifacts));
}

/* ---- ports ----------------------------------------------------------------------------------- */

/* One that nobody has at the moment. */
static beamc_error *free_port(unsigned *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof(address);
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    beamc_error *error = NULL;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        getsockname(socket_fd, (struct sockaddr *)&address, &size) < 0)
        error = beamc_error_system(errno, "looking for a free port");
    *port = ntohs(address.sin_port);
    if (socket_fd >= 0)
        close(socket_fd);
    return error;
}

static bool listens(unsigned port)
{
    beamc_error *error = beamc__reach("localhost", port, CONNECT_MS);
    bool ok = error == NULL;

    beamc_error_free(error); /* it may yet */
    return ok;
}

static bool is_cancelled(const beamc_portable_options *options)
{
    return options->cancel != NULL && __atomic_load_n(options->cancel, __ATOMIC_RELAXED) != 0;
}

static beamc_error *too_late(const beamc__server *server, const server_kind *kind,
                             int64_t timeout_ms)
{
    char words[LINE_SIZE];

    beamc__child_words(server->child, words, sizeof(words));
    return beamc_error_new(BEAMC_ETIMEOUT, "%s does not listen after %" PRId64 " s%s", kind->name,
                           timeout_ms / 1000, words);
}

static beamc_error *wait_until_it_listens(beamc__server *server, const server_kind *kind,
                                          const beamc_portable_options *options, unsigned port,
                                          int64_t timeout_ms)
{
    uint64_t start = uv_hrtime();

    while (!listens(port)) {
        BEAMC_TRY(beamc__child_check(server->child));
        if (is_cancelled(options))
            return beamc_error_new(BEAMC_ECANCELLED, "cancelled while %s started", kind->name);
        if ((int64_t)((uv_hrtime() - start) / 1000000) >= timeout_ms)
            return too_late(server, kind, timeout_ms);
        uv_sleep(LOOK_MS);
    }
    return NULL;
}

/* ---- the server ------------------------------------------------------------------------------ */

static beamc_error *make_directory(beamc__server *server)
{
    const char *parent = variable("TMPDIR");

    if (asprintf(&server->artifacts, "%s/beamc-artifacts-XXXXXX",
                 parent == NULL ? "/tmp" : parent) < 0) {
        server->artifacts = NULL;
        return beamc_error_nomem();
    }
    if (mkdtemp(server->artifacts) != NULL)
        return NULL;
    beamc_error *error = beamc_error_system(errno, "%s", server->artifacts);
    free(server->artifacts);
    server->artifacts = NULL;
    return error;
}

beamc_error *beamc__server_find(const beamc_portable_options *options, char *out, size_t size)
{
    const server_kind *kind = &kinds[options->server];
    const char *location = options->location;
    char java[TEXT_SIZE];

    if (kind->command != NULL)
        return find_program(kind, location, out, size);
    BEAMC_TRY(find_java(options->java, java, sizeof(java)));
    if (location == NULL)
        location = variable(kind->variable);
    if (location == NULL)
        return beamc_error_new(BEAMC_ENOENT, "%s is not found: %s", kind->name, kind->wanted);
    if (!is_class_path(location) && access(location, R_OK) < 0)
        return beamc_error_system(errno, "%s: %s", kind->name, location);
    snprintf(out, size, "%s", location);
    return NULL;
}

beamc_error *beamc__server_check_cluster(const beamc_portable_options *options)
{
    const server_kind *kind = &kinds[options->server];

    if (kind->master == NULL || options->master == NULL)
        return NULL;
    return beamc_error_wrap(beamc__reach_cluster(options->master, kind->port, CLUSTER_MS),
                            "%s=%s: no cluster is there", kind->master, options->master);
}

static beamc_error *start(beamc__server *server, const beamc_portable_options *options,
                          int64_t timeout_ms, beamc_arena *arena)
{
    static const char *const java_changes[] = { JAVA_OPTIONS, NULL };
    const server_kind *kind = &kinds[options->server];
    command to = { .arena = arena };
    char path[TEXT_SIZE];
    unsigned port;

    BEAMC_TRY(free_port(&port));
    if (kind->command != NULL) {
        BEAMC_TRY(find_program(kind, options->location, path, sizeof(path)));
        BEAMC_TRY(prism_command(&to, path, port));
    } else {
        BEAMC_TRY(find_java(options->java, path, sizeof(path)));
        BEAMC_TRY(beamc__server_check_cluster(options));
        BEAMC_TRY(make_directory(server));
        BEAMC_TRY(java_command(&to, kind, options, path, port, server->artifacts));
    }
    if (asprintf(&server->endpoint, "localhost:%u", port) < 0) {
        server->endpoint = NULL;
        return beamc_error_nomem();
    }
    const beamc__child_options child = {
        kind->name, path, to.args,
        kind->command != NULL || variable("JDK_JAVA_OPTIONS") != NULL ? NULL : java_changes
    };
    BEAMC_TRY(beamc__child_start(&server->child, &child));
    return wait_until_it_listens(server, kind, options, port, timeout_ms);
}

beamc_error *beamc__server_start(beamc__server **out, const beamc_portable_options *options,
                                 int64_t timeout_ms)
{
    beamc__server *server = calloc(1, sizeof(*server));
    beamc_arena *arena = beamc_arena_new();

    *out = NULL;
    beamc_error *error = server == NULL || arena == NULL
                             ? beamc_error_nomem()
                             : start(server, options, timeout_ms, arena);
    beamc_arena_free(arena);
    if (error != NULL) {
        beamc__server_free(server);
        return error;
    }
    *out = server;
    return NULL;
}

const char *beamc__server_endpoint(const beamc__server *server)
{
    return server->endpoint;
}

beamc_error *beamc__server_check(beamc__server *server)
{
    return beamc__child_check(server->child);
}

static int remove_one(const char *path, const struct stat *about BEAMC_UNUSED,
                      int kind BEAMC_UNUSED, struct FTW *at BEAMC_UNUSED)
{
    /* What cannot be removed stays; the rest goes. */
    (void)!remove(path);
    return 0;
}

void beamc__server_free(beamc__server *server)
{
    enum { DESCRIPTORS = 16 };

    if (server == NULL)
        return;
    beamc__child_free(server->child);
    if (server->artifacts != NULL)
        nftw(server->artifacts, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    free(server->artifacts);
    free(server->endpoint);
    free(server);
}
