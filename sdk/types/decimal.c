/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/types/decimal.h"

#include <inttypes.h>

#define DIGITS_PER_STEP 9
#define STEP UINT32_C(1000000000)

/* Divides the big-endian @number by STEP in place; answers the remainder. */
static uint32_t divide(uint8_t *number, size_t size)
{
    uint64_t rest = 0;
    for (size_t i = 0; i < size; i++) {
        rest = rest << 8 | number[i];
        number[i] = (uint8_t)(rest / STEP);
        rest %= STEP;
    }
    return (uint32_t)rest;
}

static void negate(uint8_t *number, size_t size)
{
    unsigned carry = 1;
    while (size-- > 0) {
        carry += (uint8_t)~number[size];
        number[size] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void reverse(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size / 2; i++) {
        uint8_t byte = bytes[i];
        bytes[i] = bytes[size - 1 - i];
        bytes[size - 1 - i] = byte;
    }
}

int beamc__decimal_digits(const beamc_decimal *decimal, bool *negative, beamc_buffer *digits)
{
    uint8_t number[BEAMC__DECIMAL_DIGITS_MAX];
    size_t size = decimal->unscaled.size;
    size_t start = digits->size;

    *negative = size > 0 && (decimal->unscaled.data[0] & 0x80) != 0;
    if (size > sizeof(number))
        return BEAMC_ELIMIT;
    if (size > 0)
        memcpy(number, decimal->unscaled.data, size);
    if (*negative)
        negate(number, size);
    for (size_t first = 0;;) {
        while (first < size && number[first] == 0)
            first++;
        if (first == size)
            break;
        uint32_t rest = divide(number + first, size - first);
        for (int i = 0; i < DIGITS_PER_STEP; i++, rest /= 10)
            beamc_buffer_append_byte(digits, (uint8_t)('0' + rest % 10));
    }
    if (beamc_buffer_failed(digits))
        return BEAMC_ENOMEM;
    while (digits->size > start && digits->data[digits->size - 1] == '0')
        digits->size--;
    if (digits->size == start)
        beamc_buffer_append_byte(digits, '0');
    if (beamc_buffer_failed(digits))
        return BEAMC_ENOMEM;
    reverse(digits->data + start, digits->size - start);
    return BEAMC_OK;
}

/* 0.digits * 10^exponent, where the first digit is not 0; no digits for zero. */
typedef struct {
    bool negative;
    const uint8_t *digits;
    size_t size;
    int64_t exponent;
} magnitude;

static magnitude magnitude_of(const beamc_decimal *decimal, bool negative, const uint8_t *digits,
                              size_t size)
{
    magnitude m = { negative, digits, size, 0 };
    if (size == 1 && digits[0] == '0')
        m.size = 0;
    if (__builtin_sub_overflow((int64_t)size, decimal->scale, &m.exponent))
        m.exponent = INT64_MAX;
    while (m.size > 0 && m.digits[m.size - 1] == '0')
        m.size--;
    return m;
}

static int compare_sizes(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_magnitudes(const magnitude *a, const magnitude *b)
{
    if (a->size == 0 || b->size == 0)
        return compare_sizes((int64_t)a->size, (int64_t)b->size);
    if (a->exponent != b->exponent)
        return compare_sizes(a->exponent, b->exponent);
    int order = memcmp(a->digits, b->digits, a->size < b->size ? a->size : b->size);
    return order != 0 ? order : compare_sizes((int64_t)a->size, (int64_t)b->size);
}

static int compare_bytes(beamc_bytes a, beamc_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : compare_sizes((int64_t)a.size, (int64_t)b.size);
}

/* By value; 1.0 before 1.00, since they are not the same on the wire. */
int beamc__decimal_compare(const beamc_decimal *a, const beamc_decimal *b)
{
    beamc_buffer digits;
    bool a_negative;
    bool b_negative;
    int order;

    beamc_buffer_init(&digits);
    int rc = beamc__decimal_digits(a, &a_negative, &digits);
    size_t size = digits.size;
    if (rc == BEAMC_OK)
        rc = beamc__decimal_digits(b, &b_negative, &digits);
    if (rc == BEAMC_OK) {
        magnitude x = magnitude_of(a, a_negative, digits.data, size);
        magnitude y = magnitude_of(b, b_negative, digits.data + size, digits.size - size);
        int x_sign = x.size == 0 ? 0 : a_negative ? -1 : 1;
        int y_sign = y.size == 0 ? 0 : b_negative ? -1 : 1;
        order = x_sign - y_sign;
        if (order == 0)
            order = a_negative ? compare_magnitudes(&y, &x) : compare_magnitudes(&x, &y);
    } else {
        order = compare_bytes(a->unscaled, b->unscaled); /* monstrous: some order will do */
    }
    beamc_buffer_dispose(&digits);
    return order != 0 ? order : compare_sizes(a->scale, b->scale);
}

static void print_digits(int64_t scale, const beamc_buffer *digits, beamc_buffer *out)
{
    if (scale < 0 || scale > (int64_t)digits->size + 20) {
        beamc_buffer_append(out, digits->data, digits->size);
        beamc_buffer_printf(out, "e%s%" PRIu64, scale < 0 ? "" : "-",
                            scale < 0 ? 0 - (uint64_t)scale : (uint64_t)scale);
        return;
    }
    int64_t whole = (int64_t)digits->size - scale; /* digits before the point */
    if (whole > 0)
        beamc_buffer_append(out, digits->data, (size_t)whole);
    else
        beamc_buffer_append_byte(out, '0');
    if (scale == 0)
        return;
    beamc_buffer_append_byte(out, '.');
    for (; whole < 0; whole++)
        beamc_buffer_append_byte(out, '0');
    beamc_buffer_append(out, digits->data + whole, digits->size - (size_t)whole);
}

void beamc__decimal_print(const beamc_decimal *decimal, beamc_buffer *out)
{
    beamc_buffer digits;
    bool negative = false;

    beamc_buffer_init(&digits);
    int rc = beamc__decimal_digits(decimal, &negative, &digits);
    if (rc == BEAMC_ENOMEM) {
        beamc_buffer_grow(out, SIZE_MAX); /* makes @out fail as well */
    } else if (rc < 0) {
        beamc_buffer_printf(out, "decimal of %zu bytes", decimal->unscaled.size);
    } else {
        if (negative)
            beamc_buffer_append_byte(out, '-');
        print_digits(decimal->scale, &digits, out);
    }
    beamc_buffer_dispose(&digits);
}
