"""`rethink plot` on made-up runs: the files, what is in them, and what it says when something is missing."""
import csv
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import synthetic  # noqa: E402
import tap  # noqa: E402

if not shutil.which('gnuplot'):
    tap.skip_all('gnuplot is not installed')

NAMES = [m + s for s in ('_curves', '_corrup_curves') for m in ('mlp1', 'mlp3', 'alexnet', 'inception', 'wrn')]
NAMES += ['conv_slowdown', 'relative_slowdown', 'gen_err_growth', 'icp_fig2_acc', 'icp_fig2_loss', 'seed_noseed']


def rethink(*args, **kwargs):
    return subprocess.run([tap.RETHINK, *args], capture_output=True, text=True, **kwargs)


def rows(path):
    with open(path, newline='') as f:
        return list(csv.DictReader(f))


def png_size(path):
    with open(path, 'rb') as f:
        head = f.read(24)
    return struct.unpack('>II', head[16:24]) if head.startswith(b'\x89PNG\r\n\x1a\n') else None


def svg_texts(path):
    """Its texts as gnuplot writes them: x, y (from the top), size, text."""
    found = re.findall(r'<g transform="translate\(([\d.]+),([\d.]+)\)[^>]*font-size="([\d.]+)"[^>]*>\s*<text>(.*?)</text>', open(path).read())
    return [(float(x), float(y), float(size), text) for x, y, size, text in found]


work = tempfile.mkdtemp(prefix='rethink-plot-')
try:
    runs, out = os.path.join(work, 'runs'), os.path.join(work, 'out')
    synthetic.write_all(runs)
    p = rethink('plot', '--runs', runs, '-o', out)
    tap.ok(p.returncode == 0, 'all figures are drawn', p.stderr)
    missing = [f'{n}.{k}' for n in NAMES for k in ('csv', 'gp', 'svg', 'png', 'pdf') if not os.path.isfile(os.path.join(out, f'{n}.{k}'))]
    tap.empty(missing, 'each as CSV, script, SVG, PNG and PDF')
    tap.ok(sorted(os.listdir(out)) == sorted(f'{n}.{k}' for n in NAMES for k in ('csv', 'gp', 'svg', 'png', 'pdf')) and 'no sample images' in p.stderr,
           'and nothing else is left in the folder; data that are gone are said to be', os.listdir(out), p.stderr)
    tap.empty([n for n in NAMES if (png_size(os.path.join(out, n + '.png')) or (0, 0))[0] < 1200], 'PNGs are at least 1200 px wide')

    curves = rows(os.path.join(out, 'mlp1_curves.csv'))
    tap.ok({r['series'] for r in curves} == {'true labels', 'random labels', 'shuffled pixels', 'random pixels', 'gaussian'},
           'five tests in mlp1_curves')
    numbers = [float(r[c]) for n in NAMES for r in rows(os.path.join(out, n + '.csv')) for c in ('y', 'low', 'high') if r[c]]
    tap.ok(min(numbers) >= 0, 'no drawn value is negative')
    last = max(float(r['x']) for r in curves if r['series'] == 'true labels')
    tap.ok(last == 102, 'x is in epochs', last)
    inception = rows(os.path.join(out, 'inception_curves.csv'))
    ends = {s: max(float(r['x']) for r in inception if r['series'] == s) for s in ('true labels', 'shuffled pixels')}
    tap.ok(ends['true labels'] == ends['shuffled pixels'] == 17, 'runs with other log intervals share the axis', ends)
    best = [r for r in rows(os.path.join(out, 'icp_fig2_acc.csv')) if r['kind'] == 'best so far']
    highs = [float(r['high']) for r in best if r['series'] == 'test(Inception)']
    tap.ok(highs and highs == sorted(highs) and all(float(r['low']) <= float(r['high']) for r in best),
           'the best test accuracy so far only grows')

    p = rethink('plot', 'mlp3_curves', '--runs', runs, '-o', os.path.join(work, 'raw'), '--smooth', '0', '--steps', '--reference', work)
    raw = rows(os.path.join(work, 'raw', 'mlp3_curves.csv'))
    logged = rows(os.path.join(runs, 'MLP3', 'MLP3_0.0_none', 'metrics.csv'))
    drawn = [r for r in raw if r['series'] == 'true labels']
    tap.ok(p.returncode == 0 and [int(r['x']) for r in drawn] == [int(r['step']) for r in logged]
           and all(abs(float(a['y']) - float(b['train_loss'])) < 1e-5 for a, b in zip(drawn, logged)),
           '--smooth 0 --steps draws the log as it is', p.stderr)

    reference = os.path.join(tap.SHARED, 'reference')
    if os.path.isdir(reference):
        p = rethink('plot', 'gen_err_growth', 'inception_curves', 'icp_fig2_loss', '--runs', runs, '-o', os.path.join(work, 'ref'), '--reference', reference)
        published = [r for r in rows(os.path.join(work, 'ref', 'gen_err_growth.csv')) if r['kind'] == 'published']
        tap.ok(len(published) == 55 and published[0]['y'] == '0.4784', 'all published points lie behind ours', p.stderr)
        lines = [r for r in rows(os.path.join(work, 'ref', 'inception_curves.csv')) if r['kind'] == 'published']
        ends = {s: max(float(r['x']) for r in lines if r['series'] == s) for s in ('true labels', 'random labels', 'gaussian')}
        tap.ok(16.9 < ends['true labels'] <= 17 and 62.5 < ends['random labels'] <= 63 and 28 < ends['gaussian'] <= 29,
               'published steps become epochs, and end where the data does', ends)
        fig2 = [float(r['x']) for r in rows(os.path.join(work, 'ref', 'icp_fig2_loss.csv')) if r['kind'] == 'published']
        tap.ok(49.9 < max(fig2) <= 50, 'figure 2 ends at epoch 50', max(fig2))
    else:
        tap.skip('published points', 'no shared/reference')

    several = os.path.join(work, 'seeds')
    synthetic.write_all(several, models=['WRN'], seeds=(42, 43, 44), figure2=False, seeds_figure=False)
    p = rethink('plot', '--runs', several, '-o', os.path.join(work, 'band'))
    bands = [r for r in rows(os.path.join(work, 'band', 'gen_err_growth.csv')) if r['kind'] == '95 % band']
    tap.ok(p.returncode == 0 and len(bands) == 11 and all(float(r['low']) < float(r['high']) for r in bands),
           'three seeds are drawn with a band', p.stderr)

    script = os.path.join(out, 'wrn_curves.gp')
    before = open(os.path.join(out, 'wrn_curves.svg')).read()
    os.remove(os.path.join(out, 'wrn_curves.svg'))
    again = subprocess.run(['gnuplot', 'wrn_curves.gp'], cwd=out, capture_output=True, text=True)
    tap.ok(again.returncode == 0 and open(os.path.join(out, 'wrn_curves.svg')).read() == before,
           'the script draws the same figure again', again.stderr)
    tap.empty([n for n in NAMES if re.search(r'\bnan\b', open(os.path.join(out, n + '.csv')).read(), re.I)], 'no NaN is written')

    # runs are what their configs say: two rates, a name that lies, a level between, one cut short, a model of one's own, figure 2's
    # protocol elsewhere
    mixed, out2 = os.path.join(work, 'mixed'), os.path.join(work, 'out2')
    synthetic.PARAMETERS['MLP2'], synthetic.MULTIPLY_ADDS['MLP2'] = 1, 1e6
    for rate, name in ((0.01, 'MLP1_0.5_none'), (0.02, 'MLP1_0.5_none_learning_rate0.02')):
        synthetic.write_run(mixed, 'MLP1', name, 30 if rate == 0.01 else 20, level=0.5, learning_rate=rate)
    synthetic.write_run(mixed, 'MLP1', 'MLP1_0.6_none', 35, level=0.75)
    synthetic.write_run(mixed, 'MLP1', 'cut', 8, level=0.5, seed=9, state='interrupted', reach=False)
    synthetic.write_run(mixed, 'MLP1', 'slow', 9, level=0.9, reach=False)
    synthetic.write_run(mixed, 'MLP1', 'protocol2', 10, level=0.3, figure1=False)
    for level in (0.0, 1.0):
        synthetic.write_run(mixed, 'MLP2', f'mine{level}', 12 + int(9 * level), level=level)
    p = rethink('plot', '--runs', mixed, '-o', out2)
    points = {(r['series'], float(r['x'])): float(r['y']) for r in rows(os.path.join(out2, 'conv_slowdown.csv')) if r['panel'] == '1'}
    tap.ok(p.returncode == 0 and points == {('MLP1, learning_rate=0.01', 0.5): 30, ('MLP1, learning_rate=0.02', 0.5): 20,
                                            ('MLP1, learning_rate=0.01', 0.75): 35, ('MLP2', 0): 12, ('MLP2', 1): 21},
           'every run is where its config says, under what tells it apart', points, p.stderr)
    series = {r['series'] for r in rows(os.path.join(out2, 'mlp1_corrup_curves.csv'))}
    tap.ok(series == {'p=0.5, learning_rate=0.01', 'p=0.5, learning_rate=0.02', 'p=0.75, learning_rate=0.01', 'p=0.9, learning_rate=0.01'},
           'also among curves', series)
    tap.ok('2 runs left out: cut (interrupted at epoch 8, beside finished runs); protocol2 (none of these figures' in p.stderr,
           'what no figure shows is counted and named, with the reason', p.stderr)
    script = ' '.join(re.findall(r"set label .* '(.*)'", open(os.path.join(out2, 'conv_slowdown.gp')).read()))
    tap.ok('slow (finished at epoch 9 without' in script and 'published' not in script, 'and what one leaves out is under it', script)
    relative = {(r['series'], float(r['x'])): float(r['y']) for r in rows(os.path.join(out2, 'relative_slowdown.csv'))}
    tap.ok(relative == {('MLP2', 0): 1, ('MLP2', 1): 21 / 12}, 'figure 1b: relative to the run on true labels', relative)
    tap.ok({'mlp2_curves.svg', 'mlp2_corrup_curves.svg'} <= set(os.listdir(out2)), "a model of one's own has its figures", os.listdir(out2))
    p = rethink('plot', 'mlp2_curves', 'conv_slowdown', '--runs', mixed, '-o', out2, '--where', 'learning_rate=0.02')
    tap.ok(p.returncode == 2 and 'unknown figure' in p.stderr, '--where leaves other runs out of sight', p.stderr)

    # questions of one's own
    import statistics
    asked, out3 = os.path.join(work, 'asked'), os.path.join(work, 'out3')
    took = {}
    for size in (32, 128):
        for seed in (1, 2, 3):
            took[size, seed] = size // 8 + 2 * seed * seed
            synthetic.write_run(asked, 'MLP1', f'{size}_{seed}', took[size, seed], level=0.5, seed=seed, batch_size=size)
    synthetic.write_run(asked, 'MLP1', 'cut', 3, level=0.5, seed=7, batch_size=32, state='interrupted', reach=False)
    p = rethink('plot', '--x', 'batch_size', '--y', 'threshold', '--log', 'x', '--runs', asked, '-o', out3)
    drawn = rows(os.path.join(out3, 'threshold_epoch_against_batch_size.csv'))
    good = {(float(r['x']), float(r['y'])) for r in drawn if r['kind'] == 'points'} == \
        {(size, float('%.7g' % statistics.mean(took[size, s] for s in (1, 2, 3)))) for size in (32, 128)}
    for r in drawn:
        if r['kind'] == '95 % interval':
            values = [took[int(r['x']), seed] for seed in (1, 2, 3)]
            half = 4.3027 * statistics.stdev(values) / 3 ** 0.5
            good = good and abs(float(r['low']) - statistics.mean(values) + half) < 1e-4 and abs(float(r['high']) - statistics.mean(values) - half) < 1e-4
    note = ' '.join(re.findall(r"set label .* '(.*)'", open(os.path.join(out3, 'threshold_epoch_against_batch_size.gp')).read()))
    tap.ok(p.returncode == 0 and good and len(drawn) == 4, 'a result against a key: means over seeds and their intervals', drawn, p.stderr)
    tap.ok("95 % interval (Student''s t, n = 3)" in note and '6 runs.' in note and 'cut (interrupted at epoch 3 without' in note and 'cut (' in p.stderr,
           'the caption says what the interval is, of how many, and what is left out', note, p.stderr)
    one = ['--where', 'batch_size=128,seed=1', '--runs', asked, '-o', out3]
    n = took[128, 1]
    ends = {'epoch': n, 'step': n * 391, 'images': n * 50000, 'log_point': n * 11 - 1, 'flops': 6 * 1.21e6 * 50000 * n,
            'seconds': (n * 11 - 1) * 0.5}
    for x, end in ends.items():
        p = rethink('plot', '--x', x, '--y', 'train_loss', *one)
        last = max(float(r['x']) for r in rows(os.path.join(out3, f'train_loss_against_{x}.csv')))
        tap.ok(p.returncode == 0 and abs(last - end) <= 1e-6 * end, f'a metric along the run, by {x}', last, end, p.stderr)
    p = rethink('plot', '--x', 'epoch', '--y', 'train_accuracy', '--by', 'batch_size', '--runs', asked, '-o', out3)
    drawn = rows(os.path.join(out3, 'train_acc_against_epoch.csv'))
    last = {s: max(float(r['x']) for r in drawn if r['series'] == s) for s in {r['series'] for r in drawn}}
    tap.ok(last == {f'batch_size={size}': min(took[size, s] for s in (1, 2, 3)) for size in (32, 128)}
           and 'cut (interrupted at epoch 3, beside finished runs)' in p.stderr, 'curves of seeds go as far as all of them', last, p.stderr)
    for words, code, text in ((['--y', 'test_acc'], 2, '--y needs --x'), (['--x', 'epoch'], 2, '--x needs --y'), (['--log', 'x'], 2, '--log needs --x'),
                              (['--x', 'batchsize', '--y', 'epochs'], 2, "did you mean 'batch_size'"), (['--x', 'seed', '--y', 'state'], 2, 'no number'),
                              (['--x', 'epoch', '--y', 'minutes'], 2, 'record only train_loss'), (['--x', 'seed', '--y', 'epochs', '--log', 'z'], 2, 'xy'),
                              (['--x', 'seed', '--y', 'epochs', '--by', 'sead'], 2, "did you mean 'seed'"),
                              (['mlp1_curves', '--x', 'seed', '--y', 'epochs'], 2, 'not together'),
                              (['--x', 'seed', '--y', 'epochs', '--reference', work], 2, 'published figures')):
        p = rethink('plot', *words, '--runs', asked, '-o', out3)
        tap.ok(p.returncode == code and text in p.stderr and p.stderr.count('\n') == 1, ' '.join(words) + f': exit {code}', p.stderr)
    p = rethink('plot', '--x', 'seed', '--y', 'train_size', '--runs', asked, '-o', out3)
    tap.ok(p.returncode == 4 and 'has seed and train_size' in p.stderr, 'nothing to draw: exit 4', p.stderr)

    # names of eighty letters and a note of several lines: the picture as gnuplot draws it
    wordy = os.path.join(work, 'wordy')
    for i in range(5):
        for k, end in (('reached_the_threshold', {}), ('was_cut', {'state': 'interrupted', 'reach': False})):
            synthetic.write_run(wordy, 'MLP1', f'MLP1_{i}_a_run_that_{k}_and_has_a_name_of_some_eighty_letters_in_all', 5 + i, **end)
    p = rethink('plot', '--x', 'epochs', '--y', 'threshold', '--by', 'run', '--runs', wordy, '-o', out3)
    texts = svg_texts(os.path.join(out3, 'threshold_epoch_against_epochs.svg'))
    key = [t for t in texts if t[3].startswith('run=MLP1_')]
    tap.ok(p.returncode == 0 and len(key) == 5, 'each of five names is in the legend', texts, p.stderr)
    tap.empty([t for t in key if t[0] + 0.5 * t[2] * len(t[3]) > 1280], 'and ends on the canvas')
    axis, note = ([t[1] for t in texts if t[3].startswith(begin)] for begin in ('Epochs trained', '5 runs. 5 runs left out'))
    tap.ok(axis and note and all(axis[0] + t[2] < t[1] < note[0] - t[2] for t in key), 'between the axis and the note', texts)

    p = rethink('plot', 'mlp1_curve', '--runs', runs)
    tap.ok(p.returncode == 2 and 'mlp1_curves' in p.stderr, 'an unknown figure: exit 2 and the nearest name', p.stderr)
    p = rethink('plot', 'mlp1_curves', '--runs', several, '-o', out)
    tap.ok(p.returncode == 4 and 'mlp1_curves' in p.stderr, 'a figure without runs: exit 4', p.stderr)
    p = rethink('plot', '--runs', os.path.join(work, 'nowhere'))
    tap.ok(p.returncode == 5 and 'nowhere' in p.stderr, 'no runs directory: exit 5', p.stderr)
    p = rethink('plot', '--smooth', '8', '--runs', runs)
    tap.ok(p.returncode == 2 and 'odd' in p.stderr, 'an even window: exit 2', p.stderr)
    p = rethink('plot', 'wrn_curves', '--runs', runs, '-o', os.path.join(work, 'none'), env=dict(os.environ, PATH='/nonexistent'))
    tap.ok(p.returncode == 5 and 'gnuplot' in p.stderr and 'install' in p.stderr and os.listdir(os.path.join(work, 'none')) == [],
           'without gnuplot: exit 5, says what to install, leaves nothing', p.stderr)
    os.makedirs(os.path.join(work, 'fonts'))
    p = rethink('plot', 'wrn_curves', '--runs', runs, '-o', os.path.join(work, 'none'), env=dict(os.environ, FONTCONFIG_FILE=os.path.join(work, 'fonts')))
    tap.ok(p.returncode == 5 and 'no font' in p.stderr and 'install' in p.stderr and os.listdir(os.path.join(work, 'none')) == [],
           'without fonts: exit 5, says what to install, leaves no figure without text', p.returncode, p.stderr)

    odd = os.path.join(os.fsencode(work), b'runs \xff <&"\'\n\x1b[2J')
    os.symlink(runs, odd)
    p = rethink('report', '--no-figures', '--runs', odd, '-o', os.path.join(work, 'odd'))
    page = open(os.path.join(work, 'odd', 'report.html'), 'rb').read()
    text = page.decode('utf-8', 'replace')
    tap.ok(p.returncode == 0 and '\ufffd' not in text and '\x1b' not in text and 'runs ? &lt;&amp;&quot;&#39;??[2J' in text,
           "a runs directory's name of any bytes leaves the page valid UTF-8 and HTML", p.stderr, re.findall(r'<dd>\d+ in .*', text))

    with open(os.path.join(runs, 'WRN', 'WRN_0.0_none', 'metrics.csv'), 'a') as f:
        f.write('1,2\n')
    p = rethink('plot', 'wrn_curves', '--runs', runs, '-o', out)
    tap.ok(p.returncode == 0 and re.search(r'1 run left out: .*metrics.csv:\d+', p.stderr), 'a broken metrics.csv is named and left out', p.stderr)
finally:
    shutil.rmtree(work)
tap.done()
