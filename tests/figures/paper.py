#!/usr/bin/env python3
"""The paper in the report: its numbers beside the runs that they are of, and its claims, of which docs/paper.md has the same list."""
import csv
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import synthetic  # noqa: E402
import tap  # noqa: E402

PAPER = {'preset': 'paper', 'curve': True}


def report(folder, runs):
    p = subprocess.run([tap.RETHINK, 'report', '--no-figures', '--runs', runs, '-o', os.path.join(folder, 'out')], capture_output=True, text=True)
    with open(os.path.join(folder, 'out', 'report.html'), encoding='utf-8') as f:
        return p, f.read()


def table_runs(runs):
    """Rows of Tables 1 and 4, each with its own regulariser."""
    synthetic.write_run(runs, 'MLP3', 'table1_MLP3', 20, **PAPER)
    synthetic.write_run(runs, 'MLP3', 'table1_MLP3_decay', 20, weight_decay=0.0005, **PAPER)
    synthetic.write_run(runs, 'MLP3', 'table1_MLP3_random', 30, level=1.0, **PAPER)
    synthetic.write_run(runs, 'MLP3', 'table4_MLP3_decay', 30, level=1.0, weight_decay=0.0005, **PAPER)


def claims(text):
    """{claim: what was found, as text}, and the commands of those without."""
    cards = re.findall(r'<article>\s*<h3>(.*?)</h3>(.*?)</article>', text, re.S)
    plain = {html.unescape(claim): re.search(r'<dt>Here</dt><dd>(.*?)</dd>', rest, re.S) for claim, rest in cards}
    found = {claim: re.sub(r'\s+', ' ', html.unescape(re.sub(r'<[^>]*>', ' ', m[1]))).strip() for claim, m in plain.items() if m}
    return found, [html.unescape(re.search(r'<code>([^<]*)</code>', rest)[1]) for claim, rest in cards if html.unescape(claim) not in found]


def beside(text, name):
    """The last cell of a run's row in the table of results: the paper's test accuracy."""
    row = re.search(rf'<th scope="row">{name}</th>(.*)</tr>', text)
    return row and re.findall(r'<td>([^<]*)</td>', row[1])[-1]


with tempfile.TemporaryDirectory() as folder:
    runs = os.path.join(folder, 'runs')
    table_runs(runs)
    synthetic.write_run(runs, 'Inception', 'Inception_0.0_none', 20)
    synthetic.write_run(runs, 'MLP1', 'MLP1_0.0_none', 20, crop='random')
    synthetic.write_run(runs, 'MLP3', 'dropped', 20, dropout=0.5)
    synthetic.write_run(runs, 'MLP3', 'fewer', 20, train_size=1000)
    p, text = report(folder, runs)
    numbers = [beside(text, name) for name in ('table1_MLP3', 'table1_MLP3_decay', 'table1_MLP3_random', 'table4_MLP3_decay', 'Inception_0.0_none', 'MLP1_0.0_none', 'dropped', 'fewer')]
    tap.ok(numbers == ['52.39', '53.35', '10.48', '', '85.75', '', '', ''], "the paper's test accuracy is that of the row with the same regularisers", numbers, p.stderr)

    for name in 'dropped', 'fewer':
        shutil.rmtree(os.path.join(runs, 'MLP3', name))

    # claims: what was found, what was not run, and no table's runs among figure 1's
    for level, epochs in ((0.0, 20), (0.5, 25), (1.0, 34)):
        synthetic.write_run(runs, 'MLP3', f'MLP3_{level}_none', epochs, level=level)
    synthetic.write_run(runs, 'MLP3', 'MLP3_0.0_rand_pix', 11, corruption='rand_pix')
    figures = os.path.join(folder, 'out')
    with open(os.path.join(figures, 'theorem1.csv'), 'w') as f:
        f.write('panel,series,kind,x,y,low,high\n\n\n1,"a, double",points,10,1e-15,,\n1,"a, double",points,2000,2.5e-9,,\n\n\n2,weights,points,2000,7,,\n')
    with open(os.path.join(figures, 'rademacher.csv'), 'w') as f:
        f.write('panel,series,kind,x,y,low,high\n1,<b>MLP1</b>,points,1000,close to 1,,\n')
    with open(os.path.join(figures, 'kernel_cifar10_conv_gaussian.csv'), 'w') as f:
        f.write('n,filters,wrong_labels,ridge,train_error,test_error,norm,residual\n20000,4000,0,0,0,0.2665,77,1e-8\n')
    head = 'data,n,wrong_labels,ridge,train_error,test_error,norm,residual\n'
    for name, line in ('cifar10_pixels', 'cifar10,50000,44950,0,0,0.4411,300.8,2.3e-08'), ('mnist_gabor', 'mnist,60000,0,0.001,0.0002,0.006,390,1e-7'):
        with open(os.path.join(figures, f'kernel_{name}_gaussian.csv'), 'w') as f:
            f.write(head + line + '\n')
    with open(os.path.join(figures, 'kernel_sgd.csv'), 'w') as f:
        f.write('n,step,distance,outside\n100,10,0.9,0\n100,200000,0.0059,1.1e-13\n')
    p, text = report(folder, runs)
    found, missing = claims(text)
    tap.ok(found['Networks fit random labels (section 2)'].startswith('6 of 6 finished runs of figure 1 have met the threshold. Epochs to the threshold.')
           and 'MLP3: 20 (p = 0) to 34 (p = 1)' in found['Networks fit random labels (section 2)'], 'a claim: what the runs show', found)
    tap.ok(found['Random pixels are fitted, too, and sooner than random labels (figure 1a)'] == 'MLP3: random labels 34 epochs, random pixels 11.', 'pixels', found)
    tap.ok(re.search(r'MLP3_decay ?[\d.]+ ?100.00 ?[\d.]+ ?53.35 ?MLP3 ?[\d.]+ ?100.00 ?[\d.]+ ?52.39 ?MLP3_random .*3 of 19 rows, per cent', found['Without regularisation networks still generalise (table 1)'])
           and '1 of 6 rows' in found['Regularisers do not stop random labels from being fitted (table 4)'], 'the rows of tables that have been run', found)
    tap.ok(found['2n + d weights represent any labels (theorem 1)'] == '2000 images of CIFAR-10: largest residual 2.5e-09 (a, double).', 'what theorem1 left', found)
    kernel = [found.get(claim) for claim in ('A kernel that fits all labels generalises (section 5)',
                                             'Random convolutional filters before the kernel more than halve its error',
                                             'SGD from 0 on a linear model ends at the minimum-norm solution',
                                             'The norm of the solution does not predict its error (MNIST)')]
    tap.ok(kernel == ['CIFAR-10, 50000 images, 44950 labels wrong: training error 0.00 %, test error 44.11 %, norm 300.8, residual 2.3e-08.',
                      '4000 filters, CIFAR-10, 20000 images: training error 0.00 %, test error 26.65 %, norm 77, residual 1e-08.',
                      "CIFAR-10, 100 images, after 200000 steps: distance to the minimum-norm solution 0.0059 of its norm, part outside the images' span 1.1e-13.",
                      'MNIST, Gabor wavelets, 60000 images, ridge 0.001: training error 0.02 %, test error 0.60 %, norm 390, residual 1e-07.'],
           'what kernel left', kernel)
    tap.ok('rademacher.csv: row 1, column y: "close to 1" is not a number' in found['Rademacher complexity of networks is about 1 (section 4)'] and p.returncode == 0,
           'a file that is no such thing is named', found)
    tap.ok('rethink figure2' in missing and f'Not run here: {len(missing)} claim' in text, 'the commands of the others', missing)
    p = subprocess.run([tap.RETHINK, 'plot', 'gen_err_growth', '--runs', runs, '-o', figures], capture_output=True, text=True)
    if shutil.which('gnuplot'):
        with open(os.path.join(figures, 'gen_err_growth.csv'), newline='') as f:
            series = {row['series'] for row in csv.DictReader(f) if row['kind'] == 'points'}
        tap.ok({s for s in series if s.startswith('MLP3')} == {'MLP3'}, "rows of the tables are not figure 1's", series, p.stderr)
    else:
        tap.skip("rows of the tables are not figure 1's", 'gnuplot is not installed')

    everything = re.findall(r'<h3>(.*?)</h3>\s*<dl>\s*<dt>Paper</dt><dd>(.*?)</dd>.*?<code>(rethink [^<]*)</code></dd>\s*</dl>', text, re.S)
    everything = {tuple(html.unescape(t) for t in (claim, command, paper)) for claim, paper, command in everything}
    with open(os.path.join(tap.SOURCE, 'docs', 'paper.md'), encoding='utf-8') as f:
        listed = {(claim, command, paper) for claim, command, paper in re.findall(r'^\| ([^|]+) \| `(rethink [^`|]+)` \| ([^|]+) \|', f.read(), re.M)}
    tap.ok(len(listed) == 13 and listed == everything, 'docs/paper.md has the same claims, commands and numbers', listed ^ everything)

    shows = re.findall(r'<dt>Shows</dt><dd>([^<]+\.)</dd>', text)
    tap.ok(len(set(shows)) == 13, 'each claim says what it shows', shows)

    other = os.path.join(folder, 'other')
    synthetic.write_run(other, 'MLP1', 'MLP1_0.0_none', 5, data='shapes10')
    p, text = report(folder, other)
    tap.ok('what the runs of this page show, on shapes10' in text, 'other images are named')

    where = [os.path.relpath(os.path.join(at, name), tap.SOURCE) for at, _, names in os.walk(os.path.join(tap.SOURCE, 'src')) for name in names
             if name.endswith(('.c', '.h')) and re.search(r'\b(52\.39|0\.5239)\b', open(os.path.join(at, name), encoding='utf-8').read())]
    tap.ok(set(where) == {'src/runs/paper_rows.h', 'src/figures/claims.h'}, "the tables' numbers are in one place, but for the words of a claim", where)
tap.done()
