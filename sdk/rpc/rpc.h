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

/* The last waits until the library's threads have ended, unless others in the process use it: what
 * exit takes apart (OpenSSL's state, for one) they must not meet.  Not on a thread of the library. */
void beamc__rpc_shutdown(void);

#endif
