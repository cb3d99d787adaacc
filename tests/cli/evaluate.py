#!/usr/bin/env python3
"""evaluate's table of classes and confusion matrix, against labels and predictions that were counted here; the same on
labels of which some are wrong, as numpy draws them: accuracy on them is (1 - p) of that on the true ones plus p / 10."""
import json
import os
import shutil
import sys
import tempfile

try:
    import numpy
except ImportError:
    numpy = None

from cli import DATA, done, ok, refuses, run, skip

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'train'))
from runs import checkpoints, folder, train

CLASSES = 'disc ring square triangle star cross moon stripes checks dots'.split()
WORD = 2 ** 64 - 1
TRAIN, TEST = 10000, 300


def splitmix(state):
    while True:
        state = (state + 0x9e3779b97f4a7c15) & WORD
        x = state
        x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & WORD
        x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & WORD
        yield x ^ (x >> 31)


def label(image):
    """shapes10's label of an image: place image % 10 of an order drawn for each ten (src/data/shapes10.c)."""
    draws = splitmix((0x5a4b3c2d1e0f1010 + image // 10 * 0xd1342543de82ef95) & WORD)
    order = [0] * 10
    for i in range(10):
        j = ((next(draws) >> 32) * (i + 1)) >> 32
        order[i] = order[j]
        order[j] = i
    return order[image % 10]


def check_names(place):
    """Runs are found by their names, and listed by name or model."""
    by_path, by_name = run('evaluate', folder(place)), run('evaluate', 'MLP1_0.0_none', '--runs', place)
    ok(not by_name.code and by_name.out == by_path.out, 'a run is evaluated by its name', by_name, by_path)
    refuses(['evaluate', 'MLP1_0.0_non', '--runs', place], DATA, r"MLP1_0.0_non: no such run in .*; did you mean 'MLP1_0.0_none'")
    refuses(['evaluate', 'MLP1_0.0_none', '--runs', place + '/none'], DATA, r'there is no folder .* \(--runs names another\)')
    refuses(['evaluate', place], DATA, r'neither a run directory nor a checkpoint')
    os.makedirs(os.path.join(place, 'Other'))
    shutil.copytree(folder(place), os.path.join(place, 'Other', 'MLP1_0.0_none'))
    refuses(['evaluate', 'MLP1_0.0_none', '--runs', place], DATA, r'two runs have this name, .*MLP1/.* and .*Other/.*: give the folder')
    shutil.rmtree(os.path.join(place, 'Other'))
    whole = run('list', '--runs', place).out
    for name in ('MLP1', 'MLP1_0.0_none', 'MLP1_*'):
        ok(whole and run('list', name, '--runs', place).out == whole == run('results', 'x', name, '--runs', place).out, f'list {name}', whole)
    refuses(['list', 'MLP3', '--runs', place], DATA, r"none of the 1 runs in .* has the name or model 'MLP3'")


def check_damaged(place):
    """The newest checkpoint that is complete is evaluated, as it would be resumed."""
    trained = train(place, 'MLP1_0.1_none', '--set', 'train_size=500', '--set', 'test_size=100', '--set', 'checkpoint_every=1', '--epochs', '2')
    path = folder(place, 'MLP1_0.1_none')
    older, newest = checkpoints(path)
    wanted = run('evaluate', older)
    with open(os.path.join(newest, 'model.safetensors'), 'r+b') as f:
        f.seek(5000)
        f.write(b'\0\1\2\3')
    said = run('evaluate', path)
    ok(not trained.returncode and not wanted.code and said.out == wanted.out and said.err.startswith('warning: ') and
       said.err.count('\n') == 1 and f'evaluates {os.path.basename(older)}, the newest checkpoint that is complete' in said.err,
       'where the newest checkpoint is damaged, the one before, with a warning', said, wanted)
    refuses(['evaluate', newest], DATA, r'model.safetensors', 'the damaged one itself is refused')
    os.truncate(os.path.join(older, 'state.json'), 10)
    refuses(['evaluate', path], DATA, r'model.safetensors', 'and without another, the newest one is named')


def matrix(lines, at):
    return [[int(n) for n in line.split()[1:]] for line in lines[at + 2:at + 12]]


def count(labels, predictions):
    table = [[0] * 10 for _ in range(10)]
    for wanted, predicted in zip(labels, predictions):
        table[wanted][predicted] += 1
    return table


def noisy(p, images=10000, tests=2000, seed=42):
    """All labels of shapes10, true and with p of them drawn anew, as the published code draws them."""
    true = numpy.array([label(i) for i in range(images + tests)])
    numpy.random.seed(seed)
    mask = numpy.random.rand(images + tests) <= p
    given = true.copy()
    given[mask] = numpy.random.choice(10, mask.sum())
    return true, given


def shares(text):
    """The last lines: what is predicted of right labels, and of wrong ones."""
    rows = [line.strip().partition('  ') for line in text.partition('Of images whose given label is')[2].splitlines() if line]
    return {what: numbers.strip() for what, _, numbers in rows}


def expected_shares(given, true, predictions):
    given, true, predictions = (numpy.array(a) for a in (given, true, predictions))
    wrong = given != true
    rows = (('right, predicted so', (predictions == given) & ~wrong, ~wrong),
            ('wrong, predicted as given (memorised)', (predictions == given) & wrong, wrong),
            ('wrong, predicted as true (recovered)', (predictions == true) & wrong, wrong))
    return {what: f'{100 * part.sum() / of.sum():.2f} %  ({part.sum()} of {of.sum()})' for what, part, of in rows}


def both_labels():
    p, images = 0.4, 3000
    if not numpy:
        return skip('both labels of a noisy run', 'numpy is not installed')
    true, given = noisy(p)
    with tempfile.TemporaryDirectory(prefix='rethink-evaluate-') as place:
        trained = train(place, f'MLP1_{p}_none', '--set', f'train_size={images}', '--set', 'evaluate_every=1',
                        '--set', 'learning_rate=0.05', '--epochs', '6')
        file = os.path.join(place, 'predictions')
        said = run('evaluate', folder(place), '--confusion', '--predictions', file)
        on_training = run('evaluate', folder(place), '--train', '--predictions', file + '_train')
        listed = run('list', '--runs', place)
        if not ok(not trained.returncode and not said.code, 'a run on noisy labels is evaluated', trained.stderr, said):
            return
        with open(file, encoding='ascii') as f:
            predictions = [int(line) for line in f]
        with open(file + '_train', encoding='ascii') as f:
            of_training = [int(line) for line in f]
        with open(os.path.join(folder(place), 'result.json'), encoding='utf-8') as f:
            result = json.load(f)
        with open(os.path.join(folder(place), 'metrics.csv'), encoding='ascii') as f:
            header, *rows = [line.rstrip('\n').split(',') for line in f]
    lines = said.out.splitlines()
    at = [i for i, line in enumerate(lines) if line == 'Rows: labels. Columns: predictions.']
    true_test, given_test = true[10000:], given[10000:]
    ok(len(at) == 2 and matrix(lines, at[0]) == count(given_test, predictions) and matrix(lines, at[1]) == count(true_test, predictions),
       'one confusion matrix against each label', said.out)
    right = int((true_test == predictions).sum()), int((given_test == predictions).sum())
    ok(f'({right[1]} of 2000)' in lines[2] and f'({right[0]} of 2000)' in said.out.split('On true labels')[1],
       'and one accuracy', right, said.out)
    for what, got, want in (('test', said, expected_shares(given_test, true_test, predictions)),
                            ('training', on_training, expected_shares(given[:images], true[:images], of_training))):
        ok(not got.code and shares(got.out) == want, f'of {what} images: right labels predicted, wrong ones memorised and recovered', got, want)
    for split, kept in ('train', slice(0, images)), ('test', slice(10000, None)):
        table = count(true[kept], given[kept])
        ok(result['labels'][split]['transitions'] == table
           and result['labels'][split]['changed'] == int((true[kept] != given[kept]).sum()),
           f'result.json has what became of the {split} labels', result['labels'][split], table)
    final, best = result['final'], result['best']
    ok(final['test_acc_true'] == right[0] / 2000 and final['test_acc'] == right[1] / 2000, 'result.json has both accuracies', final)
    clean, noise = final['test_acc_true'], final['test_acc']
    expected = (1 - p) * clean + p / 10
    ok(clean > 0.2 and abs(noise - expected) < 4 * (p * (1 - p) / 2000) ** 0.5,
       'accuracy on corrupted labels is (1 - p) of the clean one plus p / 10', clean, noise, expected)
    tested = {int(row[1]): float(row[header.index('test_acc_true')]) for row in rows if row[header.index('test_acc_true')]}
    ok(sorted(tested) == [1, 2, 3, 4, 5, 6], 'each epoch is tested', tested)
    at_best = max(sorted(tested), key=tested.get)
    ok(best['epoch'] == at_best and abs(best['test_acc_true'] - tested[at_best]) < 1e-6, 'the best epoch is kept', best, tested)
    row = dict(zip(*[line.split() for line in listed.out.splitlines()[:2]])) if not listed.code else {}
    ok(row.get('best_epoch') == str(best['epoch']) and float(row['best_test_acc_true']) == round(best['test_acc_true'], 4)
       and row['threshold_epoch'] == '-' and float(row['test_acc_true']) == round(clean, 4), 'and listed', listed)


def main():
    with tempfile.TemporaryDirectory(prefix='rethink-evaluate-') as place:
        trained = train(place, 'MLP1_0.0_none', '--set', 'train_size=500', '--set', f'test_size={TEST}', '--epochs', '2')
        check_names(place)
        check_damaged(place)
        file = os.path.join(place, 'predictions')
        said = run('evaluate', folder(place, 'MLP1_0.0_none'), '--confusion', '--predictions', file)
        if not ok(not trained.returncode and not said.code, 'a run is evaluated', trained.stderr, said):
            done()
        with open(file, encoding='ascii') as f:
            predictions = [int(line) for line in f]
    labels = [label(TRAIN + i) for i in range(TEST)]
    want = count(labels, predictions)
    lines = said.out.splitlines()
    at = lines.index('Rows: labels. Columns: predictions.')
    got = matrix(lines, at)
    ok(len(predictions) == TEST, 'one prediction a line')
    ok(any(want[i][j] != want[j][i] for i in range(10) for j in range(10)), 'these predictions can tell rows from columns', want)
    ok(got == want, 'rows are labels, columns predictions', f'want {want}', f'got  {got}')
    ok([line.split()[0] for line in lines[at + 2:at + 12]] == CLASSES and lines[at + 1].split() == [c[:7] for c in CLASSES],
       'both are named', lines[at + 1])
    rows = {line.split()[0]: line.split()[1:] for line in lines[3:13]}
    bad = [name for i, name in enumerate(CLASSES)
           if rows[name] != [f'{100 * want[i][i] / sum(want[i]):.2f}', '%', 'of', str(sum(want[i]))]]
    ok(not bad, "each class's accuracy is its row's", bad, rows)
    correct = sum(want[i][i] for i in range(10))
    ok(f'({correct} of {TEST})' in lines[2], 'the accuracy is that of the diagonal', lines[2], correct)
    ok('given label is' not in said.out, 'where no label is wrong, nothing is said of wrong ones', said.out)
    both_labels()
    done()


main()
