#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the two hand-written word counts give the same lines, and the right ones.

    test_words.py BIN

The texts end at every place relative to a block of 64 bytes and have words of every length around
the limits of words_fast: 12 letters in a slot, 64 bytes in a block, 4096 bytes in a window.
"""

import collections
import os
import random
import re
import subprocess
import sys
import tempfile

WORD = re.compile(rb"[A-Za-z'\x80-\xff]+")


def expected(text):
    counts = collections.Counter(WORD.findall(text))
    return sorted(b"%s: %d" % item for item in counts.items())


def texts():
    """Pairs of a name and a text."""
    rng = random.Random(1)
    for size in list(range(0, 300)) + [4095, 4096, 4097, 8192, 10000]:
        yield f"few letters, {size} bytes", bytes(rng.choice(b"ab  \n") for _ in range(size))
        yield f"one word of {size} bytes", b"x" * size
        yield f"any bytes, {size}", rng.randbytes(size)
    for length in list(range(1, 20)) + [63, 64, 65, 4095, 4096, 4097, 20000]:
        words = [bytes(rng.choice(b"abC'\xc3") for _ in range(length)) for _ in range(40)]
        yield f"words of {length} letters", b" ".join(rng.choice(words) for _ in range(400))
    mixed = "Don't DON'T 'tis Straße naïve; a1b2 日本 x_y\r\nend"
    yield "capitals, apostrophes, UTF-8", mixed.encode() * 50
    letters = b"abcdefghijklmnopqrstuvwxyz"
    yield "more words than the table begins with", b"\n".join(
        bytes(letters[i // 26**k % 26] for k in range(4)) * (1 + i % 4) for i in range(200000))


def run(program, text, folder):
    source, result = os.path.join(folder, "in"), os.path.join(folder, "out")
    with open(source, "wb") as file:
        file.write(text)
    subprocess.run([program, source, result], check=True)
    with open(result, "rb") as file:
        # No word has a newline in it, so lines can be sorted.
        return sorted(file.read().split(b"\n")[:-1])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    programs = [os.path.join(sys.argv[1], name) for name in ("words_fast", "words_plain")]
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts():
            want = expected(text)
            for program in programs:
                if run(program, text, folder) != want:
                    sys.exit(f"{program}: wrong counts for: {name}")
            done += 1
    print(f"{done} texts counted alike by {' and '.join(map(os.path.basename, programs))}")


if __name__ == "__main__":
    main()
