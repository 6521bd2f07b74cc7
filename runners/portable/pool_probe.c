/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping a worker that nobody has is refused or ignored by a pool; other servers do not know the
 * call. */
#include "pool_probe.h"

#include "proto/beam.h"
#include "sdk/rpc/pack.h"

#define STOP_WORKER "/org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool/StopWorker"

beamc_error *beamc__pool_probe(const char *url, beamc__rpc_queue *queue, int64_t timeout_ms,
                               beamc_arena *arena)
{
    FN(StopWorkerRequest) request = FNK(STOP_WORKER_REQUEST__INIT);
    beamc__rpc_code code = BEAMC__RPC_OK;
    beamc__rpc_channel *channel;
    ProtobufCMessage *response;

    request.worker_id = (char *)"beamc-probe";
    BEAMC_TRY(beamc__rpc_channel_new(&channel, queue, url, NULL));
    beamc_error *error =
        beamc__rpc_call_packed(&response, &code, channel, STOP_WORKER, &request.base,
                               &fn(stop_worker_response__descriptor), arena, timeout_ms);
    beamc__rpc_channel_free(channel);
    if (code == BEAMC__RPC_UNAVAILABLE || code == BEAMC__RPC_DEADLINE_EXCEEDED)
        return error;
    beamc_error_free(error); /* it has no such worker, or not that call */
    if (code == BEAMC__RPC_UNIMPLEMENTED)
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "the server at %s speaks gRPC, but is no worker pool", url);
    return NULL;
}
