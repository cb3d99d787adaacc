#!/usr/bin/env python3
"""Theorem 1's networks: weights and residuals against exact fractions, three points with the paper's numbers, 100 % on
images with random labels, deep networks, equal images, and what is refused."""
import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
from cli import CONFIG, DATA, IO, USAGE, done, ok, refuses, run, skip  # noqa: E402
from tap import SLOWER  # noqa: E402

DRIVE = os.environ['RT_THEOREM1_DRIVE']
WAYS = ['substitution double', 'differences double', 'differences double-double']


def drive(z, y, depth):
    """(widest, fixed), b, and {way: (w, residuals)}, all exact."""
    lines = [f'{len(z)} {depth}'] + [f'{float(a).hex()} {float(b).hex()}' for a, b in zip(z, y)]
    out = subprocess.run([DRIVE], input='\n'.join(lines), capture_output=True, text=True, check=True, timeout=60 * SLOWER).stdout
    lines = out.splitlines()
    widths = tuple(map(int, lines[0].split()))
    b = [Fraction(float.fromhex(line)) for line in lines[1:len(z) + 1]]
    ways, at = {}, len(z) + 1
    while at < len(lines):
        rows = [[Fraction(float.fromhex(word)) for word in line.split()] for line in lines[at + 1:at + 1 + len(z)]]
        ways[lines[at]] = [row[0] + row[1] for row in rows], [row[2] for row in rows]
        at += 1 + len(z)
    return widths, b, ways


def solve(z, b, y):
    """A w = y by forward substitution, exactly."""
    w = []
    for i in range(len(z)):
        w.append((y[i] - sum(w[j] * (z[i] - b[j]) for j in range(i))) / (z[i] - b[i]))
    return w


def points(count, seed):
    """Random multiples of 2^-37 such as projections of images are, two of them close together, and labels."""
    draws = random.Random(seed)
    z = sorted({round(draws.gauss(0, 12) * 2**37) for _ in range(count)})
    if count > 5:
        z[4] = z[3] + 1
    return [Fraction(v, 2**37) for v in z], [Fraction(draws.randrange(10)) for _ in z]


def against_fractions():
    # of the largest weight: a rounding unit (2^-53, 2^-104) times z's range, the points and, for w, what a small gap makes of it
    weights = {'substitution double': 1e-10, 'differences double': 1e-10, 'differences double-double': 1e-25}
    labels = {'substitution double': 1e-12, 'differences double': 1e-12, 'differences double-double': 1e-27}
    for count, depth in ((1, 2), (2, 2), (9, 2), (70, 2), (70, 3), (70, 5), (64, 10), (5, 5), (5, 6)):
        z, y = points(count, count)
        (widest, fixed), b, ways = drive(z, y, depth)
        expected = solve(z, b, y)
        order = all(low < high for low, high in zip(b, z)) and all(low < high for low, high in zip(z, b[1:]))
        ok(order and list(ways) == WAYS, f'{count} points: thresholds lie between projections')
        for way, (w, residuals) in ways.items():
            scale = max(map(abs, expected))
            error = float(max(abs(a - e) for a, e in zip(w, expected)) / scale)
            ok(error <= weights[way], f'{count} points, {way}: exact weights', error)
            left = float(max(map(abs, residuals)) / scale)
            ok(left <= labels[way], f'{count} points, depth {depth}, {way}: the network gives the labels', left)
        layers = depth - 1
        blocks = [len(z) * (i + 1) // layers - len(z) * i // layers for i in range(layers)]
        most = -(-len(z) // layers) + 3
        ok(widest == len(z) if layers == 1 else max(blocks) < widest <= most, f'{count} points, depth {depth}: width', widest)
        ok((fixed == 0) == (layers == 1) and fixed <= 2 * len(z) + 5 * layers + 2, f'{count} points, depth {depth}: connections', fixed)


def deep_is_the_same():
    """In exact arithmetic a deep network is the two-layer one: in double-double the weights are, and c is to 1e-20."""
    z, y = points(200, 7)
    flat = drive(z, y, 2)[2]
    for depth in (3, 4, 11, 201):
        deep = drive(z, y, depth)[2]
        ok(all(deep[way][0] == flat[way][0] for way in WAYS), f'depth {depth}: the same weights')


def demo():
    result = run('theorem1', '--demo')
    for line in ('w_1 = (5) / 0.5 = 10', 'w_2 = (-1 - 1.5 * 10) / 0.5 = -32', 'w_3 = (4 - 2.5 * 10 - 1.5 * -32) / 0.5 = 54',
                 'b = 0.5, 1.5, 2.5', '2.5   1.5   0.5  |   4', 'w_3 = (4 - -1 - 1 * -22) / 0.5 = 54',
                 'c(3) = 10 * 2.5 + -32 * 1.5 + 54 * 0.5 = 4', '2n + d = 7 numbers'):
        ok(result.code == 0 and line in result.out, f'--demo: {line}', result)


def table(*arguments):
    result = run('theorem1', *arguments, '--format', 'csv')
    rows = list(csv.DictReader(io.StringIO(result.out)))
    if result.code or not rows:
        ok(False, ' '.join(arguments), result)
        done()
    return rows


def fits(rows, ways=WAYS):
    """Rows of these ways that do not fit all images."""
    return [row for row in rows if f'{row["method"]} {row["arithmetic"]}' in ways and float(row['accuracy']) != 1]


def on_images():
    for labels in ('true', 'random'):
        rows = table('--data', 'shapes10', '--labels', labels)
        ok(not fits(rows), f'shapes10, {labels} labels: 100 %', *fits(rows))
        ok([row['n'] for row in rows[::3]] == ['10', '100', '1000', '10000'], f'shapes10, {labels} labels: n', rows)
        ok(all(int(row['weights']) == int(row['2n+d']) == 2 * int(row['n']) + 2352 for row in rows), 'weights are 2n + d')
        exact = [row for row in rows if row['arithmetic'] == 'double-double']
        ok(all(float(row['residual_max']) < 1e-15 for row in exact), 'double-double: residuals of next to nothing', *exact)
    largest = [float(row['largest_weight']) for row in rows[::3]]
    ok(largest == sorted(largest) and largest[-1] > 1e6, 'the largest weight grows', largest)
    for depth in (3, 10):
        deep = table('--data', 'shapes10', '--labels', 'random', '--n', '10,2000', '--depth', str(depth))
        ok(not fits(deep), f'depth {depth}: 100 %', *fits(deep))
        width = int(deep[-1]['width'])
        ok(2000 / (depth - 1) < width <= 2000 / (depth - 1) + 4, f'depth {depth}: width n / {depth - 1} and a few', width)
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'labels.npy')
        written = run('data', 'labels', 'MLP1_1.0_none', '--data', 'shapes10', '-o', file)
        given, drawn = (table('--data', 'shapes10', '--n', '500', '--labels', labels)[2] for labels in (file, 'random'))
        true = table('--data', 'shapes10', '--n', '500')[2]
        ok(given['largest_weight'] == drawn['largest_weight'] != true['largest_weight'],
           'random labels are those of training with the same seed, and labels come from files', written, given, drawn)
    one, other = (table('--data', 'shapes10', '--n', '50', '--seed', seed)[0]['largest_weight'] for seed in '12')
    ok(one != other, 'another seed, another projection')
    threads = [[row[key] for row in table('--data', 'shapes10', '--n', '3000', '--threads', t) for key in ('residual_max', 'residual_rms')]
               for t in '13']
    ok(threads[0] == threads[1], 'the same residuals with any number of threads', *threads)
    if shutil.which('gnuplot'):
        with tempfile.TemporaryDirectory() as folder:
            result = run('theorem1', '--data', 'shapes10', '--n', '10,100', '-o', folder)
            with open(os.path.join(folder, 'theorem1_shapes10.csv'), newline='') as f:
                points = [row for row in csv.reader(f) if row and row[2] == 'points']
            ok(result.code == 0 and os.path.exists(os.path.join(folder, 'theorem1_shapes10.png')) and len(points) == 8
               and [row[3] for row in points] == ['10', '100'] * 4, '-o draws residuals and the largest weight', result, points)
    else:
        skip('-o draws residuals and the largest weight', 'no gnuplot')
    result = run('theorem1', '--data', 'shapes10', '--n', '20', '--format', 'json')
    ok(len(json.loads(result.out)) == 3, '--format json', result)
    text = run('theorem1', '--data', 'shapes10', '--labels', 'random', '--n', '100').out
    ok('The paper: 2n + d = 2552 weights' in text and 'says nothing of new images' in text and 'enough at every n' in text,
       'the table says what it shows', text)


def on_real_images():
    data = os.environ.get('RETHINK_TEST_DATA')
    if not data:
        skip('50,000 real images', 'RETHINK_TEST_DATA names none')
        return
    rows = table('--data', data, '--labels', 'random', '--n', '50000')
    ways = [WAYS[0], WAYS[2]]
    ok(not fits(rows, ways) and rows[0]['weights'] == '102352', '50,000 real images with random labels: 100 %', *rows)


def equal_images():
    """Image 120 is image 7 with another label; 40 is image 3 with the same."""
    record, names = 3073, [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names):
            data = bytearray(random.Random(number).randbytes(record * 10000))
            data[::record] = bytes(i % 10 for i in range(10000))
            if not number:
                data[120 * record + 1:121 * record] = data[7 * record + 1:8 * record]
                data[120 * record] = 9
                data[40 * record:41 * record] = data[3 * record:4 * record]
            with open(os.path.join(folder, name), 'wb') as f:
                f.write(data)
        data = ('--data', folder)
        refuses(['theorem1', *data, '--n', '121'], DATA,
                r'--n 121: images 7 and 120 are the same and have the labels 7 and 9, which no function fits; up to --n 120')
        rows = table(*data, '--n', '120')
        ok(not fits(rows) and rows[0]['weights'] == str(2 * 119 + 2352), 'a copy with the same label is fitted, and has no unit', *rows)
        result = run('theorem1', *data)
        ok(result.code == 0 and 'only the first 120 images can be fitted: images 7 and 120' in result.err
           and re.search(r'^ *120 ', result.out, re.MULTILINE), 'by default, up to the images that can be fitted', result)


def refused():
    shapes = ('theorem1', '--data', 'shapes10')
    refuses([*shapes, '--n', '10001'], DATA, '--n 10001: shapes10 has 10000 training images')
    refuses([*shapes, '--n', '0'], USAGE, '--n 0: at least one image')
    refuses([*shapes, '--n', '-3'], USAGE, '--n -3: at least one image')
    refuses([*shapes, '--n', '5,x'], USAGE, "--n 'x': whole numbers")
    refuses([*shapes, '--n', ''], USAGE, '--n: whole numbers')
    refuses([*shapes, '--n', '99999999999999999999'], USAGE, '--n 99999999999999999999:')
    for depth in ('0', '1', '-1'):
        refuses([*shapes, '--depth', depth], USAGE, f'--depth {depth} is out of range: 2 to')
    refuses([*shapes, '--n', '100,5', '--depth', '6'], USAGE, '--depth 6: more layers than the 5 images of --n')
    refuses([*shapes, '--set', 'learning_rate=1'], USAGE, '--set learning_rate: has no effect here')
    refuses([*shapes, '--set', 'seed=null'], USAGE, '--seed null')
    refuses([*shapes, '--labels', '/nowhere'], IO, '/nowhere')
    refuses([*shapes, '--set', 'data_corruption_type=gauss_pix'], CONFIG, 'gauss_pix has no pixels that are bytes')
    refuses([*shapes, '--format', 'xml'], USAGE, '--format xml')
    refuses(['theorem1', '--demo', '--n', '3'], USAGE, '--demo is of three points')


against_fractions()
deep_is_the_same()
demo()
on_images()
on_real_images()
equal_images()
refused()
done()
