#!/usr/bin/env python3
"""One dialect of C in every folder of src/ (CONTRIBUTING.md): status, strings, declarations, const."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import SOURCE, done, empty, ok

STRCMP = r'str(?:n|case|ncase)?cmp\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)'
DECLARATION = re.compile(r'(\s+)(?:static |const |unsigned |struct \w+ |enum \w+ |u?int\d*(?:_t)? |char |long |double |float |bool |size_t |ssize_t '
                         r'|FILE |DIR |off_t |pid_t |mode_t |sigset_t |cpu_set_t |va_list |rt_cu_\w+ |rt_vec |enum (?=\{))[^()=;]*\w(?:\[[^\]]*\])*(?: =|;|,|\[)')


def c_files():
    for folder, _, names in os.walk(os.path.join(SOURCE, 'src')):
        for name in sorted(names):
            if name.endswith('.c'):
                path = os.path.join(folder, name)
                with open(path, encoding='utf-8') as f:
                    yield os.path.relpath(path, SOURCE), f.read()


def functions(text):
    """(first line's number, head, lines of the body) of each function, as clang-format lays them out."""
    lines = text.split('\n')
    for i, line in enumerate(lines):
        if line != '{':
            continue
        head = i - 1
        while head > 0 and lines[head - 1].strip() and not lines[head - 1].startswith(('}', '#', '/*', ' *')):
            head -= 1
        end = next(j for j in range(i, len(lines)) if lines[j] == '}')
        yield i + 2, ' '.join(lines[head:i]), lines[i + 1:end]


def bare_comparisons(path, text):
    for number, line in enumerate(text.split('\n'), 1):
        for match in re.finditer(STRCMP + r' == 0', line):
            yield f'{path}:{number}: {match.group()}, expected !strcmp(...)'


def returns_of_status(path, text):
    for first, head, body in functions(text):
        if 'struct rt_error *err' in head and re.match(r'(static )?int ', head):
            for k, line in enumerate(body):
                if re.match(r'\s+return 0;', line):
                    yield f'{path}:{first + k}: return 0, expected RT_OK'


def declarations_unseparated(path, text):
    """A block of declarations at the top of a function, and what follows without an empty line."""
    for first, _, body in functions(text):
        at, inside, seen = 0, False, False
        while at < len(body):
            line = body[at]
            if inside:
                inside = not line.rstrip().endswith(';')
            elif re.match(r' {4}\S', line) and DECLARATION.match(line):
                seen, inside = True, not re.sub(r'/\*.*?\*/\s*$', '', line).rstrip().endswith(';')
            else:
                break
            at += 1
        if seen and at < len(body) and body[at].strip() and not body[at].lstrip().startswith(('#', '/*', '*', '}')):
            yield f'{path}:{first + at}: declarations without an empty line behind them'


def constant_pointers(path, text):
    for number, line in enumerate(text.split('\n'), 1):
        if re.match(r'    \s*(const )?(struct )?\w+ \*const \w+ = ', line):
            yield f'{path}:{number}: {line.strip()[:60]}: a pointer that is itself const'


def main():
    files = dict(c_files())
    ok(files, 'there are sources')
    for check, what in ((bare_comparisons, 'strings are compared as !strcmp(a, b) and strcmp(a, b) != 0'),
                        (returns_of_status, 'functions that can fail return RT_OK'),
                        (declarations_unseparated, 'declarations are followed by an empty line'),
                        (constant_pointers, 'const is on what a pointer points to')):
        empty((problem for path, text in files.items() for problem in check(path, text)), what)
    done()


main()
