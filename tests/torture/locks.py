#!/usr/bin/env python3
"""Locks: a deleted lock file lets no second process in; on a file system without locks (LD_PRELOAD no_locks.so) runs, sweeps
and downloads say so once and go by a file that names host and process."""
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
sys.path.insert(0, HERE)
from runs import command, differences, folder, outcome, read, temporary, train
from tap import RETHINK, SLOWER, done, ok

import fail_every

NAME = 'MLP1_0.5_none'
SMALL = ('--set', 'train_size=200', '--set', 'test_size=40', '--set', 'log_every=2')
NO_LOCKS = {'LD_PRELOAD': os.environ.get('RT_NO_LOCKS_SO') or os.path.join(os.path.dirname(fail_every.FAULTY), 'libno_locks.so'),
            'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'}
WARNING = 'this file system cannot lock'


def start(runs, *arguments, **environment):
    """A run that goes on for ever, once it has begun to train."""
    process = subprocess.Popen(command(runs, NAME, *SMALL, '--epochs', '100000', '--set', 'curve=true', '--autosave', '1', *arguments),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **environment})
    metrics = os.path.join(runs, 'MLP1', NAME, 'metrics.csv')
    for _ in range(6000 * SLOWER):
        if process.poll() is not None or os.path.exists(metrics) and len(read(metrics).splitlines()) > 5:
            break
        time.sleep(0.01)
    return process


def run(words, **environment):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300 * SLOWER,
                          env={**os.environ, **environment})


def end(process):
    process.terminate()
    return process.communicate(timeout=60 * SLOWER)[1]


def check_deleted():
    with temporary() as runs:
        first = start(runs)
        path = folder(runs, NAME)
        aside = os.path.join(path, '.e_001_x.0123456789abcdef.tmp')
        os.mkdir(aside)  # what the first process might be writing
        os.unlink(os.path.join(path, 'lock'))
        second = train(runs, NAME, *SMALL)
        ok(second.returncode == 5 and 'in use' in second.stderr and second.stderr.count('\n') == 1 and os.path.isdir(aside),
           'a deleted lock lets no second process in, and nothing of the first is removed', second.stderr)
        for _ in range(1000 * SLOWER):  # until the first has saved
            if os.path.exists(os.path.join(path, 'lock')) and read(path, 'lock'):
                break
            time.sleep(0.02)
        holder = read(path, 'lock').decode().split()
        ok(holder[:2] == [str(first.pid), socket.gethostname()], 'the first makes it again when it saves', holder)
        said = end(first)
        ok(first.returncode == 6 and 'somebody removed it' in said, 'says so, and goes on', said)


def check_without_locks(error):
    environment = {**NO_LOCKS, 'RT_NO_LOCKS': error}
    with temporary() as runs, temporary() as others:
        train(others, NAME, *SMALL, '--epochs', '2')
        whole = run(command(runs, NAME, *SMALL, '--epochs', '2'), **environment)
        wrong = differences({k: v for k, v in outcome(folder(others)).items() if k != 'files'}, outcome(folder(runs)))
        ok(whole.returncode == 0 and whole.stderr.count(WARNING) == 1 and not wrong, f'{error}: a run says once that it cannot lock, '
           'and ends as any other', whole.stderr, wrong)
        ok(not os.path.exists(os.path.join(folder(runs), 'lock')) and WARNING in read(folder(runs), 'log.txt').decode(),
           f'{error}: its lock file goes with it, and log.txt says so too')
        first = start(runs, **environment)
        holder = read(folder(runs), 'lock').decode().split()
        ok(holder[:2] == [str(first.pid), socket.gethostname()], f'{error}: the file names process and host', holder)
        second = run(command(runs, NAME, *SMALL), **environment)
        ok(second.returncode == 5 and f'in use by process {first.pid};' in second.stderr, f'{error}: a second run is refused',
           second.stderr)
        listed = run([RETHINK, 'list', '--runs', runs], **environment)
        ok('running' in listed.stdout, f'{error}: list says running', listed.stdout, listed.stderr)
        first.kill()
        first.communicate()
        third = start(runs, **environment)
        ok(third.poll() is None, f'{error}: what a killed one left is taken over')
        end(third)
        with open(os.path.join(folder(runs), 'lock'), 'w', encoding='utf-8') as f:
            f.write('123 another-host 456\n')
        other = run(command(runs, NAME, *SMALL), **environment)
        ok(other.returncode == 5 and 'process 123 of host another-host' in other.stderr and 'remove the file' in other.stderr,
           f'{error}: what another host left is not', other.stderr)
        shutil.rmtree(runs)
        sweep = run([RETHINK, 'sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', *SMALL[:4], '--epochs', '1', '--jobs', '2', '--no-figures',
                     '--data', 'shapes10', '--runs', runs], **environment)
        logs = [read(path).decode() for path in glob.glob(runs + '/*/*/log.txt')]
        ok(sweep.returncode == 0 and len(logs) == 2 and sweep.stderr.count(f'sweep.lock: {WARNING}') == 1,
           f'{error}: so does a sweep', sweep.stderr)


def check_fetching(error):
    with temporary() as scratch:
        fail_every.prepare_archive(scratch)
        words = fail_every.fetching(scratch)
        fetched = subprocess.run(words, cwd=scratch, capture_output=True, text=True, timeout=300 * SLOWER,
                                 env={**os.environ, **NO_LOCKS, 'RT_NO_LOCKS': error})
        home = os.listdir(os.path.join(scratch, 'home'))
        ok(fetched.returncode == 0 and re.search(WARNING, fetched.stderr) and home == ['cifar-10-batches-bin'],
           f'{error}: and a download', fetched.stderr, home)


if __name__ == '__main__':
    check_deleted()
    for failure in 'ENOSYS', 'ENOLCK', 'EOPNOTSUPP':
        check_without_locks(failure)
        check_fetching(failure)
    done()
