#!/usr/bin/env python3
"""The frame of the command line: help of every command, wrong usage, exit codes, closed and full output."""
import os
import re
import subprocess
import tempfile

from cli import CONFIG, IO, RETHINK, SOURCE, USAGE, commands, done, empty, ok, options_of, refuses, run


def check_help():
    top = run('--help')
    ok(top.code == 0 and not top.err and top.out.startswith('usage: rethink COMMAND'), '--help', top)
    ok(top.out == run('help').out == run('-h').out, 'help and -h say the same')
    ok(all(len(line) <= 100 for line in top.out.splitlines()), '--help fits a terminal')
    codes = top.out[top.out.index('exit codes:'):]
    ok(all(f'\n  {code}  ' in codes for code in range(8)), 'all exit codes are there', codes)
    ok(run('--version').out.startswith('rethink ') and run('-V').code == 0, '--version')
    names = commands()
    ok({'config', 'view', 'help'} <= set(names), 'commands are listed', names)
    ok(not {'man', 'completion', 'config-table'} & set(names), 'what only the build calls is hidden', names)
    bad = []
    for name in names:
        one = run(*name.split(), '--help')
        if (one.code or one.err or not one.out.startswith(f'usage: rethink {name}') or '\nexamples:\n' not in one.out
                or one.out != run('help', *name.split()).out or run(*name.split(), '-h').out != one.out):
            bad.append(one)
        if f'\n  rethink {name}' not in one.out:
            bad.append(f'{name}: no example of it')
        if 'help' not in options_of(name):
            bad.append(f'{name}: {options_of(name)}')
    empty(bad, 'every command has --help, -h and help with examples of itself')


INTERNAL = {'RETHINK_SWEEP',  # set by a sweep for the runs that it starts
            'RETHINK_CUDA_DRIVER'}  # a driver without a GPU, for tests


def check_environment():
    used = set()
    for place, _, names in os.walk(os.path.join(SOURCE, 'src')):
        for name in names:
            with open(os.path.join(place, name), encoding='utf-8') as f:
                used |= set(re.findall(r'"(RETHINK_[A-Z_]+)"', f.read()))
    text = run('--help').out
    ok(used, 'variables of our own are found')
    empty((name for name in sorted(used - INTERNAL) if f'\n  {name} ' not in text), 'each is in --help')


def check_wrong_usage():
    refuses([], USAGE, r'a command is missing .*--help')
    refuses(['confg'], USAGE, r"unknown command 'confg'; did you mean 'config'\?")
    refuses(['frobnicate'], USAGE, r"unknown command 'frobnicate' \('rethink --help' lists them\)")
    refuses(['--config', 'x.yaml'], USAGE, r"'--config' before a command: try 'rethink train --config")
    refuses(['config', '--sett', 'seed=1'], USAGE, r"unknown option '--sett'; did you mean '--set'\?")
    refuses(['config', '--frobnicate'], USAGE, r"unknown option '--frobnicate' \('rethink config --help'")
    refuses(['config', '-x'], USAGE, r"unknown option '-x'")
    refuses(['config', '--set'], USAGE, r'--set needs a value: --set KEY=VALUE')
    refuses(['config', '--list=3'], USAGE, r"--list takes no value, got '3'")
    refuses(['config', 'a', 'b'], USAGE, r"takes only EXPERIMENT, and 'b' is one too many")
    refuses(['config'], USAGE, r"'rethink config' needs an EXPERIMENT")
    refuses(['help', 'confg'], USAGE, r"did you mean 'config'")
    refuses(['man', 'x'], USAGE, r"takes no operands, and 'x' is one too many")
    refuses(['completion'], USAGE, r'needs bash')
    refuses(['completion', 'zsh'], USAGE, r"no completion for 'zsh'")
    refuses(['train', 'MLP1_0.0_none', '--threads', 'ten'], USAGE, r"--threads 'ten' is not a whole number")
    refuses(['train', 'MLP1_0.0_none', '--threads', ''], USAGE, r"--threads '' is not a whole number")
    refuses(['train', 'MLP1_0.0_none', '--threads', '0'], USAGE, r'--threads 0 is out of range: 1 to')
    refuses(['train', 'MLP1_0.0_none', '--threads', '99999999999999999999'], USAGE, r'out of range')
    for value in ('ten', '', '0', '2.5', '99999999999999999999'):
        refuses(['config', 'MLP1_0.0_none', '--epochs', value], USAGE,
                f"--epochs: num_epochs: expected a whole number from 1 to 1000000, got '{value}'")


def check_shorthands():
    """The options that stand for config keys, on every command with --set for an experiment."""
    shorthands = {'lr': ('learning_rate', '0.1'), 'batch-size': ('batch_size', '64'), 'seed': ('seed', '7'),
                  'epochs': ('num_epochs', '9'), 'label-noise': ('label_corruption_prob', '0.3'), 'train-size': ('train_size', '500')}
    for option, (key, value) in shorthands.items():
        wanted = run('config', 'MLP1_0.0_none', '--set', f'{key}={value}').out
        name = option.replace('-', '_')
        forms = [['--' + option, value], ['--set', f'{option}={value}'], ['--set', f'{key}=1', '--' + option, value]]
        if name != 'label_noise':  # a key of that name: the kind of noise
            forms.append(['--set', f'{name}={value}'])
        empty((form for form in forms if not wanted or run('config', 'MLP1_0.0_none', *form).out != wanted),
              f'--{option} is --set {key}=, also as --set {option}=, and the last one wins')
        ok(name in (key, 'label_noise') or f'\n{name}:' not in wanted, 'a config has full names', wanted)
    empty((f'{command} --{option}' for command in ('train', 'sweep', 'figure1', 'view', 'config') for option in [*shorthands, 'device']
           if option not in options_of(command) and (command, option) not in (('view', 'device'), ('config', 'device'))),
          'train, sweep and the others have them as options')
    script = run('sweep', 'MLP1_0.0_none', '--lr', '0.01,0.02', '--epochs', '3', '--launcher', 'print', '--runs', '/nowhere').out
    ok('learning_rate=0.02' in script and script.count('--epochs 3') == 2, 'several values make a grid', script)
    refuses(['config', 'MLP1_0.0_none', '--lr', 'fast'], USAGE, r"--lr: learning_rate: expected a number from 0 to 1000, got 'fast'")
    refuses(['sweep', 'MLP1_0.0_none', '--lr', '0.1,fast'], USAGE, r"--lr: learning_rate: expected a number from 0 to 1000, got 'fast'")
    refuses(['train', 'MLP1_0.0_none', '--lr', '0.1,0.2'], USAGE, r"got '0.1,0.2'; 'rethink sweep' takes several values")
    refuses(['train', 'MLP1_0.0_none', '--set', 'batch_size=2,3'], CONFIG, r"got '2,3'; 'rethink sweep' takes several values")
    refuses(['train', 'MLP1_0.0_none', '--momentum', '0.5'], USAGE, r"unknown option '--momentum'; '--set momentum=0.5' sets this config key")
    refuses(['sweep', 'MLP1_0.0_none', '--weight-decay=1e-4'], USAGE, r"'--set weight_decay=1e-4' sets")
    refuses(['evaluate', 'x', '--momentum', '0.5'], USAGE, r"unknown option '--momentum' \('rethink evaluate --help'")


def check_training_is_offered():
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, 'my.yaml'), 'w', encoding='utf-8') as f:
            f.write('seed: 1\n')
        refuses(['my.yaml', '--lr', '0.1'], USAGE, r"my.yaml is an experiment: 'rethink train my.yaml --lr 0.1' trains it", cwd=place)
    refuses(['MLP1_0.55_none', '--epochs', '3'], USAGE, r"MLP1_0.55_none is an experiment: 'rethink train MLP1_0.55_none --epochs 3' trains")
    refuses(['MLP1'], USAGE, r"'MLP1' is a model: 'rethink train MLP1_0.0_none' trains it on true labels")
    refuses(['train', 'WideResNet'], CONFIG, r"'WideResNet' is a model: 'rethink train WRN_0.0_none' is it")
    refuses(['sweep', 'MLP1'], USAGE, r"'MLP1' is a model: 'rethink sweep \"MLP1_\*_none\"' is it")
    refuses(['x' * 300, 'y' * 300], USAGE, r"unknown command 'xxx")


def check_forms():
    plain = run('config', 'MLP1_0.0_none', '--set', 'seed=1', '--epochs', '3').out
    forms = [['config', '--set=seed=1', '--epochs=3', 'MLP1_0.0_none'], ['config', '--set', 'seed=1', 'MLP1_0.0_none', '--epochs=3'],
             ['config', '--epochs', '7', '--set', 'seed=1', '--epochs', '3', '--', 'MLP1_0.0_none']]
    ok('seed: 1\n' in plain and 'num_epochs: 3\n' in plain, 'options change the experiment', plain)
    empty((form for form in forms if run(*form).out != plain),
          'options before and behind operands, with = or a space, the last of several, and --')
    refuses(['config', '--', '--list'], 3, r"no experiment is called '--list'", 'behind -- nothing is an option')


def check_output():
    with open('/dev/full', 'w') as full:
        process = subprocess.run([RETHINK, 'config', '--keys'], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    ok(process.returncode == IO and 'cannot write to standard output: No space left' in process.stderr,
       'a full disk behind > is an error', process.stderr)
    process = subprocess.run(['bash', '-c', f'"{RETHINK}" config --keys | true; echo ${{PIPESTATUS[0]}}'],
                             capture_output=True, text=True, timeout=60)
    ok(process.stdout in ('5\n', '0\n') and not process.stderr, 'a pipe that is closed early is no noise', process)


check_help()
check_environment()
check_wrong_usage()
check_shorthands()
check_training_is_offered()
check_forms()
check_output()
done()
