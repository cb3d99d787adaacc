#!/usr/bin/env python3
"""usage: fail_every.py [--all] [--sample N] [--only COMMAND...] [--kinds KIND...]

The k-th call to the system, and the k-th request for memory, goes wrong, for k = 1, 2, 3, ... to the last: while
training, resuming, fetching, converting, plotting and reporting. Each time the program must end with a documented exit code and one
clear line, without a crash, and leave nothing half-made: each checkpoint is whole, can be read, and has the weights of
an undisturbed run; and the same command without the fault then ends well, a run as if nothing had happened. With --sample
(default 12) only so many k of each kind, drawn at random; --all all, but of more than a hundred reads and writes in a
row only the first and last ten and every hundredth.

Most faults leave what another one left, times aside, and what follows from that is tried once.
"""
import argparse
import glob
import hashlib
import io
import itertools
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
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
from python2_pickle import Python2
from runs import differences, outcome
from tap import RETHINK, done, empty, ok

FAULTY = os.environ.get('RETHINK_FAULTY') or os.path.join(os.path.dirname(os.path.abspath(RETHINK)), 'tests', 'torture',
                                                          'rethink-faulty')
FETCH = os.environ.get('RT_FETCH_FAULTY') or os.path.join(os.path.dirname(FAULTY), 'fetch-faulty')
SMALL = ['--set', 'train_size=200', '--set', 'test_size=40', '--set', 'log_every=2', '--data', 'shapes10', '--threads', '1',
         '--runs', 'runs']
TRAIN = ['train', 'MLP1_0.5_none', *SMALL, '--set', 'checkpoint_every=1', '--epochs']
KEEP = ('--set', 'keep_checkpoints=all')
KINDS = ('ENOSPC', 'ENOSPC+', 'EIO', 'EACCES', 'short', 'EINTR', 'alloc')
MASKED = ('short', 'EINTR')  # these must make no difference at all


def prepare_nothing(folder):
    pass


def prepare_run(folder):
    subprocess.run([FAULTY, *TRAIN, '2', '-q'], cwd=folder, check=True, capture_output=True)


def prepare_three(folder):
    subprocess.run([FAULTY, *TRAIN, '3', *KEEP, '-q'], cwd=folder, check=True, capture_output=True)


def write_archive(folder, contents):
    with tarfile.open(os.path.join(folder, 'archive.tar.gz'), 'w:gz', compresslevel=1) as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def prepare_archive(folder):
    write_archive(folder, {'cifar-10-batches-bin/' + name: content for name, content in (IMAGES | {'batches.meta.txt': bytes(61)}).items()})


def python_batch(number):
    """Labels and pixels of a batch of the size that the Python version's have."""
    return [(number + i) % 10 for i in range(10000)], bytes([number]) * 3072 * 10000


def prepare_python(folder):
    write_archive(folder, {'cifar-10-batches-py/' + name[:-4]: Python2().batch({b'labels': labels, b'data': bytearray(pixels)})
                           for number, name in enumerate(IMAGES) for labels, pixels in [python_batch(number)]})


def converting(folder):
    """The Python version's archive from a path, by the digests that its files have as the binary version."""
    digests = []
    for number in range(len(IMAGES)):
        labels, pixels = python_batch(number)
        digests.append(sha256(b''.join(bytes([label]) + pixels[:3072] for label in labels)))
    return [FETCH, 'home', sha256(b''), '1', '30730000', ','.join(digests), 'force', os.path.join(folder, 'archive.tar.gz')]


def fetching(folder):
    """The archive is of the test's own making, so the program that fetches it is told its size and digests."""
    path = os.path.join(folder, 'archive.tar.gz')
    with open(path, 'rb') as f:
        archive = f.read()
    return [FETCH, 'home', sha256(archive), str(len(archive)), str(FILE_BYTES), ','.join(map(sha256, IMAGES.values())), 'force',
            'file://' + path]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


FILE_BYTES = 30730
NOISE = random.Random(42)
IMAGES = {name: NOISE.randbytes(FILE_BYTES) for name in [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']}
COMMANDS = {
    # what: (how the folder is made ready, command, files that only a whole run leaves)
    'fetch': (prepare_archive, fetching, 'home/*/test_batch.bin'),
    'convert': (prepare_python, converting, 'home/*/test_batch.bin'),
    'train': (prepare_nothing, [*TRAIN, '2'], 'runs/*/*/e_002_*/state.json'),
    'resume': (prepare_run, [*TRAIN, '3'], 'runs/*/*/e_003_*/state.json'),
    'rewind': (prepare_three, [*TRAIN, '3', *KEEP, '--set', 'resume_checkpoint=e_001_MLP1_0.5_none'], 'runs/*/*/e_003_*/state.json'),
    'evaluate': (prepare_run, ['evaluate', 'runs/MLP1/MLP1_0.5_none', '--data', 'shapes10'], ''),
    'list': (prepare_run, ['list', '--runs', 'runs'], ''),
    'config': (prepare_nothing, ['config', '--all', 'experiments'], 'experiments/WRN/WRN_0.0_none.yaml'),
    'samples': (prepare_nothing, ['data', 'samples', '--data', 'shapes10', '--output', 'figures'], 'figures/*.png'),
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


def judge(kind, process):
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


def masked(path):
    """A file's bytes, but for what differs from run to run: times, and digests of files with times in them."""
    name = os.path.basename(path)
    if name in ('lock', 'log.txt'):
        return str(os.path.getsize(path) > 0).encode()
    if 'tfevents' in name:
        return str(os.path.getsize(path)).encode()
    with open(path, 'rb') as f:
        data = f.read()
    if name == 'metrics.csv':
        return re.sub(rb'(,[^,\n]*){2}$', b'', data, flags=re.MULTILINE)
    if name == 'SHA256SUMS':
        return re.sub(rb'\w+  state.json', b'', data)
    if name.endswith('.json'):
        return re.sub(rb'"(wall_s|cpu_s|minutes|peak_memory_bytes|metrics_digest)": [^,\n]*', b'', data)
    return re.sub(rb'\d{4}-\d\d-\d\dT[\d:]+Z', b'', data) if name.endswith('.html') else data


def state_of(folder):
    """A digest of all that lies in the folder, times and process numbers aside."""
    digest = hashlib.sha256()
    for path in sorted(glob.glob(folder + '/**/*', recursive=True, include_hidden=True)):
        name = re.sub(r'tfevents\.[^/]*', 'tfevents', os.path.relpath(path, folder))
        digest.update(f'\0{name}\0'.encode())
        digest.update(masked(path) if os.path.isfile(path) else b'folder')
    return digest.hexdigest()


class Command:
    """One command: a folder made ready for it, how many calls it makes, and what it leaves undisturbed."""

    def __init__(self, what, parent):
        prepare, self.words, self.whole = COMMANDS[what]
        self.what = what
        self.ready, spare = os.path.join(parent, 'ready'), os.path.join(parent, 'spare')
        os.mkdir(self.ready)
        prepare(self.ready)
        shutil.copytree(self.ready, spare)
        self.process, self.names, self.allocations = count_calls(spare, self.words)
        self.left = self.of_runs(spare)
        self.weights = {os.path.basename(path): self.weights_of(path) for path in glob.glob(spare + '/runs/*/*/e_*')}
        self.tried = {}  # state of a folder, or of a checkpoint: what was wrong with it

    @staticmethod
    def weights_of(checkpoint):
        return [hashlib.sha256(open(os.path.join(checkpoint, name), 'rb').read()).hexdigest()
                for name in ('model.safetensors', 'optimizer.safetensors')]

    @staticmethod
    def of_runs(folder):
        left = {path[len(folder):]: outcome(path) for path in glob.glob(folder + '/runs/*/*')}
        for run in left.values():
            # The picture of the images is a help: one that cannot be written is warned of, and the run goes on.
            run['files'] = [name for name in run['files'] if 'tfevents' not in name and name != 'samples.png']
        return left

    def judge_checkpoint(self, checkpoint, folder):
        name = os.path.basename(checkpoint)
        if name in self.weights and self.weights_of(checkpoint) != self.weights[name]:
            return f'{name}: not the weights of an undisturbed run'
        state = state_of(checkpoint)
        if state not in self.tried:
            read = run(folder, ['evaluate', checkpoint, '--data', 'shapes10'])
            self.tried[state] = f'{name} cannot be read: {read.stderr}' if read.returncode else None
        return self.tried[state]

    def judge_again(self, folder):
        """The command without the fault, in the folder that the fault left."""
        before = temporary_files(folder)
        again = run(folder, self.words)
        if again.returncode or (self.whole and not glob.glob(os.path.join(folder, self.whole))):
            return f'then without: {again.returncode}, {again.stderr}'
        if set(temporary_files(folder)) - set(before):
            return f'then without: left behind {temporary_files(folder)}'
        now = self.of_runs(folder)
        wrong = [key for path in self.left for key in differences(self.left[path], now[path])]
        return f'then without: differs in {wrong}' if wrong else None

    def judge_rest(self, cleanable, process, folder):
        """What is wrong with what the fault left, or None. Not cleanable: the call that failed was one that removes."""
        left = temporary_files(folder)
        if process.returncode and left and cleanable:
            return f'left behind {left}'
        for checkpoint in glob.glob(folder + '/runs/*/*/e_*'):
            if wrong := self.judge_checkpoint(checkpoint, folder):
                return wrong
        state = state_of(folder)
        if state not in self.tried:
            self.tried[state] = self.judge_again(folder)
        return self.tried[state]

    def try_fault(self, kind, k):
        """Runs the command with the fault, then again without. Returns what is wrong, or None."""
        with tempfile.TemporaryDirectory(prefix='rethink-fail-') as parent:
            folder = os.path.join(parent, 'd')
            shutil.copytree(self.ready, folder)
            process = run(folder, self.words, RT_FAULT=f'{kind}@{k}')
            cleanable = kind in (*MASKED, 'alloc', 'ENOSPC+') or self.names[k - 1] != 'unlink'
            wrong = judge(kind, process) or self.judge_rest(cleanable, process, folder)
            return f'{self.what}, {kind}@{k} (exit code {process.returncode}): {wrong}' if wrong else None


def count_calls(folder, words):
    """Returns how the command ends, the names of its calls in order, and how often it asks for memory."""
    log = os.path.join(os.path.dirname(folder), 'calls')
    process = run(folder, words, RT_FAULT_LOG=log)
    names, allocations = {}, 0
    if process.returncode == 0:
        with open(log, encoding='utf-8', errors='replace') as f:
            for line in f:
                if line.startswith('alloc '):
                    allocations = max(allocations, int(line.split()[1]))
                elif line[0].isdigit():
                    number, name = line.split()[:2]
                    names[int(number)] = name
    return process, [names[k] for k in sorted(names)], allocations


def places(names):
    """The numbers of the calls that are worth a fault."""
    found = []
    for stream, calls in itertools.groupby(enumerate(names, 1), lambda call: call[1] in ('read', 'write')):
        numbers = [k for k, _ in calls]
        inner = numbers[10:-10] if stream and len(numbers) > 100 else []
        found += [k for k in numbers if k not in inner or k % 100 == 0]
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--sample', type=int, default=12)
    parser.add_argument('--only', nargs='*', default=list(COMMANDS))
    parser.add_argument('--kinds', nargs='*', default=KINDS)
    parser.add_argument('--seed', type=int, default=int(os.environ.get('RT_SEED') or time.time()))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f'# seed {options.seed}')
    faults = 0
    for what in options.only:
        with tempfile.TemporaryDirectory(prefix='rethink-fail-') as parent:
            command = Command(what, parent)
            if not ok(command.process.returncode == 0, f'{what}: runs without a fault', command.process.stdout,
                      command.process.stderr):
                continue
            for kind in options.kinds:
                chosen = range(1, command.allocations + 1) if kind == 'alloc' else places(command.names)
                count = len(chosen)
                if not options.all and count > options.sample:
                    chosen = sorted(rng.sample(chosen, options.sample))
                faults += len(chosen)
                empty(filter(None, (command.try_fault(kind, k) for k in chosen)),
                      f'{what}: {kind} at {len(chosen)} of {count} places')
    print(f'# {faults} faults')
    done()


if __name__ == '__main__':
    main()
