#!/usr/bin/env python3
"""A run that is interrupted or killed, anywhere and again and again, ends as one that was not: same bytes.

usage: resume.py [--quick]   only the first case; RT_SEED=N for other moments"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runs import command, differences, folder, outcome, temporary, train
from tap import SLOWER, done, ok

SMALL = ('--set', 'train_size=1500', '--set', 'test_size=300', '--set', 'log_every=3')
CASES = {
    # what the case adds: (name, arguments)
    'MLP1, a checkpoint every 3 epochs': ('MLP1_0.5_none', (*SMALL, '--epochs', '12', '--set', 'checkpoint_every=3',
                                                            '--set', 'evaluate_every=2', '--set', 'record_images=true')),
    'figure 2: each log point draws a random number': ('MLP3_0.0_none', (*SMALL, '--epochs', '8', '--set', 'figure1=false')),
    'dropout and augmentation: functions of the step': (
        'MLP1_0.0_none', (*SMALL, '--epochs', '8', '--set', 'dropout=0.3', '--set', 'augment=true')),
    'crops, turns and whitening: of seed, epoch and image': (
        'MLP1_0.0_none', (*SMALL, '--epochs', '8', '--set', 'crop=random', '--set', 'rotate=25', '--set', 'preprocessing=image')),
    'Adam: two states and the number of the step': (
        'MLP1_0.0_none', (*SMALL, '--epochs', '6', '--set', 'optimizer=adam', '--set', 'learning_rate=0.001')),
    'batch norm: running statistics': ('WRN_0.0_none', ('--set', 'train_size=90', '--set', 'test_size=50', '--set', 'batch_size=32',
                                                       '--set', 'log_every=2', '--epochs', '4')),
    'the threshold, and on for the curve': (
        'MLP1_1.0_none', ('--set', 'train_size=100', '--set', 'test_size=100', '--set', 'learning_rate=0.05', '--epochs', '60',
                          '--set', 'curve=true')),
}


def until_done(runs, name, arguments, number, rng, longest):
    """Starts the run again and again, ends it by the signal after a random time, until it has finished."""
    ended = 0
    while True:
        process = subprocess.Popen(command(runs, name, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(0.02, longest))
        if ended < 30:
            process.send_signal(number)
        _, errors = process.communicate(timeout=900 * SLOWER)
        if process.returncode == 0:
            return ended, ''
        if process.returncode not in (6, -number):
            return ended, f'exit code {process.returncode}: {errors}'
        ended += 1


def check_last_moment():
    """Killed between its last checkpoint and the removal of those before it: as result.json and folder are then."""
    name, arguments = 'MLP1_0.5_none', ('--set', 'train_size=256', '--set', 'test_size=128', '--epochs', '2')
    with temporary() as runs:
        whole = train(runs, name, *arguments)
        path = folder(runs)
        expected = outcome(path)
        last = os.path.join(path, expected['last checkpoint'])
        shutil.copytree(last, os.path.join(path, 'e_001_b0001_' + name))
        with open(os.path.join(path, 'result.json'), encoding='utf-8') as f:
            text = f.read()
        with open(os.path.join(path, 'result.json'), 'w', encoding='utf-8') as f:
            f.write(text.replace('"finished"', '"running"'))
        again = train(runs, name, *arguments)
        different = differences(expected, outcome(path))
        ok(whole.returncode == again.returncode == 0 and '"finished"' in text and not different,
           'killed before its last checkpoint replaced others: the same', again.stderr, different)


def main():
    check_last_moment()
    rng = random.Random(int(os.environ.get('RT_SEED', '1')))
    cases = list(CASES.items())[:1] if '--quick' in sys.argv else CASES.items()
    for what, (name, arguments) in cases:
        with temporary() as runs:
            began = time.time()
            whole = train(runs, name, *arguments)
            took = time.time() - began
            if not ok(whole.returncode == 0, f'{what}: runs', whole.stderr):
                continue
            expected = outcome(folder(runs))
            for number in (signal.SIGINT, signal.SIGKILL):
                with temporary() as others:
                    # killed ones save twice a second or so, or they would never get on
                    extra = () if number == signal.SIGINT else ('--autosave', '1')
                    ended, trouble = until_done(others, name, (*arguments, *extra), number, rng, max(0.5, took * 0.8))
                    different = differences(expected, outcome(folder(others))) if not trouble else []
                    ok(not trouble and not different, f'{what}: the same after {signal.Signals(number).name}',
                       f'after {ended}: {trouble} differs in {different}')
    done()


main()
