"""A Slurm cluster of this one machine, for a test: munged, slurmctld and slurmd with keys, spools and ports of their own."""
import os
import shutil
import socket
import subprocess
import time

PROGRAMS = ('munged', 'slurmctld', 'slurmd', 'sbatch', 'scontrol', 'squeue', 'sinfo', 'scancel')
PATH = os.environ['PATH'] + ':/usr/sbin:/sbin'


def missing():
    """Why there can be no cluster here, or ''."""
    absent = [p for p in PROGRAMS if not shutil.which(p, path=PATH)]
    if absent:
        return 'not installed: ' + ' '.join(absent)
    return '' if os.geteuid() == 0 else 'slurmd needs root'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        for name in ('munge', 'state', 'spool', 'log'):
            os.makedirs(self.path(name), mode=0o700, exist_ok=True)
        self.config = self.path('slurm.conf')
        self.environment = dict(os.environ, PATH=PATH, SLURM_CONF=self.config)
        self.write_config()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write_config(self):
        host = socket.gethostname().split('.')[0]
        with open(self.config, 'w') as f:
            f.write('\n'.join([
                'ClusterName=rethinktest', f'SlurmctldHost={host}(127.0.0.1)', f'SlurmctldPort={free_port()}', f'SlurmdPort={free_port()}',
                'SlurmUser=root', 'SlurmdUser=root', 'AuthType=auth/munge', f'AuthInfo=socket={self.path("munge", "socket")}',
                'CredType=cred/munge', f'StateSaveLocation={self.path("state")}', f'SlurmdSpoolDir={self.path("spool")}',
                f'SlurmctldPidFile={self.path("slurmctld.pid")}', f'SlurmdPidFile={self.path("slurmd.pid")}',
                f'SlurmctldLogFile={self.path("log", "slurmctld")}', f'SlurmdLogFile={self.path("log", "slurmd")}',
                'ProctrackType=proctrack/linuxproc', 'TaskPlugin=task/none', 'JobAcctGatherType=jobacct_gather/none', 'MpiDefault=none',
                'ReturnToService=2', 'SelectType=select/cons_tres', 'SelectTypeParameters=CR_CPU', 'SchedulerType=sched/backfill',
                'SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0', 'KillWait=30', 'JobRequeue=1', 'InactiveLimit=0',
                'MinJobAge=300', 'SlurmctldTimeout=60', 'SlurmdTimeout=60', 'PreemptType=preempt/partition_prio', 'PreemptMode=REQUEUE',
                f'NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory=500 State=UNKNOWN',
                f'PartitionName=low Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=20',
                f'PartitionName=high Nodes={host} MaxTime=INFINITE State=UP PriorityTier=9 PreemptMode=OFF', '']))

    def start(self):
        key = self.path('munge', 'key')
        with open(key, 'wb') as f:
            f.write(os.urandom(1024))
        os.chmod(key, 0o400)
        self.spawn('munged', '--foreground', '--force', f'--key-file={key}', f'--socket={self.path("munge", "socket")}',
                   f'--pid-file={self.path("munge", "pid")}', f'--log-file={self.path("log", "munged")}',
                   f'--seed-file={self.path("munge", "seed")}')
        self.wait_for(lambda: os.path.exists(self.path('munge', 'socket')), 'munged')
        self.spawn('slurmctld', '-D', '-i', '-f', self.config)
        self.spawn('slurmd', '-D', '-f', self.config)
        self.wait_for(lambda: 'idle' in self.run('sinfo', '-h', '-o', '%T').stdout, 'slurmd')

    def spawn(self, *command):
        with open(self.path('log', command[0] + '.out'), 'w') as log:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True))

    def run(self, *command, **kwargs):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, **kwargs)

    def wait_for(self, condition, what, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if condition():
                return
            time.sleep(0.2)
        raise RuntimeError(f'{what} did not come up:\n{self.logs()}')

    def logs(self):
        text = []
        for name in sorted(os.listdir(self.path('log'))):
            with open(self.path('log', name), errors='replace') as f:
                text.append(f'--- {name}\n' + ''.join(f.readlines()[-12:]))
        return '\n'.join(text)

    def states(self):
        """{array index: state} of what squeue still knows."""
        lines = self.run('squeue', '-h', '-r', '-t', 'all', '-o', '%K %T').stdout.split('\n')
        return {int(line.split()[0]): line.split()[1] for line in lines if line.split() and line.split()[0].isdigit()}

    def stop(self):
        self.run('scancel', '--user=root')
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
