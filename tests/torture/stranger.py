#!/usr/bin/env python3
"""A stranger's run folder through every command that opens one. Whatever is in it, a command ends by itself, says what is
wrong in a few plain lines, changes nothing but the run and the outputs that were chosen, starts no program but gnuplot, and
goes to no server but the one that is configured here."""
import base64
import hashlib
import http.server
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
sys.path.insert(0, os.path.join(HERE, '..', 'train'))
import watch
from runs import temporary
from tap import RETHINK, SLOWER, done, ok, skip

PROGRAM = os.environ.get('RETHINK_FAULTY', RETHINK)  # its images are made in no time
NAME = 'seedMLP1_0.5_none'
RUN = f'runs/MLP1/{NAME}'
SETTINGS = [word for setting in ('train_size=300', 'test_size=40', 'log_every=1', 'checkpoint_every=1', f'experiment_name={NAME}',
                                 'track=[tensorboard,mlflow]') for word in ('--set', setting)]
TRAIN = ['train', 'MLP1_0.5_none', *SETTINGS, '--threads', '1', '--data', 'shapes10', '--runs', 'runs']
COMMANDS = {
    'list': ['list', '--runs', 'runs'],
    'evaluate': ['evaluate', RUN, '--data', 'shapes10', '--threads', '1', '--predictions', 'chosen/predictions'],
    'plot': ['plot', 'mlp1_corrup_curves', '--runs', 'runs', '-o', 'chosen'],
    'report': ['report', '--no-figures', '--runs', 'runs', '-o', 'chosen'],
    'sync': ['sync', RUN],
    'sweep': ['sweep', 'MLP1_0.5_none', *SETTINGS, '--data', 'shapes10', '--runs', 'runs', '--epochs', '1', '--dry-run'],
    'train': [*TRAIN, '--epochs', '3'],
}
WRITES = {'evaluate': ['chosen'], 'plot': ['chosen'], 'report': ['chosen'], 'sync': ['runs'], 'train': ['runs']}
LINES_MAX = 40
SECRET = b'a secret: step,epoch\n'


class Refusing(http.server.BaseHTTPRequestHandler):
    """The server that is configured: it takes nothing, at once."""

    def refuse(self):
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.send_response(403)
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = refuse

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
SERVER = f'127.0.0.1:{server.server_address[1]}'


# ---- what a stranger may do to a run


def edit(path, change):
    with open(path) as f:
        value = json.load(f)
    change(value)
    with open(path, 'w') as f:
        json.dump(value, f)


def result(**fields):
    return lambda run: edit(f'{run}/result.json', lambda value: value.update(fields))


def data(**fields):
    return lambda run: edit(f'{run}/result.json', lambda value: value['data'].update(fields))


def newest(run):
    return f'{run}/' + max(name for name in os.listdir(run) if name.startswith('e_'))


def seal(folder):
    """Digests that agree: a stranger's checkpoint can be whole and still hostile."""
    with open(f'{folder}/SHA256SUMS', 'w') as f:
        for name in 'model.safetensors', 'optimizer.safetensors', 'config.yaml', 'state.json':
            with open(f'{folder}/{name}', 'rb') as part:
                f.write(f'{hashlib.sha256(part.read()).hexdigest()}  {name}\n')


def state(**fields):
    def change(run):
        folder = newest(run)
        edit(f'{folder}/state.json', lambda value: value.update(fields))
        seal(folder)
    return change


def config(line):
    def change(run):
        for path in f'{run}/config.yaml', f'{newest(run)}/config.yaml':
            with open(path, 'a') as f:
                f.write(line + '\n')
        seal(newest(run))
    return change


def rows(text):
    """More rows of metrics, which the checkpoint and the result agree to."""
    def change(run):
        with open(f'{run}/metrics.csv', 'a') as f:
            f.write(text)
        with open(f'{run}/metrics.csv', 'rb') as f:
            now = f.read()
        fields = {'metrics_size_bytes': len(now), 'metrics_digest': hashlib.sha256(now).hexdigest()}
        result(**fields)(run)
        state(**fields)(run)
    return change


def tensors(make):
    def change(run):
        folder = newest(run)
        with open(f'{folder}/model.safetensors', 'rb') as f:
            size, = struct.unpack('<Q', f.read(8))
            header, content = f.read(size).decode(), f.read()
        header = make(header).encode()
        with open(f'{folder}/model.safetensors', 'wb') as f:
            f.write(struct.pack('<Q', len(header)) + header + content)
        seal(folder)
    return change


def more_tensors(header):
    empty = ','.join(f'"extra{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for i in range(50000))
    return header.rstrip()[:-1] + ',' + empty + '}'


def link(name, target='../../../outside/secret'):
    def change(run):
        path = f'{run}/{name}'
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.remove(path)
        os.symlink(target, path)
    return change


def hard_link(name):
    def change(run):
        os.remove(f'{run}/{name}')
        os.link('outside/secret', f'{run}/{name}')
    return change


def fifo(name):
    def change(run):
        if os.path.lexists(f'{run}/{name}'):
            os.remove(f'{run}/{name}')
        os.mkfifo(f'{run}/{name}')
    return change


def in_checkpoint(make, name):
    return lambda run: make(f'{os.path.basename(newest(run))}/{name}')(run)


def checkpoint_elsewhere(run):
    folder = newest(run)
    shutil.move(folder, 'outside/checkpoint')
    os.symlink('../../../outside/checkpoint', folder)


def run_elsewhere(run):
    shutil.move(run, 'outside/run')
    os.symlink('../../outside/run', run)


def model_elsewhere(run):
    shutil.move(os.path.dirname(run), 'outside/model')
    os.symlink('../outside/model', os.path.dirname(run))


def odd_names(run):
    for name in b'a\nb', b'\x1b]0;title\x07', b'\xff\xfe', '\u202egnp'.encode(), b"'; touch PWNED; '", b'-o':
        shutil.copytree(os.fsencode(run), os.path.join(os.fsencode(os.path.dirname(run)), name))
    for folder in os.listdir(run):
        if folder.startswith('e_'):
            shutil.copytree(f'{run}/{folder}', f'{run}/{folder}\n\x1b[2J')


def other_server(run):
    for name in os.listdir(run):
        if name.endswith('.json') and name != 'result.json':
            os.remove(f'{run}/{name}')
    for name in 'mlflow.json', 'comet.json':
        with open(f'{run}/{name}', 'w') as f:
            json.dump({'format': 1, 'server': 'http://127.0.0.1:2', 'experiment': '1', 'run': 'a' * 32, 'sent': 0,
                       'artifact_uri': 'mlflow-artifacts:/../../x', 'link': 'http://127.0.0.1:2/\x1b[2J'}, f)


HOSTILE = '\x1b[31m\n;system("touch PWNED")#'
OVER = 1.7e308
# what: (how, {command: what it must say, in stderr or stdout})
CASES = {
    'untouched': (None, {}),
    'a command in the name': (result(experiment_name='seedx\n;system("touch PWNED")#'), {'list': 'experiment_name', 'plot': 'experiment_name'}),
    'a quote in the name': (result(experiment_name="seedx';system('touch PWNED');'"), {'plot': 'experiment_name'}),
    'controls in version': (result(version=HOSTILE), {'list': 'version'}),
    'controls in engine': (result(engine=HOSTILE, isa=HOSTILE), {'list': 'engine'}),
    'controls in data': (data(name=HOSTILE), {'list': 'name'}),
    'a page in source': (data(source='</script><script>alert(1)</script>'), {}),
    'data elsewhere': (data(source='../outside'), {}),
    'controls in the config': (config('comet_project: "\\e[2J\\n"'), {'evaluate': 'comet_project'}),
    'another name in the config': (config('config: ../../x'), {}),
    'batches_per_epoch 0': (result(batches_per_epoch=0), {'list': 'batches_per_epoch', 'report': 'batches_per_epoch'}),
    'negative epochs': (result(epochs=-5, step=-5), {'list': 'epochs'}),
    'seconds of 309 digits': (result(wall_s=OVER), {'list': 'wall_s'}),
    'batches 5': (state(batches=5, images=640, serial=8), {'train': 'batches', 'evaluate': 'batches'}),
    'batches 2 of another size': (state(batches=2, images=256), {'train': 'state.json'}),
    'batches -1': (state(batches=-1), {'train': 'batches'}),
    'batches 1000000': (state(batches=1000000), {'train': 'batches'}),
    'epochs -5': (state(epochs=-5), {'train': 'epochs'}),
    'epochs 1 under the name of 2': (state(epochs=1, serial=3), {'train': 'name'}),
    'step at the end of its type': (state(step=2**63 - 1), {'train': 'step'}),
    'step at the other end': (state(step=-2**63), {'train': 'step'}),
    'wall_s of 309 digits': (state(wall_s=OVER, cpu_s=OVER), {'train': 'wall_s'}),
    'a row of 309 digits': (rows(f'6,3,0,1,1,,,0.01,{OVER:.3f},1\n'), {'report': 'metrics.csv'}),
    'a row at the end of its type': (rows(f'{2**63 - 1},3,0,1,1,,,0.01,1,1\n'), {'report': 'metrics.csv'}),
    'a control in a tensor name': (tensors(lambda header: header.replace('"fc1.weight"', '"fc1\\u001b[2J\\n.weight"', 1)
                                           if '"fc1.weight"' in header else header.replace('.weight"', '\\u001b[2J\\n.weight"', 1)),
                                   {'evaluate': 'tensor'}),
    '50000 tensors': (tensors(more_tensors), {'evaluate': 'tensor'}),
    'a header of nothing': (tensors(lambda header: '{' + ','.join(f'"{i}":{{}}' for i in range(300000)) + '}'), {'evaluate': 'objects'}),
    'log.txt a link': (link('log.txt'), {'train': 'log.txt is a symbolic link'}),
    'metrics.csv a link': (link('metrics.csv'), {'train': 'metrics.csv is a symbolic link', 'report': 'metrics.csv is a symbolic link'}),
    'result.json a link': (link('result.json'), {'list': 'result.json is a symbolic link'}),
    'config.yaml a link': (link('config.yaml'), {'list': 'config.yaml is a symbolic link', 'sync': 'config.yaml is a symbolic link'}),
    'lock a link': (link('lock'), {'train': 'lock'}),
    'spool.jsonl a link': (link('spool.jsonl'), {}),
    'samples.png a link': (link('samples.png'), {}),
    'state.json a link': (lambda run: in_checkpoint(link, 'state.json')(run), {}),
    'weights a link': (lambda run: (os.remove(f'{newest(run)}/model.safetensors'),
                                    os.symlink('../../../../outside/secret', f'{newest(run)}/model.safetensors')), {'evaluate': 'symbolic link'}),
    'log.txt under two names': (hard_link('log.txt'), {'train': 'hard links'}),
    'metrics.csv under two names': (hard_link('metrics.csv'), {}),
    'a checkpoint elsewhere': (checkpoint_elsewhere, {}),
    'the run elsewhere': (run_elsewhere, {'list': 'link', 'train': 'link'}),
    'the model elsewhere': (model_elsewhere, {'list': 'link', 'train': 'link'}),
    'result.json a FIFO': (fifo('result.json'), {'list': 'result.json is a FIFO'}),
    'config.yaml a FIFO': (fifo('config.yaml'), {'list': 'config.yaml is a FIFO', 'evaluate': 'config.yaml is a FIFO'}),
    'lock a FIFO': (fifo('lock'), {'train': 'lock'}),
    'metrics.csv a FIFO': (fifo('metrics.csv'), {'report': 'metrics.csv is a FIFO'}),
    'log.txt a FIFO': (fifo('log.txt'), {'train': 'log.txt is a FIFO'}),
    'state.json a FIFO': (lambda run: in_checkpoint(fifo, 'state.json')(run), {}),
    'weights a FIFO': (lambda run: in_checkpoint(fifo, 'model.safetensors')(run), {'evaluate': 'is a FIFO'}),
    'spool.jsonl a FIFO': (fifo('spool.jsonl'), {}),
    'mlflow.json a FIFO': (fifo('mlflow.json'), {}),
    'odd names': (odd_names, {'list': 'a?b'}),
    'another server': (other_server, {}),
    'a figure that is a link': (lambda run: os.symlink('../outside/secret', 'chosen/mlp1_corrup_curves.png'), {}),
}


# ---- through the commands


def environment(scratch):
    keep = {name: value for name, value in os.environ.items() if not name.startswith(('XDG_', 'MLFLOW', 'COMET', 'RETHINK_D', 'TMP'))}
    return {**keep, 'HOME': os.path.join(scratch, 'home'), 'MLFLOW_TRACKING_URI': 'http://' + SERVER, 'RETHINK_TRACK_WAIT_S': '0'}


def run(scratch, words, before=()):
    """The finished process, or None after a minute."""
    try:
        return subprocess.run([*before, PROGRAM, *words], cwd=scratch, env=environment(scratch), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60 * SLOWER)
    except subprocess.TimeoutExpired:
        return None


def snapshot(folder):
    """Every file below: kind, links, bytes."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            content = open(path, 'rb').read() if stat.S_ISREG(status.st_mode) else os.readlink(path) if stat.S_ISLNK(status.st_mode) else b''
            found[path] = (stat.S_IFMT(status.st_mode), content)
    return found


def complaints(command, process, log, scratch, before):
    """What is wrong with how a command went; `before`: what lay outside."""
    if process is None:
        return ['it did not end']
    text = process.stdout.decode('utf-8', 'replace') + process.stderr.decode('utf-8', 'replace')
    found = []
    if not 0 <= process.returncode <= 7:
        found.append(f'exit code {process.returncode}')
    if process.returncode and not process.stderr:
        found.append('a failure without a message')
    if re.search('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ufffd]', text):
        found.append('control characters')
    if text.count('\n') > LINES_MAX:
        found.append(f'{text.count(chr(10))} lines')
    if snapshot('outside') != before:
        found.append('something outside changed')
    if any('PWNED' in name for place in ('.', 'chosen', RUN) if os.path.isdir(place) for name in os.listdir(place)):
        found.append('a command ran')
    if os.path.exists('chosen/report.html'):
        with open('chosen/report.html', 'rb') as f:
            page = f.read()
        found += ['a script in the page'] if b'<script>alert' in page else []
        found += ['a secret in the page'] if base64.b64encode(SECRET)[:16] in page else []
    if log:
        places = [os.path.join(scratch, place) for place in WRITES.get(command, ())]
        if command == 'sync':  # that the folder named is a link is the user's word
            places.append(os.path.realpath(RUN))
        found += [line for line, path in watch.written(log, scratch)
                  if not path.startswith((*places, '/dev/null', '/dev/tty', '/proc/self/'))][:5]
        found += [f'started {name}' for name in watch.programs(log)[1:] if name not in ('gnuplot',) or command not in ('plot',)]
        found += [f'went to {address}' for address in watch.addresses(log) if address != SERVER]
    return found


def check(scratch, what, how, says):
    os.chdir(scratch)
    problems = []
    for command, words in COMMANDS.items():
        for place in 'runs', 'outside', 'chosen':
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree('made', 'runs')
        os.mkdir('chosen')
        os.mkdir('outside')
        with open('outside/secret', 'wb') as f:
            f.write(SECRET)
        if how:
            how(RUN)
        before = snapshot('outside')
        log = None if watch.why_not() else os.path.join(scratch, 'log')
        process = run(scratch, words, watch.command(log, ',execve,connect') if log else ())
        found = complaints(command, process, log, scratch, before)
        wanted = says.get(command)
        text = process.stdout.decode('utf-8', 'replace') + process.stderr.decode('utf-8', 'replace') if process else ''
        if wanted and wanted not in text:
            found.append(f'does not say "{wanted}"')
        if how is None and process and process.returncode != 0 and command != 'sync':
            found.append('it failed')
        problems += [f'{command}: {line}' for line in found] + ([text[:2000]] if found else [])
    ok(not problems, what, *problems)


def check_predictions(scratch):
    """A device is not replaced by a file, whether it is named or linked."""
    os.chdir(scratch)
    shutil.rmtree('runs')
    shutil.copytree('made', 'runs')
    os.symlink('/dev/null', 'null-link')
    os.mkfifo('pipe')
    places = ['null-link', 'pipe']
    try:
        os.mknod('null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        places.append('null')
    except OSError:
        pass  # only root may
    for place in places:
        before = os.lstat(place)
        process = run(scratch, ['evaluate', RUN, '--data', 'shapes10', '--threads', '1', '--predictions', place])
        after = os.lstat(place)
        ok(process and process.returncode == 5 and b'regular file' in process.stderr
           and (before.st_mode, before.st_ino, before.st_rdev) == (after.st_mode, after.st_ino, after.st_rdev),
           f'--predictions {place}: refused and left as it is', process and process.stderr)


def check_memory(scratch):
    """A header of nothing takes no more than the file."""
    os.chdir(scratch)
    shutil.rmtree('runs')
    shutil.copytree('made', 'runs')
    code = f'import os, resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3, stderr=-3); ' \
           f'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'
    words = [PROGRAM, 'evaluate', RUN, '--data', 'shapes10', '--threads', '1']
    measure = lambda: int(subprocess.run([sys.executable, '-c', code, *words], cwd=scratch, env=environment(scratch), capture_output=True,
                                         text=True, timeout=120 * SLOWER).stdout)
    CASES['a header of nothing'][0](RUN)
    kib, limit = measure(), 120 << 10
    if SLOWER > 1:
        return skip('memory', 'not measured under a checker')
    ok(kib < limit, f'a header of nothing takes {kib} KiB', kib)


with temporary() as folder:
    folder = os.path.realpath(folder)
    os.mkdir(os.path.join(folder, 'home'))
    made = run(folder, [*TRAIN, '--epochs', '2'])
    if not ok(made and made.returncode == 0, 'a run to be spoiled', made and made.stderr):
        done()
    shutil.move(os.path.join(folder, 'runs'), os.path.join(folder, 'made'))
    chosen = sys.argv[1:] or CASES
    for case in chosen:
        check(folder, case, *CASES[case])
    check_predictions(folder)
    check_memory(folder)
    os.chdir('/')
done()
