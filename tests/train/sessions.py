#!/usr/bin/env python3
"""Several sessions in one process at the same time: each leaves the bytes that it leaves alone, in a process of its own; one
that is asked to stop, fails or finds its run in use is no concern of the others."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runs import command, differences, folder, outcome, read, temporary
from tap import SLOWER, done, empty, ok

SESSIONS = os.environ['RT_SESSIONS']
SETTINGS = ('--set', 'train_size=300', '--set', 'test_size=100', '--set', 'log_every=2', '--set', 'checkpoint_every=2', '--set',
            'track=[tensorboard]', '--set', 'curve=true', '--quiet')
NAMES = ('MLP1_0.5_none', 'MLP1_0.0_shuff_pix', 'MLP3_1.0_none', 'MLP1_0.0_gauss_pix')[:4 if SLOWER == 1 else 3]


def together(runs, threads, *names):
    return subprocess.run([SESSIONS, runs, str(threads), *names], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600 * SLOWER)


def alone(runs, name, *words):
    words = [w for w in command(runs, name) if w != 'track=[]']
    words.remove('--set')
    return subprocess.run([*words, *SETTINGS, '--epochs', '5'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600 * SLOWER)


def left(runs, name):
    parts = outcome(folder(runs, name))
    parts['files'] = sorted(re.sub(r'^events\.out\.tfevents.*', 'events', f) for f in parts['files'] if f != 'samples.png')  # which the command draws
    del parts['result']['threads']
    return parts


def lines(runs, name):
    """log.txt without dates, durations, and the progress that is shown now and then."""
    text = re.sub(r'^\S+Z ', '', read(folder(runs, name), 'log.txt').decode(), flags=re.MULTILINE)
    text = re.sub(r'^epoch \d+ of ~?\d+: .*\n', '', text, flags=re.MULTILINE)
    return re.sub(r'[\d.]+s\b', 'T', re.sub(r', \d threads?$', '', text, flags=re.MULTILINE))


def cpu_s(runs, name):
    return float(read(folder(runs, name), 'metrics.csv').decode().splitlines()[-1].split(',')[-1])


with temporary() as apart:
    for name in NAMES:
        alone(apart, name)
    expected = {name: left(apart, name) for name in NAMES}
    for threads in (1, 2):
        with temporary() as runs:
            said = together(runs, threads, *NAMES)
            ok(said.returncode == 0 and not said.stderr, f'four sessions of {threads} thread(s) train in one process, and are silent', said.stdout, said.stderr)
            wrong = [(name, differences(expected[name], left(runs, name))) for name in NAMES]
            empty([w for w in wrong if w[1]], 'each to the bytes that it leaves alone')
            wrong = [(name, lines(apart, name), lines(runs, name)) for name in NAMES if lines(apart, name) != lines(runs, name)]
            empty(wrong, 'each with the lines in its log that it has alone')
            if SLOWER == 1 and threads == 1:
                wrong = [(name, cpu_s(apart, name), cpu_s(runs, name)) for name in NAMES[:3] if not cpu_s(runs, name) < 2.5 * cpu_s(apart, name) + 0.1]
                empty(wrong, 'and the processor time of its own threads, not of all')
    with temporary() as runs:
        said = together(runs, 1, NAMES[0] + '+100000!', NAMES[1])
        ok(said.returncode == 0 and f'{NAMES[0]} ' in said.stdout and 'interrupted' in said.stdout
           and not differences(expected[NAMES[1]], left(runs, NAMES[1])), 'one is asked to stop and saves, the other goes on', said.stdout, said.stderr)
        said = together(runs, 1, NAMES[2], NAMES[2])
        ok(sorted(line.split()[1] for line in said.stdout.splitlines())[0] == '0' and said.stdout.count('in use by') == 1
           and not differences(expected[NAMES[2]], left(runs, NAMES[2])), 'two of one run: one is refused, the other trains', said.stdout)
done()
