"""The Comet recorder against a stand-in for Comet's service on this machine, which knows the published calls and
refuses everything else: paths, methods, headers, fields and their types."""
import json
import os
import re
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import tap  # noqa: E402
from faults import Proxy  # noqa: E402
from services import seen  # noqa: E402

DRIVE = os.environ['RT_DRIVE']
KEY = 'k3y-for-tests-0123456789'
TEXT, WHOLE, NUMBER = str, int, (int, float, str)

# path: fields that must be there, fields that may be
WRITE = {
    'create': ({'workspaceName': TEXT, 'projectName': TEXT}, {'experimentName': TEXT}),
    'metric': ({'experimentKey': TEXT, 'metricName': TEXT, 'metricValue': NUMBER},
               {'step': WHOLE, 'epoch': WHOLE, 'context': TEXT, 'timestamp': WHOLE}),
    'parameter': ({'experimentKey': TEXT, 'parameterName': TEXT, 'parameterValue': NUMBER},
                  {'step': WHOLE, 'context': TEXT, 'timestamp': WHOLE}),
    'log-other': ({'experimentKey': TEXT, 'key': TEXT, 'value': NUMBER}, {'timestamp': WHOLE}),
    'set-start-end-time': ({'experimentKey': TEXT}, {'startTimeMillis': WHOLE, 'endTimeMillis': WHOLE}),
}
READ = {
    '/account-details': set(),
    '/experiment/metadata': {'experimentKey'},
    '/experiment/metrics/get-metric': {'experimentKey', 'metricName'},
    '/write/experiment/set-status': {'experimentKey'},
}


class Comet:
    """What it was told; `broken` lists every call that Comet would not have understood."""

    def __init__(self, tls=None):
        self.experiments, self.broken, self.calls = {}, [], []
        self.archived = set()
        self.lock = threading.Lock()
        comet = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            wbufsize = -1  # head and body in one packet

            def log_message(self, *words):
                pass

            def handle_one(self):
                raw = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                with comet.lock:
                    status, answer = comet.take(self.command, self.path, self.headers, raw)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = handle_one

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f'http{"s" if tls else ""}://127.0.0.1:{self.port}/clientlib/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def refuse(self, why):
        self.broken.append(why)
        return 400, {'code': 400, 'msg': why, 'sdk_error_code': 0}

    def take(self, method, path, headers, raw):
        parts = urlsplit(path)
        where = parts.path
        self.calls.append((method, where))
        if headers.get('Authorization') != KEY:
            return 403, {'code': 403, 'msg': 'bad key ' + str(headers.get('Authorization'))}
        if not where.startswith('/api/rest/v2/'):
            return self.refuse(f'{method} {where}: no such path')
        where = where[len('/api/rest/v2'):]
        if where in READ:
            return self.read(method, where, parse_qs(parts.query))
        return self.write(method, where, headers, raw)

    def read(self, method, where, query):
        if method != 'GET' or set(query) != READ[where]:
            return self.refuse(f'{method} {where}: query {query}')
        if where == '/account-details':
            return 200, {'userName': 'u', 'defaultWorkspaceName': 'mine'}
        key = query['experimentKey'][0]
        if key not in self.experiments:
            return 400, {'code': 400, 'msg': 'no such experiment'}
        if where == '/experiment/metadata':
            return 200, {'experimentKey': key, 'archived': key in self.archived}
        if where == '/write/experiment/set-status':
            self.experiments[key]['beats'] += 1
            return 200, {'isAliveBeatDurationMillis': 200, 'gpuMonitorIntervalMillis': 1, 'cpuMonitorIntervalMillis': 1}
        name = query['metricName'][0]
        return 200, {'metrics': [{'metricName': m['metricName'], 'metricValue': str(m['metricValue']),
                                  'timestamp': m.get('timestamp'), 'step': m.get('step'), 'epoch': m.get('epoch'),
                                  'runContext': m.get('context')}
                                 for m in self.experiments[key]['metrics'] if m['metricName'] == name]}

    def write(self, method, where, headers, raw):
        name = where.replace('/write/experiment/', '')
        if method != 'POST' or name not in WRITE:
            return self.refuse(f'{method} {where}: no such call')
        if headers.get('Content-Type') != 'application/json':
            return self.refuse(f'{where}: Content-Type {headers.get("Content-Type")}')
        try:
            body = json.loads(raw)
        except ValueError:
            return self.refuse(f'{where}: not JSON: {raw[:80]}')
        must, may = WRITE[name]
        for field in must:
            if field not in body:
                return self.refuse(f'{where}: {field} is missing')
        for field, value in body.items():
            kind = {**must, **may}.get(field)
            if not kind or not isinstance(value, kind) or isinstance(value, bool):
                return self.refuse(f'{where}: {field} = {value!r}')
        if name == 'create':
            return self.create(body)
        if body['experimentKey'] not in self.experiments:
            return 400, {'code': 400, 'msg': 'no such experiment'}
        self.keep(self.experiments[body['experimentKey']], name, body)
        return 200, {'msg': 'Saved'}

    def create(self, body):
        key = '%032x' % (len(self.experiments) + 0xabc)
        self.experiments[key] = {'create': body, 'metrics': [], 'params': [], 'other': {}, 'times': {}, 'beats': 0}
        return 200, {'experimentKey': key, 'workspaceName': body['workspaceName'], 'projectName': body['projectName'],
                     'link': f'https://example.org/{key}'}

    @staticmethod
    def keep(experiment, name, body):
        if name == 'metric':
            experiment['metrics'].append(body)
        elif name == 'parameter':
            experiment['params'].append((body['parameterName'], body['parameterValue']))
        elif name == 'log-other':
            experiment['other'][body['key']] = body['value']
        else:
            experiment['times'].update({k: v for k, v in body.items() if k.endswith('Millis')})


def run_drive(url, run, *words, key=KEY, env=None, home=None):
    os.makedirs(run, exist_ok=True)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(('MLFLOW', 'COMET', 'RETHINK_SWEEP'))}
    environ['HOME'] = home or os.path.join(os.path.dirname(run), 'home')
    if url:
        environ['COMET_URL_OVERRIDE'] = url
    if key:
        environ['COMET_API_KEY'] = key
    environ['RETHINK_TRACK_WAIT_S'] = '60'  # machines are slow; the tests of waiting set their own
    environ.update(env or {})
    environ = {k: v for k, v in environ.items() if v is not None}
    began = time.time()
    done = subprocess.run([DRIVE, 'comet', run, *words], capture_output=True, text=True, env=environ, timeout=120 * tap.SLOWER,
                          cwd=run)
    done.took = time.time() - began
    if done.returncode:
        print('#', done.stderr)
    return done


SERIES = {
    ('loss', 'train'): lambda s: 2 / (1 + s),
    ('acc', 'train'): lambda s: s / (s + 4),
    ('loss', 'test'): lambda s: None if s % 2 else 1 / (1 + s),
    ('acc', 'test'): lambda s: None if s % 2 else s / (s + 8),
}


def history(experiment, name, context):
    return sorted((m['step'], m['metricValue']) for m in experiment['metrics']
                  if m['metricName'] == name and m.get('context', '') == context)


def problems(experiment, first, end):
    for (name, context), value in SERIES.items():
        want = [seen(s) for s in range(first, end) if value(s) is not None]
        got = history(experiment, name, context)
        if [s for s, _ in got] != want:
            yield f'{context} {name}: steps {[s for s, _ in got]}, expected {want}'
        elif any(abs(v - value((s - 2) // 2)) > 1e-12 for s, v in got):
            yield f'{context} {name}: values {got}'


def only(comet):
    assert len(comet.experiments) == 1, comet.experiments.keys()
    return next(iter(comet.experiments.values()))


def check_plain(folder):
    comet = Comet()
    # the threshold falls on an odd step, where no log point has a test accuracy: it must not be there twice
    done = run_drive(comet.url, folder + '/plain', 'points=8', 'threshold=5', 'sleep_ms=150')
    comet.close()
    experiment = only(comet)
    tap.empty(comet.broken, 'plain: every call is one that Comet documents')
    steps = [s for s, _ in history(experiment, 'acc', 'test')]
    experiment['metrics'] = [m for m in experiment['metrics']
                             if not (m['metricName'] == 'acc' and m.get('context') == 'test' and m['step'] == seen(5))]
    tap.empty(problems(experiment, 0, 8), 'plain: each point once, in its context')
    tap.ok(steps == [seen(s) for s in (0, 2, 4, 5, 6)], 'plain: the accuracy at the threshold joins them', steps)
    tap.ok(experiment['create'] == {'workspaceName': 'mine', 'projectName': 'rethinking',
                                    'experimentName': 'MLP1_0.5_none'},
           "plain: in the account's workspace and the config's project", experiment['create'])
    names = [name for name, _ in experiment['params']]
    tap.ok(len(set(names)) == len(names) and dict(experiment['params']).get('learning_rate') == '0.1',
           'plain: parameters, each once', names)
    tap.ok(experiment['other'].get('Name') == 'MLP1_0.5_none' and experiment['other'].get('data_digest') == 'd1',
           'plain: name and facts', experiment['other'])
    want = {'error': 1 - 4 / 12, 'time_to_overfit': 1.25, 'epochs_to_overfit': 2, 'label_corruption': 0.5}
    got = {m['metricName']: m['metricValue'] for m in experiment['metrics'] if m['metricName'] in want}
    tap.ok(got == want, 'plain: what the threshold came to', got)
    tap.ok(history(experiment, 'runtime', '') == [(seen(7), 75)], 'plain: the runtime')
    times = experiment['times']
    tap.ok(0 < times['startTimeMillis'] <= times['endTimeMillis'], 'plain: start and end times', times)
    tap.ok(experiment['beats'] >= 2, 'plain: beats as often as asked to', experiment['beats'])
    tap.ok('warning' not in done.stderr, 'plain: no warning', done.stderr)


def check_resume(folder):
    comet = Comet()
    run = folder + '/resumed'
    run_drive(comet.url, run, 'points=10', 'finish=none', 'sleep_ms=100')
    run_drive(comet.url, run, 'start=6', 'points=12')
    tap.empty(list(problems(only(comet), 0, 12)) + comet.broken,
              'resumed: a killed session and its successor leave each point once in one experiment')
    tap.ok(('GET', '/api/rest/v2/experiment/metadata') in comet.calls, 'resumed: it asks whether the experiment is there')
    comet.archived.update(comet.experiments)
    done = run_drive(comet.url, run, 'start=12', 'points=14')
    tap.ok('archived' in done.stderr and '2 points' in done.stderr and not list(problems(only(comet), 0, 12)),
           'resumed: an archived experiment is left alone, and said', done.stderr)
    key = next(iter(comet.experiments))
    comet.archived.clear()
    run_drive(comet.url, folder + '/given', 'start=12', 'points=14', f'key={key}')
    tap.empty(problems(only(comet), 0, 14), "resumed: the config's experiment_key goes on with that experiment")
    comet.close()


# plan for calls whose path has the word; what the row guards
FAULTS = [
    ('metric', ['429', 'pass', '429'], '429 with Retry-After'),
    ('metric', ['500', '500'], '500 that stored nothing'),
    ('metric', ['pass', 'store-500'], '500 that did store'),
    ('metric', ['pass', 'cut', 'cut'], 'cut before storing'),
    ('metric', ['pass', 'pass', 'store-cut', 'pass', 'store-cut'], 'cut after storing'),
    ('metric', ['store-half'], 'half an answer after storing'),
    ('parameter', ['pass', '503', 'cut', 'store-cut'], 'parameters: each at least once'),
    ('create', ['500', 'cut'], 'the experiment is made at the third attempt'),
    ('account-details', ['429'], 'the workspace is asked for again'),
    ('set-status', ['500', 'hang'], 'a heartbeat that fails or hangs'),
]


def check_faults(folder):
    def one(row):
        index, (word, plan, _) = row
        comet = Comet()
        proxy = Proxy(comet.port, plan, word)
        sleep_ms = 1100 if word == 'set-status' else 300  # a heartbeat that failed is tried again after 3 s
        done = run_drive(proxy.url, f'{folder}/fault{index}', 'points=8', f'sleep_ms={sleep_ms}')
        proxy.close()
        comet.close()
        return comet, proxy, done

    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(one, enumerate(FAULTS)))
    for (word, plan, why), (comet, proxy, done) in zip(FAULTS, results):
        bad = list(problems(only(comet), 0, 8)) + comet.broken
        if word != 'parameter' and len(only(comet)['params']) != len(dict(only(comet)['params'])):
            bad.append('a parameter came twice')
        tap.ok(not bad and not proxy.plan, f'{word}: {why}; each point once', *bad, proxy.plan, done.stderr)
        if word != 'set-status':
            tap.ok(done.stderr.count('warning') == 1, f'{word}: {why}; one warning', done.stderr)


def check_hanging(folder):
    comet = Comet()
    proxy = Proxy(comet.port, ['store-hang'], 'metric')
    run = folder + '/hang'
    done = run_drive(proxy.url, run, 'points=30', 'finish=interrupted', env={'RETHINK_TRACK_WAIT_S': None})
    tap.ok(float(done.stdout) < 0.5 * tap.SLOWER and done.took < 6 * tap.SLOWER and '30 points' in done.stderr,
           'hanging: training does not wait, the end waits briefly and says what is left', done.took, done.stderr)
    done = run_drive(proxy.url, run, 'start=30', 'points=32')
    proxy.close()
    comet.close()
    tap.empty(problems(only(comet), 0, 32), 'hanging: the next session sends what is missing, each point once')


def check_late_failure(folder):
    """The first attempt fails only when the run has ended: the end waits as long as for any service that fails."""
    comet = Comet()
    proxy = Proxy(comet.port, ['late-cut'] * 100)
    done = run_drive(proxy.url, folder + '/late', 'points=5', env={'RETHINK_TRACK_WAIT_S': None})
    proxy.close()
    comet.close()
    tap.ok(0.5 < done.took < 6 * tap.SLOWER and '5 points' in done.stderr, 'a failure found out at the end: not waited for long',
           done.took, done.stderr)


def check_settings(folder):
    comet = Comet()
    done = run_drive(comet.url, folder + '/nokey', 'points=5', key=None)
    tap.ok('COMET_API_KEY' in done.stderr and '.comet.config' in done.stderr and done.stderr.count('\n') == 1 and
           not comet.calls, 'settings: without a key one line says how to give one', done.stderr)
    records = open(folder + '/nokey/spool.jsonl').read().splitlines()
    tap.ok(len(records) == 7, 'settings: and the run is spooled', len(records))
    home = folder + '/somebody'
    os.makedirs(home)
    config = home + '/.comet.config'
    with open(config, 'w') as file:
        file.write(f'# mine\n[other]\napi_key = wrong\n[comet]\nAPI_KEY = {KEY}\nworkspace=ours\n'
                   f'url_override: {comet.url}\n')
    os.chmod(config, stat.S_IRUSR | stat.S_IWUSR)
    done = run_drive(None, folder + '/config', 'points=3', key=None, home=home)
    tap.ok(only(comet)['create']['workspaceName'] == 'ours' and 'warning' not in done.stderr,
           'settings: ~/.comet.config gives key, workspace and server', done.stderr)
    os.chmod(config, 0o644)
    done = run_drive(None, folder + '/public', 'points=3', key=None, home=home)
    tap.ok('chmod 600' in done.stderr and KEY not in done.stderr, 'settings: one that others can read is warned of',
           done.stderr)
    comet.close()


def check_secrets(folder):
    comet = Comet()
    done = run_drive(comet.url, folder + '/wrong', 'points=3', key='wr0ng-key-1234567')
    tap.ok('403' in done.stderr and 'wr0ng' not in done.stderr and '*****' in done.stderr,
           'secrets: a refusal that quotes the key is blotted out', done.stderr)
    run_drive(comet.url, folder + '/kept', 'points=3', 'sleep_ms=100')
    leaked = []
    for top, _, names in os.walk(folder):
        for name in names:
            if name != '.comet.config' and KEY.encode() in open(os.path.join(top, name), 'rb').read():
                leaked.append(os.path.join(top, name))
    tap.empty(leaked, 'secrets: the key is in no file of a run')
    process = subprocess.Popen([DRIVE, 'comet', folder + '/kept', 'start=3', 'points=6', 'sleep_ms=300'],
                               env={**os.environ, 'COMET_API_KEY': KEY, 'COMET_URL_OVERRIDE': comet.url},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    words = open(f'/proc/{process.pid}/cmdline', 'rb').read()
    process.wait(30)
    comet.close()
    tap.ok(KEY.encode() not in words, 'secrets: nor in the process list')
    done = run_drive('http://192.0.2.1/clientlib/', folder + '/plainhttp', 'points=1')
    tap.ok('without TLS' in done.stderr and KEY not in done.stderr and done.took < 5,
           'secrets: the key does not go over plain http to another machine', done.stderr)
    done = run_drive('https://127.0.0.1\r\nX: y', folder + '/control', 'points=1')
    tap.ok('control character' in done.stderr, 'secrets: control characters in settings are refused', done.stderr)


def check_tls(folder):
    pem = folder + '/self.pem'
    made = subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj',
                           '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', pem + '.key', '-out',
                           pem + '.crt'], capture_output=True)
    if made.returncode:
        tap.skip('tls: a certificate that nobody signed is refused', 'no openssl program')
        return
    with open(pem, 'wb') as file:
        file.write(open(pem + '.key', 'rb').read() + open(pem + '.crt', 'rb').read())
    comet = Comet(tls=pem)
    done = run_drive(comet.url, folder + '/tls', 'points=2')
    comet.close()
    tap.ok(not comet.calls and 'certificate' in done.stderr and '2 points' in done.stderr,
           'tls: a certificate that nobody signed is refused, and the key not sent', done.stderr)


def check_damage(folder):
    """A spool damaged by hand: a line costs itself, not its neighbours."""
    comet = Comet()
    run = folder + '/damaged'
    run_drive(None, run, 'points=6', key=None)
    lines = open(run + '/spool.jsonl').read().splitlines()
    lines[3] = lines[3][:20]
    with open(run + '/spool.jsonl', 'w') as file:
        file.write('\n'.join(lines) + '\n{"to":"comet","seq":99,"at"')
    done = run_drive(comet.url, run, 'start=6', 'points=8')
    comet.close()
    steps = [s for s, _ in history(only(comet), 'loss', 'train')]
    tap.ok(steps == [seen(s) for s in (0, 1, 3, 4, 5, 6, 7)] and re.search(r'spool\.jsonl:4:', done.stderr),
           'damage: the line is named and left out, a torn last line is cut off', steps, done.stderr)


def check_random(folder):
    """What names a run at a service is drawn by the kernel, or the run is not recorded for it: never made up."""
    def session(random):
        run = f'{folder}/random-{random}'
        done = run_drive(None, run, 'points=2', key=None, env={'RT_RANDOM': random})
        path = run + '/spool.jsonl'
        starts = [json.loads(line) for line in open(path)] if os.path.exists(path) else []
        return [s['session'] for s in starts if s['type'] == 'start'], done
    session('late')
    names, _ = session('late')  # the second is behind the first in the same spool
    tap.ok(len(set(names)) == 2 and all(len(set(name)) > 6 and '00000000' not in name for name in names),
           'random: a name for the run is waited for', names)
    none, done = session('none')
    tap.ok(none == [] and done.returncode == 0 and 'cannot draw a random name' in done.stderr and 'training continues' in done.stderr,
           'random: where there is none, it is said, and training goes on', none, done.stderr)


def run_sync(url, run, key=KEY):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(('MLFLOW', 'COMET', 'RETHINK_SWEEP'))}
    environ.update(HOME=run, COMET_URL_OVERRIDE=url)
    if key:
        environ['COMET_API_KEY'] = key
    return subprocess.run([tap.RETHINK, 'sync', run], capture_output=True, text=True, env=environ, timeout=120 * tap.SLOWER)


def check_sync(folder):
    """A run kept in its spool, sent later by `rethink sync`: all of it, once, however often."""
    comet = Comet()
    proxy = Proxy(comet.port, ['pass'] * 9 + ['store-cut', '429', '500', 'store-500'], 'metric')
    run = folder + '/later'
    run_drive(None, run, 'points=40', 'threshold=31', key=None)
    with open(run + '/config.yaml', 'w') as file:
        file.write('model_name: MLP1\ncomet_project: kept\n')
    done = run_sync(proxy.url, run, key=None)
    tap.ok(done.returncode == 3 and 'COMET_API_KEY' in done.stderr and '40 left' in done.stderr,
           'sync: without a key it says so and fails', done.stderr)
    done = run_sync(proxy.url, run)
    first = len(comet.calls)
    tap.ok(done.returncode == 0 and '40 points sent' in done.stdout and not proxy.plan,
           'sync: sends all, through a bad network', done.stdout, done.stderr, proxy.plan)
    experiment = only(comet)
    experiment['metrics'] = [m for m in experiment['metrics']
                             if not (m['metricName'] == 'acc' and m.get('context') == 'test' and m['step'] == seen(31))]
    tap.empty(list(problems(experiment, 0, 40)) + comet.broken, 'sync: each point once')
    tap.ok(experiment['create']['projectName'] == 'kept', "sync: in the project of the run's config")
    key = next(iter(comet.experiments))
    tap.ok(f'experiment_key: {key}' in open(run + '/config.yaml').read().replace('"', ''),
           "sync: the experiment's key is kept in the run's config", open(run + '/config.yaml').read())
    done = run_sync(proxy.url, run)
    tap.ok(done.returncode == 0 and '0 points sent' in done.stdout and
           [c for c in comet.calls[first:] if c[0] == 'POST'] == [], 'sync: again, it sends nothing', done.stdout,
           comet.calls[first:])
    proxy.close()
    comet.close()
    done = run_sync('http://127.0.0.1:9/', folder)
    tap.ok(done.returncode == 4 and 'config.yaml' in done.stderr, 'sync: a folder that is no run is refused', done.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_plain(folder)
        check_resume(folder)
        check_faults(folder)
        check_hanging(folder)
        check_late_failure(folder)
        check_settings(folder)
        check_secrets(folder)
        check_tls(folder)
        check_damage(folder)
        check_random(folder)
        check_sync(folder)
    tap.done()


if __name__ == '__main__':
    main()
