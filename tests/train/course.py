#!/usr/bin/env python3
"""The course of runs: going on, starting over, refusing, and what is said about it."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from runs import checkpoints, command, differences, folder, metrics, outcome, read, result, temporary, train
from tap import RETHINK, SLOWER, done, ok

NAME = 'MLP1_0.5_none'
SMALL = ('--set', 'train_size=300', '--set', 'test_size=100', '--set', 'log_every=2')


def says(run, code, *patterns):
    """The exit code, and every pattern in what was said."""
    missing = [p for p in patterns if not re.search(p, run.stderr)]
    return run.returncode == code and not missing, f'exit {run.returncode}, missing {missing}, said:\n{run.stderr}'


def check_going_on():
    with temporary() as runs, temporary() as others:
        train(others, NAME, *SMALL, '--epochs', '5')
        first = train(runs, NAME, *SMALL, '--epochs', '3')
        good, why = says(first, 0, r'Running MLP1_0.5_none', r'Saved checkpoint e_003_MLP1_0.5_none at epoch 3, step 6, runtime',
                         r'Training completed in [\d.]+s <> Current runtime: [\d.]+s', r'Current training at epoch 3, step 6')
        ok(good, 'a run says what the published one did', why)
        again = train(runs, NAME, *SMALL, '--epochs', '3')
        good, why = says(again, 0, r'already trained to epoch 3')
        ok(good, 'a finished run is not trained again', why)
        more = train(runs, NAME, *SMALL, '--epochs', '5')
        good, why = says(more, 0, r'Updated epochs from 3 to 5', r'Loading checkpoint: .*/e_003_MLP1_0.5_none',
                         r'Resuming training from epoch 4, step 6, previous runtime [\d.]+s')
        ok(good, 'more epochs go on from the checkpoint', why)
        path = folder(runs, NAME)
        whole = outcome(folder(others, NAME))
        more = outcome(path)
        ok(not differences(whole, more), 'and end as if never stopped', differences(whole, more))
        config = read(path, 'config.yaml').decode()
        ok('resume_checkpoint: e_005_MLP1_0.5_none' in config and 'num_epochs: 5' in config, 'config.yaml is kept current', config)
        ok(train(runs, NAME, *SMALL).stderr.count('already trained to epoch 5') == 0 and
           'num_epochs: 200' in read(path, 'config.yaml').decode(), 'a longer default goes on by itself')


def check_starting_over():
    with temporary() as runs:
        train(runs, NAME, *SMALL, '--epochs', '3')
        before = metrics(folder(runs, NAME))
        changed = train(runs, NAME, *SMALL, '--epochs', '4', '--set', 'learning_rate=0.02')
        good, why = says(changed, 3, r'learning_rate is 0.02, not 0.01 as the run was trained.*--set learning_rate=0.01.*--fresh')
        ok(good, 'a key that matters must not change', why)
        changed = train(runs, NAME, *SMALL, '--epochs', '4', '--set', 'learning_rate=0.02', '--set', 'milestones=[3]')
        good, why = says(changed, 3, r": --set learning_rate=0.01 --set 'milestones=\[100, 200\]' resumes it")
        ok(good, 'of several, all are named that resume it', why)
        ok(metrics(folder(runs, NAME)) == before, 'and nothing has been touched')
        long = ', '.join(map(str, range(100, 116)))
        train(runs, 'MLP1_0.0_none', *SMALL, '--epochs', '1', '--set', f'milestones=[{long}]')
        good, why = says(train(runs, 'MLP1_0.0_none', *SMALL, '--epochs', '1'), 3, rf": --set 'milestones=\[{long}\]' resumes it")
        ok(good, 'a long value is whole where it is to be typed', why)
        many = [word for setting in ('learning_rate=0.02', 'momentum=0.5', 'batch_size=7', 'weight_decay=0.1', 'dropout=0.3', 'optimizer=adam',
                                     'crop=random', 'flip=true', 'rotate=3', 'preprocessing=image', 'scheduler=constant', 'lr_decay=0.5',
                                     'train_size=9', 'test_size=9', 'seed=9', 'label_corruption_prob=0.3',
                                     'experiment_name=MLP1_0.0_none') for word in ('--set', setting)]
        good, why = says(train(runs, 'MLP1_0.0_none', *SMALL, '--epochs', '1', *many), 3, ': --set with the values of its config.yaml resumes it')
        ok(good, 'too many are not cut short', why)
        fresh = train(runs, NAME, *SMALL, '--epochs', '2', '--set', 'learning_rate=0.02', '--fresh')
        path = folder(runs, NAME)
        ok(fresh.returncode == 0 and [os.path.basename(c) for c in checkpoints(path)] == ['e_002_MLP1_0.5_none'] and
           len(metrics(path)) == 4, '--fresh starts over', fresh.stderr)
        allowed = train(runs, NAME, *SMALL, '--epochs', '3', '--set', 'learning_rate=0.02', '--set', 'checkpoint_every=1',
                        '--set', 'log_every=1', '--set', 'curve=true')
        ok(allowed.returncode == 0, 'keys that only say when to log and save may change', allowed.stderr)
        for checkpoint in checkpoints(path):
            shutil.rmtree(checkpoint)
        bare = train(runs, NAME, *SMALL, '--epochs', '3', '--set', 'learning_rate=0.02')
        good, why = says(bare, 4, r'finished, but has no checkpoint left; --fresh')
        ok(good, 'a finished run without checkpoints is not silently trained again', why)


def flip(path, at):
    with open(path, 'r+b') as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


def seen_by(path, checkpoint):
    """The size of metrics.csv when the checkpoint was written."""
    return json.loads(read(path, checkpoint, 'state.json'))['metrics_size_bytes']


def check_damage():
    """A run goes on from its newest checkpoint that is whole and fits what is there, and says so."""
    names = [f'e_00{i}_MLP1_0.5_none' for i in range(4)]
    with temporary() as runs:
        arguments = (*SMALL, '--epochs', '3', '--set', 'checkpoint_every=1', '--set', 'keep_checkpoints=all')
        train(runs, NAME, *arguments)
        path = folder(runs, NAME)
        expected = outcome(path)
        metrics_csv = os.path.join(path, 'metrics.csv')

        def damage(what, name, *patterns):
            run = train(runs, NAME, *arguments)
            good, why = says(run, 0, *patterns, rf'; resumes from {name}, the newest checkpoint that is complete and matches')
            ok(good, f'{what} is named, and the run goes on from the newest that is whole and fits', why)
            ok(not differences(expected, outcome(path)), f'{what}: it ends in the same bytes', differences(expected, outcome(path)))

        last = os.path.join(path, names[3], 'model.safetensors')
        flip(last, os.path.getsize(last) // 2)
        damage('one flipped bit in a checkpoint', names[2], r'e_003_MLP1_0.5_none/model.safetensors: damaged')
        os.truncate(os.path.join(path, names[3], 'optimizer.safetensors'), 100)
        os.unlink(os.path.join(path, names[2], 'state.json'))
        damage('a file cut short, and one missing from the checkpoint before', names[1], r'optimizer.safetensors: damaged or cut short')
        flip(metrics_csv, seen_by(path, names[2]) + 5)
        damage('one flipped bit in the end of metrics.csv', names[2], r'metrics.csv: changed since e_003_MLP1_0.5_none was written')
        os.truncate(metrics_csv, seen_by(path, names[1]))  # as a rewinding that was killed left it before 0.1
        damage('a metrics.csv cut short', names[1], r'metrics.csv: \d+ bytes, there were \d+ at e_003')

        asked = train(runs, NAME, *arguments, '--set', f'resume_checkpoint={names[1]}')
        ok(asked.returncode == 0 and not differences(expected, outcome(path)), 'going on from an earlier one gives the same bytes',
           asked.stderr, differences(expected, outcome(path)))
        flip(metrics_csv, 100)
        before = {name: read(path, name, 'SHA256SUMS') for name in names[1:]}
        damaged = train(runs, NAME, *SMALL, '--epochs', '4')
        good, why = says(damaged, 4, r'metrics.csv: changed since e_003_MLP1_0.5_none was written; no checkpoint is complete and matches metrics.csv.*--fresh')
        ok(good, 'one flipped bit in the beginning of metrics.csv leaves none that fits', why)
        damaged = train(runs, NAME, *arguments, '--set', f'resume_checkpoint={names[1]}')
        good, why = says(damaged, 4, r'metrics.csv: changed since e_001_MLP1_0.5_none was written; without --set resume_checkpoint')
        ok(good and {name: read(path, name, 'SHA256SUMS') for name in names[1:]} == before,
           'nor is one taken that was asked for; nothing has been touched', why)
        flip(metrics_csv, 100)
        os.rename(metrics_csv, metrics_csv + '.aside')
        os.symlink('metrics.csv.aside', metrics_csv)
        linked = train(runs, NAME, *arguments)
        good, why = says(linked, 5, r'metrics.csv is a symbolic link: a regular file is wanted there$')
        ok(good, 'a linked metrics.csv is no fault of the checkpoints', why)
        os.rename(metrics_csv + '.aside', metrics_csv)
        other = train(runs, 'MLP3_0.5_none', *SMALL, '--epochs', '1', '--set', f'resume_checkpoint={path}/{names[2]}')
        good, why = says(other, 3, r'e_002_MLP1_0.5_none: experiment_name is MLP3_0.5_none, not MLP1_0.5_none; model_name is MLP3, not MLP1')
        ok(good, "another experiment's checkpoint is refused", why)
        ok(not os.path.exists(os.path.join(runs, 'MLP3')), 'and leaves no run behind')


def forget(value, key):
    """JSON without a key, wherever it stands."""
    return {k: forget(v, key) for k, v in value.items() if k != key} if isinstance(value, dict) else value


def make_older(path, name, metric):
    """As a version that did not know the metric would have left the run: files, digests and all."""
    at = os.path.join(path, 'metrics.csv')
    rows = [line.split(',') for line in read(at).decode().splitlines()]
    column = rows[0].index(metric)
    text = ''.join(','.join(row[:column] + row[column + 1:]) + '\n' for row in rows).encode()
    seen = {'metrics_size_bytes': len(text), 'metrics_digest': hashlib.sha256(text).hexdigest()}
    for file in ('result.json', f'{name}/state.json'):
        value = forget(json.loads(read(path, file)), metric) | seen
        with open(os.path.join(path, file), 'w', encoding='utf-8') as f:
            json.dump(value, f)
    with open(at, 'wb') as f:
        f.write(text)
    names = [n for n in os.listdir(os.path.join(path, name)) if n != 'SHA256SUMS']
    with open(os.path.join(path, name, 'SHA256SUMS'), 'w', encoding='utf-8') as f:
        f.writelines(f'{hashlib.sha256(read(path, name, n)).hexdigest()}  {n}\n' for n in sorted(names))


def check_older_metrics():
    """A metric that came later is not measured in runs from before, which go on without it in metrics.csv."""
    with temporary() as runs, temporary() as others:
        arguments = (*SMALL, '--set', 'figure1=false')
        train(others, NAME, *arguments, '--epochs', '5')
        train(runs, NAME, *arguments, '--epochs', '3')
        path = folder(runs)
        name = os.path.basename(path)
        make_older(path, f'e_003_{name}', 'test_loss')
        before = read(path, 'metrics.csv')
        for words in (['list'], ['report', '--no-figures', '-o', runs]):
            run = subprocess.run([RETHINK, *words, '--runs', runs], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=60 * SLOWER)
            said = run.stdout if words == ['list'] else read(runs, 'report.html').decode()
            ok(run.returncode == 0 and name in said and '.json' not in run.stderr and '.csv' not in run.stderr,
               f'{words[0]} reads a run without a metric', run.stderr)
        more = train(runs, NAME, *arguments, '--epochs', '5')
        good, why = says(more, 0, r'Resuming training from epoch 4', r'metrics.csv: an older version began it without the column test_loss')
        ok(good, 'and resumed, with a warning', why)
        rows = [{k: v for k, v in row.items() if k != 'test_loss'} for row in metrics(folder(others))]
        ok(read(path, 'metrics.csv').startswith(before) and metrics(path) == rows, 'its metrics.csv keeps its columns', metrics(path))
        ok(result(path)['final'] == result(folder(others))['final'], 'and its last scores are whole', result(path)['final'])


def check_keeping():
    """checkpoint_every=1: what stays of the checkpoints."""

    def names(path):
        return [os.path.basename(c) for c in checkpoints(path)]

    with temporary() as runs:
        arguments = (*SMALL, '--set', 'checkpoint_every=1')
        train(runs, NAME, *arguments, '--epochs', '4')
        path = folder(runs)
        ok(names(path) == [f'e_003_{NAME}', f'e_004_{NAME}'], 'the newest stays, and one to fall back on', names(path))
        train(runs, NAME, *arguments, '--epochs', '6', '--set', 'keep_checkpoints=all')
        ok(len(names(path)) == 4, 'all stay', names(path))
        train(runs, NAME, *arguments, '--epochs', '7')
        ok(len(names(path)) == 5, 'and go on to, unless asked', names(path))
        train(runs, NAME, *arguments, '--epochs', '8', '--set', 'keep_checkpoints=1')
        ok(names(path) == [f'e_008_{NAME}'], 'only the newest', names(path))
        for checkpoint in checkpoints(path):  # as a version without the key left it
            config = read(checkpoint, 'config.yaml').replace(b'keep_checkpoints: 1\n', b'')
            with open(os.path.join(checkpoint, 'config.yaml'), 'wb') as f:
                f.write(config)
            sums = read(checkpoint, 'SHA256SUMS').decode()
            with open(os.path.join(checkpoint, 'SHA256SUMS'), 'w', encoding='utf-8') as f:
                f.write(re.sub(r'\w+(  config.yaml)', hashlib.sha256(config).hexdigest() + r'\1', sums))
        more = train(runs, NAME, *arguments, '--epochs', '11')
        ok(len(names(path)) == 4, 'a run of a version that kept all goes on to', names(path), more.stderr)
        wrong = train(runs, NAME, *arguments, '--set', 'keep_checkpoints=0')
        good, why = says(wrong, 3, "keep_checkpoints: expected all or a whole number from 1 to 1000000, got '0'")
        ok(good, 'none is too few', why)
    with temporary() as runs:  # labels that are learnt at once: the threshold's stays
        train(runs, 'MLP1_1.0_none', '--set', 'train_size=100', '--set', 'test_size=100', '--set', 'learning_rate=0.05', '--epochs', '60',
              '--set', 'curve=true', '--set', 'checkpoint_every=1')
        path = folder(runs)
        epoch = result(path)['threshold']['epoch']
        ok(0 < epoch < 58 and names(path) == [f'e_{e:03}_MLP1_1.0_none' for e in (epoch, 59, 60)], "the threshold's stays", epoch,
           names(path))
    with temporary() as runs:  # within the first epoch: two
        slow = ('--autosave', '1', '--set', 'batch_size=1', '--set', 'learning_rate=1.0e-6')
        process = subprocess.Popen(command(runs, NAME, *slow), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen = set()
        for _ in range(2000 * SLOWER):
            there = names(os.path.join(runs, 'MLP1', NAME))
            seen.add(len(there))
            if len(there) == 2 or not all('_b' in name for name in there):
                break
            time.sleep(0.01)
        process.kill()
        process.wait()
        ok(2 in seen, 'within the first epoch, the one before the newest stays', seen)


def check_published():
    """A config that the published program has run: its checkpoint is not one of ours, and nobody is left to guess."""
    with temporary() as runs:
        config = os.path.join(runs, 'published.yaml')
        with open(config, 'w', encoding='utf-8') as f:
            f.write('model_name: MLP1\nexperiment_name: MLP1_0.0_none\nlabel_corruption_prob: 0.0\n'
                    'resume_checkpoint: checkpoints/MLP1/e_010_MLP1_0.0_none.pt\ninterp_reached: true\nexperiment_key: abc\n')
        said = r'warning: resume_checkpoint: checkpoints/MLP1/e_010_MLP1_0.0_none.pt and interp_reached: true, in the config, are not ' \
               r'used, and training starts at the first epoch: PyTorch.*--init FILE'
        planned = train(runs, config, *SMALL, '--epochs', '2', '--dry-run')
        good, why = says(planned, 0, said)
        ok(good and 'starts at the first epoch' in planned.stdout, 'a published checkpoint is not taken without a word: --dry-run', why)
        first = train(runs, config, *SMALL, '--epochs', '2')
        good, why = says(first, 0, said)
        ok(good and first.stderr.count('warning') == 1 and re.search(said, read(folder(runs, 'MLP1_0.0_none'), 'log.txt').decode()),
           'nor by the run, nor in its log', why)
        kept = read(folder(runs, 'MLP1_0.0_none'), 'config.yaml').decode()
        ok('interp_reached: false' in kept and 'resume_checkpoint: e_002_MLP1_0.0_none' in kept and 'experiment_key: null' in kept,
           'whose own config has its own state', kept)
        more = train(runs, config, *SMALL, '--epochs', '3')
        good, why = says(more, 0, r'warning: resume_checkpoint: checkpoints/.*\.pt, in the config, is not used: the run resumes from '
                         r'.*/e_002_MLP1_0.0_none; --set resume_checkpoint', r'Resuming training from epoch 3')
        ok(good and more.stderr.count('warning') == 1, 'nor when there is one of ours', why)
        own = os.path.join(runs, 'own.yaml')
        shutil.copy(os.path.join(folder(runs, 'MLP1_0.0_none'), 'config.yaml'), own)
        again = train(runs, own, *SMALL, '--epochs', '4')
        ok(again.returncode == 0 and 'warning' not in again.stderr and 'Resuming training from epoch 4' in again.stderr,
           "a run's own config names its own checkpoint, which needs no word", again.stderr)
        shutil.rmtree(folder(runs, 'MLP1_0.0_none'))
        anew = train(runs, own, *SMALL, '--epochs', '1')
        good, why = says(anew, 0, r'resume_checkpoint: e_003_MLP1_0.0_none, in the config, is not used, and training starts at the first')
        ok(good, 'unless it is gone', why)
        ok('warning' not in train(runs, config, *SMALL, '--epochs', '1', '--fresh').stderr, '--fresh has said it itself')


def check_moving():
    with temporary() as runs, temporary() as elsewhere:
        train(elsewhere, NAME, *SMALL, '--epochs', '4')
        train(runs, NAME, *SMALL, '--epochs', '2')
        moved = os.path.join(elsewhere, 'moved')
        shutil.copytree(os.path.join(folder(runs), 'e_002_MLP1_0.5_none'), moved)
        here = subprocess.run([RETHINK, 'evaluate', folder(runs)], capture_output=True, text=True, timeout=60 * SLOWER)
        there = subprocess.run([RETHINK, 'evaluate', moved], capture_output=True, text=True, timeout=60 * SLOWER)
        ok(here.returncode == 0 and here.stdout.splitlines()[1:] == there.stdout.splitlines()[1:] and 'accuracy' in there.stdout,
           'a checkpoint evaluates wherever it lies', here.stdout, there.stdout, there.stderr)
        with temporary() as others:
            run = train(others, NAME, *SMALL, '--epochs', '4', '--set', f'resume_checkpoint={moved}')
            last = 'e_004_MLP1_0.5_none'
            ok(run.returncode == 0 and 'metrics.csv: not there: it will begin at step 4' in run.stderr and
               read(folder(others), last, 'model.safetensors') == read(folder(elsewhere, NAME), last, 'model.safetensors'),
               'and goes on from there', run.stderr)
        run = train(runs, os.path.join(folder(runs), 'config.yaml'), '--epochs', '4')
        ok(run.returncode == 0 and not differences(outcome(folder(elsewhere, NAME)), outcome(folder(runs))) ,
           "a run's own config.yaml goes on with it", run.stderr)


def check_two_processes():
    with temporary() as runs:
        first = subprocess.Popen(command(runs, NAME, *SMALL, '--epochs', '100000'), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(os.path.join(runs, 'MLP1', NAME, 'result.json')):
            time.sleep(0.05)
        second = train(runs, NAME, *SMALL)
        good, why = says(second, 5, rf'in use by process {first.pid};')
        ok(good, 'a second process on one run is refused with the number of the first', why)
        listed = subprocess.run([RETHINK, 'list', '--runs', runs], capture_output=True, text=True, timeout=60 * SLOWER)
        ok(re.search(r'MLP1_0.5_none +running ', listed.stdout), 'list says running', listed.stdout)
        first.kill()
        first.wait()
        listed = subprocess.run([RETHINK, 'list', '--runs', runs], capture_output=True, text=True, timeout=60 * SLOWER)
        ok(re.search(r'MLP1_0.5_none +interrupted ', listed.stdout), 'and interrupted after a kill', listed.stdout)
        third = subprocess.Popen(command(runs, NAME, *SMALL, '--epochs', '100000'), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        metrics = os.path.join(runs, 'MLP1', NAME, 'metrics.csv')  # killed early, the first may have left none
        while not os.path.exists(metrics) or len(read(metrics).splitlines()) < 20:
            time.sleep(0.05)
        third.send_signal(signal.SIGTERM)
        _, said = third.communicate(timeout=60 * SLOWER)
        ok(third.returncode == 6 and result(folder(runs, NAME))['state'] == 'interrupted' and 'Saved checkpoint' in said,
           'the lock of the dead is taken over; SIGTERM saves and stops', said)


def check_seeds():
    with temporary() as runs:
        arguments = (*SMALL, '--set', 'seed=null')
        train(runs, NAME, *arguments, '--epochs', '1')
        path = folder(runs, NAME)
        first = result(path)
        seed = int(re.search(r'^seed: (\d+)', read(path, 'config.yaml').decode(), re.MULTILINE).group(1))
        ok(first['seed'] == seed, 'a drawn seed is recorded', first)
        train(runs, NAME, *arguments, '--epochs', '2')
        second = result(path)
        ok((second['seed'], second['data']) == (seed, first['data']) and second['epochs'] == 2, 'and kept on resume', second)
        third = train(runs, NAME, *arguments, '--epochs', '3', '--set', 'reseed_on_resume=true')
        drawn = result(path)
        ok(drawn['seed'] != seed and drawn['data']['corruption_digest'] != first['data']['corruption_digest'] and drawn['epochs'] == 3,
           'reseed_on_resume draws another one, and other labels', third.stderr, drawn)


def check_diverging():
    with temporary() as runs:
        run = train(runs, NAME, *SMALL, '--epochs', '9', '--set', 'learning_rate=1000')
        good, why = says(run, 7, r'training loss became (NaN|infinite) at epoch')
        ok(good and result(folder(runs, NAME))['state'] == 'diverged', 'a diverged loss has its own exit code', why)
    with temporary() as runs:
        run = train(runs, NAME, *SMALL, '--epochs', '20', '--set', 'learning_rate=1000', '--set', 'figure1=false', '--set',
                    'checkpoint_every=1', '--set', 'train_size=256')
        path = folder(runs)
        shown = subprocess.run([RETHINK, 'evaluate', path], capture_output=True, text=True, timeout=60 * SLOWER)
        texts = [run.stderr, shown.stdout, *(read(path, name).decode() for name in ('metrics.csv', 'log.txt'))]
        ok(run.returncode == 7 and ',nan,' in texts[2] and not any('-nan' in text for text in texts),
           'what is no number is nan everywhere, never -nan', *texts)


def check_failing_starts():
    with temporary() as runs:
        run = subprocess.run([RETHINK, 'train', NAME, '--runs', runs, '--data', '/nonexistent'], capture_output=True, text=True,
                             timeout=60 * SLOWER)
        ok(run.returncode in (4, 5) and not os.listdir(runs), 'without data nothing is left behind', run.stderr, os.listdir(runs))
        run = train('/proc/nowhere', NAME, *SMALL)
        ok(run.returncode == 5 and '/proc/nowhere' in run.stderr, 'an unwritable place is named', run.stderr)


def check_looking():
    with temporary() as runs:
        run = train(runs, NAME, *SMALL, '--epochs', '3', '--dry-run')
        ok(run.returncode == 0 and 'epochs 1 to 3' in run.stdout and '1209866 parameters' in run.stdout and not os.listdir(runs),
           '--dry-run says what would be done, and does not', run.stdout, run.stderr)
        train(runs, NAME, *SMALL, '--epochs', '2')
        run = train(runs, NAME, *SMALL, '--epochs', '3', '--dry-run')
        ok('resumes from e_002_MLP1_0.5_none' in run.stdout and 'epochs 3 to 3' in run.stdout, 'also of a run that goes on', run.stdout)
        run = train(runs, 'MLP3_0.0_none', *SMALL, '--epochs', '6', '--set', 'checkpoint_every=1', '--set', 'keep_checkpoints=all', '--dry-run')
        said = re.search(r'# disk +at most ([\d.]+) MiB: (\d+) checkpoints of ([\d.]+) MiB at once, .*; \d+ MiB are free', run.stdout)
        train(runs, 'MLP3_0.0_none', *SMALL, '--epochs', '6', '--set', 'checkpoint_every=1', '--set', 'keep_checkpoints=all')
        path = folder(runs, 'MLP3_0.0_none')
        sizes = {name: os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names if 'e_0' not in at}
        one = sum(os.path.getsize(os.path.join(checkpoints(path)[0], name)) for name in os.listdir(checkpoints(path)[0]))
        whole = (sum(sizes.values()) + 6 * one) / 2**20
        ok(said and 0.5 * float(said[1]) < whole < float(said[1]) and 0 <= float(said[3]) - one / 2**20 < 0.2, 'and how much disk it needs',
           run.stdout, run.stderr, whole, one)
        run = train(runs, NAME, '--view')
        ok(run.returncode == 0 and '1,209,866' in run.stdout, '--view shows the network', run.stdout, run.stderr)
        run = train(runs, NAME, *SMALL, '--epochs', '3', '-q')
        ok(run.returncode == 0 and not run.stderr and 'Resuming' in read(folder(runs, NAME), 'log.txt').decode(),
           '-q is quiet, log.txt is not', run.stderr)


for check in (check_going_on, check_starting_over, check_damage, check_older_metrics, check_keeping, check_published, check_moving, check_two_processes, check_seeds, check_diverging,
              check_failing_starts, check_looking):
    check()
done()
