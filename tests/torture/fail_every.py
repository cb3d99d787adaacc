#!/usr/bin/env python3
"""usage: fail_every.py [--all] [--sample N]

The k-th call to the system, and the k-th request for memory, goes wrong, for k = 1, 2, 3, ... to the last: while
training, resuming, fetching, plotting and reporting. Each time the program must end with a documented exit code and one
clear line, without a crash, and leave nothing half-made: the last good checkpoint can be read, and the same command
without the fault then ends well. With --sample (default 12) only so many k of each kind, drawn at random; --all all.
"""
import argparse
import glob
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
from tap import RETHINK, done, empty, ok

FAULTY = os.environ.get('RETHINK_FAULTY') or os.path.join(os.path.dirname(os.path.abspath(RETHINK)), 'tests', 'torture',
                                                          'rethink-faulty')
FETCH = os.environ.get('RT_FETCH_FAULTY') or os.path.join(os.path.dirname(FAULTY), 'fetch-faulty')
SMALL = ['--set', 'train_size=200', '--set', 'test_size=40', '--set', 'log_every=2', '--data', 'shapes10', '--threads', '1',
         '--runs', 'runs']
TRAIN = ['train', 'MLP1_0.5_none', *SMALL, '--set', 'checkpoint_every=1', '--epochs']
KINDS = ('ENOSPC', 'ENOSPC+', 'EIO', 'EACCES', 'short', 'EINTR', 'alloc')
MASKED = ('short', 'EINTR')  # these must make no difference at all


def prepare_nothing(folder):
    pass


def prepare_run(folder):
    subprocess.run([RETHINK, *TRAIN, '2', '-q'], cwd=folder, check=True, capture_output=True)


def prepare_archive(folder):
    noise = random.Random(42)
    with tarfile.open(os.path.join(folder, 'archive.tar.gz'), 'w:gz') as tar:
        sizes = {f'data_batch_{i}.bin': FILE_BYTES for i in range(1, 6)} | {'test_batch.bin': FILE_BYTES, 'batches.meta.txt': 61}
        for name, size in sizes.items():
            info = tarfile.TarInfo('cifar-10-batches-bin/' + name)
            info.size = size
            tar.addfile(info, io.BytesIO(noise.randbytes(size)))


def fetching(folder):
    """The archive is of the test's own making, so the program that fetches it is told its size and digest."""
    path = os.path.join(folder, 'archive.tar.gz')
    with open(path, 'rb') as f:
        archive = f.read()
    return [FETCH, 'home', hashlib.sha256(archive).hexdigest(), str(len(archive)), str(FILE_BYTES), 'force', 'file://' + path]


FILE_BYTES = 30730
COMMANDS = {
    # what: (how the folder is made ready, command, files that only a whole run leaves)
    'fetch': (prepare_archive, fetching, 'home/*/test_batch.bin'),
    'train': (prepare_nothing, [*TRAIN, '2'], 'runs/*/*/e_002_*/state.json'),
    'resume': (prepare_run, [*TRAIN, '3'], 'runs/*/*/e_003_*/state.json'),
    'evaluate': (prepare_run, ['evaluate', 'runs/MLP1/MLP1_0.5_none', '--data', 'shapes10'], ''),
    'list': (prepare_run, ['list', '--runs', 'runs'], ''),
    'config': (prepare_nothing, ['config', '--all', 'experiments'], 'experiments/WRN/WRN_0.0_none.yaml'),
    'samples': (prepare_nothing, ['data', 'samples', '--data', 'shapes10', '--out', 'figures'], 'figures/*.png'),
    'plot': (prepare_run, ['plot', '--runs', 'runs', '-o', 'figures'], 'figures/*.csv'),
    'report': (prepare_run, ['report', '--runs', 'runs', '-o', 'figures', '--no-figures'], 'figures/report.html'),
}


def run(folder, words, **environment):
    words = words(folder) if callable(words) else [FAULTY, *words]
    return subprocess.run(words, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors='replace', timeout=300)


def temporary_files(folder):
    """What is written aside has a dot or .tmp in its name until it is renamed."""
    return [path for path in glob.glob(folder + '/**/*', recursive=True, include_hidden=True)
            if re.search(r'\.tmp|/\.[^/]*$', path) and not path.endswith('.tar.gz.part')]  # a download is gone on with


def judge(kind, process, folder):
    """What is wrong with how it ended, or None."""
    if process.returncode < 0:
        return f'died of signal {-process.returncode}: {process.stderr[-2000:]}'
    if 'Sanitizer' in process.stderr:
        return process.stderr[-4000:]
    if process.returncode == 0:
        return None
    if kind in MASKED:
        return f'exit code {process.returncode}: {process.stderr}'
    expected = (1,) if kind == 'alloc' else (5, 4)
    said = process.stderr + process.stdout
    if process.returncode not in expected:
        return f'exit code {process.returncode}, expected one of {expected}: {said}'
    lines = [line for line in said.splitlines() if line.startswith(('rethink: ', 'error: '))]
    if len(lines) != 1 or len(lines[0]) < 20:
        return f'expected one line of error: {said!r}'
    return None


def try_fault(what, fault, kind, ready):
    """Runs the command with the fault, then again without. Returns what is wrong, or None."""
    _, words, whole = COMMANDS[what]
    with tempfile.TemporaryDirectory(prefix='rethink-fail-') as parent:
        folder = os.path.join(parent, 'd')
        shutil.copytree(ready, folder)
        process = run(folder, words, RT_FAULT=fault)
        wrong = judge(kind, process, folder)
        if wrong:
            return f'{what}, {fault}: {wrong}'
        left = temporary_files(folder)
        if process.returncode and left and kind != 'EACCES':
            return f'{what}, {fault}: left behind {left}'
        for checkpoint in glob.glob(folder + '/runs/*/*/e_*'):
            read = run(folder, ['evaluate', checkpoint, '--data', 'shapes10'])
            if read.returncode:
                return f'{what}, {fault}: checkpoint cannot be read: {read.stderr}'
        again = run(folder, words)
        if again.returncode or (whole and not glob.glob(os.path.join(folder, whole))):
            return f'{what}, {fault} (exit code {process.returncode}), then without: {again.returncode}, {again.stderr}'
    return None


def count_calls(folder, words):
    log = os.path.join(os.path.dirname(folder), 'calls')
    process = run(folder, words, RT_FAULT_LOG=log)
    if process.returncode:
        return process, 0, 0
    with open(log, encoding='utf-8', errors='replace') as f:
        lines = f.read().splitlines()
    allocations = max([int(line.split()[1]) for line in lines if line.startswith('alloc ')] or [0])
    return process, max([int(line.split()[0]) for line in lines if line[0].isdigit()] or [0]), allocations


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--sample', type=int, default=12)
    parser.add_argument('--only', nargs='*', default=list(COMMANDS))
    parser.add_argument('--seed', type=int, default=int(os.environ.get('RT_SEED') or time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f'# seed {options.seed}')
    faults = 0
    for what in options.only:
        prepare, words, _ = COMMANDS[what]
        with tempfile.TemporaryDirectory(prefix='rethink-fail-') as parent:
            ready, spare = os.path.join(parent, 'ready'), os.path.join(parent, 'spare')
            os.mkdir(ready)
            prepare(ready)
            shutil.copytree(ready, spare)
            process, calls, allocations = count_calls(spare, words)
            if not ok(process.returncode == 0, f'{what}: runs without a fault', process.stdout, process.stderr):
                continue
            for kind in KINDS:
                count = allocations if kind == 'alloc' else calls
                chosen = range(1, count + 1)
                if not options.all and count > options.sample:
                    chosen = sorted(rng.sample(chosen, options.sample))
                faults += len(chosen)
                empty(filter(None, (try_fault(what, f'{kind}@{k}', kind, ready) for k in chosen)),
                      f'{what}: {kind} at {len(chosen)} of {count} places')
    print(f'# {faults} faults')
    done()


main()
