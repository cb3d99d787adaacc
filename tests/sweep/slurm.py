"""Sweeps handed to a real Slurm on this one machine: the job array, pre-emption, requeueing, resubmission, scancel."""
import glob
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import slurm_cluster  # noqa: E402
import tap  # noqa: E402

if slurm_cluster.missing():
    tap.skip_all('no Slurm here: ' + slurm_cluster.missing())

work = tempfile.mkdtemp(prefix='rethink-slurm-')
cluster = slurm_cluster.Cluster(os.path.join(work, 'cluster'))
CORES = str(os.cpu_count())
SMALL = ['--data', 'shapes10', '--train-size', '256', '--set', 'test_size=100', '--set', 'track=[]', '--no-figures']


def sweep(*args, runs, launcher='slurm'):
    return cluster.run(tap.RETHINK, 'sweep', *args, *SMALL, '--runs', os.path.join(work, runs), '--launcher', launcher, cwd=work)


def job_of(p):
    return p.stderr.split('job array ')[1].split(':')[0] if 'job array ' in p.stderr else None


def folder(runs, name):
    return os.path.join(work, runs, 'MLP1', name)


def result(runs, name):
    try:
        return json.load(open(os.path.join(folder(runs, name), 'result.json')))
    except OSError:
        return {'state': None, 'epochs': 0}


def log(runs, name):
    path = os.path.join(folder(runs, name), 'log.txt')
    return open(path).read() if os.path.exists(path) else ''


def weights(runs, name):
    newest = sorted(glob.glob(os.path.join(folder(runs, name), 'e_*', 'model.safetensors')))
    return open(newest[-1], 'rb').read() if newest else None


def wait_for(condition, seconds=90):
    end = time.time() + seconds * tap.SLOWER
    while time.time() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def under_way(runs, name, size=400):
    path = os.path.join(folder(runs, name), 'metrics.csv')
    return os.path.exists(path) and os.path.getsize(path) > size


def state(job):
    lines = [line for line in cluster.run('scontrol', 'show', 'job', job).stdout.split() if line.startswith('JobState=')]
    return lines[0].split('=')[1] if lines else None


AWKWARD = 'it\'s "a" #1 100% $HOME'


def array():
    names = ['MLP1_0.0_none', 'MLP1_0.5_none', 'MLP1_1.0_none']
    sweep(names[0], '--epochs', '2', runs=AWKWARD, launcher='local')
    p = sweep(*names, '--epochs', '2', '--cores', '1', '--time', '5', '--partition', 'low', '--memory', '200M', runs=AWKWARD)
    tap.ok(p.returncode == 0 and job_of(p) and '2 runs' in p.stderr, 'one job array of what is not finished is submitted', p.stderr)
    done = wait_for(lambda: all(result(AWKWARD, n)['state'] == 'finished' for n in names))
    tap.ok(done and all(result(AWKWARD, n)['epochs'] == 2 for n in names), 'and carried out', cluster.logs())
    wait_for(lambda: state(job_of(p)) == 'COMPLETED')
    tap.ok(glob.glob(os.path.join(glob.escape(os.path.join(work, AWKWARD)), 'slurm-*_0.log')), "Slurm's log lies in the folder of runs, whatever its name",
           os.listdir(work), os.listdir(os.path.join(work, AWKWARD)))
    p = sweep(*names, '--epochs', '2', runs=AWKWARD)
    tap.ok(p.returncode == 0 and 'nothing to submit: all 3 runs are finished' in p.stderr, 'submitted again: finished members are skipped', p.stderr)
    p = sweep(names[0], '--partition', 'nosuch', runs='array2')
    tap.ok(p.returncode == 5 and 'sbatch' in p.stderr and 'partition' in p.stderr.lower(), "what sbatch refuses is passed on", p.stderr)


def preempted():
    name = 'MLP1_0.0_none'
    p = sweep(name, '--epochs', '600', '--set', 'curve=true', '--cores', CORES, '--partition', 'low', runs='preempted')
    tap.ok(wait_for(lambda: under_way('preempted', name)), 'a long run is under way', p.stderr, cluster.logs())
    cluster.run('sbatch', '--partition=high', f'--cpus-per-task={CORES}', '--output=/dev/null', '--wrap', 'sleep 3', cwd=work)
    tap.ok(wait_for(lambda: result('preempted', name)['state'] == 'interrupted'), 'pre-empted, it saves', log('preempted', name)[-500:], cluster.logs())
    done = wait_for(lambda: result('preempted', name)['state'] == 'finished', 240)
    tap.ok(done and 'Resuming training' in log('preempted', name), 'queued again, it goes on to the end', log('preempted', name)[-800:], cluster.logs())
    sweep(name, '--epochs', '600', '--set', 'curve=true', runs='whole', launcher='local')
    tap.ok(weights('preempted', name) == weights('whole', name) is not None, 'to the same bytes as without pre-emption')


def warned():
    """SIGUSR1 to the job's steps is what Slurm sends before the time limit."""
    name = 'MLP1_1.0_none'
    p = sweep(name, '--epochs', '100000', '--set', 'curve=true', '--cores', CORES, runs='warned')
    job = job_of(p)
    wait_for(lambda: under_way('warned', name))
    cluster.run('scancel', '--signal=USR1', job)
    tap.ok(wait_for(lambda: log('warned', name).count('Resuming training') == 1, 180), 'warned of the time limit, it saves, is queued again and goes on',
           log('warned', name)[-500:], cluster.run('scontrol', 'show', 'job', job).stdout, cluster.logs())
    cluster.run('scancel', job)
    gone = wait_for(lambda: state(job) == 'CANCELLED' and result('warned', name)['state'] == 'interrupted')
    time.sleep(3)
    tap.ok(gone and state(job) == 'CANCELLED', 'scancel saves too, and nothing comes back', state(job), result('warned', name)['state'],
           open(glob.glob(os.path.join(work, 'warned', 'slurm-*.log'))[0]).read(), cluster.logs())


try:
    cluster.start()
    for part in (array, preempted, warned):
        part()
finally:
    cluster.stop()
    shutil.rmtree(work, ignore_errors=True)
tap.done()
