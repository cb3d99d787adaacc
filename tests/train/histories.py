#!/usr/bin/env python3
"""The history of every image: what NumPy finds in it, and that no interruption shows in it."""
import csv
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runs import checkpoints, command, differences, folder, metrics, outcome, temporary, train
from tap import RETHINK, SLOWER, done, ok, skip_all

try:
    import numpy
except ImportError:
    skip_all('this Python has no NumPy')

NAME = 'MLP1_0.5_none'
IMAGES, EPOCHS = 300, 5
SMALL = ('--set', f'train_size={IMAGES}', '--set', 'test_size=100', '--set', 'log_every=2', '--set', 'record_images=true')
ARRAYS = {'loss': '<f2', 'probability': '<f2', 'margin': '<f2', 'right': '|b1'}


def file_of(path, name):
    return os.path.join(path, f'history_{name}.npy')


def load(path):
    return {name: numpy.load(file_of(path, name), mmap_mode='r') for name in ARRAYS}


def check_content(runs):
    run = train(runs, NAME, *SMALL, '--epochs', str(EPOCHS), '--set', 'checkpoint_every=1', '--set', 'keep_checkpoints=all')
    path = folder(runs)
    arrays = load(path)
    ok(run.returncode == 0 and all(type(a) is numpy.memmap and a.shape == (EPOCHS, IMAGES) and a.dtype == numpy.dtype(ARRAYS[name])
                                   and a.flags.c_contiguous for name, a in arrays.items()),
       'NumPy maps four arrays [epoch][image]', run.stderr, {name: (a.shape, a.dtype) for name, a in arrays.items()})
    loss, probability, margin, right = (arrays[name].astype(float) for name in ARRAYS)
    ends = {int(row['epoch']): row for row in metrics(path)}  # the last row of each
    accuracy = [float(ends[e + 1]['train_acc']) for e in range(EPOCHS)]
    mean_loss = [float(ends[e + 1]['train_loss']) for e in range(EPOCHS)]
    ok(numpy.abs(right.mean(1) - accuracy).max() < 1e-7, 'right: their means are train_acc', right.mean(1), accuracy)
    ok(numpy.abs(loss.mean(1) / mean_loss - 1).max() < 2e-4, 'loss: their means are train_loss', loss.mean(1), mean_loss)
    ok(numpy.abs(probability - numpy.exp(-loss)).max() < 2e-3, 'probability: exp(-loss), as float16 has them')
    ok(((margin > 0) == (right > 0))[margin != 0].all() and (margin > 0).any(), 'margin: positive where right')
    ok((loss > 0).all() and len(numpy.unique(loss[0])) > 200, 'no image is left out')


def stop_within(others, arguments, number):
    """Starts the run and ends it once it has saved a checkpoint within an epoch; that checkpoint's name, or None."""
    process = subprocess.Popen(command(others, NAME, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    before = set(glob.glob(os.path.join(others, '*', '*', 'e_*_b0*')))
    while process.poll() is None and not set(glob.glob(os.path.join(others, '*', '*', 'e_*_b0*'))) - before:
        time.sleep(0.001)
    process.send_signal(number)
    process.communicate(timeout=100 * SLOWER)
    last = os.path.basename(checkpoints(folder(others))[-1])
    return last if '_b0' in last else None


def check_interruptions():
    """SIGKILL and SIGINT within epochs, from which a run goes on again and again."""
    arguments = ('--set', 'train_size=10000', '--set', 'test_size=100', '--set', 'record_images=true', '--epochs', '10')
    with temporary() as runs:
        train(runs, NAME, *arguments)
        expected = outcome(folder(runs))
        for number in (signal.SIGINT, signal.SIGKILL):
            with temporary() as others:
                names = {stop_within(others, (*arguments, '--autosave', '1'), number) for _ in range(3)} - {None}
                last = train(others, NAME, *arguments)
                different = differences(expected, outcome(folder(others)))
                ok(last.returncode == 0 and not different and names,
                   f'the same bytes after {signal.Signals(number).name} at {", ".join(sorted(names))}', last.stderr, different)


def tensor(path, name, dtype):
    """Of a safetensors file."""
    with open(path, 'rb') as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), 'little')))
        base = f.tell()
        first, last = header[name]['data_offsets']
        f.seek(base + first)
        return numpy.frombuffer(f.read(last - first), dtype)


def check_another_order():
    """reseed_on_resume within an epoch: its other images than before are presented; none is lost, none made up."""
    images = 10000
    arguments = ('--set', f'train_size={images}', '--set', 'test_size=100', '--set', 'record_images=true',
                 '--set', 'reseed_on_resume=true', '--set', 'curve=true')
    with temporary() as runs:
        name = None
        while name is None:
            shutil.rmtree(os.path.join(runs, 'MLP1'), ignore_errors=True)
            name = stop_within(runs, (*arguments, '--epochs', '500', '--autosave', '1'), signal.SIGINT)
        path = folder(runs)
        epoch, batch = (int(word) for word in re.match(r'e_(\d+)_b(\d+)_', name).groups())
        before = {array: tensor(os.path.join(path, name, 'optimizer.safetensors'), f'history.{array}', kind) for array, kind in ARRAYS.items()}
        old = ~numpy.isnan(before['loss'])
        ok(old.sum() == 128 * batch, f'{name}: what came before it, the rest NaN', old.sum(), batch)
        run = train(runs, NAME, *arguments, '--epochs', str(epoch + 2))
        arrays = load(path)
        row = {array: values[epoch] for array, values in arrays.items()}
        missing = numpy.isnan(row['loss'])
        changed = ~missing & (~old | (row['loss'] != before['loss']) | (row['margin'] != before['margin']))
        ok(run.returncode == 0 and not (missing & old).any() and missing.any() and not row['right'][missing].any()
           and all(numpy.isnan(row[array][missing]).all() for array in ('probability', 'margin')) and (row['loss'][~missing] > 0).all(),
           'an image that came is kept, one that did not is NaN', run.stderr, missing.sum())
        ok(0 <= images - 128 * batch - changed.sum() <= 5, 'the rest of the epoch came once each', changed.sum(), images - 128 * batch)
        others = [e for e in range(len(arrays['loss'])) if e != epoch]
        ok(not numpy.isnan(arrays['loss'][others]).any(), 'other epochs are whole')
        scored = subprocess.run([RETHINK, 'images', path, '--no-figures', '-o', runs], capture_output=True, text=True, timeout=60 * SLOWER)
        with open(os.path.join(runs, f'{NAME}_image_scores.csv'), newline='') as f:
            rows = list(csv.DictReader(f))
        seen = ~numpy.isnan(arrays['loss'])
        right = arrays['right'] > 0
        want = {'aum': numpy.nanmean(arrays['margin'].astype(float), 0), 'loss': numpy.nanmean(arrays['loss'].astype(float), 0),
                'probability': numpy.nanmean(arrays['probability'].astype(float), 0),
                'deviation': numpy.nanstd(arrays['probability'].astype(float), 0), 'correctness': right.sum(0) / seen.sum(0),
                'forgetting': [numpy.inf if not r.any() else ((r[s][:-1]) & ~r[s][1:]).sum() for r, s in zip(right.T, seen.T)],
                'learnt_for_good': [next((e + 1 for e in range(len(r)) if s[e] and (r | ~s)[e:].all()), numpy.inf)
                                    for r, s in zip(right.T, seen.T)]}
        for score, values in want.items():
            got = numpy.array([float(line[score]) for line in rows])
            with numpy.errstate(invalid='ignore'):
                ok(((got == values) | (numpy.abs(got - values) < 1e-5 * (1 + numpy.abs(got)))).all(), f'{score}: over the epochs that presented it',
                   got[missing][:5], numpy.array(values)[missing][:5])
        ok('reseed_on_resume' in scored.stdout, 'rethink images says that labels may have changed', scored.stdout, scored.stderr)


def check_rewinding(runs):
    """Going back to earlier checkpoints cuts the history back."""
    expected = outcome(folder(runs))
    with temporary() as others:
        arguments = (*SMALL, '--epochs', str(EPOCHS), '--set', 'checkpoint_every=1', '--set', 'keep_checkpoints=all')
        shutil.copytree(runs, others, dirs_exist_ok=True)
        for name in (f'e_00{e}_{NAME}' for e in (1, 4, 2)):
            again = train(others, NAME, *arguments, '--set', f'resume_checkpoint={name}')
            different = differences(expected, outcome(folder(others)))
            ok(again.returncode == 0 and not different, f'from {name} again: the same bytes', again.stderr, different)


def goes_on(runs, what, damage, code, *said):
    """Damage to a copy's history is named, and the run goes on from the newest checkpoint that fits, or not at all."""
    with temporary() as others:
        shutil.copytree(runs, others, dirs_exist_ok=True)
        path = folder(others)
        damage(path)
        run = train(others, NAME, *SMALL, '--epochs', str(EPOCHS + 1))
        ok(run.returncode == code and all(word in run.stderr for word in said), what, run.returncode, run.stderr)
        if not code:
            ok(load(path)['loss'].shape == (EPOCHS + 1, IMAGES), f'{what}: and the run goes on')


def flip(at):
    def damage(path):
        with open(file_of(path, 'loss'), 'r+b') as f:
            f.seek(128 + at)
            byte = f.read(1)
            f.seek(128 + at)
            f.write(bytes([byte[0] ^ 1]))
    return damage


def torn(path):
    """A header that lost power left half written; it is written anew."""
    with open(file_of(path, 'loss'), 'r+b') as f:
        f.write(b'\0' * 128)


def check_damage(runs):
    before = f'resumes from e_00{EPOCHS - 1}'
    goes_on(runs, 'one flipped bit in the last epoch', flip(2 * (EPOCHS * IMAGES - 3)), 0, 'history_*.npy: changed', before)
    goes_on(runs, 'one flipped bit in the first epoch', flip(4), 4, 'history_*.npy: changed', '--fresh')
    goes_on(runs, 'a missing array', lambda path: os.unlink(file_of(path, 'right')), 4, 'history_right.npy: not there')
    goes_on(runs, 'an array cut short', lambda path: os.truncate(file_of(path, 'margin'), 128 + 2 * IMAGES * (EPOCHS - 1) + 6), 0,
            'history_margin.npy: ', before)
    goes_on(runs, 'a torn header', torn, 0)


def check_keys(runs):
    off = train(runs, NAME, *SMALL, '--set', 'record_images=false', '--epochs', str(EPOCHS + 1))
    ok(off.returncode == 3 and 'record_images' in off.stderr, 'a history is kept from the first epoch to the last', off.stderr)
    with temporary() as others:
        shutil.copytree(runs, others, dirs_exist_ok=True)
        fresh = train(others, NAME, *SMALL, '--set', 'record_images=false', '--epochs', '1', '--fresh')
        ok(fresh.returncode == 0 and not [n for n in os.listdir(folder(others)) if n.startswith('history')],
           '--fresh removes the history', fresh.stderr, os.listdir(folder(others)))
    dry = [subprocess.run([RETHINK, 'train', 'MLP1_0.5_none', '--data', 'shapes10', '--dry-run', '--epochs', '100', '--set',
                           f'record_images={word}'], capture_output=True, text=True, timeout=60 * SLOWER) for word in ('false', 'true')]
    need = [float(d.stdout.split('# disk        at most ')[1].split()[0]) for d in dry]
    ok(0 <= need[1] - need[0] - 100 * 10000 * 7 / 2 ** 20 < 0.2, '--dry-run knows what histories need', need, dry[1].stdout)


with temporary() as whole:
    check_content(whole)
    check_rewinding(whole)
    check_damage(whole)
    check_keys(whole)
check_interruptions()
check_another_order()
done()
