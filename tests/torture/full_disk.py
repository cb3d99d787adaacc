#!/usr/bin/env python3
"""A disk that is really full: small tmpfs mounts, in a mount namespace of this test's own. At each size the program
ends with one line and exit code 5, what is there can be read, and given room the same command ends as if nothing had
happened. Skipped where no file system can be mounted."""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
from runs import differences, outcome, temporary
from tap import RETHINK, SLOWER, done, empty, ok, skip_all

FAULTY = os.environ.get('RETHINK_FAULTY') or os.path.join(os.path.dirname(os.path.abspath(RETHINK)), 'tests', 'torture',
                                                          'rethink-faulty')
TRAIN = ('train', 'MLP1_0.5_none', '--set', 'train_size=200', '--set', 'test_size=40', '--set', 'log_every=2', '--data', 'shapes10',
         '--set', 'record_images=true', '--threads', '1', '--set', 'track=[tensorboard]', '--set', 'checkpoint_every=1', '--epochs', '3', '--runs', 'runs')
RUN = 'runs/MLP1/MLP1_0.5_none'
# A checkpoint takes 9.7 MB: room for nothing, for less than one, for one, for two, for all but the last words.
SIZES_KB = (0, 4, 60, 300, 600, 2000, 5600, 10000, 10600, 15000, 20200, 25000, 29000)
OTHERS = (('config', '--all', 'disk/experiments'), ('data', 'samples', '--data', 'shapes10', '--output', 'disk/figures'),
          ('report', '--runs', 'runs', '-o', 'disk/figures', '--no-figures'), ('plot', '--runs', 'runs', '-o', 'disk/figures'))


def in_own_namespace():
    """This script once more, where mounts are nobody else's; as an ordinary user too, where the kernel allows that."""
    if os.environ.get('RT_MOUNTS') == 'own':
        return
    for how in (['--mount'], ['--map-root-user', '--mount']):
        trial = ['unshare', *how, 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']
        try:
            if subprocess.run(trial, capture_output=True).returncode == 0:
                os.execvpe('unshare', ['unshare', *how, sys.executable, __file__], {**os.environ, 'RT_MOUNTS': 'own'})
        except FileNotFoundError:
            break
    skip_all('no file system can be mounted here')


def run(folder, *words):
    return subprocess.run([FAULTY, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300 * SLOWER)


def mount(path, size_kb):
    """A tmpfs of that size; of less than a page, one that is full already."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={max(size_kb, 4)}k', 'tmpfs', path], check=True)
    if not size_kb:
        with open(os.path.join(path, 'filler'), 'wb') as f:
            f.write(bytes(4096))


def unmount(path):
    subprocess.run(['umount', path], check=True)


def half_made(folder):
    return [path for path in glob.glob(folder + '/**/*', recursive=True, include_hidden=True) if '.tmp' in path]


def refusal(process):
    """What is wrong with how it ended, or None."""
    lines = [line for line in process.stderr.splitlines() if line.startswith('rethink: ')]
    if process.returncode != 5 or len(lines) != 1 or 'No space left' not in lines[0]:
        return f'exit code {process.returncode}: {process.stderr}'
    return None


def of_run(folder):
    whole = outcome(folder)
    whole['files'] = [name for name in whole['files'] if 'tfevents' not in name and name != 'samples.png']
    return whole


def try_size(scratch, size_kb, expected):
    """Trains on a disk of that size, then given room. Returns whether it was full, and what is wrong or None."""
    runs = os.path.join(scratch, 'runs')
    mount(runs, size_kb)
    try:
        process = run(scratch, *TRAIN)
        if process.returncode == 0:
            return False, None
        if wrong := refusal(process) or half_made(scratch):
            return True, f'{size_kb} KB: {wrong}'
        for checkpoint in glob.glob(os.path.join(scratch, RUN, 'e_*')):
            read = run(scratch, 'evaluate', checkpoint, '--data', 'shapes10')
            if read.returncode:
                return True, f'{size_kb} KB: {read.stderr}'
        subprocess.run(['mount', '-o', 'remount,size=99m', runs], check=True)
        process = run(scratch, *TRAIN)
        if process.returncode:
            return True, f'{size_kb} KB, then given room: {process.stderr}'
        wrong = differences(expected, of_run(os.path.join(scratch, RUN)))
        return True, f'{size_kb} KB, then given room: differs in {wrong}' if wrong else None
    finally:
        unmount(runs)


def try_other(scratch, words):
    disk = os.path.join(scratch, 'disk')
    full, problems = 0, []
    for size_kb in (0, 4, 8, 12, 40, 100):
        mount(disk, size_kb)
        process = run(scratch, *words)
        if process.returncode:
            full += 1
            problems += filter(None, [refusal(process), half_made(disk)])
            subprocess.run(['mount', '-o', 'remount,size=99m', disk], check=True)
            process = run(scratch, *words)
            problems += [process.stderr] if process.returncode else []
        unmount(disk)
    return full, problems


def main():
    in_own_namespace()
    with temporary() as scratch:
        first = run(scratch, *TRAIN)
        if ok(first.returncode == 0, 'a run with room for all', first.stderr):
            expected = of_run(os.path.join(scratch, RUN))
            with temporary() as small:
                tried = [try_size(small, size, expected) for size in SIZES_KB]
            full = sum(was_full for was_full, _ in tried)
            empty(filter(None, (wrong for _, wrong in tried)), f'train on {full} full disks, and on with room')
            ok(full > 8, 'and they were full', tried)
        for words in OTHERS:
            full, problems = try_other(scratch, words)
            ok(full > 1 and not problems, f'{words[0]} {words[1]} on {full} full disks', full, *problems)
    done()


main()
