/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <stdlib.h>

static void drop(gpr_log_func_args *args)
{
    (void)args;
}

void beamc__rpc_init(void)
{
    if (getenv("GRPC_VERBOSITY") == NULL && getenv("GRPC_TRACE") == NULL)
        gpr_set_log_function(drop);
    grpc_init();
}

void beamc__rpc_shutdown(void)
{
    grpc_shutdown();
}
