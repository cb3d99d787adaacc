"""MNIST and Fashion-MNIST: IDX files found, read and refused; grey images through corruption, models and tools, and against PyTorch."""
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / 'support'), str(HERE.parent / 'parity')]
import tap  # noqa: E402
from program import one_error, rethink, shown  # noqa: E402

NAMES = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte']
TRAIN, TEST = 300, 60
MNIST_FIRST, FASHION_FIRST = [7, 2, 1, 0, 4, 1, 4, 9, 5, 9], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
EXPERIMENTS = {'MLP1': 'MLP1_0.0_none', 'MLP3': 'MLP3_0.0_none', 'AlexNet': 'AlexNet_0.0_none', 'Inception': 'Inception_0.0_none',
               'WRN': 'WRN_0.0_none'}


def idx(rank, *dimensions, content=b''):
    return struct.pack('>HBB', 0, 8, rank) + b''.join(struct.pack('>I', d) for d in dimensions) + content


def contents(first=()):
    """The four files: blocky images, so that no label is a pixel's accident."""
    rng = random.Random(3)
    files = []
    for count in (TRAIN, TEST):
        files.append(idx(3, count, 28, 28, content=rng.randbytes(count * 784)))
        labels = [rng.randrange(10) for _ in range(count)]
        if count == TEST:
            labels[:len(first)] = first
        files.append(idx(1, count, content=bytes(labels)))
    return dict(zip(NAMES, files))


def write(folder, files, pack=False, dots=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        name = name.replace('-idx', '.idx') if dots else name
        if pack:
            (folder / f'{name}.gz').write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name).write_bytes(content)
    return folder


def kind_of(done):
    return done.stdout.split(':')[0] if done.returncode == 0 else shown(done)


def find(scratch):
    plain = write(scratch / 'plain', contents())
    done = rethink('data', 'check', plain)
    tap.ok(kind_of(done) == 'mnist' and done.stdout.count('nothing to compare with') == 4 and 'remark' in done.stdout,
           'plain files are MNIST, and no official bytes', *shown(done))
    packed = write(scratch / 'packed', contents(), pack=True, dots=True)
    done = rethink('data', 'check', packed)
    sums = [hashlib.md5((packed / f"{name.replace('-idx', '.idx')}.gz").read_bytes()).hexdigest() for name in NAMES]
    tap.ok(kind_of(done) == 'mnist' and all(f'{s} not official' in done.stdout for s in sums), 'gzipped ones with dots, and their MD5',
           *shown(done))
    fashion = write(scratch / 'both' / 'FashionMNIST' / 'raw', contents(FASHION_FIRST))
    done = rethink('data', 'check', scratch / 'both')
    tap.ok(kind_of(done) == 'fashion-mnist' and 'Ankle boot' in done.stdout, "torchvision's folder of Fashion-MNIST", *shown(done))
    write(scratch / 'both' / 'MNIST' / 'raw', contents(MNIST_FIRST))
    tap.ok(kind_of(rethink('data', 'check', '--data', 'mnist', RETHINK_DATA=scratch / 'both')) == 'mnist' and
           kind_of(rethink('data', 'check', '--data', 'fashion-mnist', RETHINK_DATA=scratch / 'both')) == 'fashion-mnist',
           'RETHINK_DATA with both: by name')
    done = rethink('data', 'check', scratch / 'both')
    tap.ok(one_error(done, 2, 'has MNIST and Fashion-MNIST', 'folder of one'), 'a folder with both asks which', *shown(done))
    done = rethink('data', 'check', '--data', 'mnist', RETHINK_DATA=fashion)
    tap.ok(one_error(done, 4, 'those of fashion-mnist, not of mnist'), 'labels of the other are refused', *shown(done))
    os.rename(fashion, scratch / 'unnamed')
    tap.ok(kind_of(rethink('data', 'check', scratch / 'unnamed')) == 'fashion-mnist', 'Fashion-MNIST is known by its labels')
    home = write(scratch / 'home' / 'rethink' / 'mnist', contents(), pack=True).parent.parent
    tap.ok(kind_of(rethink('data', 'check', '--data', 'mnist', XDG_DATA_HOME=home)) == 'mnist', 'where data fetch puts it')
    done = rethink('data', 'check', '--data', 'fashion-mnist', XDG_DATA_HOME=home)
    tap.ok(one_error(done, 4, 'no fashion-mnist here', 'rethink data fetch fashion-mnist'), 'what is not there', *shown(done))


def damage(scratch):
    good = contents()
    images, labels = NAMES[0], NAMES[1]
    cases = [
        ('another number of dimensions', images, good[labels], ('begins with 00 00 08 01', '08 03')),
        ('not IDX', images, b'GIF89a' + good[images], ('begins with 47 49 46 38',)),
        ('floats', images, good[images].replace(b'\x08', b'\x0d', 1), ('00 00 0d 03',)),
        ('an empty file', images, b'', ('ends after 0 bytes', 'cut short')),
        ('half a header', images, good[images][:9], ('ends after 9 bytes', 'expected 16')),
        ('cut short', images, good[images][:-1], (f'expected {16 + TRAIN * 784}', 'cut short')),
        ('too long', images, good[images] + b'0', ('longer than',)),
        ('2^32 - 1 images', images, idx(3, 2**32 - 1, 28, 28), ('says it has 4294967295 images',)),
        ('more than there can be', images, idx(3, 60000, 28, 28, content=b'0' * 100), ('cut short',)),
        ('no images', images, idx(3, 0, 28, 28), ('says it has 0 images',)),
        ('another shape', images, idx(3, 1, 32, 32, content=bytes(1024)), ('32 x 32', '28 x 28')),
        ('a label out of range', labels, good[labels][:-1] + b'\x0a', (f'label {TRAIN - 1} is 10', '0..9')),
        ('fewer labels than images', labels, idx(1, 5, content=bytes(5)), ('5 labels for 300 images',)),
    ]
    for number, (what, name, content, words) in enumerate(cases):
        for pack in (False, True):
            folder = write(scratch / f'bad{number}{pack}', {**good, name: content}, pack)
            done = rethink('data', 'check', folder)
            tap.ok(one_error(done, 4, name, *words), f'{what}{", gzipped" if pack else ""}', *shown(done))
    folder = write(scratch / 'cut', good, True)
    whole = (folder / f'{images}.gz').read_bytes()
    for what, content in (('cut short', whole[:-5000]), ('damaged', whole[:5000] + b'\xff' * 5000 + whole[10000:])):
        (folder / f'{images}.gz').write_bytes(content)
        done = rethink('data', 'check', folder)
        tap.ok(one_error(done, 4, f'{images}.gz'), f'a gzip stream that is {what}', *shown(done))
    (folder / f'{images}.gz').write_bytes(gzip.compress(idx(3, 1, 28, 28, content=bytes(300 << 20)), 9))
    done = rethink('data', 'check', folder)
    tap.ok(one_error(done, 4, 'longer than the 800 bytes'), 'a gzip stream of 300 MB', *shown(done))
    (folder / f'{images}.gz').unlink()
    done = rethink('data', 'check', folder)
    tap.ok(one_error(done, 4, images, 'no such file'), 'a missing file', *shown(done))


def train(data, runs, experiment, *more):
    done = rethink('train', experiment, '--data', data, '--runs', runs, *(() if '--epochs' in more else ('--epochs', 1)), '--set',
                   'batch_size=32', '--set', 'track=[]', *more)
    results = list(runs.glob('*/*/result.json'))
    return done, json.loads(results[0].read_text()) if done.returncode == 0 and results else None


def networks(data, scratch):
    for name, experiment in EXPERIMENTS.items():
        losses = []
        for engine in ('native', 'reference'):
            small = ('--set', 'train_size=64', '--set', 'test_size=20', '--engine', engine)
            done, result = train(data, scratch / name / engine, experiment, *small)
            losses.append(result['metrics']['train_loss'] if result and 'metrics' in result else None)
            text = done.stderr
            if result and losses[-1] is None:
                losses[-1] = float(re.search(r'"train_loss": ([0-9.e+-]+)', json.dumps(result)).group(1))
        tap.ok(None not in losses and abs(losses[0] - losses[1]) < 1e-4, f'{name}: native and reference alike on grey images', losses, text)
    for corruption in ('shuff_pix', 'rand_pix', 'gauss_pix'):
        done, result = train(data, scratch / corruption, f'MLP1_0.0_{corruption}')
        tap.ok(result is not None, f'{corruption} of grey images', done.stderr)
    done, result = train(data, scratch / 'instance', 'MLP1_0.4_none', '--set', 'label_noise=instance_dependent', '--set', 'augment=true')
    tap.ok(result is not None, 'labels by the image, and crops of images with a border', done.stderr)


def tools(data, scratch):
    done = rethink('data', 'samples', '--data', data, '-o', scratch / 'samples')
    sheet = scratch / 'samples' / 'mnist.png'
    tap.ok(done.returncode == 0 and sheet.exists(), 'data samples', *shown(done))
    try:
        from PIL import Image
        rgb = Image.open(sheet).convert('RGB').tobytes()
        tap.ok(rgb[0::3] == rgb[1::3] == rgb[2::3] and len(set(rgb)) > 100, 'the sheet is grey')
    except ImportError:
        tap.skip('the sheet is grey', 'no python3-pil')
    runs = scratch / 'seen'
    train(data, runs, 'MLP1_0.0_none')
    run = next(runs.glob('MLP1/*'))
    checkpoint = sorted(p for p in run.rglob('*') if (p / 'model.safetensors').exists())[-1]
    done = rethink('evaluate', checkpoint)
    tap.ok(done.returncode == 0 and 'on mnist' in done.stdout, 'evaluate finds the data where they were', *shown(done))
    done = rethink('evaluate', checkpoint, '--data', 'shapes10')
    tap.ok(one_error(done, 4, 'trained on mnist', '1 x 28 x 28', 'shapes10', '3 x 28 x 28'), 'evaluate on colour images is refused', *shown(done))
    done, _ = train('shapes10', runs, 'MLP1_0.0_none', '--epochs', 2)
    tap.ok(one_error(done, 4, 'not those that', 'trained on (mnist,'), 'a run does not go on with other data',
           *shown(done))


def against_numpy(files):
    """Pixels' corruption drawn as PyTorch draws it; the loaded set's digest tells."""
    try:
        import numpy
        import torch
    except ImportError as error:
        tap.skip('corruption against PyTorch', error)
        return
    pixels = [numpy.frombuffer(files[n], numpy.uint8)[16:].reshape(-1, 784) for n in (NAMES[0], NAMES[2])]
    labels = [numpy.frombuffer(files[n], numpy.uint8)[8:] for n in (NAMES[1], NAMES[3])]
    pixels, labels = numpy.concatenate(pixels), numpy.concatenate(labels)

    def digest(values):
        block = hashlib.sha256(labels.tobytes() + values.tobytes()).hexdigest()
        return hashlib.sha256(block.encode()).hexdigest()

    torch.manual_seed(42)
    yield 'none', digest(pixels)
    yield 'shuff_pix', digest(pixels[:, torch.randperm(784).numpy()])
    torch.manual_seed(42)
    yield 'rand_pix', digest(numpy.stack([p[torch.randperm(784).numpy()] for p in pixels]))


def corruption(data, scratch):
    for name, expected in against_numpy(contents()):
        done, result = train(data, scratch / f'digest_{name}', f'MLP1_0.0_{name}', '--set', 'seed=42')
        tap.ok(result and result['data']['corruption_digest'] == expected, f'{name}: the pixels that PyTorch would make', done.stderr,
               result and result['data'], expected)


def against_pytorch(data, scratch):
    try:
        import numpy
        import oracle
        import torch
    except ImportError as error:
        tap.skip('models against PyTorch', error)
        return
    files = contents()
    pixels = numpy.frombuffer(files[NAMES[2]], numpy.uint8)[16:].reshape(-1, 1, 28, 28).astype(numpy.float32) / 255
    images = torch.from_numpy((pixels - numpy.float32(0.1307)) / numpy.float32(0.3081))
    labels = torch.from_numpy(numpy.frombuffer(files[NAMES[3]], numpy.uint8)[8:].astype(numpy.int64))

    def load(path):
        content = path.read_bytes()
        size, = struct.unpack('<Q', content[:8])
        kinds = {'F32': numpy.float32, 'I64': numpy.int64}
        return {n: torch.from_numpy(numpy.frombuffer(content[8 + size:][slice(*t['data_offsets'])], kinds[t['dtype']]).reshape(
            t['shape']).copy()) for n, t in json.loads(content[8:8 + size]).items() if n != '__metadata__'}

    for name, experiment in EXPERIMENTS.items():
        train(data, scratch / f'torch_{name}', experiment, '--set', 'train_size=64')
        checkpoint = sorted((scratch / f'torch_{name}').rglob('model.safetensors'))[-1]
        module = oracle.model(name).eval()
        first = next(m for m in module.modules() if getattr(m, 'weight', None) is not None and m.weight.dim() > 1)
        first.weight = torch.nn.Parameter(torch.empty(first.weight.shape[0], first.weight.shape[1] // 3, *first.weight.shape[2:]))
        module.load_state_dict(load(checkpoint), strict=True)
        with torch.no_grad():
            expected = torch.nn.functional.cross_entropy(module(images).double(), labels).item()
        done = rethink('evaluate', checkpoint.parent, '--data', data)
        found = re.search(r'^loss +(\S+)$', done.stdout, re.MULTILINE)
        tap.ok(found and abs(float(found.group(1)) - expected) <= 1e-5 * max(1, expected), f'{name}: the test loss of PyTorch',
               expected, *shown(done))


def fetch(scratch):
    drive = os.environ.get('RT_FETCH_FILES_DRIVE')
    source = write(scratch / 'server', contents(), pack=True)
    pins = []
    for name in NAMES:
        content = (source / f'{name}.gz').read_bytes()
        pins += [hashlib.md5(content).hexdigest(), str(len(content))]
    home = scratch / 'fetched' / 'rethink'

    def run(how, base, numbers=pins):
        return subprocess.run([drive, home, how, str(base), *numbers], capture_output=True, text=True, timeout=60 * tap.SLOWER)

    wrong = pins[:4] + ['0' * 32] + pins[5:]
    done = run('keep', source, wrong)
    tap.ok(done.returncode == 4 and 't10k-images-idx3-ubyte.gz: MD5' in done.stdout and 'not used' in done.stdout and
           not (home / 'mnist').exists() and not list(home.glob('.*.tmp')), 'fetch: another MD5, and nothing is installed', *shown(done))
    for base in (source, f'file://{source}'):
        done = run('force', base)
        found = rethink('data', 'check', '--data', 'mnist', XDG_DATA_HOME=home.parent)
        tap.ok(done.returncode == 0 and kind_of(found) == 'mnist' and not list(home.glob('.*')), f'fetch: installed from {base}',
               *shown(done), *shown(found))
    done = run('keep', source)
    tap.ok(done.returncode == 5 and '--force' in done.stdout, 'fetch: it is there already', *shown(done))
    done = rethink('data', 'fetch', 'mnist', '--url', source, XDG_DATA_HOME=scratch / 'none')
    tap.ok(one_error(done, 4, 'expected 9912422'), 'data fetch mnist: not the official files', *shown(done))
    with open(source / f'{NAMES[0]}.gz', 'wb') as f:
        f.truncate(9912422)
    done = rethink('data', 'fetch', 'mnist', '--url', source, XDG_DATA_HOME=scratch / 'none')
    tap.ok(one_error(done, 4, 'f68b3c2dcbeaaa9fbdd348bbdeb94873'), 'data fetch mnist: nor by its MD5', *shown(done))
    done = rethink('data', 'fetch', 'minst')
    tap.ok(one_error(done, 2, 'none of cifar10 mnist fashion-mnist'), 'data fetch: no such data set', *shown(done))


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    data = write(scratch / 'data', contents())
    if sys.argv[1:] == ['networks']:
        networks(data, scratch)
        against_pytorch(data, scratch)
    else:
        find(scratch)
        damage(scratch)
        corruption(data, scratch)
        tools(data, scratch)
        if os.environ.get('RT_FETCH_FILES_DRIVE'):
            fetch(scratch)
tap.done()
