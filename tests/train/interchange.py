#!/usr/bin/env python3
"""Weights travel: model.safetensors loads into PyTorch's models with strict=True and evaluates there to the same loss and
predictions; weights that PyTorch saved train here with --init, and what does not fit is named."""
import json
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'parity'))
from runs import checkpoints, folder, read, temporary
from tap import RETHINK, done, ok, skip_all

try:
    import numpy
    import torch

    import oracle
except ImportError as error:
    skip_all(f"{error}: Debian's python3-torch and python3-numpy are needed")

EXPERIMENTS = {'MLP1': 'MLP1_0.0_none', 'MLP3': 'MLP3_0.0_none', 'AlexNet': 'AlexNet_0.0_none', 'Inception': 'Inception_0.0_none',
               'InceptionNoBN': 'Inception_bnFalse', 'WRN': 'WRN_0.0_none'}
MEAN, STD = (0.489255, 0.475775, 0.439889), (0.243047, 0.239315, 0.255997)
TRAIN, TEST = 96, 250
TYPES = {'F32': numpy.dtype('<f4'), 'I64': numpy.dtype('<i8')}


def load(path):
    """A safetensors file as {name: tensor}, in a few lines."""
    data = read(path)
    size, = struct.unpack('<Q', data[:8])
    header = json.loads(data[8:8 + size])
    ok(header.pop('__metadata__') == {'format': 'pt'} and size % 8 == 0, 'the header is as PyTorch users expect', header)
    return {name: torch.from_numpy(numpy.frombuffer(data[8 + size:][slice(*info['data_offsets'])],
                                                    TYPES[info['dtype']]).reshape(info['shape']).copy())
            for name, info in header.items()}


def store(path, tensors):
    """The other way, in the order the tensors come: not the one our writer chooses, and with an odd header."""
    header, at = {}, 0
    for name, tensor in tensors.items():
        dtype = {torch.float32: 'F32', torch.int64: 'I64', torch.float16: 'F16'}[tensor.dtype]
        end = at + tensor.numel() * tensor.element_size()
        header[name] = {'dtype': dtype, 'shape': list(tensor.shape), 'data_offsets': [at, end]}
        at = end
    text = json.dumps(header).encode()
    text += b' ' * ((5 - len(text)) % 8)  # data then begins at no multiple of 4
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for tensor in tensors.values():
            f.write(tensor.numpy().tobytes())


def make_images(path):
    """60,000 blocky random images in CIFAR-10's binary layout; the first test images and labels are returned."""
    os.mkdir(path)
    rng = numpy.random.RandomState(7)
    for name in [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']:
        records = numpy.empty((10000, 3073), numpy.uint8)
        records[:, 0] = rng.randint(0, 10, 10000)
        blocks = rng.randint(0, 256, (10000, 3, 4, 4)).astype(numpy.uint8)
        records[:, 1:] = blocks.repeat(8, 2).repeat(8, 3).reshape(10000, 3072)
        records.tofile(os.path.join(path, name))
    pixels = records[:TEST, 1:].reshape(TEST, 3, 32, 32)[:, :, 2:30, 2:30].astype(numpy.float32) / 255
    normal = (pixels - numpy.array(MEAN, numpy.float32)[:, None, None]) / numpy.array(STD, numpy.float32)[:, None, None]
    return torch.from_numpy(normal.astype(numpy.float32)), torch.from_numpy(records[:TEST, 0].astype(numpy.int64))


def rethink(*arguments):
    return subprocess.run([RETHINK, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)


def train(runs, data, experiment, *arguments):
    return rethink('train', experiment, '--data', data, '--runs', runs, '--epochs', '1', '--set', f'train_size={TRAIN}', '--set',
                   f'test_size={TEST}', '--set', 'batch_size=32', '--set', 'track=[]', *arguments)


def check_model(name, data, images, labels):
    with temporary() as runs:
        run = train(runs, data, EXPERIMENTS[name])
        if not ok(run.returncode == 0, f'{name}: trains', run.stderr):
            return
        checkpoint = checkpoints(folder(runs))[-1]
        module = oracle.model(name).eval()
        try:
            module.load_state_dict(load(os.path.join(checkpoint, 'model.safetensors')), strict=True)
        except RuntimeError as error:
            ok(False, f'{name}: loads into PyTorch with strict=True', error)
            return
        ok(True, f'{name}: loads into PyTorch with strict=True')
        with torch.no_grad():
            logits = module(images).double()
        expected = torch.nn.functional.cross_entropy(logits, labels).item()
        predictions = os.path.join(runs, 'predictions')
        run = rethink('evaluate', checkpoint, '--data', data, '--predictions', predictions, '--confusion')
        found = float(re.search(r'^loss +(\S+)$', run.stdout, re.MULTILINE).group(1)) if run.returncode == 0 else float('nan')
        ok(abs(found - expected) <= 1e-5 * max(1, expected), f'{name}: the same test loss ({found:.6f})', run.stderr, expected)
        ours = [int(line) for line in read(predictions).split()]
        # two logits closer than rounding may change places
        top = logits.topk(2).values
        sure = (top[:, 0] - top[:, 1]) > 1e-4 * logits.abs().max()
        wrong = [i for i in range(TEST) if sure[i] and ours[i] != logits[i].argmax()]
        ok(len(ours) == TEST and sure.sum() > TEST * 0.9 and not wrong, f'{name}: the same predictions', wrong, ours[:10])


def check_init(data):
    with temporary() as runs:
        module = oracle.model('WRN')
        oracle.randomize(module)
        path = os.path.join(runs, 'torch.safetensors')
        tensors = module.state_dict()
        store(path, tensors)
        run = train(runs, data, 'WRN_0.0_none', '--init', path, '--set', 'learning_rate=0', '--fresh')
        if ok(run.returncode == 0, "PyTorch's weights load with --init", run.stderr):
            back = load(os.path.join(checkpoints(folder(runs))[-1], 'model.safetensors'))
            ok(all(torch.equal(back[n], t) for n, t in module.named_parameters()), 'and are what training begins with')
        run = train(runs, data, 'WRN_0.0_none', '--init', path, '--set', 'learning_rate=0')
        ok(run.returncode == 2 and '--fresh' in run.stderr, 'a run that goes on takes no other weights', run.stderr)
        tensors['conv1.weight'] = tensors['conv1.weight'][:, :2].contiguous()
        tensors['classifier.bias'] = tensors['classifier.bias'].half()
        del tensors['bn1.running_mean']
        tensors['extra'] = torch.zeros(3)
        store(path, tensors)
        run = train(runs, data, 'WRN_0.0_none', '--init', path, '--fresh')
        wanted = ['unfit tensor conv1.weight [16, 2, 3, 3] F32, expected [16, 3, 3, 3] F32',
                  'unfit tensor classifier.bias [10] F16, expected [10] F32', 'missing tensor bn1.running_mean [192] F32',
                  'unexpected tensor extra', '4 tensors are not']
        ok(run.returncode == 4 and all(w in run.stderr for w in wanted), 'every tensor that does not fit is named', run.stderr)
        ok(checkpoints(folder(runs, 'WRN_0.0_none')), 'and the run that was there is left alone')
        for count in -1, 2**63 - 1:
            tensors = {**module.state_dict(), 'bn1.num_batches_tracked': torch.tensor(count)}
            store(path, tensors)
            run = train(runs, data, 'WRN_0.0_none', '--init', path, '--fresh')
            ok(run.returncode == 4 and f'bn1.num_batches_tracked is {count}, expected a count' in run.stderr,
               f'nothing goes on counting from {count}', run.stderr)


def check_changed_data(data):
    with temporary() as runs:
        train(runs, data, 'MLP1_0.0_none')
        path = os.path.join(data, 'data_batch_3.bin')
        with open(path, 'r+b') as f:
            f.seek(3073 * 5000 + 100)
            byte = f.read(1)
            f.seek(-1, 1)
            f.write(bytes([byte[0] ^ 1]))
        run = rethink('train', 'MLP1_0.0_none', '--data', data, '--runs', runs, '--epochs', '2', '--set', f'train_size={TRAIN}',
                      '--set', f'test_size={TEST}', '--set', 'batch_size=32', '--set', 'track=[]')
        ok(run.returncode == 4 and 'these images (digest' in run.stderr and '--fresh' in run.stderr,
           'one changed bit in an image, even one that is not used, and the run does not go on', run.stderr)


def main():
    with temporary() as top:
        data = os.path.join(top, 'images')
        images, labels = make_images(data)
        for name in EXPERIMENTS:
            check_model(name, data, images, labels)
        check_init(data)
        check_changed_data(data)
    done()


main()
