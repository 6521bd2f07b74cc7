/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool is_changed(const char *variable, const char *const *changes)
{
    size_t size = strcspn(variable, "=") + 1;

    for (size_t i = 0; changes != NULL && changes[i] != NULL; i++)
        if (strncmp(variable, changes[i], size) == 0)
            return true;
    return false;
}

static char **make_environment(const char *const *changes)
{
    size_t count = 0;

    for (size_t i = 0; environ[i] != NULL; i++)
        count++;
    for (size_t i = 0; changes != NULL && changes[i] != NULL; i++)
        count++;
    char **out = calloc(count + 1, sizeof(*out));
    if (out == NULL)
        return NULL;
    count = 0;
    for (size_t i = 0; environ[i] != NULL; i++)
        if (!is_changed(environ[i], changes))
            out[count++] = environ[i];
    for (size_t i = 0; changes != NULL && changes[i] != NULL; i++)
        out[count++] = (char *)changes[i];
    return out;
}

/* In the new process: nothing but system calls, since other threads' locks may be held for ever. */
static void become(const beamc__spawn_options *options, char **environment, pid_t parent, int told)
{
    int input = open("/dev/null", O_RDONLY);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (input >= 0 && dup2(input, 0) >= 0 &&
        (options->output < 0 || (dup2(options->output, 1) >= 0 && dup2(options->output, 2) >= 0)) &&
        setsid() >= 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent)
        execve(options->path, (char *const *)options->args, environment);
    int problem = errno;
    if (write(told, &problem, sizeof(problem)) < 0)
        _exit(126);
    _exit(127);
}

static int start(pid_t *pid, const beamc__spawn_options *options, char **environment)
{
    pid_t parent = getpid();
    int told[2];
    int problem = 0;

    if (pipe2(told, O_CLOEXEC) < 0)
        return errno;
    *pid = fork();
    if (*pid == 0)
        become(options, environment, parent, told[1]);
    if (*pid < 0)
        problem = errno;
    close(told[1]);
    /* Nothing to read: exec has closed it. */
    if (*pid > 0 && read(told[0], &problem, sizeof(problem)) > 0)
        waitpid(*pid, NULL, 0);
    close(told[0]);
    return problem;
}

int beamc__spawn(pid_t *pid, const beamc__spawn_options *options)
{
    char **environment = make_environment(options->changes);

    if (environment == NULL)
        return ENOMEM;
    int problem = start(pid, options, environment);
    free(environment);
    return problem;
}
