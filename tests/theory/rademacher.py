#!/usr/bin/env python3
"""rethink rademacher: networks' correlations against `rethink evaluate`, linear classes against NumPy on the same images, signs
and features; the sweep resumes; what is refused."""
import csv
import io
import math
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
from cli import DATA, USAGE, done, ok, refuses, run, skip  # noqa: E402
from tap import skip_all  # noqa: E402

try:
    import numpy as np
except ImportError as missing:
    skip_all(f'{missing}: these tests compare with it')

MEAN = np.array([0.489255, 0.475775, 0.439889], np.float32).astype(float)  # docs/formats.md
STD = np.array([0.243047, 0.239315, 0.255997], np.float32).astype(float)
IMAGES, FEATURES, DRAWS, SEED = (60, 90), (5, 40, 100), 2, 7


def normals(seed, count):
    """torch's serial standard normals, from the outputs of MT19937."""
    words = np.random.RandomState(seed).randint(0, 2 ** 32, 2 * count, np.uint32).astype(np.uint64)
    u = ((words[::2] << np.uint64(32) | words[1::2]) & np.uint64(2 ** 53 - 1)).astype(float) / 2 ** 53
    r, t = np.sqrt(-2 * np.log1p(-u[1::2])), 2 * np.pi * u[::2]
    return np.stack([r * np.cos(t), r * np.sin(t)], 1).ravel()[:count].astype(np.float32).astype(float)


def write_images(folder):
    """Random images in CIFAR-10's layout; only the first are there, the rest is zeros (sparse)."""
    records = np.random.RandomState(1).randint(0, 256, (100, 3073)).astype(np.uint8)
    records[:, 0] %= 10
    for name in [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']:
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(records.tobytes() if name == 'data_batch_1.bin' else b'')
            f.truncate(30730000)
    x = records[:, 1:].reshape(-1, 3, 32, 32)[:, :, 2:30, 2:30] / 255.0
    return ((x - MEAN[:, None, None]) / STD[:, None, None]).reshape(len(records), -1)


def signs(seed, n):
    draws = np.random.RandomState(seed)
    draws.random_sample(60000)
    return np.where(draws.random_sample(60000)[:n] >= 0.5, 1.0, -1.0)


def expected(x, n):
    """{class: (values over draws, what theory expects)}"""
    x = x[:n]
    sigmas = [signs(SEED + i, n) for i in range(DRAWS)]
    values = x @ normals(SEED, max(FEATURES) * x.shape[1]).reshape(max(FEATURES), -1).T
    classes = {}
    for d in FEATURES:
        fits = [values[:, :d] @ np.linalg.lstsq(values[:, :d], sigma, rcond=None)[0] for sigma in sigmas]
        share = min(1, d / n)
        classes[f'linear, {d} features, mean square 1'] = [np.linalg.norm(f) / math.sqrt(n) for f in fits], math.sqrt(share)
        agree = [(sigma * np.where(f >= 0, 1, -1)).mean() for f, sigma in zip(fits, sigmas)]
        classes[f'sign of linear, {d} features'] = agree, math.erf(math.sqrt(share / (2 * (1 - share)))) if share < 1 else 1
    lengths = np.linalg.norm(x, axis=1)
    classes['linear in pixels, |w| <= 1 / max|x|'] = ([np.linalg.norm(sigma @ x) / n / lengths.max() for sigma in sigmas],
                                                       math.sqrt((lengths ** 2).sum()) / n / lengths.max())
    return classes


def near(text, number):
    return abs(float(text) - number) <= 1e-9


def near7(text, number):
    return abs(float(text) - number) <= 1e-6


def accuracy(runs, name, *words):
    out = run('evaluate', name, '--runs', runs, *words).out
    correct, count = out.split('accuracy')[1].split('(')[1].split(')')[0].split(' of ')
    return 2 * int(correct) / int(count) - 1


with tempfile.TemporaryDirectory(prefix='rethink-rademacher-') as place:
    data, runs = os.path.join(place, 'data'), os.path.join(place, 'runs')
    os.mkdir(data)
    x = write_images(data)
    small = ['rademacher', '--data', data, '--runs', runs, '--n', ','.join(map(str, IMAGES)), '--draws', str(DRAWS), '--seed', str(SEED),
             '--features', ','.join(map(str, FEATURES)), '--set', 'num_epochs=60', '--set', 'track=[]', '-q']
    plan = run(*small, '--dry-run')
    ok(plan.code == 0 and 'MLP1_rademacher_n60_seed8' in plan.out and 'class' not in plan.out and not os.path.exists(runs),
       '--dry-run shows the plan and no table', plan)
    result = run(*small, '--format', 'csv')
    rows = {(int(row['n']), row['class']): row for row in csv.DictReader(io.StringIO(result.out))}
    ok(result.code == 0 and len(rows) == len(IMAGES) * (2 + 2 * len(FEATURES)), 'a row for each class and n', result)
    for n in IMAGES:
        names = [f'MLP1_rademacher_n{n}_seed{SEED + i}' for i in range(DRAWS)]
        network = rows[n, 'MLP1']
        trained = [accuracy(runs, name, '--train') for name in names]
        tested = [accuracy(runs, name) for name in names] if n == IMAGES[0] else None
        ok(near(network['correlation'], np.mean(trained)) and near(network['deviation'], np.std(trained, ddof=1))
           and (not tested or near(network['test_correlation'], np.mean(tested))), f'n = {n}: the networks, as evaluate finds them', network, trained, tested)
        ok(np.mean(trained) > 0.95 and abs(float(network['test_correlation'])) < 0.3 and network['weights'] == '1209866' and network['expected'] == '1.0',
           f'n = {n}: networks fit random signs, and guess those of new images', network)
        for name, (values, theory) in expected(x, n).items():
            row = rows[n, name]
            ok(near(row['correlation'], np.mean(values)) and near(row['deviation'], np.std(values, ddof=1)) and near(row['expected'], theory),
               f'n = {n}, {name}: as NumPy has it', row, values, theory)
    stamps = {name: os.stat(os.path.join(runs, 'MLP1', name, 'result.json')).st_mtime_ns for name in os.listdir(os.path.join(runs, 'MLP1'))}
    again = run(*small, '--format', 'csv')
    ok(again.out == result.out and len(stamps) == 4
       and all(os.stat(os.path.join(runs, 'MLP1', name, 'result.json')).st_mtime_ns == t for name, t in stamps.items()),
       'again: the runs are there, and the table is the same', again)
    if shutil.which('gnuplot'):
        figures = os.path.join(place, 'figures')
        drawn = run(*small, '-o', figures)
        with open(os.path.join(figures, 'rademacher.csv'), newline='') as f:
            points = [row for row in csv.reader(f) if row and row[2] == 'points']
        ok(drawn.code == 0 and os.path.exists(os.path.join(figures, 'rademacher.png')) and len(points) == 2 * (1 + len(FEATURES))
           and near7(points[0][4], float(rows[60, 'MLP1']['correlation']))
           and near7(points[3][4], float(rows[90, 'linear, 5 features, mean square 1']['correlation'])), '-o draws the same', drawn, points)
    else:
        skip('-o draws the same', 'no gnuplot')
    people = run(*small)
    ok('Rademacher complexity of about 1' in people.out and 'says nothing of the test error' in people.out, 'the table says what it shows', people)
    other = [word if word != data else 'shapes10' for word in small]
    refuses(other, DATA, 'MLP1_rademacher_n60_seed7: was trained on other images than', 'runs of other images are not taken for these')

    base = ['rademacher', '--data', 'shapes10', '--runs', runs]
    refuses([*base, '--n', '0'], USAGE, '--n 0 is out of range: 1 to 60000')
    refuses([*base, '--n', 'x'], USAGE, "--n 'x': whole numbers")
    refuses([*base, '--features', ''], USAGE, "--features '': whole numbers")
    refuses([*base, '--draws', '0'], USAGE, '--draws 0 is out of range')
    refuses([*base, '--seed', '4294967295'], USAGE, "--seed: the first draw's")
    refuses([*base, '--set', 'seed=null'], USAGE, "--seed: the first draw's")
    refuses([*base, '--train-size', '10'], USAGE, '--set train_size: rademacher sets it itself')
    refuses([*base, '--set', 'batch_size=10,20'], USAGE, 'one value each')
    refuses([*base, '--models', 'MLP9'], USAGE, "there is no model 'MLP9'")
    refuses([*base, '--n', '20000', '--draws', '1'], DATA, '--n 20000: shapes10 has 10000 training images')
    refuses([*base, '--n', '60000', '--draws', '1'], DATA, '--n 60000: shapes10 has 10000 training images')
done()
