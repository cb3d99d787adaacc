"""The trackers' own Python packages, in an environment made for the tests: build/track-env, or $RT_TRACK_ENV.

`python3 tests/track/environment.py --make` makes it (.ci/run does; it needs a package index and some 900 MB). The
tests themselves make it only when RT_TRACK_MAKE=1; else they skip what needs it, and say why."""
import os
import subprocess
import sys

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.environ.get('RT_TRACK_ENV') or os.path.join(SOURCE, 'build', 'track-env')
PACKAGES = ['tensorboard', 'mlflow']


def python():
    return os.path.join(FOLDER, 'bin', 'python')


def usable():
    try:
        return subprocess.run([python(), '-c', 'import tensorboard, mlflow'], capture_output=True,
                              timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def make():
    """Returns None, or why it could not be made."""
    if usable():
        return None
    for command in ([sys.executable, '-m', 'venv', '--clear', FOLDER],
                    [python(), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *PACKAGES]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        except (OSError, subprocess.TimeoutExpired) as failure:
            return f'{command[0]}: {failure}'
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            return 'the environment cannot be made: ' + (lines[-1] if lines else f'exit {done.returncode}')
    return None if usable() else f'{FOLDER}: the packages do not load'


def missing():
    """None when the packages are there (made now if RT_TRACK_MAKE=1), else the reason to skip."""
    if usable():
        return None
    if os.environ.get('RT_TRACK_MAKE') == '1':
        return make()
    return 'needs tensorboard and mlflow: python3 tests/track/environment.py --make'


if __name__ == '__main__':
    problem = make() if '--make' in sys.argv else missing()
    print(problem or FOLDER)
    sys.exit(1 if problem else 0)
