/* SPDX-License-Identifier: Apache-2.0 */
/* One BeamFnState.State stream: questions of all bundles to one URL.  Whoever asks waits; answers
 * come in any order.  The stream is opened by the first question, and again by the next one after it
 * broke.  Any thread. */
#ifndef BEAMC_WORKER_STATE_CLIENT_H
#define BEAMC_WORKER_STATE_CLIENT_H

#include "harness/exec/bundle.h"
#include "harness/worker/state_store.h"
#include "sdk/rpc/stream.h"

typedef struct beamc__state_client beamc__state_client;

BEAMC_MUST_USE beamc_error *beamc__state_client_open(beamc__state_client **out,
                                                     beamc__rpc_queue *queue, const char *url,
                                                     const char *worker_id);
/* Cancels the call: who waits for it gets an error.  Any thread. */
void beamc__state_client_close(beamc__state_client *client);
void beamc__state_client_free(beamc__state_client *client);
const char *beamc__state_client_url(const beamc__state_client *client);

/* The state of one bundle: what was answered is kept until its end, and beyond in @cache as long as the
 * request's tokens say.  Bundle thread. */
typedef struct beamc__bundle_state beamc__bundle_state;

/* All are borrowed.  @client may be NULL: every question is an error; @request and @cache, too: nothing
 * outlives the bundle.  NULL: no memory. */
BEAMC_MUST_USE beamc__bundle_state *
beamc__bundle_state_new(beamc__state_client *client, const char *instruction_id,
                        const FN(ProcessBundleRequest) *request, beamc__state_store *cache);
/* Waits until all that was written is answered, and gives what was read to the cache.  For a bundle that
 * went well; else it is only freed. */
BEAMC_MUST_USE beamc_error *beamc__bundle_state_finish(beamc__bundle_state *state);
void beamc__bundle_state_free(beamc__bundle_state *state);
beamc__state *beamc__bundle_state_of(beamc__bundle_state *state);

#endif
