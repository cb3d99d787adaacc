#!/usr/bin/env python3
"""rethink images: scores against a few lines of NumPy on the same history; pictures; what cannot be read is named."""
import csv
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'train'))
from runs import folder, temporary, train
from tap import RETHINK, SLOWER, done, ok, skip_all

try:
    import numpy
    from PIL import Image
except ImportError:
    skip_all('this Python has no NumPy and Pillow')

NAME = 'MLP1_0.4_none'
IMAGES, EPOCHS = 800, 8
SMALL = ('--set', f'train_size={IMAGES}', '--set', 'test_size=50', '--set', 'record_images=true', '--epochs', str(EPOCHS))


def images(*words):
    return subprocess.run([RETHINK, 'images', *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300 * SLOWER)


def table(path):
    with open(path, newline='') as f:
        rows = list(csv.DictReader(f))
    return {key: numpy.array([float(row[key]) for row in rows]) for key in rows[0] if not key.endswith('_class')}


def history(path, first):
    return {name: numpy.load(f'{path}/history_{name}.npy')[:first].astype(float) for name in ('loss', 'probability', 'margin', 'right')}


def expected(h):
    """The papers' definitions."""
    right = h['right'] > 0
    never = ~right.any(0)
    events = ((right[:-1]) & (~right[1:])).sum(0)
    epochs = len(right)
    last_wrong = numpy.array([max([e for e in range(epochs) if not column[e]], default=-1) for column in right.T])
    return {
        'aum': h['margin'].mean(0),
        'loss': h['loss'].mean(0),
        'probability': h['probability'].mean(0),
        'deviation': h['probability'].std(0),
        'correctness': right.mean(0),
        'forgetting': numpy.where(never, numpy.inf, events),
        'never_forgotten': ~never & (events == 0),
        'first_learnt': numpy.where(never, numpy.inf, right.argmax(0) + 1),
        'learnt_for_good': numpy.where(last_wrong == epochs - 1, numpy.inf, last_wrong + 2),
    }


HIGH = {'loss', 'forgetting', 'first_learnt', 'learnt_for_good'}


def auc(score, wrong):
    """The chance that a wrong label is more suspect than a right one, over all pairs."""
    a, b = score[wrong][:, None], score[~wrong][None, :]
    return ((a > b) + 0.5 * (a == b)).mean()


def precision(score, wrong):
    """Of as many as are wrong: the mean over every order of equals."""
    k, line = wrong.sum(), numpy.sort(score)[::-1][wrong.sum() - 1]
    above, tied = score > line, score == line
    return (wrong[above].sum() + (k - above.sum()) * wrong[tied].mean()) / k


def ranks(values):
    order = numpy.argsort(values, kind='stable')
    out = numpy.empty(len(values))
    out[order] = numpy.arange(1, len(values) + 1)
    return numpy.array([out[values == v].mean() for v in values])


def close(a, b):
    with numpy.errstate(invalid='ignore'):
        return ((a == b) | (numpy.abs(a - b) <= 2e-6 * (1 + numpy.abs(b)))).all()


def printed(text, name):
    return [float(word) for line in text.splitlines() if line.split()[:1] == [name] for word in line.split()[1:]]


def check_scores(path, out, first, *words):
    run = images(path, '-o', out, '--no-figures', *words)
    got = table(f'{out}/{NAME}_image_scores.csv') if run.returncode == 0 else {}
    want = expected(history(path, first))
    wrong = got['given'] != got['true']
    ok(run.returncode == 0 and wrong.sum() > 200, f'{first} epochs: a table of all images', run.stderr)
    for name, values in want.items():
        ok(close(got[name], values.astype(float)), f'{first} epochs: {name} as NumPy has it', got[name][:9], values[:9])
        suspicion = (1 if name in HIGH else -1) * values.astype(float)
        said = printed(run.stdout, name)
        ok(abs(said[0] - auc(suspicion, wrong)) < 1e-4 and abs(said[1] - precision(suspicion, wrong)) < 1e-4,
           f'{first} epochs: how well {name} finds wrong labels', said, auc(suspicion, wrong), precision(suspicion, wrong))
    ok(f'never learnt {numpy.isinf(want["first_learnt"]).sum()}, never forgotten {want["never_forgotten"].sum()}' in run.stdout,
       f'{first} epochs: never learnt, never forgotten', run.stdout)
    return want


def check_agreement(path, other, out):
    run = images(path, other, '-o', out, '--no-figures')
    a, b = (expected(history(p, EPOCHS)) for p in (path, other))
    said = run.stdout[run.stdout.find('agreement'):]
    for name in ('aum', 'forgetting', 'learnt_for_good'):
        want = numpy.corrcoef(ranks(a[name].astype(float)), ranks(b[name].astype(float)))[0, 1]
        ok(abs(printed(said, name)[0] - want) < 1e-4, f'agreement of {name}: Spearman', printed(said, name), want)
    ok(sorted(os.listdir(out)) == [f'{NAME}_2_image_scores.csv', f'{NAME}_image_scores.csv'], 'runs of one name keep their own files',
       os.listdir(out))


def check_pictures(path, out):
    run = images(path, '-o', out)
    names = [f'{NAME}_{kind}.{suffix}' for kind in ('data_map', 'images', 'scores') for suffix in ('csv', 'gp', 'pdf', 'png', 'svg')]
    ok(run.returncode == 0 and set(names) <= set(os.listdir(out)), 'draws data map, scores and sheets', run.stderr, os.listdir(out))
    sheet = numpy.asarray(Image.open(f'{out}/{NAME}_images.png').convert('RGB')).astype(int)
    colourful = (sheet.max(2) - sheet.min(2) > 40).mean(0)
    ok((colourful > 0.2).mean() > 0.5, 'the sheet is covered with images, column by column', (colourful > 0.2).mean())


def refused(path, what, damage, *said):
    with temporary() as others:
        shutil.copytree(path, f'{others}/run')
        damage(f'{others}/run')
        run = images(f'{others}/run', '-o', others, '--no-figures')
        ok(run.returncode == 4 and all(word in run.stderr for word in said) and run.stderr.count('\n') == 1 and not run.stdout, what,
           run.returncode, run.stderr)


def change(path, name, old, new):
    with open(f'{path}/{name}', 'r+b') as f:
        text = f.read()
        assert text.count(old) >= 1
        f.seek(0)
        f.write(text.replace(old, new))
        f.truncate()


def check_refusals(path):
    loss = 'history_loss.npy'
    refused(path, 'no history', lambda p: os.unlink(f'{p}/{loss}'), loss, 'record_images=true')
    refused(path, 'one cut short', lambda p: os.truncate(f'{p}/{loss}', 3000), loss, 'shorter than its 8 epochs')
    refused(path, 'no .npy file', lambda p: change(p, loss, b'NUMPY', b'MAUVE'), loss, 'no .npy file')
    refused(path, 'another type', lambda p: change(p, loss, b'<f2', b'<f4'), loss, 'no history of images')
    refused(path, 'of other images', lambda p: [numpy.save(f'{p}/history_{n}.npy', numpy.load(f'{p}/history_{n}.npy')[:, :700])
                                                for n in ('loss', 'probability', 'margin', 'right')], 'of 700 images', 'has 800')
    refused(path, 'arrays that differ', lambda p: numpy.save(f'{p}/{loss}', numpy.load(f'{p}/{loss}')[:, :700]), 'of 800', 'of 700')
    refused(path, 'one that lacks epochs', lambda p: numpy.save(f'{p}/{loss}', numpy.load(f'{p}/{loss}')[:5]), '5 epochs', 'the run has 8')
    digest = json.load(open(f'{path}/result.json'))['data']['corruption_digest'].encode()
    refused(path, 'trained on other labels', lambda p: change(p, 'result.json', digest, digest[::-1]), 'not those that', '--data')
    twice = images(path, path, '--no-figures')
    ok(twice.returncode == 2 and 'given twice' in twice.stderr, 'a run given twice', twice.stderr)


with temporary() as runs, temporary() as others, temporary() as out, temporary() as both, temporary() as drawn:
    for where, seed in ((runs, 42), (others, 7)):
        run = train(where, NAME, *SMALL, '--set', f'seed={seed}')
        ok(run.returncode == 0, f'trains with seed {seed}', run.stderr)
    path = folder(runs)
    check_scores(path, out, EPOCHS)
    check_scores(path, out, 3, '--first', '3')
    check_agreement(path, folder(others), both)
    check_pictures(path, drawn)
    check_refusals(path)
    clean = train(runs, 'MLP1_0.0_none', *SMALL)
    run = images('MLP1_0.0_none', '--runs', runs, '-o', out, '--no-figures')
    ok(clean.returncode == run.returncode == 0 and '0 wrong labels' in run.stdout and 'ROC' not in run.stdout,
       'without wrong labels, nothing is said of finding them; runs are found by name', run.stdout, run.stderr)
done()
