#!/usr/bin/env python3
"""rethink bench and rethink train --profile: what they print is whole and adds up. Speeds are not tested: other load
would decide. --seconds 0 gives three repetitions of everything."""
import csv
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'bench'))
import compare
from tap import RETHINK, SLOWER, done, empty, ok

STEPS = ['--seconds', '0', '--measure', 'steps']


def run(*arguments, **environment):
    return subprocess.run([RETHINK, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300 * SLOWER,
                          env=dict(os.environ, **environment))


def check_json(folder):
    done_run = run('bench', '--seconds', '0', '--models', 'MLP1,WRN', '--batch', '16', '--threads', '2', '--json',
                   '--history', folder + '/history.csv', '--label', 'first, "quoted"', TMPDIR=folder)
    if not ok(done_run.returncode == 0, 'bench --json ends well', done_run.stderr):
        return
    report = json.loads(done_run.stdout)
    ok([c['name'] for c in report['cases']] == ['MLP1', 'WRN'], 'the models asked for, in their order')
    ok(report['threads'] == 2 and report['batch_size'] == 16 and report['machine']['cores'] >= 1
       and report['isa'] in ('avx512', 'avx2', 'baseline') and report['peak_flops'] > 1e8, 'the machine', report)
    for case in report['cases']:
        steps, name = case['steps'], case['name']
        times = steps['all']
        ok(times == sorted(times) and steps['least'] == times[0] and times[0] <= steps['median'] <= times[-1],
           f'{name}: the median is one', times)
        ok(steps['clean'] + steps['disturbed'] >= 3 and len(times) == (steps['clean'] or steps['disturbed']),
           f'{name}: clean repetitions are counted, or all where none is clean', steps)
        ok(1e-9 < steps['round_trip'] < 1e-2, f'{name}: a round trip between the threads takes time', steps['round_trip'])
        # 30 MB at least: weights and momentum of 1.2 million parameters are 10 MB, and the program itself
        ok(5e6 < steps['plan_bytes'] < steps['peak_memory_bytes'] < 1e9, f'{name}: memory', steps)
        inside = sum(op['forward_s'] + op['backward_s'] for op in steps['ops'])
        ok(0.2 * steps['least'] < inside / steps['profiled_steps'] <= 1.01 * max(times[-1], steps['median'] * 20),
           f'{name}: the ops add up to the step', inside, steps)
        flops = sum(op['forward_flops'] + op['backward_flops'] for op in steps['ops']) / steps['profiled_steps']
        ok(abs(flops / steps['flops'] - 1) < 1e-9, f"{name}: the ops' operations are the step's", flops, steps['flops'])
        ok(-0.01 < case['epoch']['median'] < 20, f'{name}: an epoch takes longer than its steps', case['epoch'])
    mlp1 = report['cases'][0]['steps']
    # two layers: forward and weight gradient of both, input gradient of the second
    ok(mlp1['flops'] == 16 * 2 * (2 * 2352 * 512 + 3 * 512 * 10), "MLP1's operations, counted by hand", mlp1['flops'])
    empty((n for n in os.listdir(folder) if n != 'history.csv'), 'nothing is left behind')


def check_grey():
    grey = run('bench', *STEPS, '--models', 'MLP1,WRN', '--batch', '16', '--threads', '1', '--data', 'mnist', '--json')
    cases = json.loads(grey.stdout)['cases'] if grey.returncode == 0 else []
    ok(cases and cases[0]['steps']['flops'] == 16 * 2 * (2 * 784 * 512 + 3 * 512 * 10) and cases[0]['steps']['parameters'] == 407050,
       '--data mnist: steps on grey images', grey.stderr, cases[:1])
    lost = run('bench', *STEPS, '--models', 'MLP1', '--data', '/none')
    ok(lost.returncode == 4 and '--data /none' in lost.stderr, '--data that is nothing', lost.stderr)


def check_history(folder):
    path = folder + '/history.csv'
    again = run('bench', *STEPS, '--models', 'MLP1', '--batch', '8', '--history', path)
    ok(again.returncode == 0, 'a second measurement joins the history', again.stderr)
    with open(path, encoding='utf-8') as f:
        ok(f.readline().rstrip('\n') == compare.COLUMNS, 'bench/compare.py writes the same columns')
    with open(path, encoding='utf-8', newline='') as f:
        rows = list(csv.DictReader(f))
    ok([r['model'] for r in rows] == ['MLP1', 'WRN', 'MLP1'] and [r['batch_size'] for r in rows] == ['16', '16', '8'],
       'a line for each model', rows)
    ok(all(None not in r and None not in r.values() for r in rows), 'every line has every column', rows)
    ok(rows[0]['label'] == 'first   quoted ' and rows[0]['epoch_overhead'] and not rows[2]['epoch_overhead'],
       'a label cannot break the columns; what was not measured is empty', rows)
    ok(all(r['launches'] == r['moved_mib'] == r['share_of_memory'] == '' for r in rows), 'launches are counted on a GPU only', rows)
    ok(all(r['data'] == 'shapes10' for r in rows), 'without --data, the default', rows)
    grey = run('bench', *STEPS, '--models', 'MLP1', '--batch', '8', '--data', 'mnist', '--history', path)
    with open(path, encoding='utf-8', newline='') as f:
        rows = list(csv.DictReader(f))
    ok(grey.returncode == 0 and [r['data'] for r in rows] == ['shapes10'] * 3 + ['mnist'] and None not in rows[3], 'what --data named', rows, grey.stderr)
    for columns in compare.OLDER:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(columns + '\n')
        older = run('bench', *STEPS, '--models', 'MLP1', '--batch', '8', '--data', 'mnist', '--history', path)
        compare.append_history(path, [{'report': json.loads(run('bench', *STEPS, '--models', 'MLP1', '--batch', '8', '--json').stdout),
                                       'rows': [{'program': 'torch', 'model': 'MLP1', 'median_ms': 1.0}]}], 'x')
        with open(path, encoding='utf-8', newline='') as f:
            rows = list(csv.DictReader(f))
        ok(older.returncode == 0 and len(rows) == 2 and list(rows[0]) == columns.split(',') and rows[1]['program'] == 'torch'
           and all(None not in r and None not in r.values() for r in rows), f"a history as it was before {compare.COLUMNS[len(columns) + 1:]} goes on so", rows, older.stderr)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(compare.OLDER[0] + ',data\n')
    other = run('bench', *STEPS, '--models', 'MLP1', '--batch', '8', '--history', path)
    ok(other.returncode == 4, 'columns between are another file', other.stderr)
    with open(path, 'w', encoding='utf-8') as f:
        f.write('someone,else\n')
    refused = run('bench', *STEPS, '--models', 'MLP1', '--batch', '8', '--history', path)
    ok(refused.returncode == 4 and path + ':1:' in refused.stderr, 'a file with other columns is refused', refused.stderr)
    with open(path, encoding='utf-8') as f:
        ok(f.read() == 'someone,else\n', '... and left alone')


def check_text():
    text = run('bench', '--seconds', '0', '--models', 'MLP1', '--batch', '8')
    ok(text.returncode == 0 and 'Steps, batch 8' in text.stdout and re.search(r'^  linear +2 ', text.stdout, re.MULTILINE)
       and 'Epochs' in text.stdout and 'peak' in text.stdout, 'the tables for people', text.stdout, text.stderr)
    both = run('bench', '--seconds', '0', '--measure', 'threads,side-by-side', '--models', 'MLP1', '--batch', '8')
    ok(both.returncode == 0 and 'times as fast' in both.stdout and 'slower by' in both.stdout, 'threads and side by side',
       both.stdout, both.stderr)
    start = run('bench', '--seconds', '0', '--measure', 'start', '--data', 'shapes10')
    ok(start.returncode == 0 and all(re.search('^' + kind, start.stdout, re.MULTILINE) for kind in
       ('none', 'shuff_pix', 'rand_pix', 'gauss_pix', 'random labels')), 'the start, by corruption', start.stdout,
       start.stderr)
    direct = run('bench', *STEPS, '--models', 'InceptionNoBN', '--batch', '2', '--set', 'winograd=false', '--json')
    ops = [op['op'] for op in json.loads(direct.stdout)['cases'][0]['steps']['ops']] if direct.returncode == 0 else []
    ok('conv 3x3' in ops and 'batch_norm' not in ops, 'InceptionNoBN has no batch norm', direct.stderr, ops)


def check_mistakes():
    for what, arguments, code in (
            ('an unknown model', ('--models', 'MLP1,MLP9'), 2),
            ('a model without that variant', ('--models', 'WRNNoBN'), None),
            ('an unknown measurement', ('--measure', 'steps,stops'), 2),
            ('seconds that are none', ('--seconds', '1s'), 2),
            ('no data', ('--measure', 'start', '--data', '/nowhere'), None),
            ('an instruction set that is none', ('--models', 'MLP1', '--seconds', '0'), None)):
        environment = {'RETHINK_ISA': 'mmx'} if 'instruction' in what else {}
        bad = run('bench', *arguments, **environment)
        ok(bad.returncode not in (0, 70) and (code is None or bad.returncode == code)
           and bad.stderr.startswith('rethink: ') and bad.stderr.count('\n') == 1, f'{what}: one line says so',
           bad.returncode, bad.stderr)


def check_profile(folder):
    train = ['train', 'MLP1_1.0_none', '--data', 'shapes10', '--runs', folder, '--fresh', '--epochs', '2', '--set',
             'train_size=300', '--set', 'test_size=100']
    profiled = run(*train, '--profile')
    ok(profiled.returncode == 0 and 'Time by op, of 6 steps' in profiled.stderr
       and re.search(r'^  linear +2 ', profiled.stderr, re.MULTILINE), 'train --profile', profiled.stderr)
    ok('Time by op' not in run(*train).stderr, '... and only then')
    reference = run(*train, '--profile', '--engine', 'reference')
    ok(reference.returncode == 0 and 'keeps no times' in reference.stderr, 'an engine without times says so',
       reference.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_json(folder)
        check_history(folder)
        check_profile(folder + '/runs')
    check_grey()
    check_text()
    check_mistakes()
    done()


main()
