/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of elements: a byte that chooses the windows, then the head.  What is read is written the same,
 * but for windows in blocks, which are written without. */
#include "round_trip.h"

#include "sdk/coders/windowed.h"

static const beamc_field custom_fields[1] = { { "window", BEAMC_TYPE(interval_window) } };
static const beamc_type custom_window = {
    "custom", BEAMC_KIND_CUSTOM_WINDOW, sizeof(beamc_custom_window), 8, custom_fields, 1, NULL,
    NULL,     NULL
};

static void check_pane(const beamc_element_info *info)
{
    beamc_buffer out;
    beamc_element_info again = *info;
    beamc_pane pane = beamc_element_pane(info);
    beamc_buffer_init(&out);
    ROUND_TRIP_REQUIRE(beamc__pane_encode(&pane, &out) == BEAMC_OK);
    ROUND_TRIP_REQUIRE(out.size <= BEAMC__PANE_MAX);
    again.pane = out.data;
    again.pane_size = (uint32_t)out.size;
    beamc_pane second = beamc_element_pane(&again);
    ROUND_TRIP_REQUIRE(pane.is_first == second.is_first && pane.is_last == second.is_last &&
                       pane.timing == second.timing && pane.index == second.index &&
                       pane.non_speculative_index == second.non_speculative_index);
    beamc_buffer_dispose(&out);
}

static void check_head(const beamc_element_info *info, const beamc_type *window_type,
                       const beamc__decode_context *context)
{
    beamc_buffer out;
    beamc_buffer_init(&out);
    ROUND_TRIP_REQUIRE(beamc__element_info_encode(info, &out) == BEAMC_OK);
    beamc_element_info again;
    beamc_reader in = beamc_reader_of(out.data, out.size);
    ROUND_TRIP_REQUIRE(beamc__element_info_decode(&again, window_type, &in, context) == BEAMC_OK);
    ROUND_TRIP_REQUIRE(in.at == in.end);
    ROUND_TRIP_REQUIRE(again.timestamp == info->timestamp &&
                       again.window_count == info->window_count &&
                       again.windows_size == info->windows_size &&
                       again.pane_size == info->pane_size);
    ROUND_TRIP_REQUIRE(memcmp(again.windows, info->windows, info->windows_size) == 0);
    ROUND_TRIP_REQUIRE(memcmp(again.pane, info->pane, info->pane_size) == 0);
    beamc_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const beamc_type *const types[] = { &beamc_type_global_window,
                                               &beamc_type_interval_window, &custom_window,
                                               &beamc_type_string };
    if (size == 0)
        return 0;
    const beamc_type *window_type = types[data[0] % 4];
    beamc_arena *arena = beamc_arena_new();
    const beamc__decode_context context = { arena, NULL };
    beamc_element_info info;
    beamc_reader in = beamc_reader_of(data + 1, size - 1);
    if (beamc__element_info_decode(&info, window_type, &in, &context) == BEAMC_OK) {
        check_head(&info, window_type, &context);
        check_pane(&info);
        beamc_interval_window window;
        uint32_t windows = 0;
        uint32_t at = 0;
        while (window_type == &beamc_type_interval_window &&
               beamc_element_next_interval(&info, &at, &window))
            windows++;
        ROUND_TRIP_REQUIRE(window_type != &beamc_type_interval_window ||
                           windows == info.window_count);
    }
    beamc_arena_free(arena);
    return 0;
}
