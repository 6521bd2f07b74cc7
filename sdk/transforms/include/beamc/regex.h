/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions (PCRE2's syntax, UTF-8) over PCollections of strings.
 *
 *     beamc_pcollection ids = beamc_regex_find(lines, "id=(\\d+)", "1");
 *     beamc_pcollection pairs = beamc_regex_matches_kv(lines, "(?<k>\\w+): (?<v>.*)", "k", "v");
 *
 * "Matches" is of a whole string, "find" of any part of it; a string that does not match gives
 * nothing.  A group is told by text: its number ("1"), its name ("k"), or NULL for the whole match;
 * a group that took no part in the match is empty.  Options are written in the pattern: "(?i)", ...
 *
 * Patterns, groups and replacements are checked when the pipeline is built; the error names the
 * pattern and the offset in it. */
#ifndef BEAMC_REGEX_H
#define BEAMC_REGEX_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/** string -> string: the group of each string that matches as a whole. */
BEAMC_API beamc_pcollection beamc_regex_matches_at(beamc_location at, beamc_pcollection in,
                                                   const char *pattern, const char *group);
#define beamc_regex_matches(in, pattern, group)                                                    \
    beamc_regex_matches_at(BEAMC_HERE, in, pattern, group)

/** string -> string: the group of the first match in each string. */
BEAMC_API beamc_pcollection beamc_regex_find_at(beamc_location at, beamc_pcollection in,
                                                const char *pattern, const char *group);
#define beamc_regex_find(in, pattern, group) beamc_regex_find_at(BEAMC_HERE, in, pattern, group)

/** string -> string: the group of every match in each string, one after the other. */
BEAMC_API beamc_pcollection beamc_regex_find_all_at(beamc_location at, beamc_pcollection in,
                                                    const char *pattern, const char *group);
#define beamc_regex_find_all(in, pattern, group)                                                   \
    beamc_regex_find_all_at(BEAMC_HERE, in, pattern, group)

/** string -> Iterable<string>: all groups, the whole match first. */
BEAMC_API beamc_pcollection beamc_regex_matches_groups_at(beamc_location at, beamc_pcollection in,
                                                          const char *pattern);
BEAMC_API beamc_pcollection beamc_regex_find_groups_at(beamc_location at, beamc_pcollection in,
                                                       const char *pattern);
#define beamc_regex_matches_groups(in, pattern)                                                    \
    beamc_regex_matches_groups_at(BEAMC_HERE, in, pattern)
#define beamc_regex_find_groups(in, pattern) beamc_regex_find_groups_at(BEAMC_HERE, in, pattern)

/** string -> KV<string, string>: two groups. */
BEAMC_API beamc_pcollection beamc_regex_matches_kv_at(beamc_location at, beamc_pcollection in,
                                                      const char *pattern, const char *key_group,
                                                      const char *value_group);
BEAMC_API beamc_pcollection beamc_regex_find_kv_at(beamc_location at, beamc_pcollection in,
                                                   const char *pattern, const char *key_group,
                                                   const char *value_group);
#define beamc_regex_matches_kv(in, pattern, key_group, value_group)                                \
    beamc_regex_matches_kv_at(BEAMC_HERE, in, pattern, key_group, value_group)
#define beamc_regex_find_kv(in, pattern, key_group, value_group)                                   \
    beamc_regex_find_kv_at(BEAMC_HERE, in, pattern, key_group, value_group)

/** string -> string: every match, or the first, replaced; strings without one as they are.  In
 *  @replacement $1, ${1} and ${name} stand for groups and $$ for a dollar. */
BEAMC_API beamc_pcollection beamc_regex_replace_all_at(beamc_location at, beamc_pcollection in,
                                                       const char *pattern,
                                                       const char *replacement);
BEAMC_API beamc_pcollection beamc_regex_replace_first_at(beamc_location at, beamc_pcollection in,
                                                         const char *pattern,
                                                         const char *replacement);
#define beamc_regex_replace_all(in, pattern, replacement)                                          \
    beamc_regex_replace_all_at(BEAMC_HERE, in, pattern, replacement)
#define beamc_regex_replace_first(in, pattern, replacement)                                        \
    beamc_regex_replace_first_at(BEAMC_HERE, in, pattern, replacement)

/** string -> string: what is between the matches, each piece an element; empty pieces only if
 *  @keep_empty. */
BEAMC_API beamc_pcollection beamc_regex_split_at(beamc_location at, beamc_pcollection in,
                                                 const char *pattern, bool keep_empty);
#define beamc_regex_split(in, pattern, keep_empty)                                                 \
    beamc_regex_split_at(BEAMC_HERE, in, pattern, keep_empty)

BEAMC_EXTERN_C_END

#endif
