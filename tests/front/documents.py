#!/usr/bin/env python3
"""The documents tell the truth: links and files exist, commands and make targets too, exit codes are those of the
program."""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, SOURCE, done, empty, ok, skip

PATH = re.compile(r'`((?:src|tests|tools|docs|bench|results|experiments)/[\w./{}*,-]*|Makefile|meson\.build|[A-Z]+\.md)`')
LINK = re.compile(r'\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)')

EXAMPLES = {'src/net/models/resnet20.c', 'src/data/corruption/hide_pix.c'}  # what docs/adding-*.md have their reader write; OP.c stands for any op


def documents():
    paths = glob.glob(SOURCE + '/*.md')
    for folder in ('docs', 'tests', 'bench', 'tools', 'results', 'src'):
        paths += glob.glob(f'{SOURCE}/{folder}/**/*.md', recursive=True)
    for path in sorted(paths):
        with open(path, encoding='utf-8') as f:
            yield os.path.relpath(path, SOURCE), f.read()


def braces(path):
    """a/{b,c}.h -> a/b.h, a/c.h"""
    match = re.search(r'\{([^}]*)\}', path)
    if not match:
        return [path]
    return [p for part in match.group(1).split(',') for p in braces(path[:match.start()] + part + path[match.end():])]


def run(*arguments):
    return subprocess.run([RETHINK, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * SLOWER)


def check_files(docs):
    missing = []
    for name, text in docs.items():
        for link in LINK.findall(text):
            if not os.path.exists(os.path.join(SOURCE, os.path.dirname(name), link)):
                missing.append(f'{name}: link to {link}')
        for path in PATH.findall(text):
            if path in EXAMPLES or re.search(r'\b[A-Z]+\.[ch]$', path):
                continue
            for one in braces(path):
                if not glob.glob(os.path.join(SOURCE, one)) and not glob.glob(os.path.join(SOURCE, os.path.dirname(name), one)):
                    missing.append(f'{name}: {one}')
    empty(missing, 'every file that a document names exists')


def check_make(docs):
    with open(SOURCE + '/Makefile', encoding='utf-8') as f:
        targets = set(re.findall(r'^([a-z-]+):', f.read(), re.MULTILINE))
    empty((f'{name}: make {target}' for name, text in docs.items()
           for target in re.findall(r'(?:^|`)(?:\$ )?make ([a-z-]+)', text, re.MULTILINE) if target not in targets),
          'every make target that a document names exists')


def check_commands(docs):
    used = {}
    for name, text in docs.items():
        for words in re.findall(r'(?:^|`|\$ |/)rethink ([a-z][a-z0-9-]+(?: [a-z]+)?)', text, re.MULTILINE):
            used.setdefault(words, name)
    bad = []
    for words, name in used.items():
        tries = [words.split(), words.split()[:1]]
        if not any(run(*t, '--help').returncode == 0 for t in tries):
            bad.append(f'{name}: rethink {words}')
    empty(bad, 'every rethink command that a document names exists')


def exit_codes_of(text):
    return dict(re.findall(r'^\W*(\d)\W+(\S.*?)[\s|]*$', text, re.MULTILINE))


def check_exit_codes(docs):
    help_text = run('--help').stdout
    start = re.search(r'exit (codes|status)', help_text, re.IGNORECASE)
    if not start:
        skip('exit codes', '--help lists none yet')
        return
    codes = exit_codes_of(help_text[start.start():])
    ok('0' in codes and '7' in codes, '--help lists the exit codes', help_text)
    table = re.search(r'^\| exit code.*?\n\n', docs.get('README.md', '') + '\n\n', re.MULTILINE | re.DOTALL)
    if ok(table, 'README has a table of exit codes'):
        ok(exit_codes_of(table.group()) == codes, "README's exit codes are those of --help", codes,
           exit_codes_of(table.group()))


def check_trackers(docs):
    """The table of trackers is the program's list."""
    lines = re.search(r'^Trackers:\n((?:  .*\n)+)', run('train', '--help').stdout, re.MULTILINE)
    listed = re.findall(r'^  (\w+): (.*)$', lines.group(1), re.MULTILINE) if lines else []
    table = re.findall(r'^\| `(\w+)` \| (.*) \|$', re.search(r'^\| tracker .*?\n\n', docs['docs/tracking.md'] + '\n\n',
                                                           re.MULTILINE | re.DOTALL).group(), re.MULTILINE)
    ok(listed and table == listed, "docs/tracking.md's table of trackers is that of train --help", table, listed)


def main():
    docs = dict(documents())
    ok(docs, 'there are documents')
    check_files(docs)
    check_make(docs)
    empty((f'{name}:{number}: trailing space' for name, text in docs.items()
           for number, line in enumerate(text.splitlines(), 1) if line != line.rstrip()), 'no line ends in a space')
    if run('--help').stdout:
        check_commands(docs)
        check_exit_codes(docs)
        check_trackers(docs)
    else:
        skip('commands and exit codes', 'the program has no --help yet')
    done()


main()
