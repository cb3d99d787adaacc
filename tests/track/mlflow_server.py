"""The MLflow recorder against a real MLflow server on this machine (SQLite store), read back by MLflow's client."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import environment  # noqa: E402
import tap  # noqa: E402
from faults import Proxy  # noqa: E402
from services import SERIES, seen  # noqa: E402

DRIVE = os.environ['RT_DRIVE']

READ = r'''
import json, sys
import mlflow
client = mlflow.MlflowClient(sys.argv[1])
out = []
for experiment in client.search_experiments():
    for run in client.search_runs([experiment.experiment_id], max_results=100):
        files = [f.path for f in client.list_artifacts(run.info.run_id)]
        out.append({
            'experiment': experiment.name, 'id': run.info.run_id, 'name': run.info.run_name, 'status': run.info.status,
            'ended': run.info.end_time, 'params': run.data.params, 'tags': run.data.tags, 'files': files,
            'metrics': {key: sorted([m.step, m.value] for m in client.get_metric_history(run.info.run_id, key))
                        for key in run.data.metrics}})
json.dump(out, sys.stdout)
'''

PATIENCE = {'RETHINK_TRACK_WAIT_S': None}  # as users have it


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, folder):
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.log = open(folder + '/server.log', 'w')
        self.process = subprocess.Popen(
            [environment.python(), '-m', 'mlflow', 'server', '--backend-store-uri', f'sqlite:///{folder}/db.sqlite',
             '--artifacts-destination', folder + '/artifacts', '--host', '127.0.0.1', '--port', str(self.port),
             '--workers', '1'], stdout=self.log, stderr=self.log, start_new_session=True, cwd=folder,
            env={**os.environ, 'MLFLOW_SERVER_ENABLE_JOB_EXECUTION': 'false'})
        end = time.time() + 400
        while time.time() < end:
            try:
                urllib.request.urlopen(self.url + '/health', timeout=5).read()
                return
            except OSError:
                time.sleep(0.5)
        raise RuntimeError('the server did not start: ' + open(folder + '/server.log').read()[-500:])

    def close(self):
        os.killpg(self.process.pid, 15)
        self.process.wait(30)


def run_drive(url, run, *words, env=None):
    os.makedirs(run, exist_ok=True)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(('MLFLOW', 'COMET', 'RETHINK_SWEEP'))}
    if url:
        environ['MLFLOW_TRACKING_URI'] = url
    environ['RETHINK_TRACK_WAIT_S'] = '60'  # machines are slow; the tests of waiting set their own
    environ.update(env or {})
    environ = {k: v for k, v in environ.items() if v is not None}
    began = time.time()
    done = subprocess.run([DRIVE, 'mlflow', run, *words], capture_output=True, text=True, env=environ, timeout=120)
    done.took = time.time() - began
    if done.returncode:
        print('#', done.stderr)
    return done


def read_all(url):
    done = subprocess.run([environment.python(), '-c', READ, url], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def read(url):
    return {run['name']: run for run in read_all(url)}


def problems(run, first, end):
    """Where the run's history differs from exactly one value at each step."""
    for key, value in SERIES.items():
        want = [[seen(s), value(s)] for s in range(first, end) if value(s) is not None]
        got = run['metrics'].get(key, [])
        if [s for s, _ in got] != [s for s, _ in want]:
            yield f'{key}: steps {[s for s, _ in got]}, expected {[s for s, _ in want]}'
        elif any(abs(a[1] - b[1]) > 1e-9 * max(1, abs(b[1])) for a, b in zip(got, want)):
            yield f'{key}: {got}, expected {want}'


def position(run):
    with open(run + '/mlflow.json') as file:
        return json.load(file)


# what happens to which call, and what the row guards
FAULTS = [
    ('500', 'log-batch', ['500'], 'a 500 that stored nothing is sent again'),
    ('stored-500', 'log-batch', ['store-500'], 'a 500 that did store is not'),
    ('cut', 'log-batch', ['cut', 'cut'], 'a cut connection, twice'),
    ('stored-cut', 'log-batch', ['pass', 'store-cut'], 'cut after storing'),
    ('stored-half', 'log-batch', ['pass', 'store-half'], 'half an answer after storing'),
    ('429', 'log-batch', ['429', '429'], 'too many requests: Retry-After is honoured'),
    ('create-cut', 'runs/create', ['store-cut'], 'the run was made but the answer lost: found again, not made twice'),
    ('create-503', 'runs/create', ['503'], 'no run was made'),
    ('lookup', 'get-by-name', ['500', 'cut'], 'the experiment cannot be looked up at first'),
    ('finish', 'runs/update', ['store-cut', '500'], 'the end is told again'),
]


def check_plain(server, folder):
    run = folder + '/runs/MLP1/plain'
    os.makedirs(run + '/e_002_plain')
    for name in ('config.yaml', 'result.json', 'metrics.csv', 'e_002_plain/model.safetensors'):
        with open(f'{run}/{name}', 'w') as file:
            file.write(name)
    done = run_drive(server.url, run, 'name=plain', 'points=8', 'threshold=5', f'checkpoint={run}/e_002_plain')
    tap.ok(done.stderr == '', 'plain: says nothing', done.stderr)
    got = read(server.url)['plain']
    tap.empty(problems(got, 0, 8), 'plain: each point once, with its value')
    tap.ok(got['experiment'] == 'rethinking', "plain: in the experiment of the config's project", got['experiment'])
    tap.ok(got['status'] == 'FINISHED' and got['ended'], 'plain: it has ended', got['status'])
    tap.ok(got['metrics'].get('threshold/epoch') == [[seen(5), 2.0]] and
           got['metrics'].get('threshold/minutes') == [[seen(5), 1.25]], 'plain: the threshold', got['metrics'])
    tap.ok(abs(got['metrics']['whole_run/test_accuracy'][0][1] - 6 / 14) < 1e-9, 'plain: the final accuracy')
    tap.ok(got['params'].get('learning_rate') == '0.1' and got['params'].get('model_name') == 'MLP1' and
           got['params'].get('seed') == '42' and got['params'].get('bn') == 'false', 'plain: parameters', got['params'])
    tap.ok(got['tags'].get('rethink.data_digest') == 'd1' and got['tags'].get('mlflow.source.type') == 'LOCAL',
           'plain: tags', got['tags'])
    tap.ok(sorted(got['files']) == ['config.yaml', 'metrics.csv', 'model.safetensors', 'result.json'],
           'plain: files', got['files'])


def check_resume(server, folder):
    run = folder + '/runs/MLP1/resumed'
    run_drive(server.url, run, 'name=resumed', 'points=10', 'finish=none', 'sleep_ms=400')
    first = position(run)
    run_drive(server.url, run, 'name=resumed', 'start=6', 'points=12', 'threshold=11')
    got = read(server.url)['resumed']
    tap.ok(got['id'] == first['run'] and first['step'] >= 0, 'resumed: the same run goes on', first)
    tap.empty(problems(got, 0, 12), 'resumed: a killed session and its successor leave each point once')
    tap.ok(got['status'] == 'FINISHED', 'resumed: it has ended')
    run_drive(server.url, run, 'name=resumed', 'start=12', 'points=14', 'finish=interrupted')
    got = read(server.url)['resumed']
    tap.empty(problems(got, 0, 14), 'resumed: after its end it goes on too')
    tap.ok(got['status'] == 'KILLED', 'resumed: interrupted is KILLED', got['status'])


def check_endings(server, folder):
    run_drive(server.url, folder + '/runs/MLP1/diverged', 'name=diverged', 'points=3', 'diverge=1', 'finish=diverged')
    got = read(server.url)['diverged']
    tap.ok(got['status'] == 'FAILED', 'ending: diverged is FAILED', got['status'])
    tap.ok(str(got['metrics']['train/loss'][-1][1]) in ('inf', '1.7976931348623157e+308'),
           'ending: an infinite loss arrives', got['metrics']['train/loss'])


def check_faults(server, folder):
    def one(row):
        name, only, plan, _ = row
        proxy = Proxy(server.port, plan, only)
        done = run_drive(proxy.url, f'{folder}/runs/MLP1/{name}', f'name={name}', 'points=8', 'threshold=5',
                         'sleep_ms=500')
        proxy.close()
        return done, proxy

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(one, FAULTS))
    runs = read_all(server.url)
    for (name, _, _, why), (done, proxy) in zip(FAULTS, results):
        got = [run for run in runs if run['name'] == name]
        tap.empty(list(problems(got[0], 0, 8)) if len(got) == 1 else [f'{len(got)} runs'],
                  f'{name}: {why}; each point once')
        tap.ok(got and got[0]['status'] == 'FINISHED' and done.stderr.count('warning') == 1 and not proxy.plan,
               f'{name}: one warning, and it ends well', done.stderr, proxy.plan, proxy.seen)


def check_lost_position(server, folder):
    """Killed between an answer and the position's way to the disk: the next session must ask what is there."""
    run = folder + '/runs/MLP1/position'
    run_drive(server.url, run, 'name=position', 'points=4', 'finish=none', 'sleep_ms=300')
    old = position(run)
    old.update(sent=1, step=-1)
    with open(run + '/mlflow.json', 'w') as file:
        json.dump(old, file)
    run_drive(server.url, run, 'name=position', 'start=4', 'points=8')
    tap.empty(problems(read(server.url)['position'], 0, 8), 'position: an old position sends nothing twice')


def check_sweep(server, folder):
    runs = [f'{folder}/sweep/MLP1/child{i}' for i in range(3)]
    children = []
    for i, run in enumerate(runs):
        os.makedirs(run)
        env = {**os.environ, 'MLFLOW_TRACKING_URI': server.url, 'RETHINK_SWEEP': 'five tests',
               'RETHINK_TRACK_WAIT_S': '60'}
        children.append(subprocess.Popen([DRIVE, 'mlflow', run, f'name=child{i}', 'points=2', 'sleep_ms=1500'],
                                         env=env,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    for child in children:
        child.wait(60)
    got = read(server.url)
    parents = [r for r in got.values() if r['name'] == 'five tests']
    tap.ok(len(parents) == 1 and parents[0]['status'] == 'FINISHED', 'sweep: three runs that start at once share one parent', len(parents))
    tap.ok(all(got.get(f'child{i}', {}).get('tags', {}).get('mlflow.parentRunId') == parents[0]['id'] for i in range(3)),
           'sweep: and are nested under it')


def check_away(server, folder):
    run = folder + '/runs/MLP1/away'
    done = run_drive(f'http://127.0.0.1:{free_port()}', run, 'name=away', 'points=20', env=PATIENCE)
    tap.ok(done.returncode == 0 and float(done.stdout) < 0.5 and done.took < 5,
           'away: a server that is not there costs training nothing', done.stdout, done.took)
    tap.ok(done.stderr.count('warning') == 1 and '20 points' in done.stderr and 'rethink sync' in done.stderr,
           'away: one warning, and what is left is said', done.stderr)
    done = run_drive(None, folder + '/runs/MLP1/unset', 'name=unset', 'points=5')
    tap.ok('MLFLOW_TRACKING_URI' in done.stderr and done.stderr.count('\n') == 1, 'away: without an address one line',
           done.stderr)


def check_hanging(server, folder):
    proxy = Proxy(server.port, ['hang'] * 100)
    done = run_drive(proxy.url, folder + '/runs/MLP1/hang', 'name=hang', 'points=200', env=PATIENCE)
    proxy.close()
    tap.ok(done.returncode == 0 and float(done.stdout) < 0.5, 'hanging: training does not wait', done.stdout)
    tap.ok(9 < done.took < 14, 'hanging: the end waits a bounded time', done.took)
    tap.ok('200 points' in done.stderr, 'hanging: and says what is left', done.stderr)


def check_secrets(server, folder):
    run = folder + '/runs/MLP1/secret'
    url = server.url.replace('://', '://alice:open%20sesame@')
    done = run_drive(url, run, 'name=secret', 'points=2')
    text = done.stderr + done.stdout + open(run + '/spool.jsonl').read() + open(run + '/mlflow.json').read()
    tap.ok('sesame' not in text and 'alice' not in text and read(server.url)['secret']['status'] == 'FINISHED',
           'secrets: user and password of the address are in no file and no line', text)
    proxy = Proxy(server.port, ['403'] * 9)
    done = run_drive(proxy.url, folder + '/runs/MLP1/forbidden', 'name=forbidden', 'points=2',
                     env={'MLFLOW_TRACKING_TOKEN': 'planned'})
    proxy.close()
    tap.ok('403' in done.stderr and 'planned' not in done.stderr and '*******' in done.stderr,
           'secrets: a server that quotes the token is not quoted', done.stderr)
    tap.ok(len(proxy.seen) == 1 and done.took < 5, 'secrets: a refusal is final, nothing is hammered', proxy.seen)
    done = run_drive('http://192.0.2.1:5000', folder + '/runs/MLP1/plainhttp', 'name=p', 'points=1',
                     env={'MLFLOW_TRACKING_TOKEN': 'tok-en-1'})
    tap.ok('without TLS' in done.stderr and 'tok-en-1' not in done.stderr and done.took < 5,
           'secrets: a token does not go over plain http to another machine', done.stderr)


def main():
    why = environment.missing()
    if why:
        tap.skip_all(why)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a time limit: the server must not stay
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        try:
            check_plain(server, folder)
            check_resume(server, folder)
            check_endings(server, folder)
            check_faults(server, folder)
            check_lost_position(server, folder)
            check_sweep(server, folder)
            check_away(server, folder)
            check_hanging(server, folder)
            check_secrets(server, folder)
        finally:
            server.close()
    tap.done()


if __name__ == '__main__':
    main()
