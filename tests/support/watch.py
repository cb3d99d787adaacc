"""What a command did to the machine, by strace: the files it may have changed, the programs it started, the addresses it
went to."""
import os
import re
import shutil

CALLS = 'open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,' \
        'truncate,chmod,fchmodat,mknod,mknodat,utimensat'
# not ours: the font library of gnuplot renews its cache, in the first place that it may write, where fonts are newer
FONT_CACHE = re.compile(r'/var/cache/fontconfig(/|$)|.*/home/\.cache(/fontconfig(/|$)|$)|.*/home/\.fontconfig(/|$)')
PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"')


def why_not():
    """Why nothing can be watched here, or None."""
    if not shutil.which('strace'):
        return 'strace is not installed'
    if 'detect_leaks=1' in os.environ.get('ASAN_OPTIONS', '') or 'RT_VALGRIND' in os.environ:
        return 'strace and memory checkers cannot watch one process together'
    return None


def command(log, more=''):
    return ['strace', '-f', '-y', '-qq', '-s', '4096', '-o', log, '-e', 'trace=' + CALLS + more]


def _lines(log):
    with open(log, encoding='utf-8', errors='replace') as f:
        yield from f


def written(log, folder):
    """(the call's line, path) of every call that may change a file and did not fail; `folder` is where the command ran."""
    for line in _lines(log):
        if ' = -1 ' in line or 'resumed>' in line or not re.search(r'^\d+ +\w+\(', line):
            continue
        if re.search(r'\bopen', line) and not re.search('O_WRONLY|O_RDWR|O_CREAT|O_TRUNC', line):
            continue
        if re.search(r'^\d+ +(execve|connect)\(', line):
            continue
        for place, name in PATH.findall(line):
            path = os.path.normpath(os.path.join(place or folder, name))
            if not FONT_CACHE.match(path):
                yield line.strip(), path


def programs(log):
    """The names of the programs that were started (trace execve)."""
    return [os.path.basename(m.group(1)) for m in (re.search(r'execve\("([^"]*)".*= 0$', line) for line in _lines(log)) if m]


def addresses(log):
    """ADDRESS:PORT of every connection tried over the network (trace connect)."""
    for line in _lines(log):
        m = re.search(r'connect\(.*sin6?_port=htons\((\d+)\).*?"([^"]*)"', line)
        if m:
            yield f'{m.group(2)}:{m.group(1)}'
