"""usage: python3 tests/track/cost.py [ROUNDS [IMAGES]]

What trackers cost: steps of MLP1 per second with none, with all three (a real MLflow server, the stand-in for Comet's),
and with services that never answer, in turn. Needs a quiet machine to mean anything; not a test."""
import csv
import os
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), HERE]
import environment  # noqa: E402
import tap  # noqa: E402
from faults import Proxy  # noqa: E402


EPOCHS = 20


def measure(folder, name, track, env, images):
    run = ['train', 'MLP1_0.0_none', '--data', 'shapes10', '--runs', f'{folder}/{name}', '--fresh', '--track', track,
           '--epochs', str(EPOCHS), '--threads', os.environ.get('THREADS', '1'), '--set', f'train_size={images}',
           '--set', 'curve=true', '--autosave', '0', '-q']
    subprocess.run([tap.RETHINK, *run], env={**os.environ, **env}, check=True, stderr=subprocess.DEVNULL)
    with open(f'{folder}/{name}/MLP1/MLP1_0.0_none/metrics.csv', encoding='ascii') as file:
        rows = list(csv.DictReader(file))
    steps = EPOCHS * -(-images // 128)
    return steps / float(rows[-1]['wall_s']), steps / float(rows[-1]['cpu_s'])


def main():
    os.environ['RT_DRIVE'] = ''
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server must not stay
    import comet_server
    import mlflow_server
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    images = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    with tempfile.TemporaryDirectory() as folder:
        server, comet = mlflow_server.Server(folder), comet_server.Comet()
        hanging = Proxy(server.port, ['hang'] * 100000)
        key = {'COMET_API_KEY': comet_server.KEY}
        ways = {
            'none': ('none', {}),
            'all three': ('tensorboard,mlflow,comet', {'MLFLOW_TRACKING_URI': server.url,
                                                       'COMET_URL_OVERRIDE': comet.url, **key}),
            'hanging': ('tensorboard,mlflow,comet', {'MLFLOW_TRACKING_URI': hanging.url, 'RETHINK_TRACK_WAIT_S': '0',
                                                     'COMET_URL_OVERRIDE': hanging.url, **key}),
        }
        results = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (track, env) in ways.items():
                results[name].append(measure(folder, name.replace(' ', '-'), track, env, images))
                print('#', name, *(f'{rate:.1f}' for rate in results[name][-1]), flush=True)
        base = [statistics.median(r[i] for r in results['none']) for i in range(2)]
        for name, got in results.items():
            wall, cpu = (statistics.median(r[i] for r in got) for i in range(2))
            print(f'{name:10s} {wall:8.1f} steps/s ({wall / base[0] - 1:+.1%}), {cpu:8.1f} steps per processor second '
                  f'({cpu / base[1] - 1:+.1%})')
        hanging.close()
        comet.close()
        server.close()


if __name__ == '__main__':
    assert environment.usable(), 'python3 tests/track/environment.py --make'
    main()
