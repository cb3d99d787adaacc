#!/usr/bin/env python3
"""usage: torture.py [--rounds N] [--every] [--seconds S] [--seed N]

Runs of every model, and a sweep, are killed (SIGKILL) at random moments and inside their writes, started again, killed
again, and at last left to finish. What they leave, times aside, must be what an uninterrupted run leaves, byte for byte.

--rounds N   that many runs, each killed up to four times (default: as many as fit in --seconds, at least one a case)
--every      one run for each system call that MLP1 makes, killed before it, and one killed right after it
"""
import argparse
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
from runs import differences, outcome
from tap import RETHINK, done, empty, ok

FAULTY = os.environ.get('RETHINK_FAULTY') or os.path.join(os.path.dirname(os.path.abspath(RETHINK)), 'tests', 'torture', 'rethink-faulty')
FAST = ('--set', 'train_size=300', '--set', 'test_size=60', '--set', 'log_every=2')
TINY = ('--set', 'train_size=40', '--set', 'test_size=20', '--set', 'batch_size=16', '--set', 'log_every=1', '--epochs', '3',
        '--set', 'checkpoint_every=1')
CASES = {  # what: (how often it is drawn, command)
    'MLP1': (8, ('train', 'MLP1_0.5_none', *FAST, '--epochs', '6', '--set', 'checkpoint_every=2')),
    'MLP3': (4, ('train', 'MLP3_1.0_none', *FAST, '--epochs', '4', '--set', 'checkpoint_every=1')),
    'MLP1 with trackers': (3, ('train', 'MLP1_0.0_rand_pix', *FAST, '--epochs', '3', '--set', 'track=[tensorboard]')),
    'figure 2': (2, ('train', 'MLP1_0.0_none', *FAST, '--epochs', '4', '--set', 'figure1=false', '--set', 'curve=true')),
    'AlexNet': (1, ('train', 'AlexNet_0.0_shuff_pix', *TINY)),
    'WRN': (1, ('train', 'WRN_0.0_none', *TINY)),
    'Inception': (1, ('train', 'Inception_bnTrue', *TINY)),
    'Inception without batch norm': (1, ('train', 'Inception_bnFalse', *TINY)),
    'a sweep': (2, ('sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', 'MLP3_0.5_none', *FAST[:4], '--epochs', '2', '--jobs', '2',
                    '--no-figures')),
}


class Case:
    """One command; what it leaves when nobody disturbs it; how many system calls and seconds it takes."""

    def __init__(self, name):
        self.name = name
        self.weight, words = CASES[name]
        self.words = [*words, '--data', 'shapes10', *([] if words[0] == 'sweep' else ['--threads', '1']), '--runs', 'runs']
        if 'track' not in ' '.join(words):
            self.words += ['--set', 'track=[]'] if words[0] == 'train' else []
        with tempfile.TemporaryDirectory(prefix='rethink-torture-') as folder:
            began = time.time()
            log = os.path.join(folder, 'calls')
            process = self.start(folder, {'RT_FAULT_LOG': log})
            _, self.errors = process.communicate(timeout=600)
            self.seconds = time.time() - began
            self.runs = process.returncode == 0
            if self.runs:
                self.expected = self.outcome(folder)
                with open(log, encoding='utf-8', errors='replace') as f:
                    self.calls = [line.split(' ', 2) for line in f if not line.startswith('alloc')]

    def start(self, folder, environment):
        return subprocess.Popen([FAULTY, *self.words], cwd=folder, env={**os.environ, **environment}, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                start_new_session=True)

    def outcome(self, folder):
        whole = {}
        for path in sorted(glob.glob(os.path.join(folder, 'runs', '*', '*', ''))):
            run = os.path.relpath(path, folder)
            for key, value in outcome(path).items():
                whole[run, key] = [n for n in value if 'tfevents' not in n] if key == 'files' else value
        # Nothing else lies around: no temporary file, no half-made folder.
        whole['elsewhere'] = sorted(os.path.relpath(path, folder) for path in glob.glob(folder + '/runs/*') +
                                    glob.glob(folder + '/runs/.*') + glob.glob(folder + '/runs/*/.*') +
                                    glob.glob(folder + '/runs/*/*/.*') + glob.glob(folder + '/runs/*/*'))
        return whole


class Tally:
    kills = resumes = 0


def session_of(process):
    """The living processes of its session: a sweep's runs have process groups of their own, but not sessions."""
    members = []
    for path in glob.glob('/proc/[0-9]*/stat'):
        try:
            with open(path, encoding='utf-8', errors='replace') as f:
                state, _, _, session = f.read().rsplit(')', 1)[1].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(session) == process.pid and state not in 'ZX':
            members.append(int(path.split('/')[2]))
    return members


def kill_session(process):
    """The run, and for a sweep its runs too: as when the machine loses power. Returns when all are gone."""
    while members := session_of(process):
        for member in members:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.005)
    process.wait()


def start_and_kill(case, folder, rng, fault):
    """Starts the command and kills it: by a fault inside it, or after a random time. Says how it ended."""
    process = case.start(folder, {'RT_FAULT': fault} if fault else {})
    if not fault:
        try:
            process.wait(timeout=rng.uniform(0, case.seconds))
        except subprocess.TimeoutExpired:
            pass
        kill_session(process)
    _, errors = process.communicate(timeout=600)
    if fault:
        kill_session(process)
    Tally.kills += process.returncode == -signal.SIGKILL
    # 1, and 5: a sweep whose runs are killed reports them as failed.
    return process.returncode in (0, -signal.SIGKILL) or case.words[0] == 'sweep', errors


def one_round(case, rng, faults):
    """Returns what is wrong, or an empty list."""
    folder = tempfile.mkdtemp(prefix='rethink-torture-')
    story = []
    try:
        for fault in faults:
            fine, errors = start_and_kill(case, folder, rng, fault)
            story.append(fault or 'killed after some time')
            if not fine:
                return [f'{case.name}: {story}: {errors}']
        for _ in range(3):
            process = case.start(folder, {})
            _, errors = process.communicate(timeout=600)
            Tally.resumes += 1
            if process.returncode == 0:
                break
        if process.returncode:
            return [f'{case.name}: {story}: exit code {process.returncode}: {errors}']
        wrong = differences(case.expected, case.outcome(folder))
        return [f'{case.name}: {story}: differ: {wrong}'] if wrong else []
    finally:
        shutil.rmtree(folder)


def random_faults(case, rng):
    faults = []
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(1, len(case.calls))
        faults.append(rng.choice(['', f'kill-before@{at}', f'kill-after@{at}']))
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=0)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--every', action='store_true')
    parser.add_argument('--seed', type=int, default=int(os.environ.get('RT_SEED') or time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f'# seed {options.seed}')
    began = time.time()

    cases = []
    for name in CASES if not options.every else ['MLP1']:
        case = Case(name)
        if ok(case.runs, f'{name} runs undisturbed', case.errors):
            cases.append(case)
    problems, rounds = [], 0
    if options.every:
        for number, call, path in cases[0].calls:
            if call == 'read':
                continue
            for when in ('before', 'after'):
                problems += one_round(cases[0], rng, [f'kill-{when}@{number}'])
                rounds += 1
        empty(problems, f'killed before and after each of {rounds // 2} writes, syncs, renames, ...')
    else:
        queue = list(cases)
        while rounds < options.rounds if options.rounds else queue or time.time() - began < options.seconds:
            case = queue.pop() if queue else rng.choices(cases, [c.weight for c in cases])[0]
            problems += one_round(case, rng, random_faults(case, rng))
            rounds += 1
            if rounds % 100 == 0:
                print(f'# {rounds} rounds, {Tally.kills} kills, {Tally.resumes} resumes, {len(problems)} mismatches', flush=True)
        empty(problems, f'{rounds} runs, killed and resumed, end as if nothing had happened')
    print(f'# {rounds} rounds, {Tally.kills} kills, {Tally.resumes} resumes, {len(problems)} mismatches')
    done()


main()
