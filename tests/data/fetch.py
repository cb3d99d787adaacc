"""Fetching over a loopback server that behaves and misbehaves, and unpacking archives that strangers made.

The server breaks off, redirects, ignores ranges, answers errors, sends too much or other bytes. After every refusal
nothing may be left but what a later fetch can use.
"""
import bz2
import gzip
import hashlib
import http.server
import io
import lzma
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))
import tap  # noqa: E402
from python2_pickle import Python2  # noqa: E402

DRIVE = os.environ['RT_FETCH_DRIVE']
FILE_BYTES = 30730
FOLDER = 'cifar-10-batches-bin/'
NAMES = ['data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin', 'data_batch_4.bin', 'data_batch_5.bin',
         'test_batch.bin']
CONFIG, DATA, IO = 3, 4, 5
HARDLINK, SYMLINK, DIRECTORY = '1', '2', '5'
noise = random.Random(42)
CONTENTS = {FOLDER + name: noise.randbytes(FILE_BYTES) for name in NAMES}
CONTENTS[FOLDER + 'batches.meta.txt'] = b'airplane\nautomobile\n'


def archive(contents=None, extra=(), drop=(), compress=True):
    """A tar.gz of the contents; `extra` are further (name, bytes, or the type as a str)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.USTAR_FORMAT) as tar:
        members = [(FOLDER.rstrip('/'), DIRECTORY), *(contents or CONTENTS).items(), *extra]
        for name, what in members:
            if name in drop:
                continue
            info = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                info.size = len(what)
                tar.addfile(info, io.BytesIO(what))
            else:
                info.type, info.linkname = what.encode(), '/etc/passwd'
                tar.addfile(info)
    return gzip.compress(out.getvalue(), 1) if compress else out.getvalue()


GOOD = archive()


class Server(http.server.BaseHTTPRequestHandler):
    """/NAME[/...]: answers as the method NAME says. The requests are noted in `seen` as (path, Range)."""
    seen, body, breaks = [], GOOD, 0

    def do_GET(self):
        type(self).seen.append((self.path, self.headers.get('Range')))
        getattr(self, self.path.strip('/').split('/')[0])()

    def log_message(self, *_):
        pass

    def start(self):
        value = self.headers.get('Range')
        return int(value.split('=')[1].rstrip('-')) if value else 0

    def answer(self, status, body, length=None, **headers):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.end_headers()
        self.wfile.write(body)

    def good(self, body=None):
        body = self.body if body is None else body
        at, total = self.start(), len(body)
        if at >= total > 0:
            return self.answer(416, b'')
        if at:
            return self.answer(206, body[at:], Content_Range=f'bytes {at}-{total - 1}/{total}')
        return self.answer(200, body)

    def breaking(self):
        """Sends a third of what is missing and closes, twice; then all of it."""
        kind = type(self)
        kind.breaks += 1
        if kind.breaks > 2:
            return self.good()
        at, total = self.start(), len(self.body)
        rest = self.body[at:]
        headers = {'Content_Range': f'bytes {at}-{total - 1}/{total}'} if at else {}
        self.answer(206 if at else 200, rest[:len(rest) // 3], len(rest), **headers)
        self.close_connection = True

    def half(self):
        """Always breaks off after 1000 bytes from the beginning; never goes on."""
        if self.start():
            return self.answer(503, b'')
        self.answer(200, self.body[:1000], len(self.body))
        self.close_connection = True

    def norange(self):
        self.answer(200, self.body)

    def moved(self):
        self.answer(302, b'gone', Location='/good')

    def loop(self):
        self.answer(302, b'', Location='/loop')

    def tofile(self):
        self.answer(302, b'', Location='file:///etc/passwd')

    def missing(self):
        self.answer(404, b'<html>not found</html>')

    def html(self):
        self.answer(200, b'<html>please log in</html>')

    def other(self):
        """The right size, one bit wrong."""
        self.good(self.body[:-9] + bytes([self.body[-9] ^ 1]) + self.body[-8:])

    def endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(65536))
        except OSError:
            pass

    def silent(self):
        self.answer(200, b'', len(self.body))
        self.wfile.flush()
        threading.Event().wait(6)

    def once(self):
        """Hangs behind its headers the first time."""
        kind = type(self)
        kind.breaks += 1
        return self.silent() if kind.breaks == 1 else self.good()

    def slowly(self, burst, step):
        """`burst` bytes at once, then `step` bytes each 0.2 s."""
        at, total = self.start(), len(self.body)
        headers = {'Content_Range': f'bytes {at}-{total - 1}/{total}'} if at else {}
        try:
            self.answer(206 if at else 200, self.body[at:burst], total - at, **headers)
            for i in range(max(at, burst), total, step):
                threading.Event().wait(0.2)
                self.wfile.write(self.body[i:i + step])
                self.wfile.flush()
        except OSError:
            pass

    def drips(self):
        self.slowly(100000, 2)

    def steady(self):
        self.slowly(len(self.body) - 20000, 800)


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
BASE = f'http://127.0.0.1:{server.server_port}/'


def sha(data):
    return hashlib.sha256(data).hexdigest()


def fetch(home, *urls, pinned=GOOD, force=False, env=None):
    Server.seen, Server.breaks = [], 0
    done = subprocess.run([DRIVE, str(home), sha(pinned), str(len(pinned)), str(FILE_BYTES),
                           ','.join(sha(CONTENTS[FOLDER + name]) for name in NAMES),
                           'force' if force else 'keep', *map(str, urls)], capture_output=True, text=True, timeout=60 * tap.SLOWER,
                          env=env)
    return done.returncode, done.stdout


def is_whole(home):
    folder = home / FOLDER
    return folder.is_dir() and {p.name: p.read_bytes() for p in folder.iterdir()} == \
        {name[len(FOLDER):]: data for name, data in CONTENTS.items()}


def left(home):
    return sorted(p.name for p in home.iterdir()) if home.exists() else []


def case(function):
    with tempfile.TemporaryDirectory() as scratch:
        function(pathlib.Path(scratch))


def installs(what, *urls, prepare=None, pinned=GOOD, check=lambda output: True, force=False):
    def run(scratch):
        home = scratch / 'a' / 'home'
        if prepare:
            home.mkdir(parents=True)
            prepare(home)
        code, output = fetch(home, *urls, pinned=pinned, force=force)
        tap.ok(code == 0 and is_whole(home) and left(home) == ['cifar-10-batches-bin'] and check(output), what,
               code, output, left(home), Server.seen)
    case(run)


def refuses(what, status, words, *urls, prepare=None, pinned=GOOD, leaves=()):
    def run(scratch):
        home = scratch / 'home'
        home.mkdir()
        if prepare:
            prepare(home)
        code, output = fetch(home, *urls, pinned=pinned)
        good = code == status and output.count('\n') == 1 and all(word in output for word in words)
        tap.ok(good and left(home) == sorted(leaves), what, code, output, left(home), Server.seen)
    case(run)


PART = '.cifar-10-binary.tar.gz.part'


def part(data):
    return lambda home: (home / PART).write_bytes(data)


def ranges(*want):
    return lambda output: [value for _, value in Server.seen] == list(want)


installs('a server that behaves', BASE + 'good', check=lambda out: f'progress: {len(GOOD)}' in out)
installs('a redirect is followed', BASE + 'moved', check=lambda out: len(Server.seen) == 2)
third = len(GOOD) // 3
fifth = third + (len(GOOD) - third) // 3
installs('a server that breaks off twice: gone on with by Range', BASE + 'breaking',
         check=ranges(None, f'bytes={third}-', f'bytes={fifth}-'))
installs('an earlier download is gone on with', BASE + 'good', prepare=part(GOOD[:5000]), check=ranges('bytes=5000-'))
installs('a server without ranges: from the beginning', BASE + 'norange', prepare=part(GOOD[:5000]),
         check=ranges('bytes=5000-', None))
installs('a whole earlier download needs no server', BASE + 'missing', prepare=part(GOOD), check=ranges())
installs('an earlier download longer than the archive starts over', BASE + 'good', prepare=part(GOOD + b'x'),
         check=ranges(None))
installs('the next mirror when the first is missing', BASE + 'missing', BASE + 'good')
installs('the next mirror when the first has other bytes', BASE + 'other', BASE + 'good')
installs('the next mirror when the first breaks off: it goes on', BASE + 'half', BASE + 'good',
         check=lambda out: Server.seen[-1] == ('/good', 'bytes=1000-'))
installs('the next mirror when the first hangs behind its headers', BASE + 'silent', BASE + 'good')
installs('the next mirror when the first gives ten bytes a second: it goes on', BASE + 'drips', BASE + 'good',
         check=lambda out: Server.seen[-1][0] == '/good' and int(Server.seen[-1][1][6:-1]) > 100000)
installs('the first again when it hung and no mirror has it', BASE + 'once', BASE + 'missing',
         check=lambda out: [where for where, _ in Server.seen] == ['/once', '/missing', '/once'])
installs('the first again, more patiently, when it is only slow', BASE + 'steady',
         check=lambda out: [where for where, _ in Server.seen] == ['/steady', '/steady'])
installs('what a killed fetch left is removed', BASE + 'good',
         prepare=lambda home: (home / '.cifar-10-batches-bin.999999-0.tmp').mkdir())
with tempfile.TemporaryDirectory() as scratch:
    path = pathlib.Path(scratch) / 'an archive.tar.gz'
    path.write_bytes(GOOD)
    installs('a path', path, check=lambda out: path.read_bytes() == GOOD)
    installs('a file:// URL', 'file://' + str(path).replace(' ', '%20'))
    for suffix, pack in {'tar': bytes, 'tar.gz': lambda data: gzip.compress(data, 6), 'tar.bz2': bz2.compress, 'tar.xz': lzma.compress}.items():
        again = pathlib.Path(scratch) / f'again.{suffix}'
        again.write_bytes(pack(archive(compress=False)))
        installs(f'a path to the official files, packed anew as {suffix}', again)
    again.write_bytes(lzma.compress(archive({**CONTENTS, FOLDER + NAMES[4]: noise.randbytes(FILE_BYTES)}, compress=False)))
    refuses('a path to other files', DATA, ['SHA-256', 'official', NAMES[4], sha(CONTENTS[FOLDER + NAMES[4]])], again)
    Server.body = lzma.compress(archive(compress=False))
    refuses('but not packed anew from a server', DATA, ['not it'], BASE + 'good')
    Server.body = GOOD
    refuses('a path to nothing', IO, ['nothing'], pathlib.Path(scratch) / 'nothing')

refuses('a missing page', IO, ['/missing', '404'], BASE + 'missing')
refuses('a log-in page instead', DATA, ['/html', '26 bytes'], BASE + 'html')
refuses('one bit wrong', DATA, ['/other', 'SHA-256', sha(GOOD)], BASE + 'other')
refuses('more than the archive', DATA, ['more than'], BASE + 'endless')
with tempfile.TemporaryDirectory() as scratch:
    os.mkfifo(scratch + '/fifo')
    refuses('a FIFO', IO, ['regular'], scratch + '/fifo')
refuses('a server that falls silent', IO, ['/silent'], BASE + 'silent')
refuses('a server that always breaks off: kept for later', IO, ['/half'], BASE + 'half', leaves=[PART])
refuses('a redirect in circles', CONFIG, ['/loop'], BASE + 'loop')
refuses('a redirect to a local file', CONFIG, ['/tofile'], BASE + 'tofile')
refuses('nobody there', IO, ['127.0.0.1'], 'http://127.0.0.1:1/x')
refuses('no URL that is one', CONFIG, ['ftp'], 'ftp://127.0.0.1/x')


def keeps_installed(scratch):
    fetch(scratch, BASE + 'good')
    code, output = fetch(scratch, BASE + 'good')
    tap.ok(code == IO and '--force' in output and not Server.seen, 'what is installed is not touched', code, output)
    mark = scratch / FOLDER / 'mark'
    mark.write_text('old')
    code, output = fetch(scratch, BASE + 'other', force=True)
    tap.ok(code == DATA and mark.exists(), 'not even with --force when the new one is refused', output)
    code, output = fetch(scratch, BASE + 'good', force=True)
    tap.ok(code == 0 and is_whole(scratch) and left(scratch) == ['cifar-10-batches-bin'], 'but replaced else', output)


def locked(scratch):
    import fcntl
    handle = os.open(scratch, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    code, output = fetch(scratch, BASE + 'good')
    os.close(handle)
    tap.ok(code == IO and 'another' in output and not left(scratch), 'two fetches at once: the second is refused',
           output)


def unwritable(scratch):
    (scratch / 'file').write_text('')
    code, output = fetch(scratch / 'file' / 'home', BASE + 'good')
    tap.ok(code == IO and 'file' in output and not Server.seen, 'a data directory that cannot be made', output)


def swapped(scratch):
    """A file that is another one at each look: what is installed is what was hashed, or nothing is."""
    contents, codes = dict(CONTENTS), set()
    while True:
        contents[FOLDER + NAMES[0]] = noise.randbytes(FILE_BYTES)
        other = archive(contents)
        if len(other) == len(GOOD):
            break
    path, stop = scratch / 'archive.tar.gz', threading.Event()
    path.write_bytes(GOOD)

    def swap():
        for i in range(1 << 30):
            if stop.is_set():
                return
            (scratch / 'next').write_bytes((other, GOOD)[i % 2])
            os.replace(scratch / 'next', path)

    thread = threading.Thread(target=swap)
    thread.start()
    bad = []
    for i in range(12):
        code, output = fetch(scratch / f'home{i}', path)
        codes.add(code)
        if code not in (0, DATA) or (code == 0) != is_whole(scratch / f'home{i}') or (code and left(scratch / f'home{i}')):
            bad.append((code, output))
    stop.set()
    thread.join()
    tap.empty(bad, f'a file that changes while it is fetched: only what was hashed is installed (exit codes {codes})')


case(swapped)
case(keeps_installed)
case(locked)
case(unwritable)

# The Python version: 10,000 images a batch, so these have the real sizes.
PYTHON_FOLDER = 'cifar-10-batches-py/'
BLUES = noise.randbytes(256)


def batch(number):
    """(labels, pixels) of a batch of its own."""
    return [(i + number) % 10 for i in range(10000)], b''.join(bytes([number, i & 255]) * 1408 + BLUES for i in range(10000))


def binary(labels, pixels):
    return b''.join(bytes([label]) + pixels[3072 * i:3072 * (i + 1)] for i, label in enumerate(labels))


def pickled(labels, pixels):
    return Python2().batch({b'batch_label': b'one', b'labels': labels, b'data': bytearray(pixels), b'filenames': [b'a.png'] * 10000})


def python_version(scratch):
    made = {name: batch(number) for number, name in enumerate(NAMES)}
    want = {name: binary(*what) for name, what in made.items()} | {
        'batches.meta.txt': b'airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n'}
    good = {PYTHON_FOLDER + name[:-4]: pickled(*what) for name, what in made.items()}
    digests = ','.join(sha(want[name]) for name in NAMES)
    path, home = scratch / 'cifar-10-python.tar.gz', scratch / 'home'

    def fetch_it(contents=good, url=path, **more):
        path.write_bytes(archive(contents, **more))
        home.mkdir(exist_ok=True)
        done = subprocess.run([DRIVE, str(home), sha(GOOD), str(len(GOOD)), '30730000', digests, 'keep', str(url)], capture_output=True,
                              text=True, timeout=120 * tap.SLOWER)
        return done.returncode, done.stdout

    second, last = PYTHON_FOLDER + 'data_batch_2', PYTHON_FOLDER + 'test_batch'
    labels, pixels = made[NAMES[5]]
    as_binary = binary(labels[:-1] + [labels[0]], pixels)
    for what, words, contents, more in (
            ('one label is another', [last, sha(as_binary), 'binary version', sha(want[NAMES[5]])],
             {**good, last: pickled(labels[:-1] + [labels[0]], pixels)}, {}),
            ('one batch in another\'s place', [second, 'SHA-256'], {**good, second: good[last]}, {}),
            ('a pickle that names a function', [f'{path}: {second}: byte 2', 'function or class'],
             {**good, second: b'\x80\x02cos\nsystem\n' + bytes(30720000)}, {}),
            ('no pickle', [f'{path}: {second}: not a pickle'], {**good, second: bytes(30720000)}, {}),
            ('a pickle cut short', [second, 'of 9999 bytes'], {**good, second: good[second][:9999]}, {}),
            ('a batch missing', ['no ' + second], None, {'drop': [second]}),
            ('a symbolic link for a batch', [second, 'regular'], {**good, second: SYMLINK}, {}),
            ('neither version', [FOLDER + NAMES[0], PYTHON_FOLDER + 'data_batch_1', "begins with 'cifar-10-batches-bin"],
             {'cifar-100-python/train': b'x'}, {})):
        code, output = fetch_it(contents or good, **more)
        tap.ok(code == DATA and output.count('\n') == 1 and all(word in output for word in [str(path), *words]) and not left(home),
               f'the Python version: {what}', code, output, left(home))
    code, output = fetch_it(url=f'file://{path}')
    tap.ok(code == DATA and 'not it' in output and not left(home), 'the Python version: not by a URL', code, output, left(home))
    code, output = fetch_it(extra=[(FOLDER + NAMES[0], b'x'), (PYTHON_FOLDER + 'batches.meta', b'x')])
    found = {p.name: p.read_bytes() for p in (home / FOLDER).iterdir()} if code == 0 else {}
    tap.ok(found == want and left(home) == [FOLDER.rstrip('/')], 'the Python version: installed as the binary one', code, output, left(home),
           sorted(found))


case(python_version)

# Archives with the right checksum that are not what they should be: nothing may be installed or written elsewhere.
NAME = FOLDER + NAMES[2]
SWAP = {**CONTENTS, NAME: CONTENTS[NAME][:-1]}
for what, words, made in (
        ('a file too short', [NAME, '30729'], archive(SWAP)),
        ('a file too long', [NAME, '30731'], archive({**CONTENTS, NAME: CONTENTS[NAME] + b'x'})),
        ('a file missing', ['no ' + NAME], archive(drop=[NAME])),
        ('a file twice', [NAME, 'twice'], archive(extra=[(NAME, CONTENTS[NAME])])),
        ('a symbolic link for a file', [NAME, 'regular'], archive({**CONTENTS, NAME: SYMLINK})),
        ('a hard link for a file', [NAME, 'regular'], archive({**CONTENTS, NAME: HARDLINK})),
        ('a folder for a file', [NAME], archive({**CONTENTS, NAME: DIRECTORY})),
        ('class names too long', ['batches.meta.txt'], archive({**CONTENTS, FOLDER + 'batches.meta.txt': bytes(5000)})),
        ('too many members', ['more in it'], archive(extra=[(f'x{i}', b'') for i in range(1000)])),
        ('a bomb beside the files', ['more in it'],
         archive(extra=[(f'bomb{i}', bytes(1 << 26)) for i in range(17)]) if os.environ.get('RT_BOMB') else None),
        ('cut short', ['tar.gz'], GOOD[:len(GOOD) // 2]),
        ('not compressed at all, and not tar', ['tar.gz'], noise.randbytes(9999)),
        ('empty', ['tar.gz'], gzip.compress(b''))):
    if made is None:
        continue
    Server.body = made
    refuses('archive: ' + what, DATA, [] if words == ['tar.gz'] else words, BASE + 'good', pinned=made, leaves=[PART])
for what, extra in (
        ('names that climb out are passed over', [('../evil', b'x'), (FOLDER + '../../evil', b'x'), ('/tmp/evil-rt', b'x')]),
        ('links beside the files are passed over', [('link', SYMLINK), (FOLDER + 'more', HARDLINK)])):
    Server.body = archive(extra=extra)
    installs('archive: ' + what, BASE + 'good', pinned=Server.body,
             check=lambda out: not os.path.exists('/tmp/evil-rt'))
server.shutdown()
tap.done()
