# SPDX-License-Identifier: Apache-2.0
. test/examples/lib.bash

check_run() {
    sorted_output "$1/sales" >"$1.sorted"
    same "join" "$TMP/expected" "$1.sorted"
    grep -qE '^  join/orders_without_customer +2$' "$1.err" || fail "2 orders have no customer"
    grep -qE '^  join/customers_without_currency +1$' "$1.err" || fail "1 has no currency"
    grep -qF 'left out: c5,Ewa' "$1.err" || fail "a malformed line is not told"
}

cat >"$TMP/expected" <<'END'
Aino (FI): 3 orders, 15.60 EUR
Björn (SE): 1 orders, 0.99 SEK
Chiara (IT): 1 orders, 1000.00 EUR
Dov (XX): 1 orders, 0.01 ?
Fumi (JP): 0 orders, 0.00 JPY
END
run_all_ways join --customers=$data/customers.csv --orders=$data/orders.csv \
    --currencies=$data/currencies.csv --output='{}/sales'

fails_with 2 'option --customers is needed' "$BIN/join" --output="$TMP/sales"
