#!/usr/bin/env python3
"""Every line of the README's tour runs as written, one after the other, where a fresh checkout has just been built.

What is not there is stood in for: a shell function hands each line's words to the program and adds, behind them, words
that make it small (STAND_INS). `data fetch` is run as written, where no server can be reached: it must say what works
without one, which the other lines then do. Without a GPU, --device cuda must be refused as documented, and the line is
run on the CPU."""
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, SOURCE, done, empty, ok

SMALL = ['--data', 'shapes10', '--train-size', '64', '--set', 'test_size=64']
STAND_INS = {
    'train': ('64 of the images that the program draws', SMALL),
    'sweep': ('the same, one epoch', [*SMALL, '--epochs', '1', '--no-figures']),
    'figure1': ('the same, two of the five models', [*SMALL, '--epochs', '1', '--models', 'MLP1,MLP3', '--no-figures']),
}
LEAVES = {  # what a line must have left behind
    'train': 'runs/*/*/result.json',
    'config': 'my.yaml',
    'sweep': 'runs/MLP1/MLP1_1.0_none_seed3/result.json',
    'figure1': 'runs/MLP3/MLP3_0.0_gauss_pix/result.json',
    'images': 'figures/MLP1_0.35_none_scores.png',
    'plot': 'figures/mlp1_corrup_curves.svg',
    'report': 'figures/report.html',
}


def tour():
    with open(os.path.join(SOURCE, 'README.md'), encoding='utf-8') as f:
        text = f.read()
    block = re.search(r'^## A short tour\n\n```\n(.*?)^```', text, re.MULTILINE | re.DOTALL).group(1)
    return [re.split(r'\s+# ', line)[0] for line in block.splitlines()]


def run(line, words, place):
    """The line in a shell of its own, in which rethink is the program with these words behind its own."""
    function = f'rethink() {{ {shlex.quote(RETHINK)} "$@" {shlex.join(words)}; }}\n'
    environment = {key: value for key, value in os.environ.items() if key != 'RETHINK_DATA'}
    environment.update(HOME=place, XDG_DATA_HOME=place + '/data', https_proxy='http://127.0.0.1:1')
    return subprocess.run(['bash', '-c', function + line], cwd=place, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600 * SLOWER)


def check(line, place):
    command = line.split()[1]
    why, words = STAND_INS.get(command, ('', []))
    told = line + (f' (stand-in: {why})' if why else '')
    if line == 'rethink data fetch':
        process = run(line, words, place)
        ok(process.returncode == 5 and '--url FILE' in process.stderr and '--data shapes10' in process.stderr,
           told + ' (stand-in: no server answers)', process.stderr)
        return
    if '--device cuda' in line and not os.path.exists('/dev/nvidia0'):
        process = run(line, words, place)
        ok(process.returncode == 3 and process.stderr.splitlines()[-1].startswith('rethink: device: '), told + ' is refused without a GPU',
           process.stderr)
        words, told = [*words, '--device', 'cpu'], told + ' (stand-in: the CPU)'
    process = run(line, words, place)
    left = glob.glob(os.path.join(place, LEAVES.get(command, '')))
    ok(process.returncode == 0 and left, told, process.returncode, process.stdout[-500:], process.stderr[-1500:])


def main():
    lines = tour()
    ok(len(lines) >= 10 and all(line.startswith('rethink ') for line in lines), 'the tour is found', *lines)
    empty({line.split()[1] for line in lines} ^ {*STAND_INS, *LEAVES, 'data', 'view', 'evaluate'}, 'it shows the commands known here')
    with tempfile.TemporaryDirectory(prefix='rethink-tour-') as place:
        for line in lines:
            check(line, place)
    done()


main()
