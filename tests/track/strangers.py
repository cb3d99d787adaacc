"""A stranger's run folder or server: `rethink sync` sends keys to nobody but the server that the key's own
configuration names, reads nothing outside the run's folder, shows no key, and takes memory in proportion."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from urllib.parse import quote

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import tap  # noqa: E402
from services import Mlflow, Stranger, clean_environment, write  # noqa: E402

TOKEN = 't0ken-for-tests-0123456789'
KEY = 'k3y-for-tests-0123456789'


class Done:
    def __init__(self, process):
        out, err = process.communicate(timeout=120 * tap.SLOWER)
        self.code, self.out, self.err = process.returncode, out.decode('utf-8', 'replace'), err.decode('utf-8', 'replace')
        self.text = self.out + self.err


def sync(run, cwd=None, **environ):
    environ.setdefault('HOME', '/nonexistent')
    return Done(subprocess.Popen([tap.RETHINK, 'sync', run], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                                 env=clean_environment(**environ)))


def peak_kib(run, **environ):
    """Memory of the command at its most."""
    script = ('import resource, subprocess, sys; subprocess.run(sys.argv[1:], capture_output=True); '
              'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)')
    done = subprocess.run([sys.executable, '-c', script, tap.RETHINK, 'sync', run], capture_output=True, text=True,
                          env=clean_environment(HOME='/nonexistent', **environ), timeout=120 * tap.SLOWER)
    return int(done.stdout)


def record(to, seq, kind, **fields):
    return json.dumps({'to': to, 'seq': seq, 'at': 1700000000000 + seq, 'type': kind, **fields})


def start(to, **fields):
    return record(to, 1, 'start', **{'resumed': False, 'start_step': 0, 'name': 'MLP1_0.5_none', 'model': 'MLP1',
                                     'project': 'p', 'key': '', 'sweep': '', 'user': 'u', 'session': 'abc',
                                     'params': {'seed': '1'}, 'facts': {'data': 'd'}, **fields})


def point(to, seq, **fields):
    return record(to, seq, 'point', **{'step': seq - 2, 'epoch': 1, 'train_loss': 1.5, 'train_acc': 0.25,
                                       'learning_rate': 0.1, **fields})


def finish(to, seq, **fields):
    return record(to, seq, 'finish', **{'step': 1, 'status': 'finished', 'model': '', 'wall_s': 1.0, **fields})


def make(folder, name, *lines, to='mlflow', position=None):
    run = f'{folder}/{name}/MLP1/MLP1_0.5_none'
    lines = lines or (start(to), point(to, 2), point(to, 3), finish(to, 4))
    write(run + '/config.yaml', 'model_name: MLP1\n')
    write(run + '/spool.jsonl', '\n'.join(lines) + '\n')
    if position:
        write(f'{run}/{to}.json', json.dumps({'url': '', 'run': 'feed', 'files': '', 'sent': 0, 'part': 0, 'step': -1,
                                              'threshold': False, **position}))
    return run


# ---- keys

def check_stored_addresses(folder):
    evil, good = Stranger(), Mlflow()
    run = make(folder, 'stored', position={'url': evil.url})
    done = sync(run, MLFLOW_TRACKING_TOKEN=TOKEN)
    tap.ok(done.code == 3 and not evil.requests and 'MLFLOW_TRACKING_URI' in done.err and done.err.count('\n') == 1,
           'keys: the address in mlflow.json is not sent to', done.err, evil.requests)
    done = sync(run, MLFLOW_TRACKING_TOKEN=TOKEN, MLFLOW_TRACKING_URI=good.url)
    tap.ok(done.code == 3 and not evil.requests and not good.paths and 'mlflow.json' in done.err,
           'keys: it only says that the run was elsewhere', done.err)
    run = make(folder, 'storedcomet', to='comet', position={'url': evil.url})
    done = sync(run, COMET_API_KEY=KEY)
    tap.ok(done.code == 3 and not evil.requests and 'COMET_URL_OVERRIDE' in done.err,
           'keys: nor is the address in comet.json', done.err, evil.requests)
    for field, value in (('url', 'http://u:p@127.0.0.1'), ('url', 'file:///etc'), ('run', '../x'), ('run', 'a\x1b[2J'),
                         ('sent', -1), ('part', 1 << 40), ('step', -(1 << 62)), ('sent', 1 << 62)):
        done = sync(make(folder, 'position', position={'url': good.url, field: value}), MLFLOW_TRACKING_URI=good.url)
        tap.ok(done.code == 4 and f'mlflow.json: {field}' in done.err and '\x1b' not in done.text,
               f'keys: mlflow.json with {field} = {value!r} is refused', done.code, done.err)
    evil.close()
    good.close()


def check_folder_config(folder):
    evil, good = Stranger(), Stranger(answer=json.dumps({'experimentKey': 'abc', 'defaultWorkspaceName': 'w'}).encode())
    here, home = folder + '/here', folder + '/home'
    write(here + '/.comet.config', f'[comet]\nurl_override = {evil.url}\n')
    run = make(folder, 'config', to='comet')
    done = sync(run, cwd=here, COMET_API_KEY=KEY)
    tap.ok(done.code == 3 and not evil.requests and '.comet.config' in done.err and 'COMET_URL_OVERRIDE' in done.err,
           "keys: ./.comet.config cannot send the environment's key to its server", done.err, evil.requests)
    write(home + '/.comet.config', f'[comet]\napi_key = {KEY}\n')
    os.chmod(home + '/.comet.config', 0o600)
    done = sync(run, cwd=here, HOME=home)
    tap.ok(done.code == 3 and not evil.requests, "keys: nor that of ~/.comet.config", done.err, evil.requests)
    sync(run, cwd=here, COMET_API_KEY=KEY, COMET_URL_OVERRIDE=good.url)
    tap.ok(not evil.requests and good.requests and all(r[2].get('Authorization') == KEY for r in good.requests),
           'keys: the environment says where its key goes', evil.requests)
    before = len(good.requests)
    write(here + '/.comet.config', f'[comet]\napi_key = other-key-0123\nurl_override = {good.url}\n')
    sync(make(folder, 'config2', to='comet'), cwd=here)
    tap.ok(len(good.requests) > before and good.requests[-1][2].get('Authorization') == 'other-key-0123',
           'keys: a file with both sends its own key to its own server')
    before = len(good.requests)
    write(home + '/.comet.config', f'[comet]\napi_key = {KEY}\nurl_override = {good.url}\n')
    sync(make(folder, 'config3', to='comet'), cwd=home, HOME=home)
    tap.ok(len(good.requests) > before, 'keys: ./.comet.config in the home folder is the user\'s own')
    evil.close()
    good.close()


def leaked(text, secret):
    """The longest piece of the secret, of five characters and more, that the text shows."""
    for size in range(len(secret), 4, -1):
        for at in range(len(secret) - size + 1):
            if secret[at:at + size] in text:
                return secret[at:at + size]
    return ''


def check_echoes(folder):
    odd = 'p&ss w/rd+0123456789'
    basic = base64.b64encode(f'alice:{odd}'.encode()).decode()
    rows = [
        ('a message', 401, json.dumps({'message': f'bad token {TOKEN}!'}).encode()),
        ('a message cut inside it', 401, json.dumps({'message': 'x' * 185 + TOKEN}).encode()),
        ('a message that is cut', 401, json.dumps({'message': 'x' * 2030 + TOKEN}).encode()),
        ('no JSON', 200, f'<html>{TOKEN}</html>'.encode()),
        ('broken JSON', 200, f'{{"experiment": "{TOKEN}'.encode()),
        ('broken JSON behind it', 200, f'{{"experiment": {TOKEN}}}'.encode()),
        ('a name', 200, json.dumps({'experiment': {'experiment_id': TOKEN}}).encode()),
        ('a long name', 200, json.dumps({'experiment': {'experiment_id': TOKEN * 9}}).encode()),
    ]
    for what, status, answer in rows:
        server = Stranger(status, answer)
        done = sync(make(folder, 'echo'), MLFLOW_TRACKING_TOKEN=TOKEN, MLFLOW_TRACKING_URI=server.url)
        server.close()
        tap.ok(done.code == 5 and server.requests and not leaked(done.text, TOKEN) and done.err.count('\n') == 1,
               f'echoes: {what} shows nothing of the token', done.code, done.text)
    for what, quoted in (('the password', odd), ('it percent-encoded', quote(odd, safe='')), ('it in base 64', basic)):
        server = Stranger(403, json.dumps({'message': f'who is {quoted}?'}).encode())
        done = sync(make(folder, 'echo'), MLFLOW_TRACKING_URI=server.url, MLFLOW_TRACKING_USERNAME='alice',
                    MLFLOW_TRACKING_PASSWORD=odd)
        server.close()
        tap.ok(done.code == 5 and quoted not in done.text and '***' in done.text, f'echoes: {what}, quoted, is blotted out',
               done.text)
    server = Stranger(403, json.dumps({'msg': f'bad key {KEY}'}).encode())
    done = sync(make(folder, 'echo2', to='comet'), COMET_API_KEY=KEY, COMET_URL_OVERRIDE=server.url)
    server.close()
    tap.ok(done.code == 5 and not leaked(done.text, KEY), "echoes: nor of Comet's key", done.text)


def comet_answers(link):
    def answer(method, path, headers, raw):
        return {'experimentKey': 'abc', 'defaultWorkspaceName': 'w', 'archived': False, 'metrics': [], 'link': link}
    return answer


def check_terminal(folder):
    for i, link in enumerate(('https://x/\x1b]0;owned\x07\n\x1b[2Jforged: line', 'x\nforged: line', f'https://x/{KEY}',
                 'https://x/' + 'y' * 5000, {'a': 1})):
        server = Stranger(answer=comet_answers(link))
        done = sync(make(folder, f'terminal{i}', to='comet'), COMET_API_KEY=KEY, COMET_URL_OVERRIDE=server.url)
        server.close()
        bad = [c for c in done.text if c != '\n' and (ord(c) < 32 or 0x7f <= ord(c) < 0xa0)]
        tap.ok(done.code == 0 and not bad and not any(line.startswith('forged') for line in done.text.splitlines()) and
               not leaked(done.text, KEY), f'terminal: the link {str(link)[:30]!r} says nothing to the terminal', done.text)


# ---- files

def check_files(folder):
    secret = folder + '/secret'
    write(secret, 'outside\n')
    os.makedirs(folder + '/outside')
    write(folder + '/outside/model.safetensors', 'outside\n')
    server = Mlflow()

    def one(name, what, change, model=''):
        run = make(folder, name, start('mlflow'), point('mlflow', 2), finish('mlflow', 3, model=model))
        write(run + '/result.json', 'inside\n')
        change(run)
        server.files.clear()
        done = sync(run, MLFLOW_TRACKING_URI=server.url)
        tap.ok(done.code == 0 and not any('outside' in body for body in server.files.values()) and
               'inside\n' in server.files.values(), f'files: {what} is not uploaded', done.code, done.err, server.files)

    one('link', 'a linked metrics.csv', lambda run: os.symlink(secret, run + '/metrics.csv'))
    one('fifo', 'a FIFO', lambda run: os.mkfifo(run + '/metrics.csv'))
    one('up', 'a checkpoint with ..', lambda run: None, '../../../outside')
    one('root', 'one with a leading /', lambda run: None, folder + '/outside')
    one('linked', 'a linked checkpoint', lambda run: os.symlink(folder + '/outside', run + '/e_001'), 'e_001')

    def model_link(run):
        os.makedirs(run + '/e_001')
        os.symlink(secret, run + '/e_001/model.safetensors')
    one('model', "a linked model", model_link, 'e_001')
    server.close()
    for name, kind in (('spool.jsonl', 'symlink'), ('spool.jsonl', 'fifo'), ('mlflow.json', 'symlink'), ('mlflow.json', 'fifo')):
        run = make(folder, 'opened-' + kind + name)
        if os.path.exists(run + '/' + name):
            shutil.move(run + '/' + name, folder + '/elsewhere')
        if kind == 'symlink':
            os.symlink(folder + '/elsewhere', run + '/' + name)
        else:
            os.mkfifo(run + '/' + name)
        done = sync(run, MLFLOW_TRACKING_URI='http://127.0.0.1:9')
        tap.ok(done.code == 5 and name in done.err and 'regular file' in done.err, f'files: {name} as a {kind} is refused',
               done.code, done.err)


def check_places_on_the_server(folder):
    for uri in ('mlflow-artifacts:/../../../api/2.0/mlflow/users', 'mlflow-artifacts:/a/../b', 'mlflow-artifacts:/./a',
                'mlflow-artifacts:/a//b', 'mlflow-artifacts:/%2e%2e/b', 'mlflow-artifacts:/a?x=', 'mlflow-artifacts:/a#b',
                'mlflow-artifacts:/', 'mlflow-artifacts:/a\\..\\b', 'mlflow-artifacts://host/../b'):
        server = Mlflow(artifact_uri=uri)
        run = make(folder, 'place')
        done = sync(run, MLFLOW_TRACKING_URI=server.url)
        server.close()
        os.remove(run + '/mlflow.json')
        puts = [path for method, path in server.paths if method == 'PUT']
        tap.ok(done.code == 0 and not puts and 'stay' in done.err, f'files: {uri} steers nothing', puts, done.err)
    server = Mlflow(artifact_uri='mlflow-artifacts://alice:sesame@host/my files/{id}/')
    run = make(folder, 'spaces')
    done = sync(run, MLFLOW_TRACKING_URI=server.url)
    server.close()
    tap.ok(f'my files/{server.only().id}/config.yaml' in server.files, 'files: a plain path with a space is taken', server.files)
    for uri in ('mlflow-artifacts://alice:sesame@host/0/{id}', 's3://alice:sesame@bucket/x?token=sesame',
                'https://alice:sesame@host/x'):
        server = Mlflow(artifact_uri=uri)
        run = make(folder, 'kept')
        sync(run, MLFLOW_TRACKING_URI=server.url)
        server.close()
        kept = open(run + '/mlflow.json').read()
        os.remove(run + '/mlflow.json')
        tap.ok('sesame' not in kept, f'files: {uri} is kept without its password', kept)


def check_unreached(folder):
    """A refused connection: three attempts for the first run, one for each after it; and a service that comes up meanwhile."""
    server = Mlflow()
    url = server.url
    server.close()
    runs = [make(folder, f'unreached{i}') for i in range(3)]
    environ = clean_environment(HOME='/nonexistent', MLFLOW_TRACKING_URI=url)
    done = Done(subprocess.Popen([tap.RETHINK, 'sync', '--verbose', *runs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ))
    tap.ok(done.code == 5 and done.err.count('trying again') == 2 and done.err.count('2 left') == 3,
           'unreached: given up after three attempts, and after one for each later run', done.code, done.err)
    process = subprocess.Popen([tap.RETHINK, 'sync', '--verbose', runs[0]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)
    first = process.stderr.readline()
    server = Mlflow(port=int(url.rstrip('/').rpartition(':')[2]))
    done = Done(process)
    server.close()
    tap.ok(b'trying again' in first and done.code == 0 and '2 points sent' in done.out, 'unreached: one that comes up in between gets all',
           first, done.text)


def check_parent(folder):
    target = folder + '/target'
    server = Mlflow()
    run = make(folder, 'sweep', start('mlflow', sweep='x'), point('mlflow', 2))
    write(target, 'precious\n')
    os.symlink(target, folder + '/sweep/.mlflow-sweep-x.json')
    done = sync(run, MLFLOW_TRACKING_URI=server.url)
    tap.ok(open(target).read() == 'precious\n' and done.code == 5 and '.mlflow-sweep-x.json' in done.err,
           'files: a linked .mlflow-sweep-x.json is not followed', done.code, done.err)
    os.remove(folder + '/sweep/.mlflow-sweep-x.json')
    sync(run, MLFLOW_TRACKING_URI=server.url)
    tap.ok(os.path.isfile(folder + '/sweep/.mlflow-sweep-x.json'), 'files: where the run is in its place, the parent is kept')
    before = set(os.listdir(folder))
    run = folder + '/copied'
    shutil.copytree(make(folder, 'sweep2', start('mlflow', sweep='y/../../z'), point('mlflow', 2)), run)
    done = sync(run, MLFLOW_TRACKING_URI=server.url)
    server.close()
    tap.ok(done.code == 0 and set(os.listdir(folder)) - before == {'sweep2', 'copied'} and
           not os.path.exists(os.path.dirname(folder) + '/.mlflow-sweep-y_.._.._z.json'),
           'files: a run that is elsewhere leaves nothing above its folder', done.err, os.listdir(folder))


# ---- numbers and memory

def check_numbers(folder):
    huge, good = 1e300, point('mlflow', 2)
    rows = [
        ('an epoch of 1e300', point('mlflow', 3, epoch=huge)),
        ('an epoch below 0', point('mlflow', 3, epoch=-1)),
        ('an epoch beyond 32 bits', point('mlflow', 3, epoch=1 << 40)),
        ('a step of 2^62', point('mlflow', 3, step=1 << 62)),
        ('a step below 0', point('mlflow', 3, step=-5)),
        ('a step and a half', point('mlflow', 3, step=1.5)),
        ('no step', record('mlflow', 3, 'point', epoch=1)),
        ('no epoch', record('mlflow', 3, 'point', step=1)),
        ('a threshold at epoch 1e300', record('mlflow', 3, 'threshold', step=1, epoch=huge)),
        ('a threshold without a step', record('mlflow', 3, 'threshold', epoch=1)),
        ('a number again', point('mlflow', 2)),
        ('a number beyond all', point('mlflow', 1 << 60)),
        ('a loss that is a text', point('mlflow', 3, train_loss='\x1b[2J')),
        ('a model that is two lines', finish('mlflow', 3, model='a\nb')),
        ('parameters that are none', record('mlflow', 3, 'finish', step=1, params=[1])),
    ]
    for what, line in rows:
        server = Mlflow()
        done = sync(make(folder, 'numbers', start('mlflow'), good, line, point('mlflow', 4)), MLFLOW_TRACKING_URI=server.url)
        server.close()
        steps = [m['step'] for m in server.only().metrics if m['key'] == 'train/loss']
        os.remove(folder + '/numbers/MLP1/MLP1_0.5_none/mlflow.json')
        tap.ok(done.code == 0 and steps == [0, 2] and 'spool.jsonl:3' in done.err and '\x1b' not in done.err,
               f'numbers: {what} costs its line', done.code, steps, done.err)
    for what, line in (('an epoch of 1e300', record('comet', 2, 'threshold', step=1, epoch=huge, minutes=1, test_acc=0.5)),):
        server = Stranger(answer=comet_answers('x'))
        done = sync(make(folder, 'numbers2', start('comet'), line, point('comet', 3)), COMET_API_KEY=KEY,
                    COMET_URL_OVERRIDE=server.url)
        server.close()
        tap.ok(done.code == 0 and 'spool.jsonl:2' in done.err, f"numbers: Comet's threshold with {what}", done.err)
    server = Mlflow()
    lines = [start('mlflow'), good] + ['{}'] * 20000
    done = sync(make(folder, 'damaged', *lines), MLFLOW_TRACKING_URI=server.url)
    server.close()
    tap.ok(done.code == 0 and done.err.count('\n') == 2 and '19999 more' in done.err,
           'numbers: twenty thousand damaged lines are two lines of warning', done.err[:2000])


def check_memory(folder):
    run = make(folder, 'memory')
    plain = Stranger()
    base = peak_kib(run, MLFLOW_TRACKING_URI=plain.url)
    plain.close()
    for what, answer in (('empty objects', b'[' + b'{},' * 10000000 + b'{}]'), ('one text', b'"' + b'x' * 30000000 + b'"'),
                         ('small, of empty objects', b'[' + b'{},' * 1000000 + b'{}]')):
        server = Stranger(answer=answer)
        more = peak_kib(run, MLFLOW_TRACKING_URI=server.url) - base
        server.close()
        tap.ok(server.requests and more < 160 * 1024, f'memory: an answer of {len(answer) / 1e6:.0f} MB, {what}, takes {more} KiB',
               base)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        for check in (check_stored_addresses, check_folder_config, check_echoes, check_terminal, check_files,
                      check_places_on_the_server, check_unreached, check_parent, check_numbers, check_memory):
            here = f'{folder}/{check.__name__}'
            os.makedirs(here)
            check(here)
    tap.done()


if __name__ == '__main__':
    main()
