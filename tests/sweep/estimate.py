#!/usr/bin/env python3
"""What a sweep says of its time: at its start, from runs of the kind that are there or from a few measured steps, and
while it goes on."""
import os
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, done, ok

SMALL = ['--data', 'shapes10', '--train-size', '256', '--set', 'test_size=100', '--set', 'track=[]', '--no-figures', '--cores', '1']
TIME = r'(\d+h\d\dm|\d+m\d\ds|\d+s)'


def sweep(place, *words):
    process = subprocess.run([RETHINK, 'sweep', *words, *SMALL], cwd=place, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=200 * SLOWER)
    return process.returncode, process.stderr.splitlines()


def main():
    with tempfile.TemporaryDirectory(prefix='rethink-estimate-') as place:
        code, lines = sweep(place, 'MLP1_0.0_none', '--epochs', '3', '--seed', '1,2')
        ok(code == 0 and lines[0] == '2 of 2 runs to do on 1 core', 'a short sweep of which nothing is known measures nothing', *lines)
        code, lines = sweep(place, 'MLP1_0.0_none', '--epochs', '40', '--seed', '3,4')
        ok(code == 0 and re.fullmatch('2 of 2 runs to do on 1 core: about ' + TIME, lines[0]), 'finished runs of the kind say how long', *lines)
        code, lines = sweep(place, 'MLP1_0.0_none', '--epochs', '3', '--seed', '1,2')
        ok(code == 0 and 'to do' not in lines[0], 'where nothing is left, no time', *lines)
        process = subprocess.Popen([RETHINK, 'sweep', 'MLP1_0.0_none', '--epochs', '5000', '--set', 'curve=true', '--seed', '5', *SMALL],
                                   cwd=place, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        told = []
        for line in process.stderr:
            told.append(line)
            if ' left' in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60 * SLOWER)
        ok(re.search(rf'^0 of 1 finished, 1 running, 0 waiting; {TIME}, {TIME} left$', told[-1]), 'and on the way, how much is left', *told)
        process = subprocess.Popen([RETHINK, 'figure1', '--models', 'WRN', '--data', 'shapes10', '--no-figures', '--runs', 'long'], cwd=place,
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=100 * SLOWER)
        ok(re.match(r'14 of 14 runs to do on \d+ cores?: about ' + TIME, first), 'of a long sweep, a few steps are measured', first)
    done()


main()
