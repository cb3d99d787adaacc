"""rethink data check, samples and fetch as a user meets them."""
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
import tap  # noqa: E402
from program import one_error, rethink, shown  # noqa: E402

FILES = [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']
SIZE = 30730000


def zeros(folder):
    for name in FILES:
        with open(folder / name, 'wb') as f:
            f.truncate(SIZE)


def check(scratch):
    done = rethink('data', 'check', '--data', 'shapes10')
    tap.ok(done.returncode == 0 and 'star' in done.stdout and '1000    200' in done.stdout, 'check: shapes10', *shown(done))
    done = rethink('data', 'check', XDG_DATA_HOME=scratch / 'none')
    tap.ok(one_error(done, 4, scratch / 'none', 'rethink data fetch', 'shapes10'), 'check: nothing installed', *shown(done))
    zeros(scratch)
    done = rethink('data', 'check', scratch)
    tap.ok(done.returncode == 0 and 'remark: not the official bytes' in done.stdout and done.stdout.count('not official') == 6,
           'check: well-formed but not official is a remark', *shown(done))
    done = rethink('data', 'check', RETHINK_DATA=scratch)
    tap.ok(done.returncode == 0 and str(scratch) in done.stdout, 'check: RETHINK_DATA', *shown(done))
    with open(scratch / FILES[3], 'r+b') as f:
        f.seek(1234 * 3073)
        f.write(b'\x0b')
    done = rethink('data', 'check', scratch)
    tap.ok(one_error(done, 4, FILES[3], 'record 1234', 'label 11'), 'check: a label out of range', *shown(done))
    if os.geteuid() == 0:
        tap.skip('check: a file that may not be read', 'root may read everything')
    else:
        os.chmod(scratch / FILES[0], 0)
        done = rethink('data', 'check', scratch)
        tap.ok(one_error(done, 5, FILES[0], 'ermission'), 'check: a file that may not be read', *shown(done))


def samples(scratch):
    names = ['shapes10', 'shuffled_pixels', 'random_pixels', 'gaussian_pixels']
    done = rethink('data', 'samples', '--data', 'shapes10', '--output', scratch / 'a' / 'b')
    made = sorted(p.name for p in (scratch / 'a' / 'b').iterdir()) if (scratch / 'a' / 'b').exists() else []
    tap.ok(done.returncode == 0 and made == sorted(n + '.png' for n in names + ['network_inputs']), 'samples: five pictures', *shown(done), made)
    try:
        import numpy as np
        from PIL import Image
    except ImportError as missing:
        return tap.skip('samples: what they show', str(missing))
    batch, *pairs = (np.asarray(Image.open(scratch / 'a' / 'b' / (n + '.png'))) for n in names)

    def cells(picture, rows, scale):
        pitch = 28 * scale + 2
        right = picture.shape == (2 + rows * pitch, 2 + 8 * pitch, 3) and not picture[:2].any() and \
            not picture[:, pitch:pitch + 2].any()
        return right, [[picture[2 + r * pitch:r * pitch + pitch:scale, 2 + c * pitch:c * pitch + pitch:scale]
                        for c in range(8)] for r in range(rows)]

    right, images = cells(batch, 16, 2)
    tap.ok(right and len({image.tobytes() for row in images for image in row}) == 128,
           'samples: 8 x 16 images with black gaps of 2 pixels, all different', batch.shape)
    wrong = []
    for name, picture in zip(names[1:], pairs):
        right, (above, below) = cells(picture, 2, 4)
        kept = [np.array_equal(np.sort(a.reshape(-1, 3), 0), np.sort(b.reshape(-1, 3), 0)) for a, b in zip(above, below)]
        same = [np.array_equal(a, b) for a, b in zip(above, below)]
        if not right or any(same) or not all(np.array_equal(a, b) for a, b in zip(above, images[0])) or \
                all(kept) == (name == 'gaussian_pixels'):
            wrong.append((name, right, kept, same))
    tap.empty(wrong, 'samples: the batch\'s first 8 above themselves with pixels moved, or noise')
    noise = np.stack(cells(pairs[2], 2, 4)[1][1]) / 255
    tap.ok(np.abs(noise.mean((0, 1, 2)) - 0.5).max() < 0.03 and 0.2 < noise.std() < 0.28, 'samples: noise of the data\'s scale')

    def inputs(*changes):
        done = rethink('data', 'samples', '--data', 'shapes10', '--output', scratch / 'inputs', *changes)
        right, rows = cells(np.asarray(Image.open(scratch / 'inputs' / 'network_inputs.png')), 4, 4)
        return done.returncode == 0 and right, np.array(rows).astype(float)

    def whitened(image):
        return np.clip(((image - image.mean()) / max(image.std(), 255 / np.sqrt(image.size)) + 2.5) / 5, 0, 1) * 255

    right, rows = inputs('--set', 'preprocessing=none')
    tap.ok(right and all(np.array_equal(rows[0], row) for row in rows[1:]), 'samples: inputs are the images, without preprocessing')
    right, rows = inputs('MLP1_0.0_none', '--set', 'preprocessing=image')
    wrong = [np.abs(row[i] - whitened(rows[0][i])).max() for row in rows[1:] for i in range(8)]
    tap.ok(right and max(wrong) <= 1, 'samples: inputs whitened image by image', max(wrong))
    right, rows = inputs('--set', 'preprocessing=none', '--set', 'flip=true')
    mirrored = [np.array_equal(row[i], rows[0][i][:, ::-1]) for row in rows[1:] for i in range(8)]
    plain = [np.array_equal(row[i], rows[0][i]) for row in rows[1:] for i in range(8)]
    tap.ok(right and any(mirrored) and any(plain) and all(a or b for a, b in zip(mirrored, plain)),
           'samples: inputs mirrored in some epochs', mirrored, plain)
    right, rows = inputs('--set', 'preprocessing=none', '--set', 'crop=random', '--set', 'rotate=25')
    tap.ok(right and all(not np.array_equal(a, b) for row in rows[1:] for a, b in zip(row, rows[0])) and
           not np.array_equal(rows[1], rows[2]) and not np.array_equal(rows[2], rows[3]), 'samples: inputs cropped and turned anew')
    right, rows = inputs('--set', 'preprocessing=none', '--set', 'data_corruption_type=rand_pix')
    tap.ok(right and np.array_equal(np.sort(rows[1][0].reshape(-1, 3), 0), np.sort(rows[0][0].reshape(-1, 3), 0)) and
           not np.array_equal(rows[1], rows[0]) and np.array_equal(rows[1], rows[2]), 'samples: inputs with corrupted pixels')
    done = rethink('data', 'samples', '--data', 'shapes10', '--output', scratch, '--set', 'crop=random', '--set',
                   'data_corruption_type=gauss_pix')
    tap.ok(one_error(done, 3, 'gauss_pix'), 'samples: keys that do not go together', *shown(done))
    done = rethink('data', 'samples', '--data', 'shapes10', '--output', '/dev/null/x')
    tap.ok(one_error(done, 5, '/dev/null'), 'samples: a folder that cannot be made', *shown(done))


def fetch(scratch):
    archive = scratch / 'other.tar.gz'
    archive.write_bytes(bytes(5000))
    done = rethink('data', 'fetch', '-q', '--url', archive, XDG_DATA_HOME=scratch / 'home')
    tap.ok(one_error(done, 4, archive, 'cifar-10-batches-bin/data_batch_1.bin'), 'fetch: only the official files', *shown(done))
    home = scratch / 'home' / 'rethink'
    tap.ok(not list(home.iterdir()), 'fetch: leaves nothing', *home.iterdir())
    done = rethink('data', 'fetch', HOME='relative', XDG_DATA_HOME='')
    tap.ok(one_error(done, 5, 'HOME', 'set one of them') and '--data' not in done.stderr,
           'fetch: no place to install, and no advice that it would not take', *shown(done))
    done = rethink('data', 'check', HOME='relative', XDG_DATA_HOME='')
    tap.ok(one_error(done, 5, 'HOME', '--data DIR'), 'check: no place to look', *shown(done))
    offline = {'https_proxy': 'http://127.0.0.1:1', 'XDG_DATA_HOME': scratch / 'offline'}
    done = rethink('data', 'fetch', **offline)
    advice = "without a network, 'rethink data fetch --url FILE' installs an archive that was brought here, and '--data shapes10'"
    tap.ok(done.returncode == 5 and done.stderr.splitlines()[-1].count(advice) == 1 and done.stderr.count(advice) == 1,
           'fetch: without a network, what works without one', *shown(done))
    done = rethink('data', 'fetch', '-q', '--url', 'https://127.0.0.1:1/x', **offline)
    tap.ok(done.returncode == 5 and advice not in done.stderr, 'fetch: no such advice on an address of one\'s own', *shown(done))
    done = rethink('data', 'fetch', 'extra')
    tap.ok(done.returncode == 2, 'fetch: takes no operand', *shown(done))


for part in (check, samples, fetch):
    with tempfile.TemporaryDirectory() as folder:
        part(pathlib.Path(folder))
tap.done()
