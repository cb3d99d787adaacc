#!/usr/bin/env python3
"""Numbers never lie: the same run again and with other threads gives the same bytes; data that have changed are noticed,
named and refused; a clock that is set back and forth makes no time negative."""
import csv
import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
from runs import differences, folder, outcome, read, temporary
from tap import RETHINK, SLOWER, done, ok

FAULTY = os.environ.get('RETHINK_FAULTY') or os.path.join(os.path.dirname(os.path.abspath(RETHINK)), 'tests', 'torture',
                                                          'rethink-faulty')
NAME = 'MLP1_0.5_none'
SMALL = ('--set', 'train_size=200', '--set', 'test_size=40', '--set', 'log_every=2')
TINY = ('--set', 'train_size=40', '--set', 'test_size=20', '--set', 'batch_size=16', '--set', 'log_every=1')
FILES = [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']
FILE_BYTES = 30730000


def train(runs, name, *arguments, data='shapes10', threads=1, **environment):
    words = [FAULTY, 'train', name, '--data', data, '--runs', runs, '--set', 'track=[]', '--threads', str(threads), *arguments]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900 * SLOWER,
                          env={**os.environ, **environment})


def check_again():
    for name, engine, arguments in ((NAME, 'native', (*SMALL, '--epochs', '3')), (NAME, 'reference', (*TINY, '--epochs', '2')),
                                    ('MLP3_0.0_rand_pix', 'native', (*SMALL, '--epochs', '2', '--set', 'dropout=0.3')),
                                    ('WRN_0.0_none', 'native', (*TINY, '--epochs', '2')),
                                    ('Inception_bnTrue', 'native', (*TINY, '--epochs', '1')),
                                    ('AlexNet_0.0_none', 'native', (*TINY, '--epochs', '1'))):
        outcomes = []
        for threads in (1, 1, 2):
            with temporary() as runs:
                run = train(runs, name, *arguments, '--engine', engine, threads=threads)
                if not ok(run.returncode == 0, f'{name}, {engine}, {threads} threads: runs', run.stderr):
                    break
                outcomes.append(outcome(folder(runs)))
                outcomes[-1]['result'].pop('threads')  # says how many there were
        if len(outcomes) == 3:
            ok(not differences(outcomes[0], outcomes[1]), f'{name}, {engine}: the same run twice leaves the same bytes',
               differences(outcomes[0], outcomes[1]))
            ok(not differences(outcomes[0], outcomes[2]), f'{name}, {engine}: so it does with 2 threads',
               differences(outcomes[0], outcomes[2]))


def check_data():
    with temporary() as scratch:
        data, runs = os.path.join(scratch, 'data'), os.path.join(scratch, 'runs')
        os.mkdir(data)
        for i, name in enumerate(FILES):
            with open(os.path.join(data, name), 'wb') as f:
                f.write(bytes(k * i % 10 for k in range(3073)))
                f.truncate(FILE_BYTES)
        first = train(runs, NAME, *SMALL, '--epochs', '1', data=data)
        digest = json.loads(read(folder(runs), 'result.json'))['data']['digest']
        ok(first.returncode == 0 and len(digest) == 64, 'a run on a data directory notes its digest', first.stderr)
        before = outcome(folder(runs))
        looked = subprocess.run([RETHINK, 'data', 'check', data], capture_output=True, text=True, timeout=300 * SLOWER)
        flip(os.path.join(data, FILES[2]), 3073 * 9000 + 77)  # an image that the run does not even train on
        second = train(runs, NAME, *SMALL, '--epochs', '2', data=data)
        ok(second.returncode == 4 and data in second.stderr and digest[:12] in second.stderr and '--fresh' in second.stderr and
           second.stderr.count('\n') == 1, 'one bit of the data changed: going on is refused, and says why', second.stderr)
        ok(not differences(before, outcome(folder(runs))), 'and nothing has been touched')
        now = subprocess.run([RETHINK, 'data', 'check', data], capture_output=True, text=True, timeout=300 * SLOWER)
        changed = [b for a, b in zip(looked.stdout.splitlines(), now.stdout.splitlines()) if a != b]
        ok(len(changed) == 1 and FILES[2] in changed[0], 'data check shows which file changed', looked.stdout, now.stdout)
        flip(os.path.join(data, FILES[2]), 3073 * 9000 + 77)
        third = train(runs, NAME, *SMALL, '--epochs', '2', data=data)
        ok(third.returncode == 0, 'with the bit back it goes on', third.stderr)


def check_metrics():
    with temporary() as scratch:
        runs, figures = os.path.join(scratch, 'runs'), os.path.join(scratch, 'figures')
        run = train(runs, NAME, *SMALL, '--epochs', '2')
        path = os.path.join(folder(runs), 'metrics.csv')
        flip(path, len(read(path)) // 2 + 1)
        before = read(path)
        for command in 'plot', 'report':
            drawn = subprocess.run([RETHINK, command, '--runs', runs, '-o', figures], capture_output=True, text=True, timeout=300 * SLOWER)
            ok(run.returncode == 0 and f'{path}: changed since' in drawn.stderr and read(path) == before,
               f'one bit of metrics.csv changed: {command} names it', drawn.returncode, drawn.stdout, drawn.stderr)


def flip(path, at):
    with open(path, 'r+b') as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1]))


def numbers(value, key=''):
    """(key, number) of all times in a JSON value."""
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in numbers(item, name)]
    return [(key, value)] if re.search('_s$|minutes|seconds', key) and isinstance(value, (int, float)) else []


def check_clock():
    with temporary() as runs:
        said = ''
        for epochs in '2', '4':
            run = train(runs, NAME, *SMALL, '--epochs', epochs, '--set', 'track=[tensorboard]', RT_CLOCK_JUMPS='1')
            ok(run.returncode == 0, f'a run to epoch {epochs} while the clock is set back and forth', run.stderr)
            said += run.stderr
        path = folder(runs)
        with open(os.path.join(path, 'metrics.csv'), newline='') as f:
            rows = [(float(row['wall_s']), float(row['cpu_s'])) for row in csv.DictReader(f)]
        times = [column for pair in zip(rows, rows[1:]) for column in zip(*pair)]
        ok(len(rows) > 3 and min(rows[0]) >= 0 and all(a <= b for a, b in times), 'times in metrics.csv never go back', rows)
        found = [(os.path.relpath(file, path), *pair) for file in glob.glob(path + '/**/*.json', recursive=True)
                 for pair in numbers(json.loads(read(file)))]
        ok(len(found) > 2 and not [f for f in found if not 0 <= f[2] < 600], 'nor are those in result.json and the checkpoints '
           'negative, or years', found)
        log = said + read(path, 'log.txt').decode()
        years = {line[:4] for line in read(path, 'log.txt').decode().splitlines()}
        durations = re.findall(r'(-?\d[\d.]*)s\b', log)
        ok(len(years) > 2 and durations and all(0 <= float(d) < 600 for d in durations), 'nor those that are said', log)


check_again()
check_data()
check_metrics()
check_clock()
done()
