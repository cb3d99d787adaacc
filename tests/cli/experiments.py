#!/usr/bin/env python3
"""What EXPERIMENT, --config, --set and --epochs mean: names, files, what is wrong with them and where."""
import os
import tempfile

from cli import CONFIG, IO, USAGE, done, empty, ok, refuses, run


def write(name, text):
    with open(name, 'wb') as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return name


def is_named(text, name):
    """Whether a config, as `rethink config` writes it, is what this built-in name says."""
    keys = dict(line.split(': ', 1) for line in text.splitlines() if ': ' in line)
    made = '_'.join(keys[key] for key in ('model_name', 'label_corruption_prob', 'data_corruption_type'))
    return name == (made if keys['figure1'] == 'true' else f'{keys["model_name"]}_bn{keys["bn"].title()}')


def check_names():
    names = run('config', '--list').out.split()
    published = [name for name in names if not name.split('_')[0].endswith('Paper')]
    ok(len(published) == 72 and len(names) == 72 + 2 * 14 == len(set(names)), "72 published experiments, and 14 of each of the paper's own networks", names)
    empty((name for name in names if 'experiment_name: null\n' not in (text := run('config', name).out) or not is_named(text, name)),
          'each name gives its experiment, whose name follows from its keys')
    refuses(['config', 'MLP1_0.5_non'], CONFIG, r"no experiment is called 'MLP1_0.5_non'; did you mean 'MLP1_0.5_none'\?")
    refuses(['config', 'nonsense-entirely'], CONFIG, r"'rethink config --list' names them")
    wanted = run('config', 'MLP1_0.5_none', '--set', 'label_corruption_prob=0.55').out
    ok(wanted and run('config', 'MLP1_0.55_none').out == wanted, 'a name with a probability between the published ones', wanted)
    wanted = run('config', 'WRN_0.0_shuff_pix', '--set', 'label_corruption_prob=0.25').out
    ok(wanted and run('config', 'WRN_0.25_shuff_pix').out == wanted, 'and with pixels and labels both corrupted', wanted)
    refuses(['config', 'MLP1_0.50_none'], CONFIG, r"no experiment is called 'MLP1_0.50_none'; did you mean 'MLP1_0.5_none'\?")
    refuses(['config', 'MLP1_1.5_none'], CONFIG, r"'MLP1_1.5_none': label_corruption_prob: expected a number from 0 to 1, got '1.5'")
    refuses(['config', 'MLP1_0.5.5_none'], CONFIG, r"'MLP1_0.5.5_none': label_corruption_prob: expected a number")
    refuses(['config', 'MPL1_0.5_none'], CONFIG, r"there is no model 'MPL1'; did you mean 'MLP1'\?")
    refuses(['config', 'AlexNetSmall_0.5_none'], CONFIG, r"did you mean 'AlexNet_0.5_none'\?")
    refuses(['config', 'x/mine_0.55_none.yaml'], IO, r'x/mine_0.55_none.yaml: no such file\n', 'a model that is not published')


def check_files():
    path = write('my.yaml', 'model_name: WRN\nseed: 5\n')
    by_path = run('config', path, cwd='.')
    ok('experiment_name: null\nmodel_name: WRN\n' in by_path.out and 'num_epochs: 50\n' in by_path.out,
       "a file over its model's defaults", by_path)
    ok(run('config', '--config', './my.yaml', cwd='.').out == by_path.out, '--config FILE')
    os.rename(path, 'my-experiment')
    ok(run('config', 'my-experiment', cwd='.').out == by_path.out, 'a file without suffix that is there')
    os.mkdir('MLP1_0.0_none')
    ok('experiment_name: null\nmodel_name: MLP1\n' in run('config', 'MLP1_0.0_none', cwd='.').out,
       'a folder called like an experiment is not in its way')
    refuses(['config', 'MLP1_0.0_none', '--config', 'my-experiment'], USAGE, r'one experiment at a time', cwd='.')
    refuses(['config', 'none.yaml'], IO, r'none.yaml: no such file\n', cwd='.')
    refuses(['config', 'experiments/MLP1/MLP1_0.0_none.yaml'], IO, r"'MLP1_0.0_none' is built in: give that name", cwd='.')
    refuses(['config', './MLP1_0.0_none'], IO, r'is a folder: a file is wanted', cwd='.')
    before = os.stat('my-experiment')
    run('config', 'my-experiment', '--epochs', '3', cwd='.')
    ok(os.stat('my-experiment').st_mtime_ns == before.st_mtime_ns, "the user's file is not written")


def check_refused():
    rows = [
        ('unknown key', 'seed: 1\nlearning-rate: 1\n', r"f.yaml:2:1: unknown key 'learning-rate'; did you mean 'learning_rate'\?"),
        ('wrong type', 'seed: 1\nbatch_size: many\n', r"f.yaml:2:13: batch_size: expected a whole number .* got 'many'"),
        ('out of range', 'label_corruption_prob: 2\n', r'f.yaml:1:24: label_corruption_prob: expected a number from 0 to 1'),
        ('twice', 'seed: 1\nseed: 1\n', r'f.yaml:2:1: .seed. is given twice'),
        ('unknown model', '# a comment\nmodel_name: WNR\n', r"f.yaml:2:13: model_name: there is no model 'WNR'; did you mean 'WRN'\?"),
        ('keys that exclude each other', 'augment: true\ndata_corruption_type: rand_pix\n', r'f.yaml: augment: true cannot'),
        ('not YAML', 'seed: [1\n', r'f.yaml:2:1: not valid YAML'),
        ('not text', b'\x00\x01\x02\xff', r'f.yaml:1:1: not valid YAML'),
        ('an image', b'\x89PNG\r\n\x1a\n' + b'x' * 100, r'f.yaml:1:1: not valid YAML'),
        ('too large', b'#' * (2 << 20), r'f.yaml is larger than'),
        ('a bomb', 'a: &a [x]\nb: &b [*a, *a]\n', r'f.yaml:1:4: anchors and tags are not used'),
        ('nothing', '', r'f.yaml holds no keys'),
    ]
    for what, text, message in rows:
        write('f.yaml', text)
        refuses(['config', 'f.yaml'], CONFIG, message, 'refused with its place: ' + what, cwd='.')
    if os.geteuid():
        os.chmod('f.yaml', 0)
        refuses(['config', 'f.yaml'], IO, r'cannot open f.yaml: Permission denied', cwd='.')


def check_assignments():
    refuses(['config', 'MLP1_0.0_none', '--set', 'seed'], USAGE, r"--set 'seed': expected KEY=VALUE")
    refuses(['config', 'MLP1_0.0_none', '--set', 'sed=1'], CONFIG, r"--set: unknown key 'sed'; did you mean 'seed'\?")
    refuses(['config', 'MLP1_0.0_none', '--set', 'seed=-1'], CONFIG, r"--set seed: expected null or a whole number from 0")
    refuses(['config', 'MLP1_0.0_none', '--set', 'bn=false'], CONFIG, r'bn: false is for model_name: Inception')
    refuses(['config', 'MLP1_0.0_none', '--set', 'model_name=VGG'], CONFIG, r"there is no model 'VGG'")
    result = run('config', 'WRN_0.0_shuff_pix', '--set', 'label_corruption_prob=0.25', '--set', 'model_name=AlexNetSmall')
    ok(is_named(result.out, 'AlexNet_0.25_shuff_pix'), 'model and corruption are changed', result)
    result = run('config', 'WRN_0.0_none', '--set', 'experiment_name=mine')
    ok('experiment_name: mine\n' in result.out, 'a name of its own stays', result)


def check_remarks():
    result = run('config', 'MLP1_0.0_none', '--set', 'device=cuda', '--set', 'num_workers=4', '--set', 'checkpoint_dir=x')
    lines = result.err.splitlines()
    ok(result.code == 0 and len(lines) == 2 and all('cannot take effect' in line for line in lines)
       and 'device: cuda\n' in result.out, 'what cannot take effect is said, once each', result)
    ok(not run('config', 'MLP1_0.0_none').err, 'the built-in ones have nothing of it')


def check_devices():
    dry = ['train', 'MLP1_0.0_none', '--data', 'shapes10', '--dry-run']
    for words in (['--device', 'cpu'], ['--device', 'auto'], ['--device', 'cpu:0'], ['--set', 'device=auto', '--engine', 'native']):
        result = run(*dry, *words)
        ok(result.code == 0 and 'engine ' in result.out, f'{words} computes', result)
    result = run(*dry, '--set', 'device=cuda', '--device', 'cpu')
    ok(result.code == 0 and 'device: cpu\n' in result.out, '--device overrides the key', result)
    ok('device: auto\n' in run(*dry, '--device', 'auto', '--set', 'precision=fp32').out, 'fp32 on the CPU')
    refuses([*dry, '--set', 'precision=bf16'], CONFIG, r'precision: engine native does not compute in bf16, only in fp32')
    refuses([*dry, '--device', 'tpu'], CONFIG, r"device: 'tpu', expected one of auto, cpu, cuda, or with a number")
    refuses([*dry, '--device', 'cpu:x'], CONFIG, r"device: 'cpu:x', expected one of")
    refuses([*dry, '--device', 'cpu:1'], CONFIG, r'device: cpu:1: there is 1, counted from 0')
    refuses([*dry, '--engine', 'fast'], CONFIG, r'engine: fast: this build has no such engine, only native on cpu')
    refuses([*dry, '--engine', 'native', '--device', 'cuda'], CONFIG, r'device: cuda: engine native computes on cpu')
    if 'cuda' not in run('train', '--help').out.split('--engine')[1].split('--device')[0]:
        refuses([*dry, '--device', 'cuda'], CONFIG, r'device: cuda: this build has no such engine, only native on cpu')


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    check_names()
    check_files()
    check_refused()
    check_assignments()
    check_remarks()
    check_devices()
    os.chdir('/')
done()
