"""What the tests of the command line share: one call of the program."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, SOURCE, done, empty, ok, skip  # noqa: F401  (for the tests that import this)

# base/error.h
USAGE, CONFIG, DATA, IO = 2, 3, 4, 5


class Result:
    def __init__(self, arguments, process):
        self.arguments = arguments
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def __str__(self):
        return f'rethink {" ".join(self.arguments)}: {self.code}\n{self.out}{self.err}'


def run(*arguments, **options):
    options.setdefault('cwd', '/')
    process = subprocess.run([RETHINK, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=60 * SLOWER, **options)
    return Result(arguments, process)


def refuses(arguments, code, pattern, what=None, **options):
    """Exit code `code`, nothing on standard output, and one line of error that the pattern matches."""
    result = run(*arguments, **options)
    good = (result.code == code and not result.out and result.err.startswith('rethink: ')
            and result.err.count('\n') == 1 and re.search(pattern, result.err))
    return ok(good, what or 'refused: ' + ' '.join(arguments), result)


def commands():
    """Names of the commands that --help lists."""
    text = run('--help').out
    block = text[text.index('\ncommands:\n') + 11:]
    return re.findall(r'^  (\S+(?: \S+)*?)(?:  |$)', block[:block.index('\n\n')], re.MULTILINE)


def options_of(command):
    """{--name: takes a value} as the command's --help lists them."""
    text = run(*command.split(), '--help').out
    block = text[text.index('\noptions:\n') + 10:].split('\n\n')[0]
    return {name: bool(value) for name, value in re.findall(r'^  (?:-\w, |    )--([\w-]+)( \S+)?', block, re.MULTILINE)}
