"""What training presents under preprocessing, crop, flip and rotate, against a few lines of numpy and Pillow."""
import ctypes
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
import tap  # noqa: E402

try:
    import numpy as np
    from PIL import Image
except ImportError as missing:
    tap.skip_all(f'{missing}: these tests compare with it')

COUNT = 200
MEAN, STD = np.array([0.503036, 0.501494, 0.500023]), np.array([0.259037, 0.259526, 0.259766])  # docs/formats.md
lib = ctypes.CDLL(os.environ['RT_DATA_PROBE'])


def presented(settings, epoch=1):
    """Order, inputs, angles, crops, whole images (of those that are not augmented only the middle is there)."""
    order, images = np.empty(COUNT, np.uint32), np.empty((COUNT, 3, 28, 28), np.float32)
    angles, crops = np.empty(COUNT), np.empty((COUNT, 3), np.uint8)
    stored = np.zeros((COUNT, 3, 32, 32), np.uint8)
    failed = lib.probe_inputs(f'train_size=1000 {settings}'.encode(), epoch, COUNT,
                              *(ctypes.c_void_p(a.ctypes.data) for a in (order, images, angles, crops, stored)))
    if failed:
        return None
    if not any(word in settings for word in ('augment', 'crop', 'flip', 'rotate')):
        middle = stored.ravel()[:COUNT * 3 * 28 * 28].reshape(COUNT, 3, 28, 28)
        stored = np.pad(middle, ((0, 0), (0, 0), (2, 2), (2, 2)))
    return order, images, angles, crops, stored


def expected(image, kind, angle, row, column, flip):
    """One 32 x 32 image turned, cut, mirrored and preprocessed."""
    image = np.asarray(Image.fromarray(image.transpose(1, 2, 0)).rotate(angle, Image.NEAREST)).transpose(2, 0, 1)
    image = image[:, row:row + 28, column:column + 28] / 255.0
    image = image[:, :, ::-1] if flip else image
    if kind == 'channel':
        return (image - MEAN[:, None, None]) / STD[:, None, None]
    if kind == 'image':
        return (image - image.mean()) / max(image.std(), 1 / np.sqrt(image.size))
    return image


for kind in 'channel', 'image', 'none':
    for transforms in '', 'augment=true', 'crop=random', 'flip=true', 'rotate=25', 'crop=random flip=true rotate=180':
        order, images, angles, crops, whole = presented(f'preprocessing={kind} {transforms}')
        moved, mirrored = 'crop' in transforms or 'augment' in transforms, 'flip' in transforms or 'augment' in transforms
        worst = max(np.abs(images[i] - expected(whole[i], kind, angles[i], *crops[i])).max() for i in range(COUNT))
        tap.ok(worst < 1e-5, f'preprocessing: {kind}; {transforms}: as numpy and Pillow', worst)
        tap.ok((len(set(map(tuple, crops[:, :2]))) == 25) == moved and (0.3 < crops[:, 2].mean() < 0.7) == mirrored,
               f'preprocessing: {kind}; {transforms}: what varies is what was asked for')

same = [np.array_equal(a, b) for a, b in zip(presented('augment=true'), presented('crop=random flip=true'))]
tap.ok(all(same), 'augment: true is crop: random and flip: true, byte by byte', same)
one, two = presented('augment=true')[3], presented('crop=random flip=true rotate=25')[3]
tap.ok(np.array_equal(one, two), 'turns leave the draws of crops as they are')
angles = np.concatenate([presented('rotate=25', epoch)[2] for epoch in range(1, 4)])
tap.ok(abs(angles).max() < 25 and abs(angles.mean()) < 3 and abs(angles.std() - 25 / np.sqrt(3)) < 2, 'angles are uniform',
       [angles.min(), angles.mean(), angles.std(), angles.max()])
tap.ok(len(set(angles)) == len(angles), 'and of every image and epoch their own')

_, noise, *_ = presented('data_corruption_type=gauss_pix preprocessing=none')
_, white, *_ = presented('data_corruption_type=gauss_pix preprocessing=image')
want = np.stack([(x - x.mean()) / max(x.std(), 1 / np.sqrt(x.size)) for x in noise.astype(float)])
tap.ok(np.abs(white - want).max() < 1e-5, 'Gaussian pixels are whitened too', np.abs(white - want).max())
raw = presented('data_corruption_type=gauss_pix normalize_noise=false preprocessing=image')[1]
tap.ok(np.array_equal(raw, noise), 'but not with normalize_noise: false')
for settings in ('augment=true crop=center', 'augment=true flip=false', 'rotate=25 data_corruption_type=rand_pix',
                 'flip=true data_corruption_type=shuff_pix', 'rotate=-1', 'rotate=181'):
    tap.ok(presented(settings) is None, f'refused: {settings}')
tap.done()
