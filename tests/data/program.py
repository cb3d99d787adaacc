"""The program as the tests of data start it: without the user's own $RETHINK_DATA."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
import tap  # noqa: E402


def rethink(*arguments, **environment):
    clean = {k: v for k, v in os.environ.items() if k != 'RETHINK_DATA'}
    return subprocess.run([tap.RETHINK, *map(str, arguments)], capture_output=True, text=True, timeout=300 * tap.SLOWER,
                          env={**clean, **{k: str(v) for k, v in environment.items()}})


def shown(done):
    return f'exit {done.returncode}', done.stdout, done.stderr


def one_error(done, status, *words):
    return done.returncode == status and not done.stdout and done.stderr.count('\n') == 1 and \
        all(str(word) in done.stderr for word in words)
