# SPDX-License-Identifier: Apache-2.0
. test/examples/lib.bash

check_run() {
    local file
    [ -z "$(find "$1/table" -type f -not -name 'sales-[0-2].csv')" ] ||
        fail "the table has other files: $(ls "$1/table")"
    for file in "$1"/table/*; do
        [ "$(head -n 1 "$file")" = "shop,item,cents" ] || fail "$file has no header"
        tail -n +2 "$file" | LC_ALL=C sort >"$1.$(basename "$file")"
    done
    cat "$1".sales-* | LC_ALL=C sort >"$1.sorted"
    same "write_table" "$TMP/expected" "$1.sorted"
    # The same rows are in the same shard, however it is run.
    [ -d "$TMP/first" ] || cp -r "$1/table" "$TMP/first"
    for file in "$1"/table/*; do
        same "$file" <(LC_ALL=C sort "$TMP/first/$(basename "$file")") <(LC_ALL=C sort "$file")
    done
    grep -qE '^  write_table/rows_written +6$' "$1.err" || fail "6 rows are written"
}

cat >"$TMP/expected" <<'END'
harbour,"rope, tarred",1250
harbour,lamp,3999
harbour,lamp,3999
hill,water,1
market,"""best"" apples",120
market,pears,135
END
run_all_ways write_table --input=$data/sales.csv --output='{}/table' --shards=3

printf 'a;b\n' >"$TMP/bad.csv"
fails_with 1 "parse_sale" "$BIN/write_table" --input="$TMP/bad.csv" --output="$TMP/bad"
fails_with 1 "there can be 1 to 1000" "$BIN/write_table" --input=$data/sales.csv \
    --output="$TMP/bad" --shards=-1
