#!/usr/bin/env python3
"""What the program leaves alone: nothing is written outside the run directory, the data directory and the places that
were named; data may be read-only; the umask is obeyed; temporary files are new files, and none is left."""
import glob
import os
import re
import shutil
import stat
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
import watch
from runs import temporary
from tap import RETHINK, SLOWER, done, empty, ok, skip

NOBODY = 65534
FILES = [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']
SMALL = ('--set', 'train_size=200', '--set', 'test_size=40', '--set', 'log_every=2', '--threads', '2')
TRAIN = ('train', 'MLP1_0.5_none', *SMALL, '--data', 'shapes10', '--runs', 'runs', '--set', 'checkpoint_every=1',
         '--set', 'track=[tensorboard,mlflow]')
COMMANDS = {
    # command: the folders, below the current one, in which it may write
    (*TRAIN, '--epochs', '2'): ('runs',),
    (*TRAIN, '--epochs', '3'): ('runs',),  # goes on
    ('evaluate', 'runs/MLP1/MLP1_0.5_none', '--data', 'shapes10'): (),
    ('list', '--runs', 'runs'): (),
    ('sync', 'runs/MLP1/MLP1_0.5_none'): ('runs',),  # nobody is there to take it
    ('sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', *SMALL[:4], '--data', 'shapes10', '--runs', 'runs', '--epochs', '1', '--no-figures'):
        ('runs',),
    ('config', '--all', 'experiments'): ('experiments',),
    ('data', 'check', '--data', 'shapes10'): (),
    ('data', 'samples', '--data', 'shapes10', '--output', 'figures'): ('figures',),
    ('data', 'fetch', '-q', '--url', 'other.tar.gz'): ('home/.local/share/rethink',),  # refused: not the pinned bytes
    ('plot', '--runs', 'runs', '-o', 'figures'): ('figures',),
    ('report', '--runs', 'runs', '-o', 'figures', '--no-figures'): ('figures',),
}


def environment(scratch):
    home = os.path.join(scratch, 'home')
    os.makedirs(home, exist_ok=True)
    keep = {name: value for name, value in os.environ.items() if not name.startswith(('XDG_', 'MLFLOW', 'COMET', 'RETHINK_D', 'TMP'))}
    return {**keep, 'HOME': home, 'MLFLOW_TRACKING_URI': 'http://127.0.0.1:1', 'RETHINK_TRACK_WAIT_S': '0'}


def run(scratch, words, before=(), **options):
    return subprocess.run([*before, RETHINK, *words], cwd=scratch, env=environment(scratch), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=300 * SLOWER, **options)


def check_outside(scratch):
    if watch.why_not():
        return skip('nothing is written elsewhere', watch.why_not())
    with open(os.path.join(scratch, 'other.tar.gz'), 'wb') as f:
        f.write(bytes(5000))
    careless, temporaries = [], 0
    for words, places in COMMANDS.items():
        log = os.path.join(scratch, 'log')
        process = run(scratch, words, watch.command(log))
        places = [os.path.join(scratch, place) + '/' for place in places]
        parents = {os.path.join(scratch, *place.split('/')[:i + 1]) for place in
                   (p[len(scratch) + 1:-1] for p in places) for i in range(len(place.split('/')))}
        calls = list(watch.written(log, scratch))
        wrong = [line for line, path in calls if not path.startswith((*places, '/dev/null', '/dev/tty', '/proc/self/')) and
                 path not in parents]
        made = [line for line, path in calls if re.search(r'\bopen', line) and path.endswith('.tmp')]
        temporaries += len(made)
        careless += [line for line in made if 'O_CREAT|O_EXCL' not in line]
        expected = {'sync': 5, 'data fetch': 4}.get(words[0] if words[0] != 'data' else ' '.join(words[:2]), 0)
        good = process.returncode == expected and (calls or not places)
        ok(good and not wrong, f'{" ".join(words[:2])}: {len(calls)} calls that change files, none elsewhere', process.returncode,
           process.stderr, *wrong[:20])
    ok(temporaries > 20 and not careless, f'{temporaries} temporary files, each a new file (O_EXCL)', *careless)
    empty([path for path in glob.glob(scratch + '/**/*', recursive=True, include_hidden=True) if '.tmp' in path],
          'and none is left')


def check_umask():
    for mask in 0o077, 0o002, 0o027:
        with temporary() as scratch:
            for words in ((*TRAIN, '--epochs', '1'), ('config', '--all', 'experiments'),
                          ('data', 'samples', '--data', 'shapes10', '--output', 'figures'),
                          ('report', '--runs', 'runs', '-o', 'figures', '--no-figures')):
                process = run(scratch, words, umask=mask)
                if process.returncode:
                    ok(False, f'umask {mask:03o}: {words[0]}', process.stderr)
            made = [path for place in ('runs', 'experiments', 'figures')
                    for path in [f'{scratch}/{place}', *glob.glob(f'{scratch}/{place}/**/*', recursive=True, include_hidden=True)]]
            wrong = [f'{stat.S_IMODE(os.stat(path).st_mode):o} {path}' for path in made
                     if stat.S_IMODE(os.stat(path).st_mode) != (0o777 if os.path.isdir(path) else 0o666) & ~mask]
            ok(len(made) > 60 and not wrong, f'umask {mask:03o}: {len(made)} files and folders obey it', len(made), *wrong)


def check_read_only():
    """As root, whom modes do not stop, it is tried as another user, with a copy of the program that they may run."""
    with temporary() as scratch:
        os.chmod(scratch, 0o755)
        data, place, program = (os.path.join(scratch, name) for name in ('data', 'place', 'rethink'))
        os.mkdir(data)
        os.mkdir(place)
        for name in FILES:
            with open(os.path.join(data, name), 'wb') as f:
                f.truncate(30730000)
            os.chmod(f.name, 0o444)
        os.chmod(data, 0o555)
        before = {e.name: (e.stat().st_mtime_ns, e.stat().st_size) for e in os.scandir(data)}
        options, words = {}, [RETHINK]
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
            shutil.copy(RETHINK, program)
            options, words = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}, [program]
        for what in (['data', 'check', data], ['train', 'MLP1_0.5_none', *SMALL, '--epochs', '1', '--data', data, '--runs', 'runs']):
            process = subprocess.run([*words, *what], cwd=place, env={**os.environ, 'HOME': place}, stdin=subprocess.DEVNULL,
                                     capture_output=True, text=True, timeout=300 * SLOWER, **options)
            ok(process.returncode == 0, f'{what[0]} {what[1]} with a read-only data directory', process.stderr)
        closed = os.path.join(place, 'closed')
        os.mkdir(closed, 0o700 if options else 0)
        process = subprocess.run([*words, 'train', 'MLP1_0.5_none', *SMALL, '--runs', closed], cwd=place, stdin=subprocess.DEVNULL,
                                 env={**os.environ, 'HOME': place}, capture_output=True, text=True, timeout=300 * SLOWER, **options)
        ok(process.returncode == 5 and process.stderr == f'rethink: cannot reach {closed}/MLP1: Permission denied\n',
           'runs in a folder of others are refused with the reason', process.returncode, process.stderr)
        os.chmod(closed, 0o700)
        after = {e.name: (e.stat().st_mtime_ns, e.stat().st_size) for e in os.scandir(data)}
        ok(before == after, 'which is as it was', before, after)
        os.chmod(place, 0o555)
        process = subprocess.run([*words, 'train', 'MLP1_0.5_none', *SMALL, '--data', data, '--runs', 'others'], cwd=place,
                                 env={**os.environ, 'HOME': place}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=300 * SLOWER, **options)
        ok(process.returncode == 5 and 'others' in process.stderr and process.stderr.count('rethink: ') == 1,
           'a read-only place for runs is named', process.returncode, process.stderr)
        os.chmod(data, 0o755)
        os.chmod(place, 0o755)


with temporary() as folder:
    check_outside(os.path.realpath(folder))
check_umask()
check_read_only()
done()
