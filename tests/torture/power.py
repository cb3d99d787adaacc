#!/usr/bin/env python3
"""usage: power.py [--seconds S] [--only CASE...] [--seed N]

Lost power, simulated: what a run, a resumed run, a rewinding, a sweep and a download ask of the disk is recorded
(recorder.c), and after each call everything that may then be on the disk, which loses what was not synced (lost.py), is
looked at:

- a checkpoint under its name is whole, and metrics.csv begins with what it was then;
- the checkpoint that log.txt last said was saved is there; a data directory is whole, or not there;
- the program, asked again, goes on from there without a warning and ends in the same bytes as if nothing had happened
  (tried for as many of the states as fit in --seconds, drawn at random).
"""
import argparse
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
sys.path.insert(0, HERE)
import fail_every
import lost
from runs import differences, outcome
from tap import SLOWER, done, empty, ok, skip

RECORDER = os.environ.get('RT_RECORDER_SO') or os.path.join(os.path.dirname(fail_every.FAULTY), 'librecorder.so')
NAME = 'MLP1_0.5_none'
SMALL = ['--set', 'record_images=true', '--set', 'train_size=40', '--set', 'test_size=20', '--set', 'batch_size=20', '--set', 'log_every=1', '--data', 'shapes10']
ALONE = ['--threads', '1', '--track', 'none', '--set', 'checkpoint_every=1']
ALL = ['--set', 'keep_checkpoints=all']
DATA = 'home/cifar-10-batches-bin'
digests = lost.Digests()


def train(folder, epochs, *more):
    return [fail_every.FAULTY, 'train', NAME, *SMALL, *ALONE, '--runs', 'runs', '--epochs', str(epochs), *more]


def start(words, folder, **environment):
    return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace',
                          timeout=300 * SLOWER, env={**os.environ, **environment})


def trained(epochs, *more):
    def prepare(folder):
        run = start(train(folder, epochs, *more), folder)
        assert run.returncode == 0, run.stderr
    return prepare


def installed(folder):
    """An archive, and what an earlier one left: other images."""
    fail_every.prepare_archive(folder)
    os.makedirs(os.path.join(folder, DATA))
    for name in [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin', 'batches.meta.txt']:
        with open(os.path.join(folder, DATA, name), 'wb') as f:
            f.write(b'old ' + name.encode())


def sweep(folder):
    return [fail_every.FAULTY, 'sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', *SMALL, '--epochs', '1', '--jobs', '1', '--no-figures',
            '--set', 'track=[]', '--runs', 'runs', '-q']


CASES = {
    # what: (how the folder is made ready, the command that is recorded, the one that goes on afterwards,
    #        the checkpoint that must not be lost)
    'train': (lambda folder: None, lambda f: train(f, 2), lambda f: train(f, 2), None),
    'resume': (trained(1), lambda f: train(f, 3), lambda f: train(f, 3), f'e_001_{NAME}'),
    'rewind': (trained(3, *ALL), lambda f: train(f, 3, *ALL, '--set', f'resume_checkpoint=e_001_{NAME}'), lambda f: train(f, 3, *ALL),
               f'e_001_{NAME}'),
    'start over': (trained(2), lambda f: train(f, 2, '--fresh'), lambda f: train(f, 2), None),
    'sweep': (lambda folder: None, sweep, sweep, None),
    'fetch': (fail_every.prepare_archive, fail_every.fetching, fail_every.fetching, None),
    'fetch again': (installed, fail_every.fetching, fail_every.fetching, None),
}


def runs_of(tree):
    """(path, tree) of the run directories."""
    for model, runs in tree.get('runs', {}).items():
        for name, run in (runs if isinstance(runs, dict) else {}).items():
            if isinstance(run, dict):
                yield f'runs/{model}/{name}', run


def is_whole(checkpoint, run):
    """What is wrong with a checkpoint, or None."""
    sums = re.findall(r'^(\w{64})  (\S+)\n', checkpoint.get('SHA256SUMS', b'').decode(errors='replace'), re.MULTILINE)
    if len(sums) != 4:
        return 'SHA256SUMS is damaged or missing'
    for digest, name in sums:
        if name not in checkpoint or digests.of(checkpoint[name]) != digest:
            return f'{name} is damaged or missing'
    state = json.loads(checkpoint['state.json'])
    metrics = run.get('metrics.csv', b'')[:state['metrics_size_bytes']]
    return None if hashlib.sha256(metrics).hexdigest() == state['metrics_digest'] else 'metrics.csv does not begin with what it was'


def out_of_order(calls):
    """Names given to what was built aside, or taken from what goes, that are not synced before the process does anything else."""
    waiting = {}
    for number, (pid, call, _, _, path, other, _) in enumerate(calls, 1):
        if pid in waiting and call != 'open':
            folder, what = waiting.pop(pid)
            if (call, path) != ('sync', folder):
                yield f'call {number}, {call} of {path}, comes before the sync of {folder}, in which {what}'
        if call in ('rename', 'exchange', 'mkdir') and not (call == 'mkdir' and path.endswith('.tmp')):
            waiting[pid] = os.path.dirname(path), f'{os.path.basename(other or path)} is new'


class Case:
    def __init__(self, what, parent):
        self.what = what
        prepare, recorded, again, self.kept = CASES[what]
        self.folder = os.path.join(parent, 'd')  # every state is tried here: absolute paths in what is written stay the same
        self.recorded = os.path.join(parent, 'calls')
        os.mkdir(self.folder)
        prepare(self.folder)
        self.again = again(self.folder)
        words = recorded(self.folder)
        self.disk = lost.Disk(self.folder)
        self.process = start(words, self.folder, LD_PRELOAD=RECORDER, RT_RECORD=self.recorded, RT_RECORD_ROOT=self.disk.root,
                             ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0')
        self.expected = self.outcome()
        self.found = {}  # digest: (tree, what the user was told was saved, after which call)
        self.count = 0
        self.problems = []

    def outcome(self):
        if 'fetch' in self.what:
            return {DATA: {name: hashlib.sha256(open(os.path.join(self.folder, DATA, name), 'rb').read()).hexdigest()
                           for name in os.listdir(os.path.join(self.folder, DATA))}}
        runs = {}
        for model in os.scandir(os.path.join(self.folder, 'runs')):
            for run in os.scandir(model.path) if model.is_dir() else ():
                runs[run.name] = {k: v for k, v in outcome(run.path).items() if k != 'files'}
        return runs

    def look(self):
        """Goes through all calls and looks at each state that may be there after each."""
        rng = random.Random(1)
        self.problems += [p.replace(self.disk.root + '/', '') for p in out_of_order(lost.calls(self.recorded))]
        old = {name: file.live for name, file in self.disk.find(self.disk.root + '/' + DATA).live.items()} \
            if 'again' in self.what else None
        said = {f'runs/MLP1/{NAME}': self.kept} if self.kept else {}
        for call in lost.calls(self.recorded):
            self.count += 1
            self.disk.play(call)
            for name in re.findall(rb'Saved checkpoint (\S+)', call[6]) if call[4].endswith('/log.txt') else ():
                said[os.path.relpath(os.path.dirname(call[4]), self.disk.root)] = name.decode()
            at = f'after call {self.count}, {call[1]} of {os.path.relpath(call[4], self.disk.root)}'
            for tree in self.disk.states(rng):
                digest = digests.of_tree(tree) + repr(sorted(said.items()))
                if digest not in self.found:
                    self.found[digest] = tree, dict(said), at
                    self.problems += [f'{at}: {p}' for p in self.wrong_with(tree, said, old)]
        last = next(self.disk.states(rng))  # the command has ended: nothing that it said is lost
        if 'fetch' in self.what and not self.is_new(last):
            self.problems.append('the command has ended, and the data may be lost')
        return self.problems

    def is_new(self, tree):
        data = tree.get('home', {}).get('cifar-10-batches-bin')
        return data is not None and {n: digests.of(c) for n, c in data.items()} == self.expected[DATA]

    def wrong_with(self, tree, said, old):
        if 'fetch' in self.what:
            data = tree.get('home', {}).get('cifar-10-batches-bin')
            if data != old and not self.is_new(tree):
                return ['the data directory is neither what it was nor whole']
            return []
        problems = []
        for path, run in runs_of(tree):
            problems += [f'{path}/{name}: {wrong}' for name, checkpoint in run.items()
                         if name.startswith('e_') and (wrong := is_whole(checkpoint, run))]
        there = dict(runs_of(tree))
        return problems + [f'{path}/{name}: was saved, and may be lost' for path, name in said.items()
                           if name not in there.get(path, {})]

    def go_on(self, tree, said):
        """What is wrong with how the program goes on from a state, or None."""
        shutil.rmtree(self.folder)
        lost.put(tree, self.folder)
        process = start(self.again, self.folder)
        if process.returncode:
            return f'exit code {process.returncode}: {process.stderr}{process.stdout}'
        if 'warning' in process.stderr:
            return process.stderr
        resumed = re.search(r'Resuming training from epoch (\d+)', process.stderr)
        begun = 'Running' in process.stderr
        for name in said.values():
            least = int(name.split('_')[1]) + 1
            if self.what != 'sweep' and begun and int(resumed[1] if resumed else 1) < least:
                return f'{name} had been saved, but: {process.stderr}'
        now = self.outcome()
        wrong = [key for key in self.expected if key not in now or differences(self.expected[key], now[key])]
        left = [path for path, _, files in os.walk(self.folder) if '.tmp' in path or any('.tmp' in f for f in files)]
        return f'differs: {wrong}, left: {left}: {process.stderr}' if wrong or left else None

    def try_states(self, seconds, rng):
        states = list(self.found.values())
        rng.shuffle(states)
        began, tried, problems = time.time(), 0, []
        for tree, said, at in states:
            if tried and time.time() - began > seconds:
                break
            wrong = self.go_on(tree, said)
            if wrong:
                problems.append(f'{at}: {wrong}')
            tried += 1
        return tried, problems


def check_figures(parent):
    """Each file of a figure is synced before it is renamed, also what gnuplot wrote, and the folder after all of them."""
    folder, recorded = os.path.join(parent, 'd'), os.path.join(parent, 'calls')
    os.mkdir(folder)
    trained(1)(folder)
    drawn = start([fail_every.FAULTY, 'plot', '--runs', 'runs', '-o', 'figures'], folder, LD_PRELOAD=RECORDER, RT_RECORD=recorded,
                  RT_RECORD_ROOT=os.path.realpath(folder), ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0')
    if 'install Debian\'s gnuplot' in drawn.stderr:
        skip('figures are synced before they are renamed', 'no gnuplot')
        return
    synced, unsynced, renamed = set(), [], 0
    for _, call, _, _, path, other, _ in lost.calls(recorded):
        if call == 'sync':
            synced.add(path)
        elif call == 'rename' and os.path.dirname(other).endswith('/figures'):
            unsynced += [path] if path not in synced else []
            renamed += 1
            synced.discard(os.path.dirname(other))
    figures = os.path.join(os.path.realpath(folder), 'figures')
    ok(drawn.returncode == 0 and renamed >= 4 and not unsynced and figures in synced, f'{renamed} files of figures are synced before they '
       'are renamed, and their folder afterwards', drawn.stderr, *unsynced)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--only', nargs='*', default=list(CASES))
    parser.add_argument('--seed', type=int, default=int(os.environ.get('RT_SEED') or time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f'# seed {options.seed}')
    for what in options.only:
        with tempfile.TemporaryDirectory(prefix='rethink-power-', dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as parent:
            case = Case(what, parent)
            if not ok(case.process.returncode == 0, f'{what}: runs', case.process.stdout, case.process.stderr):
                continue
            problems = case.look()
            empty(problems[:20], f'{what}: {len(case.found)} states that may be left after {case.count} calls: nothing lost, nothing '
                  'half there')
            tried, problems = case.try_states(options.seconds / len(options.only), rng)
            empty(problems[:20], f'{what}: goes on from {tried} of them')
    if len(options.only) == len(CASES):
        with tempfile.TemporaryDirectory(prefix='rethink-power-') as parent:
            check_figures(parent)
    done()


if __name__ == '__main__':
    main()
