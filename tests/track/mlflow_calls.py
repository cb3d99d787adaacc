"""The MLflow recorder against a stand-in for MLflow's server on this machine, which needs no package: which calls it
makes, with which steps and values, and where files go. track/mlflow_server holds the same against the real one."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import tap  # noqa: E402
from services import SERIES, Mlflow, clean_environment, seen, write  # noqa: E402

DRIVE = os.environ['RT_DRIVE']


def run_drive(url, run, *words, env=None):
    os.makedirs(run, exist_ok=True)
    environ = clean_environment(RETHINK_TRACK_WAIT_S='60', MLFLOW_TRACKING_URI=url, **(env or {}))
    done = subprocess.run([DRIVE, 'mlflow', run, *words], capture_output=True, text=True, env=environ,
                          timeout=120 * tap.SLOWER)
    if done.returncode:
        print('#', done.stderr)
    return done


def problems(run, first, end):
    """Where the metrics differ from exactly one value at each step: the batches trained."""
    for key, value in SERIES.items():
        want = [(seen(s), value(s)) for s in range(first, end) if value(s) is not None]
        got = [(m['step'], m['value']) for m in run.metrics if m['key'] == key]
        if [s for s, _ in got] != [s for s, _ in want]:
            yield f'{key}: steps {[s for s, _ in got]}, expected {[s for s, _ in want]}'
        elif any(abs(a[1] - b[1]) > 1e-12 for a, b in zip(got, want)):
            yield f'{key}: {got}, expected {want}'


def points(run, prefix):
    return {m['key']: (m['step'], m['value']) for m in run.metrics if m['key'].startswith(prefix)}


def check_plain(folder):
    server = Mlflow()
    run = folder + '/runs/MLP1/plain'
    for name in ('config.yaml', 'result.json', 'metrics.csv', 'e_002_plain/model.safetensors'):
        write(f'{run}/{name}', name)
    done = run_drive(server.url, run, 'name=plain', 'points=8', 'threshold=5', f'checkpoint={run}/e_002_plain')
    server.close()
    got = server.only()
    tap.ok(done.stderr == '', 'plain: says nothing', done.stderr)
    tap.empty(list(problems(got, 0, 8)) + server.broken, 'plain: each point once, with its step and value')
    tap.ok(points(got, 'threshold/') == {'threshold/epoch': (seen(5), 2), 'threshold/minutes': (seen(5), 1.25),
                                         'threshold/test_accuracy': (seen(5), 4 / 12)},
           'plain: the threshold, at its step', points(got, 'threshold/'))
    tap.ok(set(points(got, 'whole_run/')) == {'whole_run/train_loss', 'whole_run/train_accuracy', 'whole_run/test_loss',
                                              'whole_run/test_accuracy', 'whole_run/runtime_s'} and
           all(step == seen(7) for step, _ in points(got, 'whole_run/').values()), 'plain: the end, at the last step',
           points(got, 'whole_run/'))
    tap.ok(got.params.get('learning_rate') == '0.1' and got.tags.get('mlflow.runName') == 'plain' and
           got.tags.get('rethink.data_digest') == 'd1', 'plain: parameters, name and facts', got.params, got.tags)
    tap.ok(got.status == 'FINISHED', 'plain: it has ended', got.status)
    want = {f'0/{got.id}/artifacts/{name}': body for name, body in
            (('config.yaml', 'config.yaml'), ('result.json', 'result.json'), ('metrics.csv', 'metrics.csv'),
             ('model.safetensors', 'e_002_plain/model.safetensors'))}
    tap.ok(server.files == want, 'plain: the files, where the server wants them', server.files)


def check_long(folder):
    """More points than one call takes."""
    server = Mlflow()
    run_drive(server.url, folder + '/runs/MLP1/long', 'name=long', 'points=400')
    server.close()
    most = max(len(body.get('metrics', ())) for name, body in server.calls if name == 'runs/log-batch')
    tap.ok(not list(problems(server.only(), 0, 400)) and most <= 1000, 'long: in batches of at most 1000', most)


def check_resumed(folder):
    server = Mlflow()
    run = folder + '/runs/MLP1/resumed'
    run_drive(server.url, run, 'name=resumed', 'points=10', 'finish=none', 'sleep_ms=50')
    run_drive(server.url, run, 'name=resumed', 'start=6', 'points=12')
    server.close()
    tap.empty(list(problems(server.only(), 0, 12)) + server.broken,
              'resumed: a killed session and its successor leave each point once in one run')


def check_diverged(folder):
    server = Mlflow()
    run_drive(server.url, folder + '/runs/MLP1/diverged', 'name=diverged', 'points=6', 'diverge=nan', 'finish=diverged')
    server.close()
    got = server.only()
    tap.ok([m['step'] for m in got.metrics if m['key'] == 'train/loss'] == [seen(s) for s in range(5)] and got.status == 'FAILED' and
           got.tags.get('rethink.ended') == 'diverged at step 12, in epoch 2', 'diverged: the point without a number is explained by a tag',
           got.tags, got.status)


def rethink(url, folder, *words):
    done = subprocess.run([tap.RETHINK, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env=clean_environment(RETHINK_TRACK_WAIT_S='60', MLFLOW_TRACKING_URI=url), timeout=120 * tap.SLOWER)
    return tap.ok(done.returncode == 0, 'rethink ' + ' '.join(words[:2]), done.stdout, done.stderr)


SMALL = ('--data', 'shapes10', '--train-size', '200', '--set', 'test_size=50', '--set', 'track=[mlflow]')


def check_current(folder):
    """What a resumed run may change is a tag that is kept current; log_every decides how many points there are, not where."""
    server = Mlflow()
    for epochs, every in (('1', '1'), ('3', '7')):
        rethink(server.url, folder, 'train', 'MLP1_0.1_none', '--epochs', epochs, '--set', f'log_every={every}', '--batch-size', '20', *SMALL)
    server.close()
    got = server.only()
    tap.ok(got.tags.get('rethink.num_epochs') == '3' and got.tags.get('rethink.curve') == 'false' and 'num_epochs' not in got.params and
           got.params.get('batch_size') == '20' and got.status == 'FINISHED', 'current: num_epochs is a tag, as it is now', got.tags, got.params)
    steps = [m['step'] for m in got.metrics if m['key'] == 'train/loss']
    epochs = [m['value'] for m in got.metrics if m['key'] == 'train/epoch']
    want = [*range(1, 11), 11, 18, 20, 21, 28, 30]
    tap.ok(steps == want and all(abs(e - s / 10) < 1e-9 for e, s in zip(epochs, want)) and len(epochs) == len(want),
           'current: steps are batches trained, with the epoch beside', steps, epochs)


def check_sweep(folder):
    server = Mlflow()
    rethink(server.url, folder, 'sweep', 'MLP1_0.3_none', '--seed', '1,2', '--epochs', '1', '--no-figures', *SMALL)
    server.close()
    runs = server.runs.values()
    parents = [run for run in runs if 'mlflow.parentRunId' not in run.tags]
    children = [run for run in runs if 'mlflow.parentRunId' in run.tags]
    tap.ok(len(parents) == 1 and len(children) == 2 and all(run.tags['mlflow.parentRunId'] == parents[0].id for run in children),
           'sweep: its runs are nested under one', [run.tags for run in runs])
    tap.ok(parents and parents[0].tags.get('mlflow.runName', '').startswith('sweep MLP1_0.3_none seed=1,2 num_epochs=1') and
           parents[0].status == 'FINISHED', 'sweep: named by its command, and ended', [run.tags for run in parents])


def check_died(folder):
    """A killed run is ended by sync, and goes on when it is resumed."""
    server = Mlflow()
    run = folder + '/runs/MLP1/died'
    run_drive(server.url, run, 'name=died', 'points=5', 'finish=none')
    write(run + '/config.yaml', 'model_name: MLP1\n')
    rethink(server.url, folder, 'sync', run)
    got = server.only()
    tap.ok(got.status == 'FAILED' and got.tags.get('rethink.ended') == 'died after step 10, in epoch 2' and not list(problems(got, 0, 5)),
           'died: sync ends it, and says where', got.tags, got.status)
    rethink(server.url, folder, 'sync', run)
    tap.ok(len([1 for name, body in server.calls if body and body.get('key') == 'rethink.ended']) == 1, 'died: once')
    run_drive(server.url, run, 'name=died', 'start=4', 'points=8')
    server.close()
    got = server.only()
    tap.ok(got.status == 'FINISHED' and not list(problems(got, 0, 8)), 'died: resumed, it goes on to its end', got.status, list(problems(got, 0, 8)))


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_plain(folder)
        check_long(folder)
        check_resumed(folder)
        check_diverged(folder)
        check_current(folder)
        check_sweep(folder)
        check_died(folder)
    tap.done()


if __name__ == '__main__':
    main()
