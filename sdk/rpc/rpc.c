/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define END_MOST_MS 5000 /* a library that does not end holds up nobody's exit for longer */

static void drop(gpr_log_func_args *args)
{
    (void)args;
}

/* Of the process. */
static struct {
    pthread_mutex_t lock;
    size_t users;
    bool is_shared; /* others of this process use the library, too */
} library = { .lock = PTHREAD_MUTEX_INITIALIZER };

void beamc__rpc_init(void)
{
    if (getenv("GRPC_VERBOSITY") == NULL && getenv("GRPC_TRACE") == NULL)
        gpr_set_log_function(drop);
    pthread_mutex_lock(&library.lock);
    if (library.users++ == 0)
        library.is_shared = grpc_is_initialized();
    grpc_init();
    pthread_mutex_unlock(&library.lock);
}

/* Channels and handshakes that were let go end on threads of the library, which count as its users
 * until then.  It ends its threads with the last of them, before it says that it is not in use. */
static void wait_for_end(void)
{
    const struct timespec step = { 0, 1000000 };

    for (int i = 0; i < END_MOST_MS && grpc_is_initialized(); i++)
        nanosleep(&step, NULL);
}

void beamc__rpc_shutdown(void)
{
    pthread_mutex_lock(&library.lock);
    grpc_shutdown();
    if (--library.users == 0 && !library.is_shared)
        wait_for_end();
    pthread_mutex_unlock(&library.lock);
}
