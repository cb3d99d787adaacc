#!/usr/bin/env python3
"""The bundle runs in bare systems: Debian 11 (glibc 2.31, older than what the project is built on) and Debian 13 (newer),
from a folder of no special name, as a user who is not root, and trains to the very bytes of the program built here."""
import glob
import hashlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SOURCE, done, ok, skip, skip_all

FOLDER = os.path.abspath(sys.argv[1])
NOBODY = '65534:65534'
TRAIN = ['train', 'MLP1_0.5_none', '--data', 'shapes10', '--set', 'train_size=256', '--set', 'test_size=100', '--epochs', '2',
         '--threads', '2', '--quiet', '--runs', 'runs']


def run(*command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def weights_in(folder):
    found = glob.glob(os.path.join(folder, 'runs', 'MLP1', 'MLP1_0.5_none', 'e_002*', 'model.safetensors'))
    return [hashlib.sha256(open(path, 'rb').read()).hexdigest() for path in found]


def bare(suite):
    """A fresh minimal system in FOLDER/SUITE, or None where it cannot be had."""
    root, archive = os.path.join(FOLDER, suite), os.path.join(FOLDER, f'{suite}.tar')
    shutil.rmtree(root, ignore_errors=True)
    if not os.path.exists(archive):
        made = run('debootstrap', '--variant=minbase', suite, root)
        if made.returncode:
            shutil.rmtree(root, ignore_errors=True)
            return None
        run('tar', '-C', root, '-cf', archive, '--one-file-system', '.', check=True)
    else:
        os.makedirs(root)
        run('tar', '-C', root, '-xf', archive, check=True)
    return root


def try_in(suite, archive, want):
    root = bare(suite)
    if not root:
        skip(f'{suite}: the bundle runs', 'debootstrap cannot fetch it here')
        return
    home = os.path.join(root, 'srv', 'any folder')
    os.makedirs(home)
    run('tar', '-C', home, '-xf', archive, check=True)
    run('chown', '-R', NOBODY, home, check=True)
    name = os.path.basename(archive)[:-len('.tar.xz')]
    program = f'./{name}/bin/rethink'
    # The loader finds libraries beside the program by /proc/self/exe; a mount of its own goes with the process.
    inside = ['unshare', '--mount', '/bin/sh', '-c', f'mount -t proc proc "{root}/proc" && exec "$@"', 'sh',
              'chroot', f'--userspec={NOBODY}', root, '/bin/sh', '-c', 'cd "/srv/any folder" && exec "$@"', 'sh']
    version = run(*inside, program, '--version')
    ok(version.returncode == 0 and version.stdout == run(RETHINK, '--version').stdout, f'{suite}: --version', version.stdout)
    trained = run(*inside, program, *TRAIN)
    ok(trained.returncode == 0, f'{suite}: it trains', trained.stdout)
    ok(len(want) == 1 and weights_in(home) == want, f'{suite}: to the bytes of the program built here', weights_in(home), want)
    for path in ('share/man/man1/rethink.1', 'share/bash-completion/completions/rethink', 'share/doc/rethink/LICENSE'):
        ok(os.path.getsize(os.path.join(home, name, path)) > 0, f'{suite}: {path} is there')
    shutil.rmtree(root)


def main():
    if os.geteuid():
        skip_all('makes bare systems and enters them: needs root')
    if run('unshare', '--mount', 'true').returncode:
        skip_all('mounts of its own are not allowed here')
    for tool in ('debootstrap', 'chroot', 'unshare', 'apt-get', 'dpkg-deb', 'objdump'):
        if not shutil.which(tool, path=os.environ.get('PATH', '') + ':/usr/sbin'):
            skip_all(f'needs {tool}')
    made = run(os.path.join(SOURCE, 'tools', 'bundle'), FOLDER)
    if made.returncode and 'apt' in made.stdout and not os.path.isdir(os.path.join(FOLDER, 'sysroot')):
        skip_all(f"Debian 11's libraries cannot be fetched here: {made.stdout.splitlines()[-1]}")
    if not ok(made.returncode == 0, 'tools/bundle', made.stdout):
        done()
    archive = made.stdout.splitlines()[-1]
    here = os.path.join(FOLDER, 'here')
    shutil.rmtree(here, ignore_errors=True)
    os.makedirs(here)
    trained = run(RETHINK, *TRAIN, cwd=here)
    ok(trained.returncode == 0, 'the program built here trains', trained.stdout)
    for suite in ('bullseye', 'trixie'):
        try_in(suite, archive, weights_in(here))
    done()


if __name__ == '__main__':
    main()
