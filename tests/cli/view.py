#!/usr/bin/env python3
"""rethink view: the published parameter counts and multiply-adds, and totals that are the sum of the rows."""
import os
import re

from cli import done, empty, ok, run

# model, parameters, millions of multiply-adds forward: the published table
PUBLISHED = [('MLP1_0.0_none', 1209866, 1.21), ('MLP3_0.0_none', 1735178, 1.73), ('AlexNet_0.0_none', 1375690, 45.2),
             ('Inception_bnTrue', 1651114, 204.2), ('Inception_bnFalse', 1647690, 204.2), ('WRN_0.0_none', 1549850, 47.4)]


def number(text):
    return int(text.replace(',', ''))


for name, parameters, millions in PUBLISHED:
    result = run('view', name)
    total = re.search(r'^parameters +([\d,]+)$', result.out, re.MULTILINE)
    work = re.search(r'^multiply-adds +([\d,]+) forward', result.out, re.MULTILINE)
    if not ok(result.code == 0 and total and work, f'{name}: is shown', result):
        continue
    ok(number(total.group(1)) == parameters, f'{name}: {parameters} parameters', total.group(1))
    ok(abs(number(work.group(1)) / 1e6 - millions) <= 0.006 * (10 if millions > 10 else 1),
       f'{name}: {millions} M multiply-adds', work.group(1))
    rows = re.findall(r' ([\d,]+)  +([\d.]+) %(?:  +([\d,]+))?$', result.out, re.MULTILINE)
    ok(sum(number(row[0]) for row in rows) == parameters, f"{name}: the rows' parameters add up", rows)
    ok(sum(number(row[2]) for row in rows if row[2]) == number(work.group(1)), f"{name}: the rows' work adds up", rows)
    ok(abs(sum(float(row[1]) for row in rows) - 100) < 0.05 * len(rows) + 0.01, f'{name}: shares add up to 100 %', rows)

lines = run('view', 'AlexNet_0.0_none').out.splitlines()
empty((line for line in lines if len(line) > 100 or line != line.rstrip()), 'lines fit and end cleanly')
ok(any(re.fullmatch(r'conv2\.0 +conv +256 x 10 x 10 +409,856 +29\.8 % +40,960,000', line) for line in lines),
   'a row: name, kind, output, parameters, share, work', *lines)
batch = run('view', 'MLP1_0.0_none', '--set', 'batch_size=7').out
ok('in a batch of 7\n' in batch, 'activations for the batch size asked for', batch)
ok('dropout' in run('view', 'MLP1_0.0_none', '--set', 'dropout=0.5').out, 'a layer that a key adds')
grey = run('view', 'MLP1_0.0_none', '--data', 'mnist')
ok(grey.code == 0 and re.search(r'^parameters +407,050$', grey.out, re.MULTILINE), '--data: channels of grey images', grey)  # 784 * 512 + 512 + 5130
ok(run('train', 'MLP1_0.0_none', '--view', '--data', 'mnist').out == grey.out, 'train --view: the same', grey)
ok(run('view', 'MLP1_0.0_none', env={**os.environ, 'RETHINK_DATA': 'fashion-mnist'}).out == grey.out, 'and of what RETHINK_DATA names')
lost = run('view', 'MLP1_0.0_none', '--data', '/none')
ok(lost.code == 4 and '--data /none' in lost.err and not lost.out, '--data that is nothing', lost)
models = run('view', '--models').out
ok(all(name in models for name in ('MLP1', 'MLP3', 'AlexNet', 'Inception', 'WRN', 'WideResNet')), 'view --models', models)
done()
