#!/usr/bin/env python3
"""Minimum-norm solutions against NumPy in double: every kernel, with and without ridge, in one tile and in several, by
Cholesky and by conjugate gradients, with K stored and not; random filters; near-duplicates; what is singular; too little
memory; SGD's limit."""
import csv
import io
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
from cli import CONFIG, DATA, USAGE, done, ok, refuses, run, skip  # noqa: E402
from tap import SLOWER, skip_all  # noqa: E402

try:
    import numpy
except ImportError:
    skip_all('NumPy is missing (python3-numpy)')

DRIVE = os.environ['RT_KERNEL_DRIVE']
CHANNELS, SIDE, TEST = 3, 12, 90
ENV = dict(os.environ, OPENBLAS_NUM_THREADS='1')
MEMORY = 1
HAS_LAPACK = not run('kernel', '--data', 'shapes10', '--train-size', '20', '--width', '1').code


class Images:
    """Smooth images, as real ones are, of `train` + TEST, with labels that they have little to do with."""

    def __init__(self, folder, name, train, twins=(), bright=False):
        draws = numpy.random.RandomState(7)
        count = train + TEST
        coarse = draws.randint(0, 256, (count, CHANNELS, 4, 4))
        self.pixels = coarse.repeat(3, 2).repeat(3, 3)
        self.pixels = numpy.clip(self.pixels + draws.randint(-20, 21, self.pixels.shape), 0, 255).astype(numpy.uint8)
        if bright:  # so that sums of squares are beyond 2^24
            self.pixels = 255 - self.pixels // 4
        self.labels = draws.randint(0, 10, count).astype(numpy.uint8)
        for a, b, change in twins:  # b is a, but for one pixel
            self.pixels[b] = self.pixels[a]
            self.pixels[b, 0, 0, 0] ^= change
            self.labels[b] = (self.labels[a] + 1) % 10
        self.train = train
        self.path = os.path.join(folder, name)
        with open(self.path, 'wb') as file:
            file.write(self.labels.tobytes() + self.pixels.tobytes())

    def conv(self, filters, seed=42):
        """Random convolutional features, as src/theory/points_conv.c says, in double."""
        draws = numpy.random.RandomState(seed)
        windows = numpy.lib.stride_tricks.sliding_window_view(self.pixels.astype(float), (6, 6), (2, 3))  # image, channel, y, x, 6, 6
        windows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(self.pixels), SIDE - 5, SIDE - 5, -1)
        windows = windows - windows.mean(-1, keepdims=True)
        windows /= numpy.sqrt((windows ** 2).mean(-1, keepdims=True) + 10)

        def draw(count):
            return numpy.array([windows[tuple(int(draws.randint(n)) for n in (self.train, SIDE - 5, SIDE - 5))] for _ in range(count)])

        sample = draw(40000)
        mean = sample.mean(0)
        values, vectors = numpy.linalg.eigh((sample - mean).T @ (sample - mean) / len(sample))
        w = vectors / numpy.sqrt(values + 0.1) @ vectors.T
        f = (draw(filters) - mean) @ w
        f /= numpy.sqrt((f ** 2).sum(1, keepdims=True))
        z = (windows - mean) @ w @ f.T
        halves = slice(0, (SIDE - 4) // 2), slice((SIDE - 4) // 2, None)
        x = numpy.concatenate([numpy.maximum(sign * z[:, y, x] - 0.25, 0).sum((1, 2)) for y in halves for x in halves
                               for sign in (1, -1)], 1)
        fit = x[:self.train]
        return (x - fit.mean(0)) / fit.std(0)

    def gabor(self):
        """Magnitudes of Gabor wavelets, as src/theory/points_gabor.c says, in double."""
        grey = numpy.pad(self.pixels.astype(float).mean(1) / 255, ((0, 0), (7, 7), (7, 7)))
        windows = numpy.lib.stride_tricks.sliding_window_view(grey, (15, 15), (1, 2))
        v, u = numpy.mgrid[-7:8, -7:8]
        waves = []
        for length in (4, 4 * 2 ** 0.5, 8, 8 * 2 ** 0.5):
            for t in numpy.arange(8) * numpy.pi / 8:
                g = numpy.exp(-(u ** 2 + v ** 2) / (length ** 2 / 2) + 2j * numpy.pi * (u * numpy.cos(t) + v * numpy.sin(t)) / length)
                real = g.real - g.real.mean()
                wave = real / numpy.sqrt((real ** 2).sum()) + 1j * g.imag / numpy.sqrt((g.imag ** 2).sum())
                waves.append(numpy.abs((windows * wave).sum((3, 4))).reshape(-1, SIDE // 4, 4, SIDE // 4, 4).mean((2, 4)))
        return numpy.stack(waves, 3).reshape(len(grey), -1)

    def expected(self, kernel, width, ridge, features='pixels', filters=1):
        """(norm, outputs of the test images) in double."""
        x = self.conv(filters) if features == 'conv' else self.gabor() if features == 'gabor' else self.pixels.reshape(len(self.pixels), -1).astype(float) / 255
        if kernel == 'linear':
            k = x @ x.T
        else:
            squares = ((x[:, None, :] - x[None, :, :]) ** 2).sum(2) if len(x) < 300 else \
                numpy.array([((x - row) ** 2).sum(1) for row in x])
            k = numpy.exp(-width * (squares if kernel == 'gaussian' else numpy.sqrt(squares)))
        n = self.train
        k = k.astype(numpy.float32).astype(float)  # as it is stored: near-duplicates hang on it
        fit = k[:n, :n]
        y = numpy.eye(10)[self.labels[:n]]
        alpha = numpy.linalg.solve(fit + ridge * fit.trace() / n * numpy.eye(n), y)
        return numpy.sqrt((alpha * (fit @ alpha)).sum()), k[n:, :n] @ alpha

    def solve(self, kernel, width, ridge, solver='cholesky', threads=2, memory=0, features='pixels', filters=1):
        process = subprocess.run([DRIVE, self.path, str(CHANNELS), str(SIDE), str(self.train), str(TEST), kernel, repr(width), repr(ridge),
                                  solver, str(threads), repr(memory), features, str(filters)],
                                 capture_output=True, text=True, timeout=60 * SLOWER, env=ENV)
        if process.returncode:
            return process, None
        lines = process.stdout.splitlines()
        return lines[0].split(), numpy.array([line.split() for line in lines[1:]], float)


def agree(images, kernel, width, ridge, what, bound=2e-5, **options):
    norm, outputs = images.expected(kernel, width, ridge, options.get('features'), options.get('filters'))
    head, got = images.solve(kernel, width, ridge, **options)
    if got is None:
        ok(False, what, head.stderr)
        return None
    off = numpy.abs(got - outputs).max() / numpy.abs(outputs).max()
    off_norm = abs(float(head[0]) - norm) / norm
    wrong = int((outputs.argmax(1) != images.labels[images.train:]).sum())
    ok(off <= bound and off_norm <= bound and float(head[1]) <= 2e-6 and abs(int(head[4]) - wrong) <= 1,
       f'{what}: norm {norm:.6g}, outputs within {off:.1g}', off, off_norm, head, wrong)
    return head


def check_kernels(folder):
    small, large = Images(folder, 'small', 200, [(5, 150, 128)]), Images(folder, 'large', 1100, [(3, 1000, 128)])
    # one pixel by one grey level: a distance of 1/255, which products in single precision do not see
    twins = Images(folder, 'near', 1100, [(3, 1000, 1), (7, 520, 1)], bright=True)
    for name, images in (('one tile', small), ('three tiles', large)):
        for kernel, width in (('gaussian', 0.3), ('laplacian', 0.2)):
            for ridge in (0.0, 0.1):
                agree(images, kernel, width, ridge, f'{kernel} {width}, ridge {ridge}, {name}')
        agree(images, 'gaussian', 0.05, 0.01, f'conjugate gradients, {name}', solver='cg')
    agree(twins, 'laplacian', 0.8, 0.0, 'near-duplicates', bound=2e-4)
    agree(Images(folder, 'plain', 200), 'linear', 1.0, 0.0, 'linear, fewer images than pixels')
    agree(large, 'linear', 1.0, 0.1, 'linear, more images than pixels, ridge 0.1')
    head = agree(large, 'gaussian', 0.05, 0.01, 'K not stored beside its factor', memory=8e6)
    ok(head and head[5] == '0', 'and it is not stored', head)
    head = agree(large, 'gaussian', 0.05, 0.01, 'conjugate gradients, K not stored', memory=3e6, solver='cg')
    ok(head and head[5] == '0', 'and it is not stored', head)
    one, three = (large.solve('gaussian', 0.05, 0.0, threads=threads) for threads in (1, 3))
    ok(one[1] is not None and one[0] == three[0] and (one[1] == three[1]).all(), 'the same bits with one thread and with three',
       one[0], three[0])
    head, got = large.solve('gaussian', 0.05, 0.0, memory=1e6)
    ok(got is None and head.returncode == MEMORY and re.search(r'1100 images need 0\.01 GB and 0\.00 GB can be used; --train-size \d+ fits, '
                                                              r'or --solver cg', head.stderr), 'too little memory', head)
    head, got = large.solve('gaussian', float('nan'), 0.01, memory=1e7)
    ok(got is None and head.returncode == MEMORY and re.search(r'a search on 1100 images needs 0\.01 GB and 0\.01 GB can be used; --search-size \d+ fits', head.stderr),
       'too little memory for a search', head)
    head, got = large.solve('gaussian', float('nan'), 0.01, memory=2e7)
    ok(got is not None and float(head[1]) <= 2e-6, 'and enough', head)


def check_conv(folder):
    images = Images(folder, 'conv', 560)
    conv = {'features': 'conv', 'filters': 520}  # two blocks of filters, the second one nearly empty
    agree(images, 'gaussian', 1e-4, 0.0, 'random convolutional filters', bound=2e-4, **conv)
    agree(images, 'linear', 1.0, 0.1, 'the linear kernel on them', bound=2e-4, **conv)
    agree(images, 'gaussian', 0.5, 0.01, 'Gabor wavelets', bound=2e-4, features='gabor')
    one, three = (images.solve('gaussian', 1e-4, 0.0, threads=threads, **conv) for threads in (1, 3))
    ok(one[1] is not None and one[0] == three[0] and (one[1] == three[1]).all(), 'the same bits with one thread and with three')


def rows_of(result):
    return list(csv.DictReader(io.StringIO(result.out)))


def check_sgd():
    common = ['kernel', '--data', 'shapes10', '--set', 'test_size=1', '--sgd', '--train-size', '12', '--format', 'csv']
    result = run(*common, '--steps', '50000', '--labels', 'random')
    rows = rows_of(result)
    ok(rows and [int(row['step']) for row in rows][:5] == [1, 2, 5, 10, 20], 'SGD is measured at 1, 2, 5, ... steps', result)
    last = rows[-1] if rows else {}
    ok(last and float(last['distance']) < 1e-3 and float(last['train_error']) == 0, 'SGD ends at the minimum-norm solution, on random labels', last)
    ok(rows and all(float(row['outside']) < 1e-11 for row in rows), 'and never leaves the span of the images', rows)
    away = rows_of(run(*common, '--steps', '50000', '--labels', 'random', '--off-span', '0.5'))
    ok(away and abs(float(away[-1]['distance']) - 0.5) < 1e-2 and float(away[-1]['residual']) < 1e-3,
       'begun off the span, it fits as well and stays as far from the minimum-norm solution', away[-1:])
    with tempfile.TemporaryDirectory() as folder:
        saved = run(*common, '--steps', '100', '-o', folder)
        with open(folder + '/kernel_sgd_shapes10.csv') as f:
            ok(f.read() == saved.out and saved.out.startswith('n,step,'), 'a file for the report', saved)
    result = run(*common, '--rate', '1')
    ok(result.code == 7 and 'SGD diverged at a rate of 1' in result.err, 'a rate that is too large', result)
    for arguments, pattern in ((['--kernel', 'linear'], 'not with --sgd'), (['--rate', '0'], 'a number above 0'), (['--features', 'conv', '--filters', '600'], '--sgd: not with')):
        refuses([*common, *arguments], USAGE, pattern)
    refuses(['kernel', '--data', 'shapes10', '--steps', '5'], USAGE, 'only with --sgd')


def check_singular(folder):
    twins = Images(folder, 'twins', 700, [(10, 600, 0)])
    head, got = twins.solve('gaussian', 0.05, 0.0)
    ok(got is None and head.returncode == DATA and re.search(r'singular in single precision: pivot 600 is not positive.*--ridge 1e-06', head.stderr),
       'two equal images with different labels: the pivot is named', head)
    agree(twins, 'gaussian', 0.05, 0.01, 'with a ridge they are no obstacle')
    agree(Images(folder, 'many', 400), 'gaussian', 0.0005, 0.0, 'a width so small that pivots vanish: the factor is shifted, K is not',
          bound=1e-2)
    head, got = Images(folder, 'rank', 600).solve('linear', 1.0, 0.0)
    ok(got is None and head.returncode == DATA and re.search(f'more images than features, of which an image has {CHANNELS * SIDE * SIDE}\\); set --ridge', head.stderr),
       'more images than pixels, no ridge', head)
    head, got = Images(folder, 'rank_cg', 300, [(i, 200 + i, 128) for i in range(100)]).solve('linear', 1.0, 0.0, solver='cg', threads=1)
    ok(got is None and head.returncode == DATA and 'set --ridge, or' in head.stderr and 'width' not in head.stderr,
       'the linear kernel has no width to be set', head)


def check_command():
    common = ['kernel', '--data', 'shapes10', '--set', 'test_size=500']
    if HAS_LAPACK:
        result = run(*common, '--train-size', '300', '--search-size', '200')
        ok(not result.code and 'training error 0.00 %' in result.out and 'the first 160 training images, tested on the 40' in result.err
           and '<- best' in result.err, 'searches the width and fits', result)
        result = run(*common, '--train-size', '300', '--labels', 'random', '--format', 'csv', '--width', '0.02')
        row = dict(zip(*(line.split(',') for line in result.out.splitlines()))) if result.out.count('\n') == 2 else {}
        ok(row and float(row['train_error']) == 0 and float(row['test_error']) > 0.8 and not result.err, 'fits random labels; CSV', result)
        with tempfile.TemporaryDirectory() as folder:
            saved = run(*common, '--train-size', '300', '--labels', 'random', '--width', '0.02', '-o', folder + '/new')
            written = list(csv.DictReader(open(folder + '/new/kernel_shapes10_pixels_gaussian.csv'))) if not saved.code else []
        same = ('n', 'wrong_labels', 'width', 'train_error', 'test_error', 'norm')
        ok(len(written) == 1 and [written[0][name] for name in same] == [row.get(name) for name in same] and
           240 < int(row['wrong_labels']) <= 300 and 'training error' in saved.out, 'a file for the report, beside what is printed', saved, written)
        result = run(*common, '--train-size', '300', '--ridge', 'auto', '--search-size', '100', '--kernel', 'linear')
        ok(not result.code and result.err.count('ridge ') == 7, 'searches the ridge', result)
    without = dict(os.environ, RETHINK_LAPACK='/nowhere/liblapack.so')
    refuses([*common, '--width', '1'], CONFIG, r'RETHINK_LAPACK: /nowhere/liblapack.so: cannot open', env=without)
    refuses([*common, '--width', '1'], CONFIG, r'/lib\S*libm\.so\.6 has no spotrf_: no LAPACK', env=dict(os.environ, RETHINK_LAPACK='/lib/' + os.uname().machine + '-linux-gnu/libm.so.6')) \
        if os.path.exists('/lib/' + os.uname().machine + '-linux-gnu/libm.so.6') else skip('a library without LAPACK', 'there is no libm.so.6')
    result = run(*common, '--train-size', '200', '--width', '0.1', '--solver', 'cg', env=without)
    ok(not result.code and 'of conjugate gradients' in result.out, 'conjugate gradients need no LAPACK', result)
    for arguments, pattern in ((['--kernel', 'cubic'], 'expected one of gaussian laplacian linear'), (['--width', '0'], 'auto or a number above 0'),
                               (['--width', 'nan'], 'auto or a number above 0'), (['--ridge', '-1'], 'auto or a number from 0 to 1e6'), (['--ridge', '1e308'], 'from 0 to 1e6'),
                               (['--kernel', 'linear', '--width', '1'], 'the linear kernel has none'), (['--features', 'x'], 'expected one of pixels'),
                               (['--solver', 'lu'], 'expected one of cholesky cg'), (['--set', 'momentum=0.5'], 'has no effect here')):
        refuses([*common, *arguments], USAGE, pattern)


def write_batches(folder):
    """Random images in CIFAR-10's layout; only the first of each file are there, the rest is zeros (sparse)."""
    for seed, name in enumerate([f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']):
        records = numpy.random.RandomState(seed).randint(0, 256, (100, 3073)).astype(numpy.uint8)
        records[:, 0] %= 10
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(records.tobytes())
            file.truncate(30730000)


def write_idx(folder, count):
    """Random images as MNIST's files; 300 test images."""
    draws = numpy.random.RandomState(1)
    for name, images in (('train', count), ('t10k', 300)):
        with open(os.path.join(folder, f'{name}-images-idx3-ubyte'), 'wb') as file:
            file.write(bytes([0, 0, 8, 3]) + images.to_bytes(4, 'big') + 2 * (28).to_bytes(4, 'big') + draws.bytes(images * 784))
        with open(os.path.join(folder, f'{name}-labels-idx1-ubyte'), 'wb') as file:
            file.write(bytes([0, 0, 8, 1]) + images.to_bytes(4, 'big') + bytes(draws.randint(0, 10, images).tolist()))


def check_paper(folder):
    """The paper's numbers stand beside ours, with what they are of, and what they say; none beside what the paper has not."""
    cifar10, mnist = (os.path.join(folder, name) for name in ('batches', 'idx'))
    os.mkdir(cifar10)
    os.mkdir(mnist)
    write_batches(cifar10)
    write_idx(mnist, 400)
    given = os.path.join(folder, 'given.csv')
    with open(given, 'w') as file:
        file.write('index,label\n' + ''.join(f'{i},{i % 10}\n' for i in range(100)))
    common = ['kernel', '--train-size', '100', '--set', 'test_size=50', '--solver', 'cg', '--width', '0.02']
    pixels, shapes = ['--data', cifar10], ['--data', 'shapes10']
    for what, arguments, wanted in (
            ('CIFAR-10', pixels, ['in the paper, on all images: 46 %']),
            ('fewer filters', [*pixels, '--features', 'conv', '--filters', '20'], ['in the paper, 32,000 filters on all images: 17 %']),
            ('with a ridge', [*pixels, '--features', 'conv', '--filters', '20', '--ridge', '0.1'], ['32,000 filters on all images: 15 %']),
            ('MNIST', ['--data', mnist], ['in the paper, on all images: 1.2 %', 'in the paper, on all images: about 220', 'from 220 to 390']),
            ('Gabor wavelets', ['--data', mnist, '--features', 'gabor'], ['in the paper, on all images: 0.6 %', 'about 390']),
            ('pixels with a ridge', [*pixels, '--ridge', '0.1'], []), ('another kernel', [*pixels, '--kernel', 'laplacian'], []),
            ('random labels', [*pixels, '--labels', 'random'], []), ('other images', shapes, []), ('labels of a file', [*pixels, '--labels', given], []),
            ('scrambled pixels', [*pixels, '--set', 'data_corruption_type=shuff_pix'], [])):
        result = run(*common, *arguments)
        ok(not result.code and all(text in result.out for text in wanted) and ('in the paper' in result.out) == bool(wanted)
           and 'The paper: the model of least norm' in result.out, f'{what}: {wanted[0] if wanted else "no number of the paper"}, and what it shows', result)
    row = dict(zip(*(line.split(',') for line in run(*common, *pixels, '--format', 'csv').out.splitlines())))
    ok(row.get('paper') == '', 'in a column only beside all images', row)
    result = run('kernel', '--data', 'shapes10', '--sgd', '--train-size', '5', '--set', 'test_size=1', '--steps', '10')
    ok('The paper: from w = 0 SGD' in result.out, 'what SGD shows', result)


def main():
    with tempfile.TemporaryDirectory() as folder:
        if HAS_LAPACK:
            check_kernels(folder)
            check_singular(folder)
            check_conv(folder)
        else:
            skip('solutions by Cholesky', 'there is no LAPACK (libopenblas0-pthread)')
    with tempfile.TemporaryDirectory() as folder:
        check_paper(folder)
    check_command()
    check_sgd()
    done()


main()
