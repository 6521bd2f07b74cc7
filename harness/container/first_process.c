/* SPDX-License-Identifier: Apache-2.0 */
#include "first_process.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

enum { LINGER_MS = 10000, EXIT_SIGNAL = 128 };

static bool is_first(void)
{
    return getpid() == 1;
}

static void on_signal(int number)
{
    _exit(EXIT_SIGNAL + number);
}

void beamc__first_process_begin(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    if (!is_first())
        return;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

void beamc__first_process_end(void)
{
    if (is_first())
        (void)poll(NULL, 0, LINGER_MS);
}
