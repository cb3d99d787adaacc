"""Every random number of the data floor against numpy and PyTorch, which the published implementation drew from.

Labels, permutations and batch orders must be equal; Gaussian pixels within 1e-6. The batch orders come from a real
DataLoader with worker processes, and a test loader on the same generator in between.
"""
import ctypes
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
import tap  # noqa: E402

try:
    import numpy as np
    import torch
except ImportError as missing:
    tap.skip_all(f'{missing}: these tests compare with it')

torch.set_num_threads(1)
SEEDS = (42, 0, 7, 4294967295)
u32, f32, f64 = np.uint32, np.float32, np.float64


def load_probe():
    lib = ctypes.CDLL(os.environ['RT_DATA_PROBE'])
    pointer, i64, i32, size, double = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_size_t, ctypes.c_double
    uint, text = ctypes.c_uint32, ctypes.c_char_p
    for name, result, arguments in (
            ('mt', pointer, [uint]), ('rand', None, [pointer, pointer, size]),
            ('choice', None, [pointer, uint, pointer, size]), ('randperm', None, [pointer, pointer, uint]),
            ('normals', None, [pointer, pointer, size]), ('words', None, [pointer, pointer, size]),
            ('uniform', None, [pointer, ctypes.c_float, pointer, size]),
            ('skip', None, [pointer, ctypes.c_uint64]),
            ('load', pointer, [text, text, double, i64, i64, i64]), ('unload', None, [pointer]),
            ('count', size, [pointer]), ('channels', i32, [pointer]), ('labels', pointer, [pointer]), ('pixels', pointer, [pointer]),
            ('noise', pointer, [pointer]), ('statistics', None, [pointer, pointer, pointer]),
            ('gather', None, [pointer, pointer, i32, pointer, pointer]),
            ('batches', pointer, [uint, i32, uint]), ('epoch', pointer, [pointer, i32]),
            ('evaluation', None, [pointer]), ('next64', ctypes.c_uint64, [pointer])):
        function = getattr(lib, 'probe_' + name)
        function.restype, function.argtypes = result, arguments
        globals()['p_' + name] = function


def filled(call, dtype, shape, *between):
    """The array that call(..., out, count) fills."""
    out = np.empty(shape, dtype)
    call(*between, out.ctypes.data, out.size)
    return out


def view(address, dtype, shape):
    buffer = (ctypes.c_char * (int(np.prod(shape)) * np.dtype(dtype).itemsize)).from_address(address)
    return np.frombuffer(buffer, dtype).reshape(shape)


class Data:
    """A loaded data set; `total` images of which some are kept."""

    def __init__(self, data, corruption='none', p=0.0, seed=42, train=0, test=0):
        self.handle = p_load(str(data).encode(), corruption.encode(), p, seed, train, test)
        if not self.handle:
            raise RuntimeError(f'cannot load {data}')
        n, channels = p_count(self.handle), p_channels(self.handle)
        self.labels = view(p_labels(self.handle), np.uint8, n).copy()
        pixels, noise = p_pixels(self.handle), p_noise(self.handle)
        self.pixels = pixels and view(pixels, np.uint8, (n, channels, 784))
        self.noise = noise and view(noise, f32, (n, channels, 784))
        self.mean, self.std = np.empty(3, f32), np.empty(3, f32)
        p_statistics(self.handle, self.mean.ctypes.data, self.std.ctypes.data)
        self.mean, self.std = self.mean[:channels], self.std[:channels]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pixels = self.noise = None
        p_unload(self.handle)


def test_draws():
    for seed in SEEDS:
        rng = np.random.RandomState(seed)
        same = np.array_equal(filled(p_rand, f64, 2000, p_mt(seed)), rng.rand(2000))
        tap.ok(same, f'numpy.random.rand, seed {seed}')
        bad = [n for n in (1, 2, 3, 7, 8, 10, 100, 65536, 65537)
               if not np.array_equal(filled(p_choice, u32, 999, p_mt(seed), n), np.random.RandomState(seed).choice(n, 999))]
        tap.empty(bad, f'numpy.random.choice(n) for n around powers of two, seed {seed}')
        bad = []
        for n in (1, 2, 10, 784, 50000):  # 1: draws nothing
            torch.manual_seed(seed)
            mt, out = p_mt(seed), np.empty(n, u32)
            for _ in range(2):
                p_randperm(mt, out.ctypes.data, n)
                if not np.array_equal(out, torch.randperm(n).numpy()):
                    bad.append(n)
        tap.empty(bad, f'torch.randperm, twice in a row, seed {seed}')
        torch.manual_seed(seed)
        want = torch.empty(40, 1000).t().normal_().t().numpy().ravel()  # not contiguous: the serial path
        got = filled(lambda mt, out, n: p_normals(mt, out, n // 2), f32, 40000, p_mt(seed))
        tap.ok(np.abs(got - want).max() < 1e-6, f'torch.randn, serial path, seed {seed}', np.abs(got - want).max())
        torch.manual_seed(seed)
        bound = float(f32(1 / 2352 ** 0.5))
        want = torch.empty(100000).uniform_(-bound, bound).numpy()
        tap.ok(np.array_equal(filled(p_uniform, f32, 100000, p_mt(seed), bound), want), f'torch uniform_, seed {seed}')
    words = np.random.RandomState(42).randint(0, 2 ** 32, 5000, np.uint64).astype(u32)
    mt, got = p_mt(42), []
    for run in (1, 622, 1, 1, 623, 624, 1249, 700):  # around the 624-word state
        got.append(filled(p_words, u32, run, mt))
    tap.ok(np.array_equal(np.concatenate(got), words[:3821]), 'filling in runs gives the stream')
    bad = [n for n in (0, 1, 623, 624, 625, 1248, 4000)
           if p_skip(mt := p_mt(42), n) or filled(p_words, u32, 5, mt).tolist() != words[n:n + 5].tolist()]
    tap.empty(bad, 'skipping n words, around the 624-word state')


def test_labels(data, name):
    with Data(data) as plain:
        true = plain.labels
    for seed, p in ((42, 0.0), (42, 0.1), (42, 0.5), (42, 1.0), (7, 0.9), (4294967295, 0.3)):
        np.random.seed(seed)
        want = true.copy()
        if p > 0:
            mask = np.random.rand(len(want)) <= p
            want[mask] = np.random.choice(10, mask.sum())
        with Data(data, p=p, seed=seed) as got:
            tap.ok(np.array_equal(got.labels, want), f'{name}: labels, p {p}, seed {seed}')
    return true


def test_permutations(data, name, split):
    with Data(data) as plain:
        old = plain.pixels.copy()
    torch.manual_seed(42)
    one = torch.randperm(784).numpy()
    with Data(data, 'shuff_pix') as got:
        tap.ok(np.array_equal(got.pixels, old[:, :, one]), f'{name}: shuff_pix')
    torch.manual_seed(42)
    train, test, bad = 700, 300, []
    with Data(data, 'rand_pix') as got, Data(data, 'rand_pix', train=train, test=test) as cut:
        for i in range(len(old)):
            want = old[i][:, torch.randperm(784).numpy()]
            kept = i if i < train else i - split + train if split <= i < split + test else None
            if not np.array_equal(got.pixels[i], want) or \
                    (kept is not None and not np.array_equal(cut.pixels[kept], want)):
                bad.append(i)
        tap.empty(bad[:5], f'{name}: rand_pix, all images and the first {train} + {test}')


def test_gaussian(data, name, split):
    torch.manual_seed(42)
    train, test, worst, exact, total = 350, 150, 0.0, 0, 0
    with Data(data, 'gauss_pix', train=train, test=test) as cut:
        part = cut.noise.copy()
    with Data(data, 'gauss_pix') as got:
        channels = got.noise.shape[1]
        mean, std = got.mean[:, None], got.std[:, None]
        for first in range(0, len(got.noise), 500):
            # not contiguous, nor is one channel of two: the serial path
            images = torch.empty(500, 28, 28, 3 if channels == 3 else 2)[..., :channels].permute(0, 3, 1, 2)
            normals = images.normal_().reshape(500, channels, 784).numpy()
            want = np.clip(normals * std + mean, 0, 1)
            ours = got.noise[first:first + 500]
            worst = max(worst, np.abs(ours - want).max())
            exact, total = exact + (ours == want).sum(), total + want.size
        tap.ok(worst < 1e-6, f'{name}: gauss_pix within 1e-6', worst)
        print(f'# {name}: {exact} of {total} values equal, the worst off by {worst:.1e}')
        tap.ok(np.array_equal(part[:train], got.noise[:train]) and
               np.array_equal(part[train:], got.noise[split:split + test]),
               f'{name}: gauss_pix of the first {train} + {test}')


def test_gather(data, name):
    with Data(data, train=1000, test=100) as got:
        indices = np.random.RandomState(1).permutation(1100).astype(u32)[:257]
        images, labels = np.empty((257, *got.pixels.shape[1:]), f32), np.empty(257, np.uint8)
        p_gather(got.handle, indices.ctypes.data, 257, images.ctypes.data, labels.ctypes.data)
        pixels = torch.from_numpy(got.pixels[indices].copy()).float().div(255)
        want = ((pixels - torch.from_numpy(got.mean)[:, None]) / torch.from_numpy(got.std)[:, None]).numpy()
        tap.ok(np.abs(images - want).max() < 1e-6 and np.array_equal(labels, got.labels[indices]),
               f'{name}: network inputs as torchvision normalises', np.abs(images - want).max())


class Numbers(torch.utils.data.Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return i


def test_order(count, batch, workers, epochs, log_every):
    """The published loop: a shuffled loader and a test loader on one generator, evaluations at the log points (every
    log_every batches and the last batch) and at each epoch's end."""
    generator = torch.Generator()
    generator.manual_seed(42)
    loader = torch.utils.data.DataLoader(Numbers(count), batch, shuffle=True, generator=generator, num_workers=workers)
    tests = torch.utils.data.DataLoader(Numbers(3), 2, generator=generator, num_workers=workers)
    batches, wrong = p_batches(count, batch, 42), []
    for epoch in range(1, epochs + 1):
        order, evaluations = [], 0
        for i, indices in enumerate(loader):
            order.extend(indices.tolist())
            if log_every and (i % log_every == 0 or i == len(loader) - 1):
                list(tests)
                evaluations += 1
        if epoch % 2 == 0:
            list(tests)
            evaluations += 1
        ours = view(p_epoch(batches, epoch), u32, count)
        for _ in range(evaluations):
            p_evaluation(batches)
        if not np.array_equal(ours, order):
            wrong.append(f'epoch {epoch}: {ours[:5]} instead of {order[:5]}')
    # the generators must stand at the same place, too; random_ gives next64 without its top bit
    left = torch.empty((), dtype=torch.int64).random_(generator=generator).item()
    if p_next64(batches) & (2 ** 63 - 1) != left:
        wrong.append('the generators differ after the last epoch')
    tap.empty(wrong, f'order of {epochs} epochs of {count} in batches of {batch}, {workers} workers, '
                     f'evaluating every {log_every}')


def write_grey(folder, train, test):
    """Random grey images as MNIST's files."""
    draws = np.random.RandomState(5)
    for name, count in (('train', train), ('t10k', test)):
        for what, shape, high in (('images-idx3', (count, 28, 28), 256), ('labels-idx1', (count,), 10)):
            with open(os.path.join(folder, f'{name}-{what}-ubyte'), 'wb') as file:
                file.write(struct.pack(f'>HBB{len(shape)}I', 0, 8, len(shape), *shape))
                file.write(draws.randint(0, high, shape).astype(np.uint8).tobytes())


def real_images(folder):
    """The real images, from the reference archive where it is there."""
    unpack = pathlib.Path(tap.SHARED) / 'cifar10' / 'unpack'
    if os.environ.get('RETHINK_TEST_DATA'):
        return os.environ['RETHINK_TEST_DATA']
    if not unpack.exists():
        return None
    subprocess.run([sys.executable, str(unpack), folder], check=True, stdout=subprocess.DEVNULL)
    return folder


load_probe()
test_draws()
test_labels('shapes10', 'shapes10')
test_permutations('shapes10', 'shapes10', 10000)
test_gaussian('shapes10', 'shapes10', 10000)
test_gather('shapes10', 'shapes10')
with tempfile.TemporaryDirectory() as grey:
    write_grey(grey, 2000, 1000)
    test_labels(grey, 'grey')
    test_permutations(grey, 'grey', 2000)
    test_gaussian(grey, 'grey', 2000)
    test_gather(grey, 'grey')
for count, batch, workers, epochs, log_every in (
        (1000, 128, 2, 4, 3),   # the last batch is smaller: exhausted while it is made, four batches ahead
        (1024, 128, 2, 3, 3),   # it is not: exhausted one batch later
        (1000, 128, 0, 3, 3),   # without workers, exhausted by the last batch itself
        (300, 128, 2, 3, 1),    # fewer batches than are made ahead
        (100, 128, 2, 3, 1),    # one batch
        (1, 128, 2, 2, 1),      # one image: nothing to permute
        (1000, 128, 1, 2, 0),   # no evaluation inside epochs
        (50000, 128, 2, 2, 50)):
    test_order(count, batch, workers, epochs, log_every)
with tempfile.TemporaryDirectory() as scratch:
    real = real_images(scratch)
    if real is None:
        tap.skip('cifar10: all corruptions', f'no real images in {tap.SHARED}')
    else:
        test_labels(real, 'cifar10')
        test_permutations(real, 'cifar10', 50000)
        test_gaussian(real, 'cifar10', 50000)
        test_gather(real, 'cifar10')
tap.done()
