"""Stand-ins for services, on this machine, for tests that need no package: an MLflow server that knows the calls that
the recorder makes, and any server that answers as it is told and counts who came."""
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


def seen(s):
    """Batches trained at log point s: every other one of an epoch's eight is logged (drive.c)."""
    return 2 * s + 2


# what a run of drive.c records at log point s; None: nothing
SERIES = {
    'train/loss': lambda s: 2 / (1 + s),
    'train/accuracy': lambda s: s / (s + 4),
    'test/loss': lambda s: None if s % 2 else 1 / (1 + s),
    'test/accuracy': lambda s: None if s % 2 else s / (s + 8),
    'train/memorised': lambda s: s / (s + 6) if s % 4 == 3 else None,
    'train/learning_rate': lambda s: 0.1 * 0.95 ** s,
    'train/epoch': lambda s: seen(s) / 8,
}


def clean_environment(**more):
    """The environment without settings of services, and with these (None: without it)."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(('MLFLOW', 'COMET', 'RETHINK_SWEEP'))}
    environ.update(more)
    return {k: v for k, v in environ.items() if v is not None}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


class Server:
    """Answers each request with what take(method, path, headers, body) returns: a status and bytes or JSON."""

    def __init__(self, port=0):
        server = self
        self.lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            wbufsize = -1  # head and body in one packet

            def log_message(self, *words):
                pass

            def handle_one(self):
                raw = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                with server.lock:
                    status, answer = server.take(self.command, self.path, self.headers, raw)
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # the client has had enough

            do_GET = do_POST = do_PUT = handle_one

        self.http = ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}'
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Stranger(Server):
    """Gives everybody the same answer; `requests` lists (method, path, headers, body)."""

    def __init__(self, status=200, answer=b'{}'):
        self.requests, self.status, self.answer = [], status, answer
        super().__init__()

    def take(self, method, path, headers, raw):
        self.requests.append((method, path, dict(headers), raw))
        answer = self.answer(method, path, headers, raw) if callable(self.answer) else self.answer
        return self.status, answer


class Run:
    def __init__(self, number, body):
        self.id = '%032x' % (0xfeed00 + number)
        self.name = body.get('run_name')
        self.tags = {tag['key']: tag['value'] for tag in body.get('tags', ())}
        self.metrics, self.params, self.status = [], {}, 'RUNNING'

    def value(self, key):
        return [m['value'] for m in self.metrics if m['key'] == key][-1]


class Mlflow(Server):
    """`artifact_uri`: what runs are told, {id} for the run's. `broken`: calls that MLflow would not have understood."""

    PREFIX = '/api/2.0/mlflow/'
    FILES = '/api/2.0/mlflow-artifacts/artifacts/'

    def __init__(self, artifact_uri='mlflow-artifacts:/0/{id}/artifacts', port=0):
        self.artifact_uri = artifact_uri
        self.runs, self.experiments, self.files = {}, {}, {}
        self.broken, self.calls, self.paths, self.authorizations = [], [], [], set()
        super().__init__(port)

    def only(self):
        assert len(self.runs) == 1, [run.name for run in self.runs.values()]
        return next(iter(self.runs.values()))

    def take(self, method, path, headers, raw):
        self.paths.append((method, path))
        self.authorizations.add(headers.get('Authorization'))
        parts = urlsplit(path)
        if method == 'PUT' and parts.path.startswith(self.FILES):
            self.files[unquote(parts.path[len(self.FILES):])] = raw.decode('utf-8', 'replace')
            return 200, {}
        if not parts.path.startswith(self.PREFIX):
            return self.refuse(f'{method} {path}: no such path')
        name = parts.path[len(self.PREFIX):]
        body = {k: v[0] for k, v in parse_qs(parts.query).items()} if method == 'GET' else json.loads(raw)
        self.calls.append((name, body))
        call = getattr(self, name.replace('/', '_').replace('-', '_'), None)
        return call(body) if call else self.refuse(f'{method} {path}: no such call')

    def refuse(self, why):
        self.broken.append(why)
        return 400, {'error_code': 'BAD_REQUEST', 'message': why}

    def experiments_get_by_name(self, body):
        found = self.experiments.get(body['experiment_name'])
        if found is None:
            return 404, {'error_code': 'RESOURCE_DOES_NOT_EXIST', 'message': 'no such experiment'}
        return 200, {'experiment': {'experiment_id': found, 'name': body['experiment_name']}}

    def experiments_create(self, body):
        self.experiments[body['name']] = str(len(self.experiments) + 1)
        return 200, {'experiment_id': self.experiments[body['name']]}

    def info(self, run):
        return {'run_id': run.id, 'status': run.status, 'artifact_uri': self.artifact_uri.replace('{id}', run.id)}

    def runs_create(self, body):
        run = Run(len(self.runs), body)
        self.runs[run.id] = run
        return 200, {'run': {'info': self.info(run), 'data': {}}}

    def runs_search(self, body):
        session = body['filter'].split("'")[1]
        found = [run for run in self.runs.values() if run.tags.get('rethink.session') == session]
        return 200, {'runs': [{'info': self.info(run), 'data': {}} for run in found]}

    def runs_get(self, body):
        run = self.runs[body['run_id']]
        last = {}
        for metric in run.metrics:
            if metric['key'] not in last or metric['step'] >= last[metric['key']]['step']:
                last[metric['key']] = metric
        return 200, {'run': {'info': self.info(run), 'data': {'metrics': list(last.values())}}}

    def runs_log_batch(self, body):
        run = self.runs[body['run_id']]
        for metric in body.get('metrics', ()):
            if set(metric) != {'key', 'value', 'timestamp', 'step'}:
                return self.refuse(f'metric {metric}')
            run.metrics.append(metric)
        run.params.update({p['key']: p['value'] for p in body.get('params', ())})
        return 200, {}

    def runs_set_tag(self, body):
        self.runs[body['run_id']].tags[body['key']] = body['value']
        return 200, {}

    def runs_update(self, body):
        self.runs[body['run_id']].status = body['status']
        return 200, {'run_info': self.info(self.runs[body['run_id']])}
