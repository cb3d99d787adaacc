"""Sweeps on GPUs, of which a driver made for tests pretends that there are two: runs side by side and spread over them, the bytes
of runs alone, images on the device once, and how many runs there is room for."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'train')]
import tap  # noqa: E402
from runs import differences, outcome  # noqa: E402

work = tempfile.mkdtemp(prefix='rethink-devices-')
TINY = ['--data', 'shapes10', '--set', 'train_size=32', '--set', 'batch_size=16', '--set', 'test_size=16', '--set', 'track=[]', '--epochs', '1']
NAMES = ['MLP1_0.0_none', 'MLP1_0.5_none', 'MLP1_1.0_none']


def rethink(*words, runs, **environment):
    return subprocess.run([tap.RETHINK, *words, '--runs', os.path.join(work, runs)], capture_output=True, text=True, cwd=work, stdin=subprocess.DEVNULL,
                          timeout=600 * tap.SLOWER, env={**os.environ, **environment})


def sweep(*words, runs, **environment):
    return rethink('sweep', *words, '--no-figures', runs=runs, **environment)


def left(runs, name):
    parts = outcome(os.path.join(work, runs, 'MLP1', name))
    for key in 'state', 'result':  # the name of the device
        parts[key] = re.sub(r'Fake GPU \d', 'Fake GPU', str(parts[key]))
    return parts


def spread():
    p = sweep(*NAMES, *TINY, '--device', 'cuda:0,1', '--side-by-side', '1', runs='both', RT_FAKE_CUDA_DEVICES='2')
    where = re.findall(r'started on (\S+)', p.stderr)
    tap.ok(p.returncode == 0 and len(where) == 3 and set(where) == {'cuda:0', 'cuda:1'}, 'three runs over two devices', p.stderr)
    p = sweep(*NAMES, *TINY, '--device', 'cuda', '--side-by-side', '3', runs='one')
    tap.ok(p.returncode == 0 and p.stderr.count('started on cuda:0') == 3, 'and side by side on one', p.stderr)
    for name in NAMES:
        alone = rethink('train', name, *TINY, '--device', 'cuda', '--quiet', runs='alone')
        wrong = [(runs, differences(left('alone', name), left(runs, name))) for runs in ('both', 'one')]
        tap.ok(alone.returncode == 0 and not any(w[1] for w in wrong), f'{name}: the bytes of a run alone', wrong, alone.stderr)


def images_once():
    """Without running kernels, on devices of little memory: 28 MB of images and about as much for each run."""
    many = ['MLP1_0.[0-2]_none', '--data', 'shapes10', '--set', 'track=[]', '--epochs', '1', '--device', 'cuda']
    p = sweep(*many, '--side-by-side', '3', runs='once', RT_FAKE_CUDA_DRY='1', RT_FAKE_CUDA_MEMORY='140000000')
    tap.ok(p.returncode == 0 and '3 of 3 finished' in p.stderr, 'runs that differ in labels have their images on the device once', p.stderr)
    p = sweep(*many, '--side-by-side', '3', runs='full', RT_FAKE_CUDA_DRY='1', RT_FAKE_CUDA_MEMORY='100000000')
    failed = re.findall(r'warning: (\S+): failed after \S+: (.*)', p.stderr)
    # Room for two; where all three ask at once, two may each find the last of it taken.
    good = len(failed) in (1, 2) and f'{3 - len(failed)} of 3 finished' in p.stderr and all('memory' in why for _, why in failed)
    tap.ok(p.returncode != 0 and good, 'one too many fails, with one clear line, and not the others',
           p.stderr)
    p = sweep(*many, runs='room', RT_FAKE_CUDA_DRY='1', RT_FAKE_CUDA_MEMORY='100000000')
    lines = [line.split(': ')[1].split()[0] for line in p.stderr.splitlines() if line.startswith('MLP1')]
    tap.ok(p.returncode == 0 and lines == ['started', 'finished'] * 3, 'without --side-by-side: as many at once as there is room for', p.stderr)


def unequal():
    """Two devices, the second with room for one run: so many on each."""
    p = sweep('MLP1_0.[0-3]_none', '--data', 'shapes10', '--set', 'track=[]', '--epochs', '1', '--device', 'cuda:0,1', runs='unequal',
              RT_FAKE_CUDA_DRY='1', RT_FAKE_CUDA_DEVICES='2', RT_FAKE_CUDA_MEMORY='16000000000,80000000')
    tap.ok(p.returncode == 0 and '4 of 4 finished' in p.stderr, 'as many side by side as the smaller device has room for', p.stderr)


def lost():
    """A device is lost in mid-run: its run goes on on the other, and ends as alone; without another, nothing more is begun."""
    words = [*NAMES, *TINY, '--side-by-side', '1', '--device']
    p = sweep(*words, 'cuda:0,1', runs='lost', RT_FAKE_CUDA_DEVICES='2', RT_FAKE_CUDA_FAIL='cuEventSynchronize:2:-700')
    wrong = [w for w in (differences(left('alone', name), left('lost', name)) for name in NAMES) if w]
    tap.ok(p.returncode == 0 and p.stderr.count('is lost; goes on') == 1 and '3 of 3 finished' in p.stderr, 'a lost device costs no run', p.stderr)
    tap.empty(wrong, 'and its run ends with the bytes of a run alone')
    p = sweep(*words, 'cuda', runs='gone', RT_FAKE_CUDA_FAIL='cuEventSynchronize:2:-700')
    tap.ok(p.returncode == 8 and p.stderr.count('started on') == 1 and p.stderr.count('failed after') == 1 and 'cuEventSynchronize' in p.stderr,
           'the only device lost: exit 8, and no run is begun on it', p.stderr)
    p = sweep(*words, 'cuda', runs='gone')
    tap.ok(p.returncode == 0 and '3 of 3 finished' in p.stderr, 'the same command goes on', p.stderr)


def refused():
    p = sweep(*NAMES, *TINY, '--device', 'cuda:0,7', runs='refused')
    tap.ok(p.returncode == 3 and 'cuda:7' in p.stderr and p.stderr.count('\n') == 1, 'a device that is not there: exit 3', p.stderr)
    p = sweep(*NAMES, *TINY, '--device', 'cuda:0,1', '--launcher', 'print', runs='refused', RT_FAKE_CUDA_DEVICES='2')
    tap.ok(p.returncode == 2 and '--launcher threads' in p.stderr, 'several devices need threads', p.stderr)
    with open(os.path.join(work, 'other.yaml'), 'w') as f:
        f.write('model_name: MLP1\nexperiment_name: other\ndevice: cuda\n')
    p = sweep(NAMES[0], 'other.yaml', *TINY, runs='refused')
    tap.ok(p.returncode == 3 and '--device' in p.stderr, 'one sweep on two kinds of devices', p.stderr)


try:
    for part in (spread, images_once, unequal, lost, refused):
        part()
finally:
    shutil.rmtree(work)
tap.done()
