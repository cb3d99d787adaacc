"""A CPU quota in a control group of the system: as many threads as it has room for."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, done, ok, skip_all

NAME = f'rethink-test-{os.getpid()}'


def make_group(quota_us, period_us):
    """A group with that quota, or None: version 2 where it may be made, else version 1."""
    trials = (('/sys/fs/cgroup', 'cgroup.controllers', {'cpu.max': f'{quota_us} {period_us}'}),
              ('/sys/fs/cgroup/cpu', 'cgroup.procs', {'cpu.cfs_period_us': str(period_us), 'cpu.cfs_quota_us': str(quota_us)}),
              ('/sys/fs/cgroup/cpu,cpuacct', 'cgroup.procs', {'cpu.cfs_period_us': str(period_us), 'cpu.cfs_quota_us': str(quota_us)}))
    for parent, sign, files in trials:
        group = os.path.join(parent, NAME)
        if not os.path.exists(os.path.join(parent, sign)):
            continue
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            for name, value in files.items():
                with open(os.path.join(group, name), 'w') as f:
                    f.write(value)
            return group
        except OSError:
            os.rmdir(group)
    return None


def run(group, *words):
    def enter():
        with open(os.path.join(group, 'cgroup.procs'), 'w') as f:
            f.write(str(os.getpid()))
    return subprocess.run([RETHINK, *words], preexec_fn=enter, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300 * SLOWER)


if len(os.sched_getaffinity(0)) < 2:
    skip_all('one core: a quota changes nothing')
group = make_group(80000, 100000)
if not group:
    skip_all('no control group with a CPU quota can be made here')
try:
    shown = run(group, 'train', 'MLP1_0.0_none', '--data', 'shapes10', '--dry-run')
    ok(re.search(r', 1 thread$', shown.stdout, re.MULTILINE), 'a quota of 0.8 processors: one thread', shown.stdout, shown.stderr)
    with tempfile.TemporaryDirectory(prefix='rethink-quota-') as runs:
        trained = run(group, 'train', 'MLP1_0.0_none', '--data', 'shapes10', '--runs', runs, '--epochs', '1', '--quiet', '--set', 'train_size=256',
                      '--set', 'test_size=100', '--set', 'track=[]')
        with open(os.path.join(runs, 'MLP1', 'MLP1_0.0_none', 'result.json')) as f:
            result = json.load(f)
        ok(trained.returncode == 0 and result['threads'] == 1, 'and a run trains with one', trained.stderr, result)
finally:
    os.rmdir(group)
done()
