"""Sweeps on this machine: plans, skipping, resuming, failures, signals, locks, the overview. Small runs on shapes10."""
import ctypes
import fcntl
import glob
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import tap  # noqa: E402

work = tempfile.mkdtemp(prefix='rethink-sweep-')
SMALL = ['--data', 'shapes10', '--train-size', '256', '--set', 'test_size=100', '--set', 'track=[]', '--no-figures']


def command(*args, runs='runs'):
    return [tap.RETHINK, *args, '--runs', os.path.join(work, runs)]


def rethink(*args, runs='runs'):
    return subprocess.run(command(*args, runs=runs), capture_output=True, text=True, cwd=work)


def result(name, runs='runs'):
    path = glob.glob(os.path.join(work, runs, '*', name, 'result.json'))
    return json.load(open(path[0])) if path else None


def weights(name, runs='runs'):
    newest = sorted(glob.glob(os.path.join(work, runs, '*', name, 'e_*', 'model.safetensors')))
    return open(newest[-1], 'rb').read() if newest else None


def names(runs='runs'):
    return sorted(os.path.basename(os.path.dirname(p)) for p in glob.glob(os.path.join(work, runs, '*', '*', 'result.json')))


def wait_for(condition, seconds=60):
    end = time.time() + seconds * tap.SLOWER
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def children_of(parent):
    found = []
    for path in glob.glob('/proc/[0-9]*/stat'):
        try:
            fields = open(path).read().rpartition(')')[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == parent:
            found.append(int(path.split('/')[2]))
    return found


def plans():
    p = rethink('sweep', 'MLP1_0.[0-2]_none', '--dry-run', *SMALL)
    tap.ok(p.returncode == 0 and all(f'MLP1_0.{i}_none' in p.stdout for i in range(3)) and '3 of 3 runs' in p.stdout
           and not os.path.exists(os.path.join(work, 'runs')), 'a dry run shows the plan and makes nothing', p)
    need = re.search(r'At most (\d+) MiB of disk for all of them; \d+ MiB are free', p.stdout)
    tap.ok(need and 3 * 9.3 * 3 < int(need[1]) < 3 * 9.3 * 5, 'it says how much disk the sweep needs', p)  # checkpoints of 9.3 MiB
    p = rethink('figure1', '--dry-run', '--models', 'MLP1,MLP3', *SMALL)
    tap.ok(p.returncode == 0 and '28 of 28 runs' in p.stdout and 'MLP3_0.0_gauss_pix' in p.stdout, 'figure1 plans 14 runs a model', p)
    p = rethink('figure2', '--dry-run', '--epochs', '2', *SMALL)
    tap.ok(p.returncode == 0 and 'Inception_bnFalse' in p.stdout and '2 of 2 runs' in p.stdout, 'figure2 plans two runs', p)
    p = rethink('sweep', 'NOSUCH_*', *SMALL)
    tap.ok(p.returncode == 2 and 'NOSUCH_*' in p.stderr, 'a pattern that matches nothing: exit 2', p)
    p = rethink('figure1', '--models', 'MPL1', *SMALL)
    tap.ok(p.returncode == 2 and "'MLP1'" in p.stderr, 'an unknown model: exit 2 and the nearest', p)
    p = rethink('sweep', 'MLP1_0.0_none', 'MLP1_0.0_none', *SMALL)
    tap.ok(p.returncode == 2 and 'twice' in p.stderr, 'one run twice: exit 2', p)


def carried_out():
    p = rethink('sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', '--epochs', '2', *SMALL)
    tap.ok(p.returncode == 0 and names() == ['MLP1_0.0_none', 'MLP1_1.0_none']
           and all(result(n)['state'] == 'finished' and result(n)['epochs'] == 2 for n in names()), 'two runs are trained', p)
    tap.ok('\033' not in p.stderr and re.search(r'MLP1_1.0_none: finished .* 2 epochs', p.stderr), 'plain lines where there is no terminal', p.stderr)
    before = {n: os.stat(os.path.join(work, 'runs', 'MLP1', n, 'result.json')).st_mtime_ns for n in names()}
    p = rethink('sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', '--epochs', '2', *SMALL)
    after = {n: os.stat(os.path.join(work, 'runs', 'MLP1', n, 'result.json')).st_mtime_ns for n in names()}
    tap.ok(p.returncode == 0 and before == after and 'started' not in p.stderr, 'finished runs are skipped', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', '--epochs', '3', *SMALL)
    tap.ok(p.returncode == 0 and result('MLP1_0.0_none')['epochs'] == 3, 'more epochs: the run goes on', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', '--epochs', '3', '--set', 'momentum=0.5', *SMALL)
    tap.ok(p.returncode == 3 and 'momentum' in p.stderr and '--fresh' in p.stderr, 'a changed config of a finished run: exit 3, names the key', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', '--epochs', '1', '--set', 'momentum=0.5', '--fresh', *SMALL)
    tap.ok(p.returncode == 0 and result('MLP1_0.0_none')['epochs'] == 1, '--fresh starts it over', p.stderr)
    p = rethink('sweep', 'MLP1_0.1_none', '--epochs', '1', '--set', 'seed=42,7', '--set', 'momentum=0.9,0.8', *SMALL)
    grid = [n for n in names() if n.startswith('MLP1_0.1')]
    tap.ok(p.returncode == 0 and grid == ['MLP1_0.1_none', 'MLP1_0.1_none_momentum0.8', 'MLP1_0.1_none_seed7', 'MLP1_0.1_none_seed7_momentum0.8']
           and result('MLP1_0.1_none_seed7')['seed'] == 7, 'a grid of two settings', grid, p.stderr)
    p = rethink('seed-importance', '--models', 'MLP1', '--epochs', '3', *SMALL)
    seeds = [n for n in names() if n[:4] in ('seed', 'nope')]
    tap.ok(p.returncode == 0 and len(seeds) == 4 and all(result(n)['epochs'] == 3 for n in seeds), 'seed-importance: four runs', seeds, p.stderr)
    log = open(os.path.join(work, 'runs', 'MLP1', 'nopeMLP1_0.1_none', 'log.txt')).read()
    tap.ok(log.count('Resuming training') == 2 and len(set(re.findall(r'as seen (\w+)', log))) == 3,
           'each resumed twice, without a seed to other data each time', log)


def failures():
    for name, line in (('a', 'learning_rate: 0.02'), ('b', 'batch_size: 64')):
        with open(os.path.join(work, name + '.yaml'), 'w') as f:
            f.write(f'model_name: MLP1\n{line}\n')
    p = rethink('sweep', 'a.yaml', 'b.yaml', *SMALL, runs='clash')
    tap.ok(p.returncode == 2 and 'MLP1_0.0_none is in the plan twice (batch_size is 64, not 128; learning_rate is 0.01, not 0.02)' in p.stderr
           and not glob.glob(os.path.join(work, 'clash', '*', '*')), 'two runs of one name are refused before training, with what differs', p.stderr)
    p = rethink('sweep', 'MLP1_0.0_none', '--epochs', '20', '--set', 'learning_rate=0.01,1000', '-j', '1', *SMALL, runs='failing')
    tap.ok(p.returncode == 7 and result('MLP1_0.0_none', 'failing')['state'] == 'finished'
           and re.search(r'MLP1_0.0_none_learning_rate1000.0?: failed', p.stderr), 'a run that diverges: exit 7, the other finishes', p.stderr)
    p = rethink('sweep', 'MLP1_0.2_none', '--epochs', '20', '--set', 'learning_rate=1000,0.01', '-j', '1', '--fail-fast', *SMALL, runs='fast')
    tap.ok(p.returncode == 7 and result('MLP1_0.2_none', 'fast') is None, '--fail-fast starts nothing more', p.stderr, names('fast'))
    p = rethink('sweep', 'MLP1_0.0_none', '--data', '/nonexistent', '--no-figures', runs='nodata')
    tap.ok(p.returncode == 4 and '/nonexistent' in p.stderr, "a run's own message is passed on", p.stderr)


def killed_child():
    p = subprocess.Popen(command('sweep', 'MLP1_0.0_none', '--epochs', '50000', '--set', 'curve=true', *SMALL, runs='killed'), stderr=subprocess.PIPE, text=True, cwd=work)
    lock = os.path.join(work, 'killed', 'MLP1', 'MLP1_0.0_none', 'metrics.csv')
    tap.ok(wait_for(lambda: os.path.exists(lock)), 'the run is under way')
    children = children_of(p.pid)
    for child in children:
        os.kill(child, signal.SIGKILL)
    stderr = p.communicate()[1]
    tap.ok(len(children) == 1 and p.returncode == 1 and 'killed by signal 9' in stderr, 'a killed run is reported as such', stderr)


def interrupted():
    args = ['sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', '--epochs', '150', '--set', 'curve=true', '-j', '2', *SMALL]
    p = subprocess.Popen(command(*args, runs='cut'), stderr=subprocess.PIPE, text=True, cwd=work)
    under_way = [os.path.join(work, 'cut', 'MLP1', n, 'metrics.csv') for n in ('MLP1_0.0_none', 'MLP1_1.0_none')]
    tap.ok(wait_for(lambda: all(os.path.exists(f) and os.path.getsize(f) > 300 for f in under_way)), 'two runs are under way')
    second = rethink(*args, runs='cut')
    tap.ok(second.returncode == 5 and str(p.pid) in second.stderr, "a second sweep is refused with the holder's process id", second.stderr)
    p.send_signal(signal.SIGINT)
    stderr = p.communicate()[1]
    states = [result(n, 'cut')['state'] for n in names('cut')]
    tap.ok(p.returncode == 6 and states == ['interrupted'] * 2, 'Ctrl-C: exit 6, all runs saved', p.returncode, states, stderr)
    again = rethink(*args, runs='cut')
    whole = rethink(*args, runs='whole')
    tap.ok(again.returncode == 0 and whole.returncode == 0 and 'resuming' in again.stderr and names('cut') == names('whole')
           and all(weights(n, 'cut') == weights(n, 'whole') is not None for n in names('whole')),
           'the same command goes on, to the same bytes as without the interruption', again.stderr, whole.stderr)


def drawn():
    """After each run the report says that the sweep is under way; at the end, that it is not."""
    page = os.path.join(work, 'pages', 'report.html')

    def read():
        return open(page).read() if os.path.exists(page) else ''
    small = [word for word in SMALL if word != '--no-figures']
    p = subprocess.Popen(command('sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', '--epochs', '40', '--set', 'curve=true', '-j', '1', '--output',
                                 os.path.join(work, 'pages'), *small, runs='drawn'), stderr=subprocess.PIPE, text=True, cwd=work)
    wait_for(lambda: read() or p.poll() is not None)
    first = read()
    tap.ok(p.poll() is None and 'data-state="under-way"' in first and 'MLP1_0.0_none' in first and 'MLP1_1.0_none' not in first,
           'after the first run: a report of it that says under-way', p.poll(), len(first))
    stderr = p.communicate()[1]
    last = read()
    tap.ok(p.returncode == 0 and 'data-state="finished"' in last and 'MLP1_1.0_none' in last, 'at the end: a report of all that says finished', stderr)


def start_endless(runs, **how):
    """A sweep of one run that goes on for ever, and that run's process."""
    p = subprocess.Popen(command('sweep', 'MLP1_0.0_none', '--epochs', '50000', '--set', 'curve=true', *SMALL, runs=runs), stderr=subprocess.DEVNULL,
                         cwd=work, **how)
    metrics = os.path.join(work, runs, 'MLP1', 'MLP1_0.0_none', 'metrics.csv')
    wait_for(lambda: os.path.exists(metrics) and os.path.getsize(metrics) > 300)
    return p, children_of(p.pid)


def gone(pid):
    try:
        return open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[0] in 'ZX'
    except OSError:
        return True


def orphaned():
    for what, how in (('', {}), (', SIGTERM ignored', {'preexec_fn': lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)}),
                      (', SIGTERM blocked', {'preexec_fn': lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})})):
        runs = 'orphan' + what[-7:]
        p, children = start_endless(runs, **how)
        p.kill()
        p.wait()
        tap.ok(len(children) == 1 and wait_for(lambda: gone(children[0])) and result('MLP1_0.0_none', runs)['state'] == 'interrupted',
               f'a killed sweep leaves no run behind: they save and stop{what}', children)


def held():
    """The sweep is killed, and its run, which is stopped so that it cannot save yet, holds its folder when the sweep starts again. It
    is ours then (else the kernel would let it go on), and stays a zombie at its end."""
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    p, children = start_endless('held')
    child = children[0]
    os.kill(child, signal.SIGSTOP)
    p.kill()
    p.wait()
    again = subprocess.Popen(command('sweep', 'MLP1_0.0_none', 'MLP1_1.0_none', '--epochs', '50000', *SMALL, runs='held'), stderr=subprocess.PIPE, text=True,
                             cwd=work)

    def other():
        return (result('MLP1_1.0_none', 'held') or {}).get('state')
    wait_for(lambda: other() == 'finished' or again.poll() is not None)
    tap.ok(other() == 'finished' and again.poll() is None, 'a run that a living process holds is put off, the other is trained', other(), again.poll())
    os.kill(child, signal.SIGCONT)
    stderr = again.communicate()[1]
    tap.ok(again.returncode == 0 and f'MLP1_0.0_none: in use by process {child}; put off' in stderr and stderr.count('in use') == 1
           and 'resuming' in stderr and result('MLP1_0.0_none', 'held')['state'] == 'finished' and gone(child), 'and goes on once it has saved and stopped', stderr)
    os.waitpid(child, 0)


def start_in_vain():
    """A sweep whose only run this process holds: it gives up after a minute, in the background of the other tests."""
    folder = os.path.join(work, 'vain', 'MLP1', 'MLP1_0.0_none')
    os.makedirs(folder)
    lock = open(os.path.join(folder, 'lock'), 'w')
    fcntl.lockf(lock, fcntl.LOCK_EX)
    start = open('/proc/self/stat').read().rpartition(')')[2].split()[19]
    print(os.getpid(), socket.gethostname(), start, file=lock, flush=True)
    return lock, subprocess.Popen(command('sweep', 'MLP1_0.0_none', '--epochs', '1', *SMALL, runs='vain'), stderr=subprocess.PIPE, text=True, cwd=work)


def gave_up(lock, p):
    stderr = p.communicate()[1]
    tap.ok(p.returncode == 5 and f'MLP1_0.0_none: in use by process {os.getpid()}, for 60 s after all else; wait' in stderr.splitlines()[-1],
           'one that is held for ever fails after a minute: exit 5, with the holder', p.returncode, stderr)
    lock.close()


def terminal():
    master, slave = pty.openpty()
    p = subprocess.Popen(command('sweep', 'MLP1_0.0_none', '--epochs', '100', '--set', 'curve=true', *SMALL, runs='tty'), stderr=slave, cwd=work,
                         env=dict(os.environ, TERM='xterm'))
    os.close(slave)
    seen = b''
    while True:
        try:
            got = os.read(master, 4096)
        except OSError:
            break
        if not got:
            break
        seen += got
    p.wait()
    text = seen.decode(errors='replace')
    tap.ok(p.returncode == 0 and '\033[J' in text and '1 running' in text and re.search(r'MLP1_0.0_none +running', text)
           and '1 of 1 finished' in text.replace('\r', '').rstrip().split('\n')[-1], 'on a terminal: one live overview, then the totals', repr(text[-600:]))


def scripts():
    p = rethink('sweep', 'MLP1_0.[0-1]_none', 'MLP1_0.4_none', '--epochs', '1', '--launcher', 'print', '--time', '1:00:00', '--partition', 'cpu',
                '--memory', '2G', '--cores', '4', '--set', 'comet_project=a b\'s', *SMALL[:-1], runs='new runs')
    script = os.path.join(work, 'script.sh')
    open(script, 'w').write(p.stdout)
    checked = subprocess.run(['bash', '-n', script], capture_output=True, text=True)
    wanted = ['--array=0-2', '--time=1:00:00', '--partition=cpu', '--mem=2G', '--requeue', '--signal=USR1@', "'comet_project=a b'\\''s'"]
    tap.empty([w for w in wanted if w not in p.stdout] + [checked.stderr] * bool(checked.returncode), '--launcher print shows a sound script')
    tap.ok(p.returncode == 0 and not os.path.exists(os.path.join(work, 'new runs')), 'and makes nothing', p.stderr)
    if shutil.which('shellcheck'):
        checked = subprocess.run(['shellcheck', script], capture_output=True, text=True)
        tap.ok(checked.returncode == 0, 'shellcheck has nothing against it', checked.stdout)
    else:
        tap.skip('shellcheck', 'not installed')
    p = rethink('sweep', 'MLP1_1.0_none', '--epochs', '2', '--launcher', 'print', *SMALL)
    tap.ok(p.returncode == 0 and p.stdout == '' and 'nothing to submit' in p.stderr, 'finished runs are not in it', p)


def script_texts():
    """Whatever the words hold, the script has them as words: for bash, and for sbatch, which reads the #SBATCH lines itself."""
    def printed(*words, runs='runs'):
        return subprocess.run([tap.RETHINK, 'sweep', 'MLP1_0.0_none', *SMALL, '--launcher', 'print', '--runs', runs, *words], capture_output=True,
                              text=True, cwd=work)
    bad = []
    for words, runs in (((), 'a\ncmd'), ((), 'a\x7fb'), (('--time', '1\r#SBATCH --wrap=id'), 'r'), (('--partition', 'a\nid'), 'r'),
                        (('--memory', '1\n'), 'r'), (('--set', 'comet_project=a\nid'), 'r'), (('--data', 'x\nid'), 'r'), ((), 'a\\b')):
        p = printed(*words, runs=runs)
        if p.returncode not in (2, 3) or p.stdout or p.stderr.count('\n') != 1:
            bad.append((words, runs, p))
    tap.empty(bad, 'control characters are refused: one line, no script')
    runs, partition = 'it\'s "a" #1 100% $HOME `id` $(id) é', 'b c;id'
    p = printed('--partition', partition, runs=runs)
    lines = p.stdout.splitlines()
    options = dict(line[len('#SBATCH --'):].split('=', 1) for line in lines if line.startswith('#SBATCH') and '=' in line)
    tap.ok(p.returncode == 0 and read_by_sbatch(options['output']) == runs.replace('%', '%%') + '/slurm-%A_%a.log'
           and read_by_sbatch(options['partition']) == partition, 'sbatch reads back what was meant', options, p.stderr)
    folder = os.path.join(work, 'bin')
    os.mkdir(folder)
    with open(os.path.join(folder, 'srun'), 'w') as f:
        f.write('#!/bin/bash\nprintf "%s\\0" "$@"\nexit 6\n')
    os.chmod(os.path.join(folder, 'srun'), 0o755)
    job = subprocess.run(['/bin/bash', '-c', p.stdout], capture_output=True, text=True, cwd=work,
                         env={'PATH': folder, 'SLURM_ARRAY_TASK_ID': '0', 'SLURM_ARRAY_JOB_ID': '7', 'SLURM_CPUS_PER_TASK': '1'})
    tap.ok(runs in job.stdout.split('\0'), 'and so does bash', job.stdout, job.stderr)
    tap.ok(job.returncode == 6 and job.stderr.count('\n') == 1 and '7_0 saved' in job.stderr and 'scontrol is not on PATH' in job.stderr,
           'warned where there is no scontrol: one line says that the job is not queued again', job)


def read_by_sbatch(text):
    """As Slurm's get_argument does: quotes of both kinds, and a backslash before any character, between quotes too."""
    out, quote, i = '', '', 0
    while i < len(text) and (quote or not text[i].isspace()):
        c = text[i]
        if c == '\\':
            i += 1
            out += text[i]
        elif quote and c == quote:
            quote = ''
        elif not quote and c in '"\'':
            quote = c
        elif not quote and c == '#':
            break
        else:
            out += c
        i += 1
    return out


try:
    vain = start_in_vain()
    for part in (plans, carried_out, failures, killed_child, interrupted, drawn, orphaned, held, terminal, scripts, script_texts):
        part()
    gave_up(*vain)
finally:
    shutil.rmtree(work)
tap.done()
