#!/usr/bin/env python3
"""What a person sees: a bar on a terminal, plain lines elsewhere, colours only where they are wanted."""
import os
import pty
import re
import subprocess
import sys
import tempfile
import fcntl
import struct
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import RETHINK, SLOWER, done, ok

ARGUMENTS = ['train', 'MLP1_0.5_none', '--data', 'shapes10', '--set', 'train_size=500', '--set', 'test_size=100', '--set', 'track=[]',
             '--epochs', '3']


def on_terminal(columns, *arguments, resize=0, **environment):
    """What stderr shows on a terminal of so many columns; `resize`: that it has as soon as there is a bar within an epoch."""
    with tempfile.TemporaryDirectory(prefix='rethink-console-') as runs:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        env = {key: value for key, value in os.environ.items() if key not in ('NO_COLOR', 'LC_ALL', 'LANG', 'LC_CTYPE')}
        process = subprocess.Popen([RETHINK, *ARGUMENTS, '--runs', runs, *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=theirs, env=dict(env, TERM='xterm', **environment))
        os.close(theirs)
        shown = b''
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody has the other end
                break
            if not piece:
                break
            shown += piece
            if resize and re.search(rb' [1-8]\d%\|', shown):
                fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack('HHHH', 24, resize, 0, 0))
                resize = 0
        os.close(ours)
        ok(process.wait() == 0, f'trains on a terminal of {columns} columns', shown)
        return shown.decode()


def lines(shown):
    """What remains on the screen: of each line, what was drawn last over it."""
    return [re.sub(r'\x1b\[\d*m', '', re.split(r'\r(?=[^\r])|\r\x1b\[K', line.rstrip('\r'))[-1]).replace('\x1b[K', '')
            for line in shown.split('\n')]


shown = on_terminal(130)
final = lines(shown)
bars = [line for line in final if re.match(r'epoch [123] of 3: 100%\|#+\| 4/4 \[\d\d:\d\d<00:00, run 00:0\d left, [\d.]+(batch/s|s/batch), train_acc=[\d.]+, train_loss=[\d.]+\]$', line)]
ok(len(bars) == 3 and '\x1b[36m' in shown, 'each epoch leaves a full bar, in colour', final)
ok(all(len(line) < 130 for line in final), 'no line is wider than the terminal', final)
ok(final[0].strip() == 'Running MLP1_0.5_none' and any(line.startswith('Saved checkpoint e_003') for line in final),
   'lines stand between the bars, not in them', final)
shown = on_terminal(120, NO_COLOR='1')
ok('\x1b[36m' not in shown and '100%|' in shown, 'NO_COLOR has no colours', shown)
shown = on_terminal(40)
narrow = [line for line in lines(shown) if re.match('[123]/3', line)]
ok(len(narrow) == 3 and all(len(line) < 40 and re.search(r'run 00:0\d left\]$', line) for line in narrow),
   'a narrow terminal has narrow bars, with the time left for the run', shown)
shown = on_terminal(130, '--set', 'batch_size=2', resize=60)
ok(re.search(r'\x1b\[2A\r\x1b\[J\r\d/3: ', shown) and len([line for line in lines(shown) if re.match(r'[123]/3: 100%', line)]) >= 2,
   'a terminal that becomes narrower has the bar folded on it cleared, and narrower ones', shown[-600:])
shown = on_terminal(100, '--epochs', '300')
ok(' of ~113' in shown or '1/~113: ' in shown, 'a run that stops at the threshold: where the published one did', shown[:600])
shown = on_terminal(120, LC_ALL='C.UTF-8')
ok('█' in shown, 'UTF-8 has blocks', shown)
shown = on_terminal(120, '-q')
ok(shown == '', '-q shows nothing', shown)
with tempfile.TemporaryDirectory(prefix='rethink-console-') as runs:
    run = subprocess.run([RETHINK, *ARGUMENTS, '--runs', runs], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * SLOWER)
    ok('\x1b' not in run.stderr and '\r' not in run.stderr and re.search(r'^epoch 3 of 3: 4/4 \[[\d.]+s, run 00:00 left, ', run.stderr, re.MULTILINE),
       'elsewhere there are plain lines', run.stderr)
done()
