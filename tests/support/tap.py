"""What the Python tests share: TAP lines on standard output. Use: ok(...), skip(...), ..., then done()."""
import os
import sys

SOURCE = os.environ.get('RT_SOURCE') or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RETHINK = os.environ.get('RETHINK') or os.path.join(SOURCE, 'build', 'rethink')
SHARED = os.environ.get('RT_SHARED') or os.path.join(os.path.dirname(SOURCE), 'shared')
# Time limits are times this: tools/valgrind and tools/sanitize say how much slower programs are under them.
SLOWER = int(os.environ.get('RT_SLOWER', 1))

_count = 0
_failed = 0


def _line(result, what, details=()):
    global _count
    _count += 1
    for detail in details:
        for line in str(detail).splitlines():
            print('#', line)
    print(f'{result} {_count} - {what}', flush=True)


def ok(condition, what, *details):
    """One result; the details are shown when it is bad."""
    global _failed
    _failed += not condition
    _line('ok' if condition else 'not ok', what, () if condition else details)
    return bool(condition)


def empty(problems, what):
    """Good when the list of problems is empty."""
    problems = list(problems)
    return ok(not problems, what, *problems)


def skip(what, why):
    _line('ok', f'{what} # SKIP {why}')


def skip_all(why):
    print(f'1..0 # SKIP {why}')
    sys.exit(0)


def done():
    print(f'1..{_count}')
    sys.exit(1 if _failed else 0)
