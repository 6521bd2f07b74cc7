/* SPDX-License-Identifier: Apache-2.0 */
/* DoFns that the worker's tests run, and descriptors of them. */
#ifndef BEAMC_TEST_WORKER_FNS_H
#define BEAMC_TEST_WORKER_FNS_H

#include "test/harness/exec/kit.h"
#include "test/harness/worker/peer.h"

extern const beamc_dofn *const worker_fn_echo;  /* emits its element */
extern const beamc_dofn *const worker_fn_twice; /* to a tagged output, too; odd ones only there */
extern const beamc_dofn *const worker_fn_fail;  /* at "bad" */
extern const beamc_dofn *const worker_fn_setup; /* fails to be set up while worker_setup_fails */
extern const beamc_dofn *const worker_fn_gate;  /* at "wait" until "go" has come to any bundle; counts "passed" */
extern const beamc_dofn *const worker_fn_late;  /* waits at the gate in finish_bundle */
extern const beamc_dofn *const worker_fn_log;   /* logs its element, and its setup and teardown */
extern const beamc_dofn *const worker_fn_count; /* adds 1 to counter "seen" */
extern const beamc_dofn *const worker_fn_side;  /* emits itself and all of side input "side0" */
extern const beamc_dofn *const worker_fn_look;  /* emits itself and what "side0" has for it */

extern int worker_setup_fails; /* atomic */
extern int worker_teardowns;   /* atomic */

/* Waits until @count elements wait in worker_fn_gate; opens it; lets only one pass. */
void worker_gate_wait(int count);
void worker_gate_open(void);
void worker_gate_admit(void);

/* in -> fn -> out, of strings, given to @peer as @id. */
void worker_give(fn_peer *peer, const char *id, const beamc_dofn *dofn);

#endif
