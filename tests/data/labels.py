#!/usr/bin/env python3
"""Label noise against NumPy: each kind's labels drawn here again by other code, their realised matrices against those that
they should have, and what is refused. `rethink data labels` writes what is compared."""
import hashlib
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
from cli import CONFIG, DATA, IO, USAGE, done, ok, refuses, run  # noqa: E402
from tap import skip, skip_all  # noqa: E402

try:
    import numpy as np
except ImportError as missing:
    skip_all(f'{missing}: these tests compare with it')

CLASSES = 10
TRAIN, TEST = 10000, 2000  # of shapes10
TAKEN_FOR = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
# CIFAR-10's, of the central pixels in [0, 1] (docs/formats.md)
MEAN = np.array([0.489255, 0.475775, 0.439889], np.float32).astype(float)
STD = np.array([0.243047, 0.239315, 0.255997], np.float32).astype(float)


def table(experiment, *settings, data='shapes10'):
    """index, given and true label of every image."""
    words = [word for setting in settings for word in ('--set', setting)]
    result = run('data', 'labels', experiment, *words, '--data', data)
    lines = result.out.splitlines()
    if result.code or lines[:1] != ['index,label,true']:
        ok(False, f'{experiment} {settings}: labels are written', result)
        done()
    return np.array([line.split(',') for line in lines[1:]], int).T


def matrix(true, given):
    counts = np.zeros((CLASSES, CLASSES))
    np.add.at(counts, (true, given), 1)
    return counts


def numbers(seed, n):
    """What decides that a label is replaced, and by what: the first n numbers, then the next n."""
    draws = np.random.RandomState(seed)
    return draws.random_sample(n), draws.random_sample(n)


def a_matrix():
    """Rows of very different shapes; one has nothing to draw but its first class."""
    rows = np.eye(CLASSES) * 0.55 + 0.05 * np.ones((CLASSES, CLASSES)) - 0.05 * np.eye(CLASSES)
    rows[3] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    rows[4] = [0, 0, 0, 0, 0.25, 0, 0.5, 0, 0, 0.25]
    rows[np.arange(CLASSES), np.arange(CLASSES)] += 1 - rows.sum(1)
    return rows.round(12)


def expected(kind, p, seed, true, rows):
    """The labels that the kind gives, and the matrix that it has in the mean."""
    u, v = numbers(seed, len(true))
    marked = u <= p
    given = true.copy()
    change = np.zeros((CLASSES, CLASSES))
    if kind == 'published':
        np.random.seed(seed)
        marked = np.random.rand(len(true)) <= p
        given[marked] = np.random.choice(CLASSES, marked.sum())
        change[:] = 0.1
    elif kind == 'symmetric':
        given[marked] = [[k for k in range(CLASSES) if k != y][int(x * 9)] for y, x in zip(true[marked], v[marked])]
        change = (1 - np.eye(CLASSES)) / 9
    elif kind == 'pair_flip':
        given[marked] = (true[marked] + 1) % CLASSES
        change = np.roll(np.eye(CLASSES), 1, 1)
    elif kind == 'asymmetric':
        given[marked] = [TAKEN_FOR.get(y, y) for y in true[marked]]
        for y in range(CLASSES):
            change[y, TAKEN_FOR.get(y, y)] = 1
    elif kind == 'two_classes':
        given[marked] = v[marked] >= 0.5
        change[:, :2] = 0.5
    else:
        given[marked] = [np.searchsorted(np.cumsum(rows[y]), x, side='right') for y, x in zip(true[marked], v[marked])]
        change = rows
    return given, (1 - p) * np.eye(CLASSES) + p * change


def check_kinds():
    rows = a_matrix()
    words = 'label_noise_matrix=[' + ', '.join(repr(float(x)) for x in rows.ravel()) + ']'
    for kind in ('published', 'symmetric', 'pair_flip', 'asymmetric', 'two_classes', 'class_dependent'):
        more = (words,) if kind == 'class_dependent' else ()
        bad, p = [], 0.4
        for seed, p in ((42, 0.4), (7, 1.0), (0, 0.05)):
            index, given, true = table(f'MLP1_{p}_none', f'label_noise={kind}', f'seed={seed}', *more)
            want, mean = expected(kind, p, seed, true, rows)
            if (given != want).any() or (index != np.arange(TRAIN + TEST)).any():
                bad.append(f'p {p}, seed {seed}: {(given != want).sum()} labels differ')
            counts = matrix(true, given)
            n = counts.sum(1, keepdims=True)
            off = np.abs(counts - n * mean) - 5 * np.sqrt(n * mean * (1 - mean)) - 1e-6
            if (off > 0).any():
                bad.append(f'p {p}, seed {seed}: realised {counts / n}, expected {mean}')
        ok(not bad, f'{kind}: the labels that NumPy draws, and the matrix that it should have', *bad)
        spared = table('MLP1_0.4_none', f'label_noise={kind}', 'label_noise_split=train', *more)
        both = table('MLP1_0.4_none', f'label_noise={kind}', *more)
        ok((spared[1][:TRAIN] == both[1][:TRAIN]).all() and (spared[1][TRAIN:] == spared[2][TRAIN:]).all()
           and (both[1][TRAIN:] != both[2][TRAIN:]).any(), f'{kind}: label_noise_split: train spares the test images')
    few = table('MLP1_0.4_none', 'label_noise=symmetric', 'train_size=501', 'test_size=3')
    whole = table('MLP1_0.4_none', 'label_noise=symmetric')
    ok((few == np.concatenate([whole[:, :501], whole[:, TRAIN:TRAIN + 3]], 1)).all(), 'images that are left out draw all the same')


class Normals:
    """torch's serial standard normals, from the outputs of MT19937."""

    def __init__(self, seed):
        self.state = np.random.RandomState(seed)
        self.kept = []

    def uniform(self):
        high, low = self.state.randint(0, 2 ** 32, 2, np.uint32)
        return ((int(high) << 32 | int(low)) & (2 ** 53 - 1)) / 2 ** 53

    def __call__(self):
        if not self.kept:
            u1, u2 = self.uniform(), self.uniform()
            r, t = np.sqrt(-2 * np.log1p(-u2)), 2 * np.pi * u1
            self.kept = [np.float32(r * np.cos(t)), np.float32(r * np.sin(t))]
        return float(self.kept.pop(0))


def many_normals(state, n):
    words = state.randint(0, 2 ** 32, 2 * n, np.uint32).astype(np.uint64)
    u = ((words[::2] << np.uint64(32) | words[1::2]) & np.uint64(2 ** 53 - 1)).astype(float) / 2 ** 53
    r, t = np.sqrt(-2 * np.log1p(-u[1::2])), 2 * np.pi * u[::2]
    return np.stack([r * np.cos(t), r * np.sin(t)], 1).ravel().astype(np.float32)


def write_images(folder, kept, tested):
    """A set in CIFAR-10's layout, random where images are kept, zeros elsewhere (sparse)."""
    draws = np.random.RandomState(1)
    records = []
    for name, count in [('data_batch_1.bin', kept)] + [(f'data_batch_{i}.bin', 0) for i in range(2, 6)] + [('test_batch.bin', tested)]:
        some = draws.randint(0, 256, (count, 3073)).astype(np.uint8)
        some[:, 0] %= 10
        with open(os.path.join(folder, name), 'wb') as f:
            f.write(some.tobytes())
            f.truncate(30730000)
        records.append(some)
    return np.concatenate(records)


def check_instances():
    kept, tested, p, total = 1500, 200, 0.3, 60000
    with tempfile.TemporaryDirectory(prefix='rethink-labels-') as folder:
        records = write_images(folder, kept, tested)
        index, given, true = table(f'MLP1_{p}_none', 'label_noise=instance_dependent', f'train_size={kept}', f'test_size={tested}',
                                   data=folder)
        crops = table(f'MLP1_{p}_none', 'label_noise=instance_dependent', f'train_size={kept}', f'test_size={tested}', 'augment=true',
                      data=folder)
    normals = Normals(42)
    rates = np.empty(total)
    for i in range(total):
        rates[i] = p + 0.1 * normals()
        while not 0 <= rates[i] <= 1:
            rates[i] = p + 0.1 * normals()
    weights = many_normals(normals.state, 10 * 2352 * 10).reshape(10, 2352, 10).astype(float)
    v = normals.state.random_sample(total)
    x = records[:, 1:].reshape(-1, 3, 32, 32)[:, :, 2:30, 2:30] / 255.0
    x = ((x - MEAN[:, None, None]) / STD[:, None, None]).reshape(-1, 2352)
    want = []
    for n, i in enumerate(index):
        a = x[n] @ weights[true[n]]
        a[true[n]] = -np.inf
        probabilities = np.exp(a - a.max())
        probabilities *= rates[i] / probabilities.sum()
        probabilities[true[n]] = 1 - rates[i]
        want.append(np.searchsorted(np.cumsum(probabilities), v[i], side='right'))
    ok((records[:, 0] == true).all() and (index == np.r_[:kept, 50000:50000 + tested]).all(), 'images of a folder, by their index')
    ok((np.array(want) == given).all(), 'instance_dependent: the labels that NumPy draws', f'{(np.array(want) != given).sum()} differ')
    ok((crops == [index, given, true]).all(), 'and the same of images with a margin')
    for p, mean in ((0.2, 0.2055), (0.4, 0.4000)):  # of the normal distribution about p, deviation 0.1, cut to [0, 1]
        _, given, true = table(f'MLP1_{p}_none', 'label_noise=instance_dependent')
        rate = (given != true).mean()
        ok(abs(rate - mean) < 5 * (mean * (1 - mean) / len(true)) ** 0.5, f'instance_dependent: about {mean:.1%} change at p = {p}', rate)


def given_by(file, *more, data='shapes10', **options):
    """The labels that an experiment has by that file, or what was said."""
    result = run('data', 'labels', 'MLP1_0.0_none', '--labels', file, '--data', data, *more, **options)
    if result.code:
        return result
    return np.array([line.split(',') for line in result.out.splitlines()[1:]], int).T


def check_files(place):
    """What is written is read back, in every format."""
    noise = ('--set', 'label_noise=symmetric', '--data', 'shapes10')
    index, given, true = table('MLP1_0.4_none', 'label_noise=symmetric')
    for kind in ('csv', 'json', 'npy'):
        file = os.path.join(place, 'given.' + kind)
        said = run('data', 'labels', 'MLP1_0.4_none', *noise, '-o', file)
        ok(not said.code and np.array_equal(given_by(file), [index, given, true]), f'{kind}: labels come back as they were', said)
        few = os.path.join(place, 'few.' + kind)
        run('data', 'labels', 'MLP1_0.4_none', *noise, '--set', 'train_size=300', '--set', 'test_size=20', '-o', few)
        back = given_by(few, '--set', 'train_size=300', '--set', 'test_size=20')
        ok(np.array_equal(back, np.concatenate([[index, given, true]], 0)[:, np.r_[:300, TRAIN:TRAIN + 20]]),
           f'{kind}: also those of some of the images', back)
    ok(np.array_equal(np.load(os.path.join(place, 'given.npy')), given), 'NumPy reads the .npy file')
    for dtype in ('i1', '<u2', '<i4', '<i8', '<u8'):
        file = os.path.join(place, 'typed.npy')
        np.save(file, given[:TRAIN].astype(dtype))
        back = given_by(file)
        ok(np.array_equal(back, [index, np.r_[given[:TRAIN], true[TRAIN:]], true]), f'{dtype}: of training images only; test images stay true',
           back)
    return index, given, true


def bad_file(place, name, data, pattern, *more, code=DATA):
    file = os.path.join(place, name)
    if isinstance(data, np.ndarray):
        np.save(file, data)
    else:
        with open(file, 'wb') as f:
            f.write(data if isinstance(data, bytes) else data.encode())
    refuses(['data', 'labels', 'MLP1_0.0_none', '--data', 'shapes10', '--labels', file, *more], code, pattern, f'refused: {pattern}')


def check_bad_files(place, index, given, true):
    lines = [f'{i},{g},{t}\n' for i, g, t in zip(index, given, true)]
    other = f'0,{given[0]},{(true[0] + 1) % 10}\n'
    bad_file(place, 'a.csv', ''.join([other] + lines[1:]), r'a\.csv:1: image 0 has the true label .*another order')
    bad_file(place, 'a.csv', ''.join(lines[:TRAIN - 1]), r'a\.csv: no label for image 9999')
    bad_file(place, 'a.csv', ''.join(lines[:TRAIN + 5]), r'a\.csv: no label for image 10005')
    bad_file(place, 'a.csv', ''.join(lines[:3] + lines[2:]), r'a\.csv:4: image 2 is there twice')
    bad_file(place, 'a.csv', '0,10\n', r'a\.csv:1: label 10, expected 0 to 9')
    bad_file(place, 'a.csv', '12000,1\n', r'a\.csv:1: index 12000, the data set has 12000 images')
    bad_file(place, 'a.csv', '0,-1\n', r'a\.csv:1: expected index,label')
    bad_file(place, 'a.csv', '0,1,\n', r'a\.csv:1: expected a true label')
    bad_file(place, 'a.csv', 'label,index\n1,0\n', r'a\.csv:1: neither labels')
    bad_file(place, 'a.csv', 'index,label_true,label\n0,1,1\n', r'a\.csv:1: neither labels nor the header index,label or index,label,true')
    bad_file(place, 'a.csv', 'index,label,true,source\n0,1\n', r'a\.csv:1: neither labels nor the header')
    bad_file(place, 'a.csv', '\ufeffindex,label\r\n0,1\r\n', r'a\.csv: no label for image 1')
    bad_file(place, 'a.csv', b'0,1\n\0', r'holds a NUL at byte 4')
    bad_file(place, 'a.csv', '', r'no label for image 0')
    bad_file(place, 'a.json', '[' + '1,' * 9998 + '1]', r'a\.json: 9999 labels, expected 10000 \(training images\) or 12000')
    bad_file(place, 'a.json', '[' + '1,' * 9999 + '1.5]', r'a\.json: item 9999 is no whole number')
    bad_file(place, 'a.json', '[' + '1,' * 9999 + '255]', r'a\.json: the label at index 9999 is 255, expected 0 to 9')
    bad_file(place, 'a.json', '{"labels": []}', r'a\.json: expected a list of labels')
    bad_file(place, 'a.json', '[1, 2', r'a\.json:1:')
    bad_file(place, 'a.npy', given[:9999].astype('u1'), r'a\.npy: 9999 labels')
    bad_file(place, 'a.npy', given[:TRAIN].astype(float), r"type '<f8', expected whole numbers")
    bad_file(place, 'a.npy', given[:TRAIN].astype('>i4'), r"type '>i4'")
    bad_file(place, 'a.npy', (given[:TRAIN] - 1).astype('i1'), r'the label at index \d+ is -1')
    bad_file(place, 'a.npy', given[:TRAIN].reshape(2, -1).astype('u1'), r'an array of 2 dimensions, expected 1')
    bad_file(place, 'a.npy', b'\x93NUMPY\x01\0\x10\0' + b' ' * 16, r'a\.npy: its \.npy header')
    bad_file(place, 'a.npy', np.zeros(TRAIN, 'u1'), r'could be of the first 10000 or 9000', '--set', 'train_size=9000', '--set', 'test_size=1000')
    bad_file(place, 'a.npy', np.zeros(TRAIN, 'u1'), r'label_corruption_prob: 0\.4 has no effect', '--set', 'label_corruption_prob=0.4', code=CONFIG)
    refuses(['data', 'labels', 'MLP1_0.0_none', '--data', 'shapes10', '--labels', place + '/none.npy'], IO, r'none\.npy')
    refuses(['data', 'labels', 'MLP1_0.0_none', '--data', 'shapes10', '--labels', 'cifar10n-worst'], DATA, r"none of CIFAR-10N's sets: .*-worse$")
    refuses(['data', 'labels', 'MLP1_0.0_none', '--data', 'shapes10', '--set', 'label_noise=file'], CONFIG, r'label_noise: file needs label_file')


def check_humans(place):
    """CIFAR-10N's sets, of a file such as docs/labels.md makes."""
    folder = os.path.join(place, 'cifar10')
    os.mkdir(folder)
    records = write_images(folder, 10000, 100)
    clean = np.r_[records[:10000, 0], np.zeros(40000, int)]
    sets = np.stack([(clean + k) % 10 for k in range(6)]).astype('u1')
    file = os.path.join(place, 'cifar10n.npy')
    np.save(file, sets)
    env = dict(os.environ, RETHINK_CIFAR10N=file)
    bad = []
    for k, name in enumerate(('aggre', 'random1', 'random2', 'random3', 'worse')):
        got = given_by('cifar10n-' + name, data=folder, env=env)
        if not np.array_equal(got[:, :50000], [np.arange(50000), sets[k + 1], clean]) or (got[1, 50000:] != got[2, 50000:]).any():
            bad.append(name)
    ok(not bad, "CIFAR-10N's five sets by name; test images keep theirs", bad)
    sets[0, 7] = (sets[0, 7] + 1) % 10
    np.save(file, sets)
    one = ['data', 'labels', 'MLP1_0.0_none', '--labels', 'cifar10n-worse', '--data', folder]
    refuses(one, DATA, r'clean labels are not those of cifar10: its images are in another order', "clean labels that are not the data set's",
            env=env)
    np.save(file, sets[:5])
    refuses(one, DATA, r'is not of 6 rows of 50000 labels', 'a set too few', env=env)
    refuses(one, DATA, r'docs/labels\.md says how', "CIFAR-10N's file is not there", env=dict(env, RETHINK_CIFAR10N=place + '/none'))


def check_published_rates():
    """Wei et al. 2022, table 1: how many human labels are wrong, where their file and the images are installed."""
    what = "CIFAR-10N's published rates"
    file = os.environ.get('RETHINK_CIFAR10N') or os.path.join(
        os.environ.get('XDG_DATA_HOME') or os.path.expanduser('~/.local/share'), 'rethink', 'cifar10n.npy')
    if not os.path.exists(file):
        return skip(what, f'{file} is not there')
    if run('data', 'check').code:
        return skip(what, "CIFAR-10's images are not installed")
    rates = {}
    for name in ('aggre', 'random1', 'worse'):
        got = given_by('cifar10n-' + name, data='cifar10')
        if not isinstance(got, np.ndarray):
            return ok(False, what, got)
        rates[name] = round(100 * float((got[1] != got[2])[:50000].mean()), 2)
    return ok(rates == {'aggre': 9.03, 'random1': 17.23, 'worse': 40.21}, what, rates)


def check_run(place):
    """A run keeps the file's digest."""
    file = os.path.join(place, 'given.npy')
    said = run('train', 'MLP1_0.0_none', '--labels', file, '--data', 'shapes10', '--set', 'train_size=200', '--set', 'test_size=100',
               '--epochs', '1', '--track', 'none', '--runs', place)
    with open(os.path.join(place, 'MLP1', 'MLP1_0.0_none_file', 'result.json'), encoding='utf-8') as f:
        labels = json.load(f)['labels']
    with open(file, 'rb') as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    path = os.path.join(place, 'MLP1', 'MLP1_0.0_none_file')
    same = run('evaluate', path, '--train')
    np.save(file, (np.load(file) + 1) % CLASSES)
    other = run('evaluate', path, '--train')
    ok(not same.code and not same.err and not other.code and other.err.count('\n') == 1
       and f'labels in {file} are not those that it was trained with' in other.err, 'evaluate says where the file has changed since', same, other)
    ok(not said.code and labels['digest'] == digest and labels['file'] == file and labels['train']['changed'] > 40,
       'a run keeps file and digest', said, labels)


def check_refusals():
    rows = a_matrix()
    flat = [repr(float(x)) for x in rows.ravel()]
    one = ['data', 'labels', 'MLP1_0.4_none', '--data', 'shapes10', '--set']
    refuses([*one, 'label_noise=symetric'], CONFIG, r"label_noise: expected one of published, symmetric, .* got 'symetric'")
    refuses([*one, 'label_noise_split=test'], CONFIG, r'label_noise_split: expected one of both, train')
    refuses([*one, 'label_corruption_prob=1.01'], CONFIG, r'label_corruption_prob: expected a number from 0 to 1')
    refuses([*one, 'label_noise=class_dependent'], CONFIG, r'label_noise_matrix has 0 numbers; .* needs 100')
    refuses([*one, 'label_noise_matrix=[1]'], CONFIG, r'label_noise_matrix is of label_noise: class_dependent, not of published')
    kind = [*one, 'label_noise=class_dependent', '--set']
    refuses([*kind, f'label_noise_matrix=[{", ".join(flat[:99])}]'], CONFIG, r'label_noise_matrix has 99 numbers', 'refused: 99 numbers')
    refuses([*kind, f'label_noise_matrix=[{", ".join(["0.5"] + flat[1:])}]'], CONFIG, r'the row of label 0 adds up to 0\.95, expected 1',
            'refused: a row that does not add up')
    refuses([*kind, f'label_noise_matrix=[{", ".join(flat + ["0"])}]'], CONFIG, r'label_noise_matrix: expected a list of at most 100 numbers',
            'refused: 101 numbers')
    refuses([*kind, f'label_noise_matrix=[{", ".join(["-0.1"] + flat[1:])}]'], CONFIG, r"expected .* from 0 to 1, got '-0\.1'",
            'refused: a negative probability')
    refuses(['data', 'labels', 'MLP1_0.4_none', '--data', 'shapes10', '-o', '/tmp/labels.txt'], USAGE, r'\.csv \.json \.npy')
    refuses(['data', 'labels', 'MLP1_0.4_none', '--data', 'shapes10', '--set', 'seed=null'], CONFIG, r'seed: null draws another')
    said = run('train', 'MLP1_0.0_none', '--data', 'shapes10', '--dry-run', '--set', 'label_noise=symmetric')
    ok(not said.code and 'experiment_name: MLP1_0.0_none_symmetric' in said.out and 'changes nothing' in said.err,
       'noise at probability 0 is remarked, and named', said)


def main():
    check_kinds()
    check_instances()
    check_refusals()
    with tempfile.TemporaryDirectory(prefix='rethink-labels-') as place:
        check_bad_files(place, *check_files(place))
        check_humans(place)
        check_run(place)
    check_published_rates()
    done()


main()
