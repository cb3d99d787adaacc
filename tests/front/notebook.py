#!/usr/bin/env python3
"""docs/notebook.md's blocks, run as they stand on the runs that it names."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'track')]
import environment  # noqa: E402
from tap import RETHINK, SLOWER, SOURCE, done, ok, skip_all  # noqa: E402

# What each block must have made, seen from behind all of them.
CHECKS = [
    ("len(metrics) > 0 and list(metrics.columns[:3]) == ['step', 'epoch', 'batch']", 'metrics.csv: a row a log point'),
    ("metrics.epoch.max() == 2 and metrics.train_loss.dtype == float and metrics.train_loss.notna().all()", 'its numbers are numbers'),
    ("metrics.test_loss.dtype == float and metrics.test_loss.isna().any()", 'what was not measured is NaN'),
    ("sorted(runs.run) == ['MLP1_0.0_none_seed1', 'MLP1_0.0_none_seed2', 'MLP1_0.5_none_seed1', 'MLP1_0.5_none_seed2']", 'results: a row a run'),
    ("sorted(runs.seed) == [1, 1, 2, 2] and runs.learning_rate.dtype == float and set(runs.label_corruption_prob) == {0.0, 0.5}", 'its keys are numbers'),
    ("set(every.run) == set(runs.run) and len(mean) == 4 and (mean['count'] == 2).all() and (mean['mean'] > 0).all()", 'the mean over seeds'),
    ("losses.shape == (200, 2) and (losses > 0).all().all()", 'histories: a row an image, a column an epoch'),
]


def find_python():
    """One that has pandas: Debian's with python3-pandas, or the trackers' own."""
    for python in ('/usr/bin/python3', environment.python()):
        try:
            if subprocess.run([python, '-c', 'import pandas'], capture_output=True, timeout=120).returncode == 0:
                return python
        except OSError:
            pass
    return None


def main():
    python = find_python()
    if not python:
        skip_all('needs pandas: Debian\'s python3-pandas, or python3 tests/track/environment.py --make')
    with open(os.path.join(SOURCE, 'docs', 'notebook.md'), encoding='utf-8') as f:
        text = f.read()
    sweep = re.search(r'`rethink (sweep [^`]*)`', text).group(1).split()
    blocks = re.findall(r'^```python\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory(prefix='rethink-notebook-') as place:
        os.symlink(RETHINK, os.path.join(place, 'rethink'))
        trained = subprocess.run([RETHINK, *sweep, '--data', 'shapes10', '--train-size', '200', '--set', 'test_size=50', '--epochs', '2',
                                  '--no-figures'], cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200 * SLOWER)
        ok(trained.returncode == 0 and len(blocks) == 4, 'the runs that it names are trained', trained.stderr, len(blocks))
        script = ''.join(blocks) + ''.join(f'print(bool({check}))\n' for check, _ in CHECKS)
        ran = subprocess.run([python, '-c', script], cwd=place, env=dict(os.environ, PATH=f'{place}:{os.environ["PATH"]}'),
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200 * SLOWER)
    ok(ran.returncode == 0, 'every block runs', ran.stderr)
    said = ran.stdout.split()
    for (check, what), answer in zip(CHECKS, said + ['nothing'] * len(CHECKS)):
        ok(answer == 'True', what, check, answer)
    done()


main()
