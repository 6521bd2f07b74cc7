/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of the calls that a channel or a server has going, so that it can end them and wait. */
#include "core.h"

int beamc__rpc_calls_init(beamc__rpc_calls *calls)
{
    calls->head.next = calls->head.prev = &calls->head;
    calls->closed = false;
    if (uv_mutex_init(&calls->lock) < 0)
        return BEAMC_ENOMEM;
    if (uv_cond_init(&calls->less) < 0) {
        uv_mutex_destroy(&calls->lock);
        return BEAMC_ENOMEM;
    }
    return BEAMC_OK;
}

void beamc__rpc_calls_dispose(beamc__rpc_calls *calls)
{
    uv_cond_destroy(&calls->less);
    uv_mutex_destroy(&calls->lock);
}

bool beamc__rpc_calls_add(beamc__rpc_calls *calls, beamc__rpc_link *link)
{
    uv_mutex_lock(&calls->lock);
    bool added = !calls->closed;
    if (added) {
        link->next = &calls->head;
        link->prev = calls->head.prev;
        link->prev->next = link;
        calls->head.prev = link;
    }
    uv_mutex_unlock(&calls->lock);
    return added;
}

/* Signals with the lock held: who waits may free the calls. */
void beamc__rpc_calls_remove(beamc__rpc_calls *calls, beamc__rpc_link *link)
{
    uv_mutex_lock(&calls->lock);
    link->prev->next = link->next;
    link->next->prev = link->prev;
    uv_cond_broadcast(&calls->less);
    uv_mutex_unlock(&calls->lock);
}

static void cancel_locked(beamc__rpc_calls *calls)
{
    for (beamc__rpc_link *link = calls->head.next; link != &calls->head; link = link->next)
        link->cancel(link);
}

void beamc__rpc_calls_close(beamc__rpc_calls *calls)
{
    uv_mutex_lock(&calls->lock);
    calls->closed = true;
    cancel_locked(calls);
    uv_mutex_unlock(&calls->lock);
}

void beamc__rpc_calls_cancel(beamc__rpc_calls *calls)
{
    uv_mutex_lock(&calls->lock);
    cancel_locked(calls);
    uv_mutex_unlock(&calls->lock);
}

void beamc__rpc_calls_wait(beamc__rpc_calls *calls)
{
    uv_mutex_lock(&calls->lock);
    while (calls->head.next != &calls->head)
        uv_cond_wait(&calls->less, &calls->lock);
    uv_mutex_unlock(&calls->lock);
}
