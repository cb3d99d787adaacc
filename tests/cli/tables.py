#!/usr/bin/env python3
"""rethink table1 and table4: their rows, the sweep that resumes, files, what is missing, what is refused; the preset they use."""
import csv
import io
import os
import re
import shutil
import tempfile

from cli import CONFIG, USAGE, done, ok, refuses, run

FEW = ('--data', 'shapes10', '--train-size', '200', '--set', 'test_size=100')


def table(name, *arguments, **options):
    result = run(name, '--format', 'csv', *arguments, **options)
    return result, list(csv.DictReader(io.StringIO(result.out)))


with tempfile.TemporaryDirectory() as folder:
    where = ('--runs', os.path.join(folder, 'runs'), '-o', os.path.join(folder, 'out'))
    drawn = shutil.which('gnuplot') is not None

    # rows and the paper's numbers
    result, rows = table('table1', '--show', *where, '--data', 'shapes10')
    numbers = [(r['model'], r['labels'], r['regulariser'], float(r['paper_train']), float(r['paper_test'])) for r in rows]
    ok(len(rows) == 19 and numbers[0] == ('Inception', 'true', 'crop, weight decay', 100, 89.05)
       and numbers[-1] == ('MLP 1x512', 'random', 'none', 99.34, 10.61) and all(not r['train'] for r in rows),
       'table1 has the 19 rows, empty before a run', result)
    ok({(r['model'], r['parameters']) for r in rows} ==
       {('Inception', '1649402'), ('Inception w/o BatchNorm', '1649402'), ('AlexNet', '1387786'), ('MLP 3x512', '1735178'),
        ('MLP 1x512', '1209866')}, "parameters are the paper's", result)
    result, rows = table('table4', '--show', *where, '--data', 'shapes10')
    ok(len(rows) == 6 and [r['paper_train'] for r in rows] == ['100.00', '', '100.00', '99.21', '99.93', '99.28']
       and rows[1]['paper_says'] == 'fails to converge [T]', 'table4 has its 6 rows', result)

    # partial, then whole, resumed
    result = run('table1', *where, *FEW, '--models', 'MLP1', '--epochs', '2', '-q')
    ok(result.code == 0 and 'shapes10: the paper' in result.out, 'table1 runs rows, and says that the data are not the paper\'s', result)
    runs = sorted(os.listdir(os.path.join(folder, 'runs', 'MLP1')))
    ok(runs == ['table1_MLP1', 'table1_MLP1_decay', 'table1_MLP1_random'], 'a run a row', runs)
    result = run('table1', '--show', *where, '--models', 'MLP1', '--format', 'latex')
    lines = result.out.splitlines()
    ok(r'paper\_train' in lines[2] and all(line.count('&') == 9 and line.endswith(r' \\') for line in lines if '&' in line)
       and re.search(r'MLP 1x512 & 1209866 & random & none & [\d.]+ & 99.34 & [\d.]+ & 10.61 & 2 & 1 ', result.out), 'LaTeX: escaped, two decimals, whole epochs', result)
    evaluated = run('evaluate', os.path.join(folder, 'runs', 'MLP1', 'table1_MLP1_random'), '--train')
    result, rows = table('table1', '--show', *where, '--models', 'MLP1')
    train = re.search(r'accuracy +([\d.]+) %', evaluated.out)
    ok(train and abs(float(train[1]) - float(rows[-1]['train'])) < 0.006, 'train is what evaluate --train says', evaluated, result)
    ok([r['runs'] for r in rows[-6:]] == ['0', '0', '0', '1', '1', '1'] and not rows[13]['train'], 'the others are empty', result)
    shown = run('table1', '--show', *where, '--models', 'MLP1,MLP3')
    ok('Not finished (repeat the command to resume): MLP3_decay MLP3 MLP3_random' in shown.out, 'a partial table says what is missing', shown)
    again = run('table1', *where, *FEW, '--models', 'MLP1', '--epochs', '2', '--dry-run')
    ok(again.code == 0 and again.out.count('finished') == 3 and '0 of 3 runs to do' in again.out, 'finished rows are not run again', again)
    for name in ('table1.csv', 'table1.md', 'table1.tex') + (('table1_accuracy.png',) if drawn else ()):
        ok(os.path.getsize(os.path.join(folder, 'out', name)) > 100, f'{name} is written')

    # grey images have networks of their own size
    grey = os.path.join(folder, 'grey')
    os.mkdir(grey)
    for name, count in (('train', 64), ('t10k', 20)):
        with open(os.path.join(grey, f'{name}-images-idx3-ubyte'), 'wb') as f:
            f.write(bytes([0, 0, 8, 3]) + count.to_bytes(4, 'big') + 2 * (28).to_bytes(4, 'big') + os.urandom(count * 784))
        with open(os.path.join(grey, f'{name}-labels-idx1-ubyte'), 'wb') as f:
            f.write(bytes([0, 0, 8, 1]) + count.to_bytes(4, 'big') + bytes(i % 10 for i in range(count)))
    result, rows = table('table1', '--data', grey, '--runs', os.path.join(folder, 'grey_runs'), '-o', os.path.join(folder, 'grey_out'),
                         '--models', 'MLP1', '--epochs', '1', '-q')
    first, last = 784 * 512 + 512, 512 * 10 + 10
    ok([int(r['parameters']) for r in rows[-6:]] == [first + 2 * (512 * 512 + 512) + last] * 3 + [first + last] * 3, "on MNIST parameters are those of its networks", result)

    # a row's settings
    with open(os.path.join(folder, 'runs', 'MLP1', 'table1_MLP1_decay', 'config.yaml')) as f:
        config = f.read()
    ok(all(line in config for line in ('preset: paper\n', 'weight_decay: 0.0005\n', 'scheduler: exponential\n', 'lr_decay: 0.95\n',
                                       'curve: true\n', 'learning_rate: 0.01\n')), 'the preset and the coefficient are in the config', config)

    refuses(['table1', '--set', 'weight_decay=1'], USAGE, r'--set weight_decay: the rows .*--weight-decay')
    refuses(['table1', '--weight-decay', 'x'], USAGE, r"--weight-decay 'x': expected a number")
    refuses(['table1', '--models', 'WRN'], USAGE, r'--models WRN: table1 has no row of it')
    refuses(['table1', '--set', 'batch_size=64,128'], USAGE, r'--set batch_size=V1,V2: one value')

    # the preset: first, wherever it stands; keys that are given beat it
    for order in (('preset=paper', 'momentum=0.5'), ('momentum=0.5', 'preset=paper')):
        result = run('config', 'InceptionPaper_0.0_none', '--set', order[0], '--set', order[1])
        ok(result.code == 0 and 'learning_rate: 0.1\n' in result.out and 'momentum: 0.5\n' in result.out,
           'preset: paper, and a key that beats it: ' + ' '.join(order), result)
    path = os.path.join(folder, 'my.yaml')
    with open(path, 'w') as f:
        f.write('lr_decay: 0.9\nmodel_name: MLP1\npreset: paper\n')
    result = run('config', path)
    ok('lr_decay: 0.9\n' in result.out and 'scheduler: exponential\n' in result.out and 'batch size' in result.err,
       'a file with the preset, which says what the paper does not', result)
    refuses(['config', 'MLP1_0.0_none', '--set', 'preset=papr'], CONFIG, r'preset: expected none or paper|preset: expected')
done()
