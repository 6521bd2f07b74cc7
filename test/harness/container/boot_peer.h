/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted runner as a starting worker sees it, over real gRPC on a free port of this machine:
 * what it is provisioned with, files, control and log.  It can fail the next downloads, and hold
 * them.
 *
 *     boot_peer *peer = boot_peer_new();
 *     boot_peer_option(peer, "beamc_build_id", "ff00");
 *     boot_peer_file(peer, "worker", "#!/bin/sh\n", NULL);
 *     ... something starts, with boot_peer_url(peer) as its --provision_endpoint
 *     boot_peer_send(peer, "i1");
 *     ck_assert_str_eq(boot_peer_answer(peer, "i1"), "why not");
 *
 * Whatever is waited for must come within some minutes, or the test fails. */
#ifndef BEAMC_TEST_BOOT_PEER_H
#define BEAMC_TEST_BOOT_PEER_H

#include "proto/beam.h"
#include "sdk/rpc/queue.h"
#include <stdbool.h>

typedef struct boot_peer boot_peer;

/* Starts gRPC, too: in a test, not before Check forks. */
boot_peer *boot_peer_new(void);
void boot_peer_free(boot_peer *peer);
const char *boot_peer_url(const boot_peer *peer);
beamc__rpc_queue *boot_peer_queue(boot_peer *peer);

/* ---- before something starts ----------------------------------------------------------------- */

/* A text among the pipeline's options, by its bare name. */
void boot_peer_option(boot_peer *peer, const char *name, const char *value);

/* Workers that are to come besides the one that is started. */
void boot_peer_sibling(boot_peer *peer, const char *id);

/* A file that is staged as @name.  @hash: what is promised; NULL: the true one. */
void boot_peer_file(boot_peer *peer, const char *name, const char *text, const char *hash);
/* The same of any bytes, and with the true hash. */
void boot_peer_bytes(boot_peer *peer, const char *name, const void *bytes, size_t size);
/* All of them, as the runner lists them; *@count of them. */
PB(ArtifactInformation) **boot_peer_files(boot_peer *peer, size_t *count);
/* The next @count downloads break off in the middle. */
void boot_peer_fail(boot_peer *peer, int count);
/* Downloads wait until so many are there at once; then all go on. */
void boot_peer_gather(boot_peer *peer, int count);

/* ---- what was seen --------------------------------------------------------------------------- */

/* How often a file was asked for, and how many were at once at most. */
int boot_peer_downloads(boot_peer *peer);
int boot_peer_at_once(boot_peer *peer);
/* The worker_id that the provision info was asked with; "" before. */
const char *boot_peer_worker_id(boot_peer *peer);

/* Sends an instruction to the worker that came last, waiting for one to be there. */
void boot_peer_send(boot_peer *peer, const char *instruction);
/* Waits for the answer to it: the error's text. */
const char *boot_peer_answer(boot_peer *peer, const char *instruction);
/* Ends the control streams of all workers well. */
void boot_peer_dismiss(boot_peer *peer);
/* How often a worker came to be controlled, and how often one went; waits for at least @count. */
void boot_peer_wait_came(boot_peer *peer, int count);
void boot_peer_wait_went(boot_peer *peer, int count);
int boot_peer_came(boot_peer *peer);
/* Waits for a worker of this id to have come. */
void boot_peer_wait_worker(boot_peer *peer, const char *id);
/* Waits for a data stream, which runners want before they look at answers. */
void boot_peer_wait_data(boot_peer *peer);
/* Waits for a log entry with @part in it; its message. */
const char *boot_peer_log(boot_peer *peer, const char *part);

#endif
