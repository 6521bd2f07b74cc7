/* SPDX-License-Identifier: Apache-2.0 */
/* A WindowingStrategy from outside, its function at work, and encoded windows. */
#include "sdk/windowing/window_proto.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "fuzz_windowing: %s\n", #condition);                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever reads well is written as it was read, in the shortest form. */
static void read_intervals(const uint8_t *data, size_t size)
{
    beamc_reader in = beamc_reader_of(data, size);
    beamc_interval_window window;
    beamc_interval_window again;
    uint8_t bytes[BEAMC__WINDOW_SIZE_MAX];

    while (beamc__interval_decode(&window, &in) == BEAMC_OK) {
        size_t written = beamc__interval_encode(window, bytes);
        beamc_reader reader = beamc_reader_of(bytes, written);
        REQUIRE(written <= sizeof(bytes));
        REQUIRE(beamc__interval_decode(&again, &reader) == BEAMC_OK);
        REQUIRE(again.start == window.start && again.end == window.end);
    }
}

/* Each window holds its element, as far as it is inside of the time there is. */
static void assign(const beamc__window_fn *fn, beamc_timestamp at)
{
    beamc__window_assigner assigner;
    beamc_interval_window window;

    REQUIRE(beamc__window_assigner_init(&assigner, fn) == BEAMC_OK);
    beamc__window_assign(&assigner, at);
    REQUIRE(assigner.window_count <= fn->most);
    REQUIRE(assigner.windows_size <= (size_t)fn->most * BEAMC__WINDOW_SIZE_MAX);
    beamc_reader in = beamc_reader_of(assigner.windows, assigner.windows_size);
    while (beamc_reader_left(&in) > 0) {
        REQUIRE(beamc__interval_decode(&window, &in) == BEAMC_OK);
        REQUIRE(window.start < window.end && window.start >= BEAMC_TIMESTAMP_MIN &&
                window.end <= BEAMC_TIMESTAMP_MAX_GLOBAL + 1);
        if (at >= BEAMC_TIMESTAMP_MIN && at <= BEAMC_TIMESTAMP_MAX_GLOBAL)
            REQUIRE(window.start <= at && at < window.end);
    }
    beamc__window_assigner_dispose(&assigner);
}

static void use_function(const beamc__window_fn *fn)
{
    const beamc_timestamp at[] = { INT64_MIN, BEAMC_TIMESTAMP_MIN, -1, 0, 1, 1234567890123,
                                   BEAMC_TIMESTAMP_MAX_GLOBAL, BEAMC_TIMESTAMP_MAX, INT64_MAX };
    uint8_t main_window[BEAMC__WINDOW_SIZE_MAX];
    uint8_t side[BEAMC__WINDOW_SIZE_MAX];
    size_t side_size;

    for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
        beamc_timestamp end = at[i] == INT64_MIN ? at[i] + 1 : at[i];
        size_t size = beamc__interval_encode((beamc_interval_window){ end - 1, end }, main_window);
        assign(fn, at[i]);
        if (beamc__window_map_side(fn, BEAMC__WINDOW_FORM_INTERVAL, main_window, size, side,
                                   &side_size) == BEAMC_OK)
            REQUIRE(side_size <= sizeof(side));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamc__strategy strategy;
    PB(WindowingStrategy) *message = pb(windowing_strategy__unpack)(NULL, size, data);

    read_intervals(data, size);
    if (message == NULL)
        return 0;
    beamc_error *err = beamc__strategy_read(&strategy, message, NULL);
    if (err == NULL && !strategy.fn.opaque)
        use_function(&strategy.fn);
    beamc_error_free(err);
    pb(windowing_strategy__free_unpacked)(message, NULL);
    return 0;
}
