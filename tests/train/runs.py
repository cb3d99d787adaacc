"""What the script tests of training share: starting runs, and what of a run must not depend on its interruptions."""
import csv
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER

TIMES = ('wall_s', 'cpu_s')


def command(runs, name, *arguments):
    return [RETHINK, 'train', name, '--data', 'shapes10', '--runs', runs, '--set', 'track=[]', '--threads', '1',
            *arguments]


def train(runs, name, *arguments):
    return subprocess.run(command(runs, name, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=900 * SLOWER)


def folder(runs, name='*'):
    return glob.glob(os.path.join(runs, '*', name))[0]


def checkpoints(path):
    """Paths of the checkpoints, oldest first (their names sort so below epoch 1000)."""
    return sorted(glob.glob(os.path.join(path, 'e_*')))


def read(*path):
    with open(os.path.join(*path), 'rb') as f:
        return f.read()


def metrics(path):
    with open(os.path.join(path, 'metrics.csv'), newline='') as f:
        return [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(f)]


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items()
                if key not in TIMES + ('minutes', 'peak_memory_bytes', 'metrics_size_bytes', 'metrics_digest')}
    return value


def result(path):
    return without_times(json.loads(read(path, 'result.json')))


def outcome(path):
    """Everything a run leaves, times aside."""
    last = checkpoints(path)[-1]
    return {
        # an interruption at an epoch's end leaves one more behind; within an epoch, none that lasts
        'last checkpoint': os.path.basename(last),
        'passing checkpoints': [c for c in checkpoints(path) if '_b0' in os.path.basename(c)],
        'model': read(last, 'model.safetensors'),
        'optimizer': read(last, 'optimizer.safetensors'),
        'checkpoint config': read(last, 'config.yaml'),
        'state': without_times(json.loads(read(last, 'state.json'))),
        'config': read(path, 'config.yaml'),
        'metrics': metrics(path),
        'result': result(path),
        'histories': {name: read(path, name) for name in sorted(os.listdir(path)) if name.startswith('history_')},
        'files': sorted(n for n in os.listdir(path) if not n.startswith('e_')),
    }


def differences(a, b):
    """The parts in which two outcomes differ."""
    return [key for key in a if a[key] != b[key]]


def temporary():
    return tempfile.TemporaryDirectory(prefix='rethink-train-')
