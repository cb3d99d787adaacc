#!/usr/bin/env python3
"""Requests to stop, at calls to the system from a run's and a sweep's first to their last: the documented exit
code, and the same command then ends as if nothing had happened. SIGHUP is one of them, unless it is ignored."""
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
from runs import differences, folder, outcome, result, temporary
from tap import RETHINK, SLOWER, done, empty, ok

FAULTY = os.environ.get('RETHINK_FAULTY') or os.path.join(os.path.dirname(os.path.abspath(RETHINK)), 'tests', 'torture',
                                                          'rethink-faulty')
NAME = 'MLP1_0.5_none'
SMALL = ('--data', 'shapes10', '--set', 'train_size=40', '--set', 'test_size=20', '--set', 'batch_size=16', '--set', 'log_every=1',
         '--epochs', '2', '--runs', 'runs', '--quiet')
COMMANDS = {'train': ('train', NAME, *SMALL, '--threads', '1', '--set', 'track=[]'),
            'sweep': ('sweep', NAME, 'MLP1_1.0_none', *SMALL, '--set', 'track=[]', '--jobs', '2', '--no-figures')}


def run(words, runs, fault='', log=''):
    return subprocess.run([FAULTY, *words], cwd=runs, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300 * SLOWER,
                          env={**os.environ, 'RT_FAULT': fault, **({'RT_FAULT_LOG': log} if log else {})})


def outcomes(runs):
    return {name: outcome(folder(os.path.join(runs, 'runs'), name)) for name in os.listdir(os.path.join(runs, 'runs', 'MLP1'))}


def check(name, words, every):
    with temporary() as runs:
        log = os.path.join(runs, 'calls')
        whole = run(words, runs, log=log)
        with open(log) as f:
            calls = len([line for line in f if not line.startswith('alloc')])
        expected = outcomes(runs)
    if not ok(whole.returncode == 0 and calls, f'{name} runs undisturbed', whole.stderr):
        return
    problems, stopped = [], 0
    for at in range(1, calls + 1, every):
        with temporary() as runs:
            first = run(words, runs, f'SIGTERM@{at}')
            stopped += first.returncode == 6
            if first.returncode not in (0, 6):
                problems.append(f'SIGTERM at call {at}: exit code {first.returncode}: {first.stderr}')
            if first.returncode == 6 and (first.stderr.count('\n') != 1 or 'interrupted' not in first.stderr) and name == 'train':
                problems.append(f'SIGTERM at call {at}: says {first.stderr!r}')
            again = run(words, runs)
            if again.returncode or differences(expected, outcomes(runs)):
                problems.append(f'SIGTERM at call {at}, then again: exit code {again.returncode}: {again.stderr}')
    empty(problems, f'{name}: SIGTERM at calls among the {calls} to the system ends with exit code 6 and one line, and is resumed')
    ok(stopped > 1, f'{name}: some of them stop it', stopped)  # each process counts its own calls


def hang_up_ends():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def check_hang_up():
    """A closed terminal saves; under nohup it does nothing."""
    words = [RETHINK, *COMMANDS['train'][:-1], 'track=[]', '--epochs', '100000', '--set', 'curve=true']
    for ignored in (False, True):
        with temporary() as runs:
            process = subprocess.Popen((['nohup'] if ignored else []) + words, cwd=runs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True, preexec_fn=hang_up_ends)  # also where these tests run under nohup
            metrics = os.path.join(runs, 'runs', 'MLP1', NAME, 'metrics.csv')
            while not os.path.exists(metrics) or os.path.getsize(metrics) < 1000:
                time.sleep(0.05)
            process.send_signal(signal.SIGHUP)
            if ignored:
                size = os.path.getsize(metrics)
                while process.poll() is None and os.path.getsize(metrics) < size + 2000:
                    time.sleep(0.05)
                ok(process.poll() is None, 'under nohup, SIGHUP changes nothing')
                process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60 * SLOWER)
            state = result(folder(os.path.join(runs, 'runs'), NAME))['state']
            ok(process.returncode == 6 and state == 'interrupted', f'{"SIGTERM then" if ignored else "SIGHUP"} saves and exits with 6',
               process.returncode, said, state)


def check_twice():
    """timeout(1) and make send SIGTERM to a process and again to its group: one request. A later one ends a run that cannot save."""
    words = [RETHINK, *(word for word in COMMANDS['train'] if word != '--quiet')]
    with temporary() as runs:
        reader, writer = os.pipe()  # full: the run hangs where it first says something
        os.set_blocking(writer, False)
        try:
            while os.write(writer, b'.'):
                pass
        except BlockingIOError:
            os.set_blocking(writer, True)
        process = subprocess.Popen(words, cwd=runs, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        os.close(writer)
        until = time.time() + 60 * SLOWER
        while not catches(process.pid, signal.SIGTERM) and time.time() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        ok(process.poll() is None, 'a second SIGTERM at once is the same request', process.returncode)
        time.sleep(1.2)
        process.send_signal(signal.SIGTERM)
        ok(process.wait(timeout=60 * SLOWER) == -signal.SIGTERM, 'one that comes later ends the run at once', process.returncode)
        os.close(reader)


def catches(pid, number):
    with open(f'/proc/{pid}/status') as f:
        caught = next(line.split()[1] for line in f if line.startswith('SigCgt'))
    return int(caught, 16) >> (number - 1) & 1


check('train', COMMANDS['train'], 4)
check('sweep', COMMANDS['sweep'], 24)
check_hang_up()
check_twice()
done()
