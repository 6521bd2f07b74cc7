/* SPDX-License-Identifier: Apache-2.0 */
/* What a process has once: the gRPC library, started and ended by a program's main.
 *
 * Everything else of this room lives between the two calls, and nothing of it may be left when the
 * second is made.  A forked child that does not exec must not use what the parent began. */
#ifndef BEAMC_RPC_RPC_H
#define BEAMC_RPC_RPC_H

/* Starts the library; its own log lines are dropped unless GRPC_VERBOSITY or GRPC_TRACE is set,
 * since what goes wrong is told by errors.  Calls nest. */
void beamc__rpc_init(void);
void beamc__rpc_shutdown(void);

#endif
