#!/usr/bin/env python3
"""CIFAR-10's Python version: the bytes are those of the binary version, as Python 2 pickled them and as Python 3 does; what
is not such a dictionary is refused, and nothing in it is ever called."""
import os
import pickle
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import tap  # noqa: E402
from python2_pickle import Python2  # noqa: E402

try:
    import numpy
except ImportError:
    tap.skip_all('NumPy is not installed')

NAMES = [f'data_batch_{i}' for i in range(1, 6)] + ['test_batch']
DATA = 4


def check(folder, *args):
    p = subprocess.run([tap.RETHINK, 'data', 'check', folder, *args], capture_output=True, text=True, timeout=120 * tap.SLOWER)
    return p.returncode, p.stdout, p.stderr


def digests(text):
    return [line.split()[2] for line in text.splitlines() if 'SHA-256' in line]


def make(root, sub, write):
    """The six files in a folder: one, and links to it."""
    folder = os.path.join(root, sub)
    os.makedirs(folder, exist_ok=True)
    suffix = '.bin' if sub.endswith('bin') else ''
    with open(os.path.join(folder, NAMES[0] + suffix), 'wb') as f:
        f.write(write)
    for name in NAMES[1:]:
        if not os.path.lexists(os.path.join(folder, name + suffix)):
            os.symlink(NAMES[0] + suffix, os.path.join(folder, name + suffix))


rng = numpy.random.default_rng(7)
labels = rng.integers(0, 10, 10000, numpy.uint8)
pixels = rng.integers(0, 256, (10000, 3072), numpy.uint8)
BATCH = {b'batch_label': b'training batch 1 of 5', b'labels': labels.tolist(), b'data': pixels,
         b'filenames': [b'a_very_long_name_of_an_image_s_%06d.png' % i for i in range(10000)]}

with tempfile.TemporaryDirectory() as work:
    make(work + '/binary', 'cifar-10-batches-bin', numpy.hstack([labels[:, None], pixels]).tobytes())
    code, text, error = check(work + '/binary')
    want = digests(text)
    tap.ok(code == 0 and len(want) == 6, 'the binary version', error)

    made = {'by Python 2': Python2().batch(BATCH), **{f'by Python 3, protocol {p}': pickle.dumps(BATCH, protocol=p) for p in (3, 4, 5)}}
    made['by Python 3, protocol 4, str keys'] = pickle.dumps({k.decode(): v for k, v in BATCH.items()}, protocol=4)
    made['by Python 2, another order of keys'] = Python2().batch({k: BATCH[k] for k in sorted(BATCH)})
    made['by Python 2, without names'] = Python2().batch({k: BATCH[k] for k in (b'data', b'labels')})
    for what, data in made.items():
        make(work + '/python', 'cifar-10-batches-py', data)
        for folder in (work + '/python', work + '/python/cifar-10-batches-py'):
            code, text, error = check(folder)
            tap.ok(code == 0 and digests(text) == want, f'{what}: the same bytes ({os.path.basename(folder)})', code, error, text)

    runs = []
    for folder in ('binary', 'python'):
        p = subprocess.run([tap.RETHINK, 'train', 'MLP1_0.5_none', '--data', f'{work}/{folder}', '--runs', f'{work}/runs-{folder}', '--quiet',
                            '--epochs', '1', '--set', 'train_size=512', '--set', 'test_size=128'], capture_output=True, text=True, timeout=120 * tap.SLOWER)
        found = f'{work}/runs-{folder}/MLP1/MLP1_0.5_none/metrics.csv'
        columns = [line.rsplit(',', 1)[0] for line in open(found)] if os.path.exists(found) else p.stderr
        runs.append([[c for n, c in enumerate(line.split(',')) if n < 5] for line in columns])
    tap.ok(runs[0] == runs[1] and len(runs[0]) > 1, 'a run on either is the same', runs)

    class Evil:
        def __reduce__(self):
            return os.system, (f'touch {work}/called',)

    good = made['by Python 2']
    hundred = {**{k: BATCH[k] for k in (b'filenames', b'batch_label')}, b'fine_labels': BATCH[b'labels'], b'data': pixels}
    for what, data, word in (
            ('a call', pickle.dumps({b'labels': Evil()}, protocol=2), 'function or class'),
            ('a call by its name on the stack', pickle.dumps({b'labels': Evil()}, protocol=4), 'function or class'),
            ('protocol 0', pickle.dumps({b'labels': [1]}, protocol=0), 'protocol 2'),
            ("Python 3 at protocol 2, whose bytes are text", pickle.dumps(BATCH, protocol=2), 'function or class'),
            ('CIFAR-100', Python2().batch(hundred), 'fine_labels'),
            ('no dictionary', pickle.dumps([1, 2], protocol=2), 'dictionary'),
            ('a second dictionary', pickle.dumps({'a': {}}, protocol=2), 'second dictionary'),
            ('no labels', Python2().batch({b'data': pixels}), "no 'labels'"),
            ('no data', Python2().batch({b'labels': BATCH[b'labels']}), "no 'data'"),
            ('a label too few', Python2().batch({**BATCH, b'labels': BATCH[b'labels'][:-1]}), '10000 labels'),
            ('a label too many', Python2().batch({**BATCH, b'labels': BATCH[b'labels'] + [1]}), '10000'),
            ('a label of 10', Python2().batch({**BATCH, b'labels': [1] * 9999 + [10]}), 'record 9999 has label 10'),
            ('names for labels', Python2().batch({**BATCH, b'labels': BATCH[b'filenames']}), '10000 labels'),
            ('an array of another shape', pickle.dumps({**BATCH, b'data': pixels.reshape(3072, 10000)}, protocol=4), '10000 x 3072'),
            ('an array of another type', pickle.dumps({**BATCH, b'data': pixels.astype(numpy.int8)}, protocol=4), 'uint8'),
            ("an array in Fortran's order", pickle.dumps({**BATCH, b'data': numpy.asfortranarray(pixels)}, protocol=4), 'row by row'),
            ('cut short in the pixels', good[:1000000], 'announced'),
            ('cut short at the end', good[:-1], 'ends within'),
            ('bytes behind the end', good + b'x', 'behind'),
            ('empty', b'', 'ends within'),
            ('not a pickle', b'PNG' * 1000, 'not a pickle'),
            ('a length of 2^64 - 1', b'\x80\x04\x8e' + b'\xff' * 8, 'length'),
            ('a length of 2^62', b'\x80\x04\x8e' + struct.pack('<Q', 1 << 62), 'announced'),
            ('a tower of lists', b'\x80\x02' + b']' * 100000, 'lists'),
            ('a tower of marks', b'\x80\x02' + b'(' * 100000, 'stack'),
            ('a tower of tuples', b'\x80\x02)' + b'\x85' * 100000, 'tuples'),
            ('doubling tuples', b'\x80\x02)' + b'q\x00h\x00\x86' * 100000, 'tuples'),
            ('a memory of everything', b'\x80\x04' + b'N\x94(t' * 1 + b'N' + b'\x94' * 100000, 'remembers'),
            ('recalls nothing', b'\x80\x02h\x07.', 'recalls'),
            ('takes from nothing', b'\x80\x02a.', 'empty stack')):
        make(work + '/bad', 'cifar-10-batches-py', data)
        code, text, error = check(work + '/bad')
        tap.ok(code == DATA and word in error and error.count('\n') == 1 and 'data_batch_1' in error, f'refused: {what}', code, error)
    tap.ok(not os.path.exists(work + '/called'), 'nothing was called')
    os.mkdir(work + '/none')
    code, text, error = check(work + '/none')
    tap.ok(code == DATA and 'cifar-10-batches-py' in error, 'a folder with neither', error)
tap.done()
