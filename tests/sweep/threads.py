"""Sweeps in threads of one process: the bytes that processes leave, failures that cost one run, interruption and resuming."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'train')]
import tap  # noqa: E402
from runs import differences, outcome, read, result  # noqa: E402

work = tempfile.mkdtemp(prefix='rethink-threads-')
SMALL = ['--data', 'shapes10', '--train-size', '256', '--set', 'test_size=100', '--no-figures']


def command(*args, runs, launcher='threads'):
    return [tap.RETHINK, args[0], *SMALL, *args[1:], '--launcher', launcher, '--runs', os.path.join(work, runs)]


def rethink(*args, **kwargs):
    return subprocess.run(command(*args, **kwargs), capture_output=True, text=True, cwd=work, timeout=300 * tap.SLOWER)


def folder(runs, name):
    return os.path.join(work, runs, 'MLP1', name)


def left(runs):
    found = {}
    for name in sorted(os.listdir(os.path.join(work, runs, 'MLP1'))):
        found[name] = outcome(folder(runs, name))
        found[name]['files'] = {re.sub(r'^events\.out\.tfevents.*', 'events', f) for f in found[name]['files']}
    return found


def different(a, b):
    return [(name, differences(a[name], b[name])) for name in a if name not in b or differences(a[name], b[name])] + sorted(set(b) - set(a))


def wait_for(condition, seconds=60):
    end = time.time() + seconds * tap.SLOWER
    while time.time() < end and not condition():
        time.sleep(0.05)
    return condition()


def same_bytes():
    plan = ['sweep', 'MLP1_0.0_none', 'MLP1_0.5_none', 'MLP1_0.0_shuff_pix', '--set', 'momentum=0.9,0.8', '--epochs', '3', '-j', '2']
    processes, threads = rethink(*plan, runs='processes', launcher='local'), rethink(*plan, runs='threads')
    tap.ok(processes.returncode == threads.returncode == 0 and threads.stderr.count('finished after') == 6, 'six runs, two side by side, in one process',
           threads.stderr, processes.stderr)
    tap.empty(different(left('processes'), left('threads')), 'leave the bytes that they leave as processes')
    p = rethink(*plan[:6], '--epochs', '3', '--side-by-side', '2', runs='threads')
    tap.ok(p.returncode == 0 and 'started' not in p.stderr, 'finished runs are skipped, whoever carried them out', p.stderr)
    stages = ['seed-importance', '--models', 'MLP1', '--epochs', '3', '--side-by-side', '2']
    p = rethink(*stages, runs='stages')
    log = read(folder('stages', 'nopeMLP1_0.1_none'), 'log.txt').decode()
    tap.ok(p.returncode == 0 and log.count('Resuming training') == 2, 'runs of several sessions', p.stderr, log)


def failures():
    p = rethink('sweep', 'MLP1_0.0_none', '--epochs', '20', '--set', 'learning_rate=1000,0.01', '-j', '2', runs='failing')
    lines = [line for line in p.stderr.splitlines() if 'failed' in line and 'MLP1_0.0_none_learning_rate1000' in line]
    tap.ok(p.returncode == 7 and result(folder('failing', 'MLP1_0.0_none'))['state'] == 'finished' and len(lines) == 2
           and 'training loss became' in lines[0], 'a run that diverges costs that run only, and says why in one line', p.stderr)
    p = rethink('sweep', 'MLP1_0.2_none', '--epochs', '20', '--set', 'learning_rate=1000,0.01', '-j', '1', '--fail-fast', runs='fast')
    tap.ok(p.returncode == 7 and not os.path.exists(folder('fast', 'MLP1_0.2_none')), '--fail-fast starts nothing more', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', 'MLP1_0.3_none', '--data', '/nonexistent', '-j', '2', runs='nodata')
    tap.ok(p.returncode == 4 and p.stderr.count('/nonexistent') == 3, 'data that is not there fails each run', p.stderr)


def interrupted():
    args = ['sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', '--epochs', '150', '--set', 'curve=true', '-j', '2']
    p = subprocess.Popen(command(*args, runs='cut'), stderr=subprocess.PIPE, text=True, cwd=work)
    under_way = [os.path.join(folder('cut', n), 'metrics.csv') for n in ('MLP1_0.0_none', 'MLP1_1.0_none')]
    tap.ok(wait_for(lambda: all(os.path.exists(f) and os.path.getsize(f) > 300 for f in under_way)), 'two runs are under way')
    p.send_signal(signal.SIGINT)
    stderr = p.communicate(timeout=60 * tap.SLOWER)[1]
    states = [result(folder('cut', n))['state'] for n in ('MLP1_0.0_none', 'MLP1_1.0_none')]
    tap.ok(p.returncode == 6 and states == ['interrupted'] * 2, 'Ctrl-C: exit 6, all runs saved', p.returncode, states, stderr)
    again, whole = rethink(*args, runs='cut'), rethink(*args, runs='whole', launcher='local')
    tap.ok(again.returncode == whole.returncode == 0 and not different(left('whole'), left('cut')),
           'the same command resumes them, to the bytes of processes that nobody interrupted', again.stderr, whole.stderr)


def words():
    p = rethink('sweep', 'MLP1_0.0_none', '--device', 'cpu:0,1', runs='words')
    tap.ok(p.returncode != 0 and 'cpu:1' in p.stderr and p.stderr.count('\n') == 1, 'a device that is not there', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', '--device', 'cpu,cpu', runs='words')
    tap.ok(p.returncode == 2 and 'cuda:0,1' in p.stderr, 'several devices are given as in cuda:0,1', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', runs='words', launcher='nosuch')
    tap.ok(p.returncode == 2 and 'local threads slurm print' in p.stderr, 'an unknown launcher: exit 2 and those that there are', p.stderr)


try:
    for part in (same_bytes, failures, interrupted, words) if tap.SLOWER == 1 else (same_bytes,):
        part()
finally:
    shutil.rmtree(work)
tap.done()
