#!/usr/bin/env python3
"""Commands that are started with standard descriptors closed: no file gets their numbers, and what is said."""
import itertools
import os
import shutil
import subprocess
import sys
import tempfile

from cli import IO, RETHINK, SLOWER, done, empty, ok

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'train'))
from runs import differences, folder, outcome, read

TRAIN = ('train', 'MLP1_0.5_none', '--data', 'shapes10', '--set', 'train_size=256', '--set', 'test_size=128', '--threads', '1',
         '--epochs', '2', '--set', 'log_every=1', '--set', 'track=[tensorboard]')
SETS = [closed for n in range(4) for closed in itertools.combinations((0, 1, 2), n)]


def start(closed, *arguments, cwd):
    """The command with these descriptors closed; the others are /dev/null."""
    redirections = ' '.join(f'{fd}>&-' if fd in closed else f'{fd}{"<" if fd == 0 else ">"}/dev/null' for fd in (0, 1, 2))
    return subprocess.run(['bash', '-c', f'exec "$@" {redirections}', 'bash', RETHINK, *arguments], cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60 * SLOWER).returncode


def tree(place):
    """Every file's bytes; of a PDF, which holds the second it was made in (newer cairos compress that), that it is a whole one."""
    def content(top, name):
        found = read(top, name)
        return (found[:5], found[-6:]) if name.endswith('.pdf') else found

    return {os.path.relpath(os.path.join(top, name), place): content(top, name)
            for top, _, names in os.walk(place) for name in names}


def check_training():
    whole, bad = None, []
    for closed in SETS:
        with tempfile.TemporaryDirectory(prefix='rethink-descriptors-') as place:
            code = start(closed, *TRAIN, cwd=place)
            path = folder(os.path.join(place, 'runs'))
            left = outcome(path)
            left['files'] = [name for name in left['files'] if not name.startswith('events.')]
            whole = whole or left
            log = read(path, 'log.txt')
            if code or differences(whole, left):
                bad.append(f'closed {closed}: exit {code}, other: {differences(whole, left)}')
            if read(path, 'lock') or b'Saved checkpoint' not in log or b'\0' in log:  # a lock that is not held is empty
                bad.append(f'closed {closed}: lock {read(path, "lock")}, log {log}')
            again = start(closed, *TRAIN, cwd=place)
            if again:
                bad.append(f'closed {closed}: exit {again} when asked again')
    empty(bad, 'train leaves the same files whichever of 0, 1 and 2 are closed')


def check_other_commands():
    """Commands that write files write these and nothing into them; those whose output is lost say so by their exit code."""
    with tempfile.TemporaryDirectory(prefix='rethink-descriptors-') as place:
        start((), *TRAIN, cwd=place)
        run = folder(os.path.join(place, 'runs'))
        writing = [('data', 'samples', '--data', 'shapes10', '--output', 'samples'),
                   ('evaluate', run, '--predictions', 'predictions')]
        if shutil.which('gnuplot'):
            writing.append(('plot', 'mlp1_corrup_curves', '--runs', os.path.join(place, 'runs')))
        for command in writing:
            with tempfile.TemporaryDirectory(prefix='rethink-descriptors-') as other:
                results = {}
                for closed in ((), (1,), (2,), (0, 1, 2)):
                    with tempfile.TemporaryDirectory(dir=other) as here:
                        results[closed] = (start(closed, *command, cwd=here), tree(here))
                whole = results[()]
                bad = [] if whole[1] else ['nothing is written']
                bad += [f'closed {closed}: exit {code}, files {sorted(files)}' for closed, (code, files) in results.items()
                       if files != whole[1] or code not in ((0, IO) if 1 in closed else (0,))]  # what it prints besides may be lost
                empty(bad, f'{" ".join(command[:2])}: the same files')
        printing = [('config', 'MLP1_0.5_none'), ('list',), ('evaluate', run), ('--help',), ('view', 'MLP1_0.0_none')]
        bad = [(command, closed, code) for command in printing for closed in SETS
               if (code := start(closed, *command, cwd=place)) != (IO if 1 in closed else 0)]
        empty(bad, f'exit code {IO} where the output that was asked for is lost, else 0')


check_training()
check_other_commands()
done()
