#!/usr/bin/env python3
"""The house keeps its floors: who may include whom, which library is known where, who may exit or allocate."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import SOURCE, done, empty, ok

# Bottom first. A folder includes its own files and those of lower floors; neighbours on a floor do not know each other.
FLOORS = [['base'], ['config'], ['data'], ['net'], ['engine', 'run', 'track'], ['train'], ['bench', 'runs', 'theory'], ['sweep', 'figures'], ['cli']]
# A library's header -> the files that adapt it (more than one only where the library has several uses).
LIBRARIES = {
    'yaml.h': 1, 'jansson.h': 1, 'curl/curl.h': 1, 'archive.h': 1, 'archive_entry.h': 1, 'png.h': 1,
    'openssl/': 1,
}
MAX_LINES = 600


def c_files():
    for folder, _, names in os.walk(os.path.join(SOURCE, 'src')):
        for name in sorted(names):
            if name.endswith(('.c', '.h')):
                path = os.path.join(folder, name)
                with open(path, encoding='utf-8') as f:
                    yield os.path.relpath(path, os.path.join(SOURCE, 'src')), f.read()


def without_comments(text):
    text = re.sub(r'/\*.*?\*/', lambda m: '\n' * m.group().count('\n'), text, flags=re.DOTALL)
    text = re.sub(r'//[^\n]*', '', text)
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def includes(text, quotes):
    left, right = quotes
    return re.findall(r'^\s*#\s*include\s*' + re.escape(left) + r'([^>"]+)' + re.escape(right), text, re.MULTILINE)


def main():
    files = dict(c_files())
    rank = {folder: level for level, floor in enumerate(FLOORS) for folder in floor}
    ok(files, 'there are sources')
    empty((f'{path}: folder {path.split("/")[0]} is on no floor' for path in files
           if path.split('/')[0] not in rank), 'every folder has a floor')

    upward, unrooted = [], []
    for path, text in files.items():
        here = path.split('/')[0]
        for header in includes(text, '""'):
            there = header.split('/')[0]
            if header not in files and os.path.join(os.path.dirname(path), header) in files and \
                    not path.startswith('engine/cuda/kernels/'):  # compiled from their text, which knows no folders
                unrooted.append(f'{path}: "{header}" is not written from src/')
            elif there in rank and there != here and rank[there] >= rank[here]:
                upward.append(f'{path} includes {header}')
    empty(upward, 'folders include only lower floors')
    empty(unrooted, 'includes are written from src/')

    for library, most in LIBRARIES.items():
        users = [path for path, text in files.items()
                 if any(header.startswith(library) for header in includes(text, '<>'))]
        empty(users if len(users) > most else [], f'<{library}> is known to one file')

    def calls(pattern, allowed):
        found = re.compile(r'(?<![\w.>])(' + pattern + r')\s*\(')
        for path, text in files.items():
            if path not in allowed:
                for number, line in enumerate(without_comments(text).splitlines(), 1):
                    match = found.search(line)
                    if match:
                        yield f'{path}:{number}: {match.group(1)}()'

    empty(calls('exit|abort|quick_exit', {'cli/main.c'}), 'only main exits')
    empty(calls('malloc|calloc|realloc|free|strdup|strndup|aligned_alloc|posix_memalign|asprintf|vasprintf',
                {'base/memory.c'}), 'memory comes from base/memory.h')
    empty(calls('gets|sprintf|vsprintf|strcpy|strcat|strtok|atoi|atol|atof|tmpnam|mktemp|system|rand|srand', ()),
          'nothing calls functions that cannot be used safely')
    empty((f'{path}: {text.count(chr(10))} lines' for path, text in files.items() if text.count('\n') > MAX_LINES),
          f'no file is longer than {MAX_LINES} lines')
    empty((f'{path}:{number}' for path, text in files.items() for number, line in enumerate(text.splitlines(), 1)
           if not line.isascii()), 'sources are ASCII')
    empty((path for path, text in files.items() if path.endswith('.h')
           and not re.search(r'#ifndef RT_\w+_H\n#define RT_\w+_H\n', text)), 'headers are guarded')
    empty((path for path, text in files.items() if path.endswith('.h') and not text.startswith('/*')),
          'every header begins by saying what it is')
    done()


main()
