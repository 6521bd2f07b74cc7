/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted runner: serves the Fn API over real gRPC on a free port of this machine.  The test
 * says what it sends, and when, and how it misbehaves; what the worker sends is recorded.
 *
 *     fn_peer *peer = fn_peer_new();
 *     fn_peer_give(peer, "d1", kit);                       a descriptor, built by the kit of exec
 *     beamc__worker *worker = fn_peer_worker(peer, NULL);
 *     fn_peer_process(peer, "i1", "d1");
 *     fn_peer_put(peer, "i1", "in", "a b c");              elements, and the mark of the end
 *     ck_assert_str_eq(fn_peer_lines(peer, "i1", "out"), "a\nb\nc\n");
 *     fn_peer_done(peer, "i1");                            its response, which is no error
 *
 * Whatever is waited for must come within PATIENCE_MS, or the test fails.  What is answered belongs
 * to the peer and lives as long. */
#ifndef BEAMC_TEST_FN_PEER_H
#define BEAMC_TEST_FN_PEER_H

#include "harness/worker/worker.h"
#include "proto/beam.h"
#include "sdk/rpc/stream.h"
#include "test/harness/exec/kit.h"

typedef enum {
    FN_CONTROL,
    FN_DATA,
    FN_STATE,
    FN_LOGGING,
    FN_STATUS,
    FN_SERVICES
} fn_service;

typedef struct fn_peer fn_peer;

/* Starts gRPC, too: in a test, not before Check forks. */
fn_peer *fn_peer_new(void);
void fn_peer_free(fn_peer *peer);
const char *fn_peer_url(const fn_peer *peer);

/* A worker with all functions of the test program, on this peer's control, logging and status. */
beamc__worker *fn_peer_worker(fn_peer *peer, const beamc__worker_options *options);
/* Ends control, waits for the worker, checks that it had no error, and frees both. */
void fn_peer_finish(fn_peer *peer, beamc__worker *worker);

/* ---- streams --------------------------------------------------------------------------------- */

/* Waits until the worker has opened it the @count'th time. */
void fn_peer_wait_open(fn_peer *peer, fn_service service, int count);
/* Waits until the worker ended it, or its connection broke, that often. */
void fn_peer_wait_closed(fn_peer *peer, fn_service service, int count);
/* The worker_id that it was opened with. */
const char *fn_peer_worker_id(fn_peer *peer, fn_service service);
/* Takes nothing of it, until it is told to go on. */
void fn_peer_pause(fn_peer *peer, fn_service service);
void fn_peer_resume(fn_peer *peer, fn_service service);
/* Breaks it off. */
void fn_peer_cut(fn_peer *peer, fn_service service);
/* Ends it with a status. */
void fn_peer_end(fn_peer *peer, fn_service service, beamc__rpc_code code, const char *text);
/* All streams at once, and nobody listens any more; then only fn_peer_free. */
void fn_peer_vanish(fn_peer *peer);
/* Sends bytes as a message, whatever they are. */
void fn_peer_send_raw(fn_peer *peer, fn_service service, const void *bytes, size_t size);
void fn_peer_send(fn_peer *peer, fn_service service, const void *message);

/* ---- control --------------------------------------------------------------------------------- */

/* What is answered when the worker asks for descriptor @id: the kit's, with ports and state here. */
void fn_peer_give(fn_peer *peer, const char *id, exec_kit *kit);
/* How often any was asked for. */
int fn_peer_asked(fn_peer *peer);
/* From now on questions wait, until they are let go. */
void fn_peer_hold_descriptors(fn_peer *peer);
void fn_peer_release_descriptors(fn_peer *peer);
/* The descriptor as it was made, packed. */
beamc_bytes fn_peer_descriptor(fn_peer *peer, const char *id);

void fn_peer_process(fn_peer *peer, const char *instruction, const char *descriptor);
/* Asks how far the bundle of instruction @about is. */
void fn_peer_ask_progress(fn_peer *peer, const char *instruction, const char *about);
/* The @count'th response to it. */
const FN(InstructionResponse) *fn_peer_response(fn_peer *peer, const char *instruction, int count);
/* Whether there is one already. */
bool fn_peer_has_response(fn_peer *peer, const char *instruction);
/* How many there are. */
int fn_peer_response_count(fn_peer *peer, const char *instruction);
/* Waits for the response to a bundle, and checks that it is no error, or one with @part. */
const FN(ProcessBundleResponse) *fn_peer_done(fn_peer *peer, const char *instruction);
const char *fn_peer_failed(fn_peer *peer, const char *instruction, const char *part);

/* ---- data ------------------------------------------------------------------------------------ */

/* Strings in the global window, as bytes of the stream. */
void fn_element(beamc_buffer *out, const char *text, size_t size);

/* Sends the words of @words as elements, then an empty message with the mark of the end. */
void fn_peer_put(fn_peer *peer, const char *instruction, const char *source, const char *words);
/* Sends bytes of elements. */
void fn_peer_put_bytes(fn_peer *peer, const char *instruction, const char *source,
                       const void *bytes, size_t size, bool is_last);

/* What came for a sink. */
typedef struct {
    char *instruction;
    char *sink;
    beamc_buffer bytes;
    int messages;
    int lasts;      /* marks of the end */
    bool with_data; /* one of them came with data */
    bool after;     /* something came after one */
    char *lines;
} fn_output;

/* Waits for the mark of the end. */
const fn_output *fn_peer_output(fn_peer *peer, const char *instruction, const char *sink);
/* The strings that came, a line for each. */
const char *fn_peer_lines(fn_peer *peer, const char *instruction, const char *sink);
/* How many messages of elements came, whatever they are for. */
int fn_peer_data_count(fn_peer *peer);
/* Waits for that many. */
void fn_peer_wait_data(fn_peer *peer, int count);

/* ---- state ----------------------------------------------------------------------------------- */

/* Strings that a side input holds: all of them, or those of a key. */
void fn_peer_side(fn_peer *peer, const char *side, const char *key, const char *words);
/* Pages have so many bytes, wherever that cuts. */
void fn_peer_set_page(fn_peer *peer, size_t bytes);
/* Questions are answered with this error; NULL: no more. */
void fn_peer_refuse_state(fn_peer *peer, const char *text);
/* Answers come twice, and after one to a question that was never asked. */
void fn_peer_babble(fn_peer *peer);
/* Questions are not answered. */
void fn_peer_ignore_state(fn_peer *peer);
/* Requests of any kind; what was appended to a key is what a get answers, until it is cleared. */
int fn_peer_state_count(fn_peer *peer);
/* The last one. */
const FN(StateRequest) *fn_peer_state_request(fn_peer *peer);
/* Waits for that many questions. */
void fn_peer_wait_state(fn_peer *peer, int count);

/* ---- logging, status ------------------------------------------------------------------------- */

/* Waits for an entry that has @part in its message; for the @nth. */
const FN(LogEntry) *fn_peer_log(fn_peer *peer, const char *part);
const FN(LogEntry) *fn_peer_nth_log(fn_peer *peer, const char *part, int nth);
/* Entries are not read, until they are again. */
void fn_peer_hold_logs(fn_peer *peer, bool hold);
/* How many there are. */
int fn_peer_log_count(fn_peer *peer, const char *part);
/* Asks for the status, and waits for the answer. */
const char *fn_peer_status(fn_peer *peer);

#endif
