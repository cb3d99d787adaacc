#!/usr/bin/env python3
"""Bash completion and manual page: complete, valid, and of the same tables as --help."""
import os
import shutil
import subprocess
import tempfile

from cli import commands, done, empty, ok, options_of, run, skip


def complete(script, *words, cwd='/'):
    """What bash offers for the last of the words (of which "=" is one of its own, as readline splits them)."""
    code = ('source "$1"; shift; COMP_WORDS=(rethink "$@"); COMP_CWORD=$#; _rethink 2>/dev/null; '
            'printf "%s\\n" "${COMPREPLY[@]}"')
    process = subprocess.run(['bash', '--norc', '-c', code, 'bash', script, *words], cwd=cwd, capture_output=True,
                             text=True, timeout=60)
    return set(process.stdout.split('\n')) - {''}


def check_completion(folder):
    script = os.path.join(folder, 'rethink.bash')
    result = run('completion', 'bash')
    with open(script, 'w', encoding='utf-8') as f:
        f.write(result.out)
    syntax = subprocess.run(['bash', '-n', script], capture_output=True, text=True, timeout=60)
    ok(result.code == 0 and not syntax.stderr, 'the script is valid bash', syntax.stderr)
    if shutil.which('shellcheck'):
        lint = subprocess.run(['shellcheck', '-s', 'bash', script], capture_output=True, text=True, timeout=60)
        ok(lint.returncode == 0, 'shellcheck has no remark', lint.stdout)
    names = commands()
    first = {name.split()[0] for name in names}
    ok(complete(script, '') == first | {'--help', '--version'}, 'commands', complete(script, ''))
    ok(complete(script, 'con') == {'config'}, 'the rest of a command', complete(script, 'con'))
    bad = []
    for name in names:
        offered = complete(script, *name.split(), '--')
        wanted = {'--' + option for option in options_of(name)}
        if offered != wanted:
            bad.append(f'{name}: {offered ^ wanted}')
        if ' ' in name and name.split()[1] not in complete(script, name.split()[0], ''):
            bad.append(f'{name}: second word')
    empty(bad, 'every option of every command')
    ok(complete(script, 'config', 'MLP1_0.5') == {'MLP1_0.5_none'}, 'experiments')
    ok(len(complete(script, 'view', 'WRN_')) == 14, 'experiments of a model')
    ok(complete(script, 'config', 'x', '--set', 'mom') == {'momentum='}, 'keys')
    os.mkdir(os.path.join(folder, 'some folder'))
    open(os.path.join(folder, 'some.yaml'), 'w').close()
    ok(complete(script, 'config', '--config', 'some', cwd=folder) == {'some folder', 'some.yaml'}, 'files, with spaces')
    ok(complete(script, 'config', '--all', 'some', cwd=folder) == {'some folder'}, 'folders')
    ok(complete(script, 'config', '--all', '=', 'some', cwd=folder) == {'some folder'}, 'behind --option=')
    ok(complete(script, 'help', '') == first, 'commands behind help', complete(script, 'help', ''))
    ok(complete(script, 'help', 'data', '') == {name[5:] for name in names if name.startswith('data ')}, 'and their second words', complete(script, 'help', 'data', ''))
    ok(complete(script, 'help', 'train', '') == set(), 'and nothing behind those')
    ok(complete(script, 'figure1', '--models', 'MLP1,M') == {'MLP1,MLP1', 'MLP1,MLP3'}, 'the next of a list',
       complete(script, 'figure1', '--models', 'MLP1,M'))
    ok(complete(script, 'figure1', '--models', 'ML') == {'MLP1', 'MLP3'}, 'the first of a list')
    ok(complete(script, 'train', 'x', '--track', 'tensorboard,ml') == {'tensorboard,mlflow'}, 'of trackers')
    ok(complete(script, 'results', '--group-by', 'seed,batch_') == {'seed,batch_size'}, 'of columns',
       complete(script, 'results', '--group-by', 'seed,batch_'))
    ok(complete(script, 'train', 'MLP1_0.5') == {'MLP1_0.5_none'}, 'no list where there is one word')
    os.makedirs(os.path.join(folder, 'runs', 'MLP1', 'MLP1_0.3_none'))
    open(os.path.join(folder, 'runs', 'MLP1', 'MLP1_0.3_none', 'config.yaml'), 'w').close()
    ok(complete(script, 'evaluate', 'MLP', cwd=folder) == {'MLP1_0.3_none'}, 'runs by name', complete(script, 'evaluate', 'MLP', cwd=folder))
    ok(complete(script, 'nonsense', 'x') == set(), 'nothing for an unknown command')


def check_man(folder):
    page = run('man').out
    keys = [line.split(':')[0] for line in run('config', 'MLP1_0.0_none').out.splitlines() if line[:1].isalpha()]
    ok(page.startswith('.TH RETHINK 1') and len(keys) > 30, 'the page has its head', page[:80])
    empty((name for name in commands() if f'\n.SS rethink {name}'.replace('-', '\\-') not in page), 'every command')
    empty((key for key in keys if f'\n\\fB{key}\\fR' not in page), 'every key')
    empty((code for code in range(8) if f'\n\\fB{code}\\fR\n' not in page), 'every exit code')
    if not shutil.which('groff'):
        skip('groff has no remark', 'groff is not installed')
        return
    path = os.path.join(folder, 'rethink.1')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(page)
    process = subprocess.run(['groff', '-man', '-Tutf8', '-ww', path], capture_output=True, text=True, timeout=60)
    ok(process.returncode == 0 and not process.stderr, 'groff has no remark', process.stderr)


with tempfile.TemporaryDirectory() as scratch:
    check_completion(scratch)
    check_man(scratch)
done()
