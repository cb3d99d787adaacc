#!/usr/bin/env python3
"""The figures of right and wrong labels: their numbers are those of the runs' metrics and results."""
import csv
import html
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'train')]
import metric_list
from runs import folder, metrics, temporary, train
from tap import RETHINK, SLOWER, done, ok

LEVELS, EPOCHS = (0.3, 0.6), 8
SMALL = ('--set', 'train_size=600', '--set', 'test_size=100', '--set', 'evaluate_every=1', '--epochs', str(EPOCHS))


def plot(runs, out, *names):
    return subprocess.run([RETHINK, 'plot', *names, '--runs', runs, '-o', out], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=300 * SLOWER)


def series(out, name):
    """(panel, series, kind): its points."""
    found = {}
    with open(f'{out}/{name}.csv', newline='') as f:
        for row in csv.DictReader(f):
            if row['x']:
                found.setdefault((int(row['panel']), row['series'], row['kind']), []).append((float(row['x']), float(row['y'] or 'nan')))
    return found


def same(got, want):
    return len(got) == len(want) and all(abs(a - b) < 1e-6 for g, w in zip(got, want) for a, b in zip(g, w))


with temporary() as runs, temporary() as out:
    ends = {}
    for p in LEVELS:
        run = train(runs, f'MLP1_{p}_none', *SMALL)
        ok(run.returncode == 0, f'trains with p={p}', run.stderr)
        ends[p] = {int(row['epoch']): row for row in metrics(folder(runs, f'MLP1_{p}_none'))}
    drawn = plot(runs, out, 'mlp1_learnt_curves', 'learnt_levels')
    ok(drawn.returncode == 0, 'draws both', drawn.stderr)
    found = series(out, 'mlp1_learnt_curves')
    curves = {(panel, name.split(' (')[0]): points for (panel, name, kind), points in found.items() if kind == 'curve'}
    for panel, key in enumerate(('train_acc_clean', 'train_memorised', 'train_recovered'), 1):
        for p in LEVELS:
            want = [(e, float(ends[p][e][key])) for e in range(1, EPOCHS + 1)]
            ok(same(curves.get((panel, f'p={p}'), []), want), f'{key} at p={p}, each epoch', curves.keys(), want)
    peaks = found.get((3, 'early-learning peak', 'points'), [])
    want = [max(((e, float(ends[p][e]['train_recovered'])) for e in range(1, EPOCHS + 1)), key=lambda at: (at[1], -at[0]))
            for p in LEVELS]
    ok(same(peaks, want), 'each level has its peak marked', peaks, want)
    levels = series(out, 'learnt_levels')
    final = {p: json.load(open(os.path.join(folder(runs, f'MLP1_{p}_none'), 'result.json')))['final'] for p in LEVELS}
    best = {p: max(ends[p].values(), key=lambda row: float(row['test_acc_true'])) for p in LEVELS}  # the first of equals
    for where, values in {
            (1, 'MLP1, right labels', 'points'): [float(best[p]['train_acc_clean']) for p in LEVELS],
            (1, 'MLP1, wrong labels', 'points'): [float(best[p]['train_memorised']) for p in LEVELS],
            (2, 'MLP1', 'points'): [at[1] for at in want],
            (3, 'MLP1, best epoch', 'points'): [float(best[p]['test_acc_true']) for p in LEVELS],
            (3, 'MLP1, at the end', 'points'): [final[p]['test_acc_true'] for p in LEVELS]}.items():
        ok(same(levels.get(where, []), list(zip(LEVELS, values))), f'levels: panel {where[0]}, {where[1]}', levels.keys(), values)
    reported = subprocess.run([RETHINK, 'report', '--no-figures', '--runs', runs, '-o', out], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300 * SLOWER)
    page = open(f'{out}/report.html').read()
    heads = [html.unescape(head) for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', page)]
    for name, _, _, column in metric_list.rows():
        at = [i for i, head in enumerate(heads) if column and head in (column, column + ' %')]
        shown = [re.findall(r'<t[hd][^>]*>(.*?)</t[hd]>', row)[i] for i in at for row in re.findall(r'<tr[^>]*><th scope="row">.*?</tr>', page)]
        scale = 100 if at and heads[at[0]].endswith('%') else 1
        want = [f'{final[p][name] * scale:.2f}' for p in LEVELS] if column else []
        ok(shown == want, f'the report shows {name} where its row says so', reported.stderr, heads, shown, want)

with temporary() as runs, temporary() as out:
    run = train(runs, 'MLP1_0.5_none', '--set', 'train_size=100', '--set', 'test_size=1000', '--set', 'evaluate_every=1', '--set', 'curve=true',
                '--epochs', '80')
    result = json.load(open(os.path.join(folder(runs, 'MLP1_0.5_none'), 'result.json')))
    ends = [result[at]['test_acc_true'] for at in ('threshold', 'final')] if result['threshold'] else []
    ok(len(set(ends)) == 2, 'a run that goes on past the threshold', run.stderr, result)
    plot(runs, out, 'learnt_levels')
    got = series(out, 'learnt_levels').get((3, 'MLP1, at the end', 'points'), [])
    ok(same(got, [(0.5, ends[-1])]), 'levels: the end is where the run ended, not its threshold', got, ends)
done()
