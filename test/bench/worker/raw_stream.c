/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing but the core: one thread for each side, which sits in its completion queue; one message
 * under way; the bytes are always the same and are not looked at. */
#include "test/bench/worker/raw_stream.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define METHOD "/bench.Raw/Stream"

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Waits for the one batch under way. */
static int await(grpc_completion_queue *queue)
{
    grpc_event event =
        grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    return event.type == GRPC_OP_COMPLETE && event.success;
}

static int run_batch(grpc_call *call, grpc_completion_queue *queue, const grpc_op *ops,
                     size_t count)
{
    return grpc_call_start_batch(call, ops, count, call, NULL) == GRPC_CALL_OK && await(queue);
}

static void end_queue(grpc_completion_queue *queue)
{
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN)
        ;
    grpc_completion_queue_destroy(queue);
}

/* ---- the client -------------------------------------------------------------------------------- */

/* Reads to the end of the stream; answers how many messages came. */
static size_t receive_all(grpc_call *call, grpc_completion_queue *queue)
{
    size_t received = 0;

    for (;;) {
        grpc_byte_buffer *message = NULL;
        grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };
        op.data.recv_message.recv_message = &message;
        if (!run_batch(call, queue, &op, 1) || message == NULL)
            return received;
        grpc_byte_buffer_destroy(message);
        received++;
    }
}

static size_t receive(int port)
{
    grpc_arg arg = { .type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH };
    grpc_channel_args args = { 1, &arg };
    grpc_metadata_array head;
    char target[64];

    arg.value.integer = -1;
    snprintf(target, sizeof(target), "127.0.0.1:%d", port);
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(target, plain, &args);
    grpc_channel_credentials_release(plain);
    grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
    grpc_call *call = grpc_channel_create_call(
        channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue, grpc_slice_from_static_string(METHOD), NULL,
        gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    grpc_metadata_array_init(&head);
    grpc_op ops[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
                      { .op = GRPC_OP_RECV_INITIAL_METADATA } };
    ops[1].data.recv_initial_metadata.recv_initial_metadata = &head;
    size_t received = run_batch(call, queue, ops, 2) ? receive_all(call, queue) : 0;
    grpc_metadata_array_destroy(&head);
    grpc_call_unref(call);
    grpc_channel_destroy(channel);
    end_queue(queue);
    return received;
}

/* ---- the server -------------------------------------------------------------------------------- */

static int send_all(grpc_call *call, grpc_completion_queue *queue, size_t count, size_t size)
{
    void *bytes = calloc(1, size);
    grpc_slice slice = grpc_slice_from_static_buffer(bytes, size);
    grpc_op op = { .op = GRPC_OP_SEND_INITIAL_METADATA };
    int good = bytes != NULL && run_batch(call, queue, &op, 1);

    op.op = GRPC_OP_SEND_MESSAGE;
    for (size_t i = 0; good && i < count; i++) {
        op.data.send_message.send_message = grpc_raw_byte_buffer_create(&slice, 1);
        good = run_batch(call, queue, &op, 1);
        grpc_byte_buffer_destroy(op.data.send_message.send_message);
    }
    /* The status comes behind all messages, so its end is that of the last one. */
    int cancelled;
    grpc_op last[] = { { .op = GRPC_OP_SEND_STATUS_FROM_SERVER },
                       { .op = GRPC_OP_RECV_CLOSE_ON_SERVER } };
    last[1].data.recv_close_on_server.cancelled = &cancelled;
    good = run_batch(call, queue, last, 2) && good;
    free(bytes);
    return good;
}

static double serve(int port_to, size_t count, size_t size)
{
    grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server *server = grpc_server_create(NULL, NULL);
    grpc_server_credentials *plain = grpc_insecure_server_credentials_create();
    grpc_call_details details;
    grpc_metadata_array head;
    grpc_call *call = NULL;
    double took = -1;

    grpc_server_register_completion_queue(server, queue, NULL);
    int port = grpc_server_add_http2_port(server, "127.0.0.1:0", plain);
    grpc_server_credentials_release(plain);
    grpc_server_start(server);
    grpc_call_details_init(&details);
    grpc_metadata_array_init(&head);
    if (port > 0 && write(port_to, &port, sizeof(port)) == (ssize_t)sizeof(port) &&
        grpc_server_request_call(server, &call, &details, &head, queue, queue, server) ==
            GRPC_CALL_OK &&
        await(queue)) {
        double start = now();
        if (send_all(call, queue, count, size))
            took = now() - start;
    }
    grpc_call_details_destroy(&details);
    grpc_metadata_array_destroy(&head);
    if (call != NULL)
        grpc_call_unref(call);
    grpc_server_shutdown_and_notify(server, queue, server);
    (void)await(queue);
    grpc_server_destroy(server);
    end_queue(queue);
    return took;
}

/* ---- both -------------------------------------------------------------------------------------- */

double raw_stream(size_t count, size_t size)
{
    int pipe_ends[2];
    int port;
    int status;

    if (pipe(pipe_ends) < 0) {
        perror("pipe");
        return -1;
    }
    fflush(NULL);
    pid_t client = fork(); /* before gRPC is there */
    if (client < 0) {
        perror("fork");
        return -1;
    }
    if (client == 0) {
        if (read(pipe_ends[0], &port, sizeof(port)) != (ssize_t)sizeof(port))
            _exit(1);
        grpc_init();
        _exit(receive(port) == count ? 0 : 1);
    }
    grpc_init();
    double took = serve(pipe_ends[1], count, size);
    grpc_shutdown();
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    if (waitpid(client, &status, 0) != client || status != 0 || took < 0) {
        fprintf(stderr, "the raw stream broke\n");
        return -1;
    }
    return took;
}
