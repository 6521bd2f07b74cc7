#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the test vectors of Beam's standard_coders.yaml so that a C program can read them.

    standard_coders.py YAML             the vectors, to standard output
    standard_coders.py YAML --corpus D  each encoded value as a seed for the fuzz targets, below D

The output is words, separated by spaces and lines:

    case  INDEX CONTEXTS EXACT      contexts: n nested, o outer, b both; exact 0: do not compare bytes
    coder URN PAYLOAD PARTS         then the coders of the parts
    state TOKEN DATA                what the runner's state holds
    example BYTES                   then its value:
    n | b 0 or 1 | i NUMBER | s TEXT | l COUNT, items | m COUNT, each key and value

Bytes and texts are hexadecimal, '-' if empty.  The reader below knows as much of YAML as that file
uses, so that nothing has to be installed; --self-test compares it with PyYAML where that is there.
"""
import os
import re
import sys

ESCAPES = {'0': '\0', 'a': '\a', 'b': '\b', 't': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r',
           'e': '\x1b', ' ': ' ', '"': '"', '/': '/', '\\': '\\', 'N': '\x85', '_': '\xa0'}
ESCAPE_DIGITS = {'x': 2, 'u': 4, 'U': 8}


class Reader:
    """One YAML document."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def fail(self, what):
        line = self.text.count('\n', 0, self.at) + 1
        raise ValueError(f'line {line} of the document: {what}')

    def peek(self):
        return self.text[self.at] if self.at < len(self.text) else ''

    def skip_space(self):
        """Blanks, line ends and comments."""
        while self.peek():
            if self.peek() in ' \t\n':
                self.at += 1
            elif self.peek() == '#':
                end = self.text.find('\n', self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                break

    def column(self):
        return self.at - (self.text.rfind('\n', 0, self.at) + 1)

    def quoted(self):
        out = []
        self.at += 1
        while self.peek() != '"':
            char = self.peek()
            if not char:
                self.fail('a string without end')
            self.at += 1
            if char == '\n':
                self.fail('a string over two lines')
            if char != '\\':
                out.append(char)
                continue
            escape = self.peek()
            self.at += 1
            if escape in ESCAPE_DIGITS:
                digits = self.text[self.at:self.at + ESCAPE_DIGITS[escape]]
                self.at += len(digits)
                out.append(chr(int(digits, 16)))
            elif escape in ESCAPES:
                out.append(ESCAPES[escape])
            else:
                self.fail(f'escape {escape!r}')
        self.at += 1
        return ''.join(out)

    def plain(self, flow):
        stop = r'(?=\s*(?:$|\n|\s#|:(?:\s|$)' + (r'|[,\]}]' if flow else '') + '))'
        match = re.compile(r'[^\n]*?' + stop).match(self.text, self.at)
        word = match.group().rstrip()
        self.at += len(word)
        if re.fullmatch(r'-?(0|[1-9][0-9]*)', word):
            return int(word)
        return {'true': True, 'false': False, 'null': None, '~': None}.get(word, word)

    def flow(self):
        """A value in a flow collection, or a scalar in one line."""
        char = self.peek()
        if char == '"':
            return self.quoted()
        if char == '[':
            return self.sequence()
        if char == '{':
            return self.flow_map()
        return self.plain(flow=True)

    def sequence(self):
        items = []
        self.at += 1
        self.skip_space()
        while self.peek() != ']':
            items.append(self.flow())
            self.comma(']')
        self.at += 1
        return items

    def flow_map(self):
        items = {}
        self.at += 1
        self.skip_space()
        while self.peek() != '}':
            key = self.flow()
            self.colon()
            self.skip_space()
            items[key] = self.flow()
            self.comma('}')
        self.at += 1
        return items

    def comma(self, end):
        self.skip_space()
        if self.peek() == ',':
            self.at += 1
            self.skip_space()
        elif self.peek() != end:
            self.fail(f'neither , nor {end}')

    def colon(self):
        self.skip_space()
        if self.peek() != ':':
            self.fail('no colon')
        self.at += 1

    def node(self, indent):
        """A value that starts here, further right than @indent."""
        self.skip_space()
        if self.column() <= indent and self.peek() not in '[{':
            self.fail('no value')
        start = self.at
        if self.peek() in '[{':
            return self.flow()
        key = self.quoted() if self.peek() == '"' else self.plain(flow=False)
        if not re.compile(r'[ \t]*:(\s|$)').match(self.text, self.at):
            return key
        line = self.text.rfind('\n', 0, start) + 1
        if self.text[line:start].strip():
            self.fail('a mapping in a line')
        self.at = start
        return self.block_map()

    def block_map(self):
        column = self.column()
        items = {}
        while self.peek() and self.column() == column:
            key = self.quoted() if self.peek() == '"' else self.plain(flow=False)
            self.colon()
            items[key] = self.node(column)
            self.skip_space()
        if self.peek() and self.column() > column:
            self.fail('more to the right than what is before')
        return items

    def document(self):
        value = self.node(-1)
        self.skip_space()
        if self.peek():
            self.fail('more than one value')
        return value


def load(path):
    with open(path, encoding='utf-8') as file:
        return [Reader(text).document() for text in re.split(r'(?m)^---\s*$', file.read())]


def hexadecimal(data):
    return data.hex() or '-'


def write_value(value, out):
    if value is None:
        out.append('n')
    elif isinstance(value, bool):
        out.append(f'b {int(value)}')
    elif isinstance(value, int):
        out.append(f'i {value}')
    elif isinstance(value, str):
        out.append('s ' + hexadecimal(value.encode('utf-8')))
    elif isinstance(value, list):
        out.append(f'l {len(value)}')
        for item in value:
            write_value(item, out)
    else:
        out.append(f'm {len(value)}')
        for key, item in value.items():
            write_value(key, out)
            write_value(item, out)


def write_coder(coder, out):
    parts = coder.get('components', [])
    payload = hexadecimal(coder.get('payload', '').encode('latin1'))
    out.append(f"coder {coder['urn']} {payload} {len(parts)}")
    for part in parts:
        write_coder(part, out)


def vectors(documents):
    out = []
    for index, document in enumerate(documents):
        coder = document['coder']
        context = {None: 'b', True: 'n', False: 'o'}[document.get('nested')]
        out.append(f"case {index} {context} {int(not coder.get('non_deterministic', False))}")
        write_coder(coder, out)
        for token, data in coder.get('state', {}).items():
            out.append(f'state {hexadecimal(token.encode())} {hexadecimal(data.encode("latin1"))}')
        for encoded, value in document['examples'].items():
            out.append('example ' + hexadecimal(encoded.encode('latin1')))
            write_value(value, out)
    return '\n'.join(out) + '\n'


def shape(coder):
    """kv(bytes,varint): what a fuzz target has a type for."""
    name = coder['urn'].split(':')[-2]
    parts = ','.join(shape(part) for part in coder.get('components', []))
    return f'{name}({parts})' if parts else name


def write_corpus(documents, directory):
    """Seeds, each as its target in test/fuzz reads it."""
    def write(target, name, seed):
        below = os.path.join(directory, target)
        os.makedirs(below, exist_ok=True)
        with open(os.path.join(below, name), 'wb') as file:
            file.write(seed)

    for index, document in enumerate(documents):
        coder = document['coder']
        for number, encoded in enumerate(document['examples']):
            data = encoded.encode('latin1')
            name = f'beam-{index}-{number}'
            if coder['urn'] == 'beam:coder:row:v1':
                schema = coder['payload'].encode('latin1')
                write('row', name, len(schema).to_bytes(2, 'big') + schema + data)
                continue
            end = b'\r' if document.get('nested') is False else b'\n'
            write('coder', name, shape(coder).encode() + end + data)
            if coder['urn'] == 'beam:coder:windowed_value:v1':
                kind = 'interval' in coder['components'][1]['urn']
                write('windowed', name, bytes([kind]) + data)


def main(arguments):
    if len(arguments) == 2 and arguments[1] == '--self-test':
        import yaml
        with open(arguments[0], encoding='utf-8') as file:
            if load(arguments[0]) != list(yaml.safe_load_all(file)):
                sys.exit('standard_coders.py: PyYAML reads something else')
    elif len(arguments) == 3 and arguments[1] == '--corpus':
        write_corpus(load(arguments[0]), arguments[2])
    elif len(arguments) == 1:
        sys.stdout.write(vectors(load(arguments[0])))
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
