"""`rethink results` and `list` on made-up runs: exact values, every format, one line for every mistake."""
import csv
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'figures'))
import synthetic  # noqa: E402
import tap  # noqa: E402

work = tempfile.mkdtemp(prefix='rethink-results-')
runs = os.path.join(work, 'runs')


def results(*words, command='results'):
    return subprocess.run([tap.RETHINK, command, '--runs', runs, *words], capture_output=True, text=True, timeout=60 * tap.SLOWER)


def table(*words):
    p = results(*words, '--format', 'csv')
    tap.ok(p.returncode == 0, 'results ' + ' '.join(words), p.stderr)
    return list(csv.DictReader(io.StringIO(p.stdout))), p.stderr


def refuses(words, code, text):
    p = results(*words)
    tap.ok(p.returncode == code and text in p.stderr and p.stderr.count('\n') == 1 and not p.stdout,
           f'{" ".join(words)}: exit {code}', p.stderr)


try:
    epochs = {}
    for size in (32, 128):
        for seed, n in ((1, 10), (2, 13), (3, 20)):
            name = f'MLP1_0.5_none_batch_size{size}_seed{seed}'
            epochs[size, seed] = n * size // 32
            synthetic.write_run(runs, 'MLP1', name, epochs[size, seed], level=0.5, seed=seed, batch_size=size)
    synthetic.write_run(runs, 'MLP1', 'MLP1_0.5_none_cut', 4, level=0.5, seed=9, batch_size=32, state='interrupted', reach=False)

    rows, _ = table()
    tap.ok(len(rows) == 7 and {'run', 'state', 'batch_size', 'seed', 'threshold_epoch', 'train_loss', 'test_acc'} <= set(rows[0])
           and not {'model_name', 'learning_rate', 'label_corruption_prob', 'experiment_name'} & set(rows[0]),
           'by default the columns are the keys that differ, and the results', list(rows[0]))
    rows, _ = table('--where', 'batch_size=128,seed>=2', '--sort', '-threshold', '--columns', 'run,threshold,batch_size')
    tap.ok([int(r['threshold_epoch']) for r in rows] == [epochs[128, 3], epochs[128, 2]], '--where, --sort, --columns', rows)
    rows, said = table('--group-by', 'batch_size', '--columns', 'threshold')
    good = True
    for row in rows:
        values = [epochs[int(row['batch_size']), seed] for seed in (1, 2, 3)]
        deviation = statistics.stdev(values)
        good = good and row['n'] == '3' and abs(float(row['threshold_epoch_mean']) - statistics.mean(values)) < 1e-12 \
            and abs(float(row['threshold_epoch_deviation']) - deviation) < 1e-12 \
            and abs(float(row['threshold_epoch_ci95']) - 4.3027 * deviation / 3 ** 0.5) < 1e-9
    tap.ok(good and [r['batch_size'] for r in rows] == ['32', '128'], 'groups: n, mean, deviation, interval by Student\'s t', rows)
    tap.ok('1 run left out: MLP1_0.5_none_cut (interrupted at epoch 4)' in said and 'differ' not in said,
           'what was cut short is named and not compared', said)
    rows, said = table('--group-by', 'model_name')
    tap.ok('test_error_mean' in rows[0] and 'seed_mean' not in rows[0], 'seeds are not averaged', list(rows[0]))
    tap.ok('runs of one group differ in batch_size' in said, 'what is pooled beside seeds is said', said)
    _, said = table('--group-by', 'state', '--columns', 'epochs', '--where', 'seed=1,batch_size=32')
    tap.ok(not said, 'and nothing where there is nothing to say', said)

    whole = json.loads(results('--columns', 'all', '--format', 'json').stdout)
    keys = subprocess.run([tap.RETHINK, 'config', '--keys'], capture_output=True, text=True).stdout
    keys = [line.split(':')[0] for line in keys.splitlines() if line and line[0] not in ' #']
    metrics = open(os.path.join(runs, 'MLP1', 'MLP1_0.5_none_cut', 'metrics.csv')).readline().strip().split(',')[3:-3]
    wanted = set(keys) | set(metrics) | {'threshold_' + m for m in metrics} | {'data_name', 'machine_cpu', 'training_flops', 'minutes'}
    tap.ok(len(whole) == 7 and wanted <= set(whole[0]), 'all: every key, metric and field', wanted - set(whole[0]))
    cut = next(r for r in whole if r['run'].endswith('cut'))
    tap.ok(cut['threshold_epoch'] is None and cut['bn'] is True and cut['batch_size'] == 32 and cut['train_size'] is None,
           'JSON keeps numbers, truth and null', cut)
    p = results('--columns', 'run,seed', '--where', 'seed=9', '--format', 'markdown')
    tap.ok(p.stdout == '| run | seed |\n| --- | ---: |\n| MLP1\\_0.5\\_none\\_cut | 9 |\n', 'Markdown', p.stdout)
    p = results('--columns', 'run,seed', '--where', 'seed=9', '--format', 'latex')
    tap.ok(p.stdout == '\\begin{tabular}{lr}\n\\hline\nrun & seed \\\\\n\\hline\nMLP1\\_0.5\\_none\\_cut & 9 \\\\\n\\hline\n\\end{tabular}\n',
           'LaTeX', p.stdout)
    p = results('--columns', 'run,seed,threshold', '--where', 'seed=9')
    tap.ok(p.stdout == 'run                seed  threshold_epoch\nMLP1_0.5_none_cut     9                -\n', 'a table for a terminal', p.stdout)
    tap.ok(results(command='list').stdout == results().stdout, 'list is the same table')

    refuses(['--where', 'batchsize=3'], 2, "did you mean 'batch_size'?")
    refuses(['--where', 'state<3'], 2, 'compares numbers')
    refuses(['--where', 'model_name=MLP9'], 4, 'none of the 7 runs matches')
    refuses(['--columns', 'treshold'], 2, "did you mean")
    refuses(['--sort', 'nothing-like-it'], 2, '--columns all')
    refuses(['--group-by', 'sead'], 2, "did you mean 'seed'?")
    refuses(['--group-by', 'seed', '--sort', 'n_'], 2, "did you mean 'n'?")
    refuses(['--format', 'xml'], 2, 'markdown')
    with open(os.path.join(runs, 'MLP1', 'MLP1_0.5_none_cut', 'config.yaml'), 'a') as f:
        f.write('no_such_key: 1\n')
    p = results()
    tap.ok(p.returncode == 0 and 'MLP1_0.5_none_cut' in p.stdout and 'config.yaml:' in p.stderr and 'no_such_key' in p.stderr,
           'a run that cannot be read is in the table, and why is said', p.stderr)
finally:
    shutil.rmtree(work)
tap.done()
