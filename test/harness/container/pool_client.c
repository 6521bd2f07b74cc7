/* SPDX-License-Identifier: Apache-2.0 */
#include "pool_client.h"

#include "sdk/rpc/pack.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <stdlib.h>

#define POOL "/org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool/"

enum { PATIENCE_MS = 300000 };

struct pool_client {
    beamc__rpc_queue *queue;
    beamc__rpc_channel *channel;
    beamc_arena *arena;
};

pool_client *pool_client_new(const char *url)
{
    pool_client *client = calloc(1, sizeof(*client));

    ck_assert_ptr_nonnull(client);
    client->arena = beamc_arena_new();
    ck_assert_ptr_nonnull(client->arena);
    ck_assert_ptr_null(beamc__rpc_queue_new(&client->queue, "runner"));
    ck_assert_ptr_null(beamc__rpc_channel_new(&client->channel, client->queue, url, NULL));
    return client;
}

void pool_client_free(pool_client *client)
{
    if (client == NULL)
        return;
    beamc__rpc_channel_free(client->channel);
    beamc__rpc_queue_free(client->queue);
    beamc_arena_free(client->arena);
    free(client);
}

static const void *call(pool_client *client, const char *method, const ProtobufCMessage *request,
                        const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *response;

    ck_assert_str_eq(scratch_text(beamc__rpc_call_packed(&response, NULL, client->channel, method,
                                                         request, type, client->arena,
                                                         PATIENCE_MS)),
                     "ok");
    return response;
}

const char *pool_client_start(pool_client *client, const FN(StartWorkerRequest) *request)
{
    const FN(StartWorkerResponse) *response = call(client, POOL "StartWorker", &request->base,
                                                   &fn(start_worker_response__descriptor));

    return response->error;
}

const char *pool_client_stop(pool_client *client, const char *id)
{
    FN(StopWorkerRequest) request = FNK(STOP_WORKER_REQUEST__INIT);

    request.worker_id = (char *)id;
    const FN(StopWorkerResponse) *response =
        call(client, POOL "StopWorker", &request.base, &fn(stop_worker_response__descriptor));
    return response->error;
}
