"""Lost power: plays back the calls that recorder.c wrote down, and says what may be on the disk after each of them.

A call that changes a file's contents lasts when the file is synced after it, one that changes names in a folder when that
folder is. Until then the disk may hold it or not, each on its own, but for changes to one name, which come in order: a
rename is there whole or not at all, contents may be missing, cut short, half-written, or all zeros at the new length."""
import hashlib
import os

READ_ONLY, WRITE_ONLY, CREATE, TRUNCATE = os.O_RDONLY, os.O_WRONLY, os.O_CREAT, os.O_TRUNC


class File:
    def __init__(self, contents=b''):
        self.durable = self.live = contents
        self.pending = []  # (offset, bytes), or (size, None): cut or lengthened
        self.found = None

    @staticmethod
    def apply(contents, change):
        at, data = change
        if data is None:
            return contents[:at].ljust(at, b'\0')
        return contents[:at].ljust(at, b'\0') + data + contents[at + len(data):]

    def change(self, at, data):
        self.pending.append((at, data))
        self.live = self.apply(self.live, (at, data))
        self.found = None

    def sync(self):
        self.durable = self.live
        self.pending = []

    def variants(self):
        """What may be on the disk, besides nothing and all of what is not synced."""
        if self.found is not None:
            return self.found
        self.found = found = []
        contents = self.durable
        for change in self.pending[:-1]:
            contents = self.apply(contents, change)
            found.append(contents)
        at, data = self.pending[-1]
        if data is not None and len(data) > 1:
            found.append(self.apply(contents, (at, data[:len(data) // 2])))
        if len(self.live) > len(self.durable):
            found.append(self.durable.ljust(len(self.live), b'\0'))
        return found


class Folder:
    def __init__(self):
        self.durable, self.live = {}, {}
        self.pending = []  # {name: node or None}, each at once

    def change(self, names):
        self.pending.append(names)
        self.live = self.apply(self.live, names)

    @staticmethod
    def apply(entries, names):
        return {name: node for name, node in {**entries, **names}.items() if node}

    def sync(self):
        self.durable = self.live
        self.pending = []

    def closed(self, kept):
        """The pending changes of `kept` (indices), without those that follow a change to the same name that is not kept."""
        result = []
        for i in sorted(kept):
            if all(k in result for k in range(i) if set(self.pending[k]) & set(self.pending[i])):
                result.append(i)
        return result

    def entries(self, kept):
        entries = self.durable
        for i in self.closed(kept):
            entries = self.apply(entries, self.pending[i])
        return entries


def load(path):
    """A folder on disk, all of it synced."""
    folder = Folder()
    for entry in os.scandir(path):
        if entry.is_dir():
            folder.live[entry.name] = load(entry.path)
        else:
            with open(entry.path, 'rb') as f:
                folder.live[entry.name] = File(f.read())
    folder.sync()
    return folder


def calls(path):
    """The recorded calls: (pid, call, fd, number, path, other path, data)."""
    with open(path, 'rb') as f:
        log = f.read()
    at = 0
    while at < len(log):
        end = log.index(b'\n', at)
        pid, call, fd, number, one, other, size = log[at:end].split()
        parts = []
        at = end + 1
        for length in map(int, (one, other, size)):
            parts.append(log[at:at + length])
            at += length
        yield int(pid), call.decode(), int(fd), int(number), os.fsdecode(parts[0]), os.fsdecode(parts[1]), parts[2]


class Disk:
    """What the calls made of the folder `root`, which began as it is on disk now."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.top = load(root)
        self.open = {}  # (pid, fd): node

    def find(self, path):
        node = self.top
        for part in os.path.relpath(path, self.root).split('/'):
            if part != '.':
                node = node.live[part]
        return node

    def parent(self, path):
        return self.find(os.path.dirname(path)), os.path.basename(path)

    def play(self, call):
        pid, name, fd, number, path, other, data = call
        if name == 'open':
            if not (path + '/').startswith(self.root + '/'):
                self.open.pop((pid, fd), None)
                return
            if number & CREATE:
                folder, last = self.parent(path)
                if last not in folder.live:
                    folder.change({last: File()})
            node = self.find(path)
            if number & TRUNCATE and node.live:
                node.change(0, None)
            self.open[pid, fd] = node
        elif name in ('write', 'truncate', 'sync'):
            node = self.open[pid, fd]
            if name == 'write':
                node.change(len(node.live) if number < 0 else number, data)
            elif name == 'truncate':
                node.change(number, None)
            else:
                node.sync()
        elif name == 'mkdir':
            folder, last = self.parent(path)
            folder.change({last: Folder()})
        elif name == 'remove':
            folder, last = self.parent(path)
            folder.change({last: None})
        else:
            (folder, last), (folder2, last2) = self.parent(path), self.parent(other)
            assert folder is folder2, f'{path} and {other}: of two folders'
            node, node2 = folder.live[last], folder.live.get(last2)
            folder.change({last2: node, last: node2 if name == 'exchange' else None})

    # ---- what may be there after a loss of power

    def unsynced(self):
        """The folders and files, in the order of a walk, that have changes which are not on the disk for certain."""
        folders, files, seen = [], [], set()

        def walk(node):
            if id(node) in seen:
                return
            seen.add(id(node))
            if isinstance(node, File):
                if node.pending:
                    files.append(node)
                return
            if node.pending:
                folders.append(node)
            nodes = [*node.durable.values(), *(n for change in node.pending for n in change.values() if n)]
            for inner in nodes:
                walk(inner)

        walk(self.top)
        return folders, files

    def states(self, rng, extra=3):
        """Trees ({name: tree or bytes}) that may be on the disk now."""
        folders, files = self.unsynced()
        names = [(folder, i) for folder in folders for i in range(len(folder.pending))]
        every = set(range(len(names)))
        nothing, all_of_it = {}, {id(f): f.live for f in files}

        def state(kept, contents):
            return self.tree(self.top, {id(folder): [i for k, (other, i) in enumerate(names) if other is folder and k in kept]
                                        for folder in folders}, contents)

        yield state(set(), nothing)
        yield state(every, all_of_it)
        yield state(every, nothing)
        yield state(set(), all_of_it)
        for k in every:
            yield state({k} | {i for i in range(k) if names[i][0] is names[k][0]}, nothing)
            yield state(every - {k}, all_of_it)
            yield state(every - {k}, nothing)
        for file in files:
            yield state(every, {id(file): file.live})
            for contents in (file.durable, *file.variants()):
                yield state(every, {**all_of_it, id(file): contents})
        for _ in range(extra if len(names) + len(files) > 2 else 0):
            yield state({k for k in every if rng.random() < 0.5},
                        {id(f): rng.choice([f.live, f.durable, *f.variants()]) for f in files})

    def tree(self, node, kept, contents):
        if isinstance(node, File):
            return contents.get(id(node), node.durable)
        return {name: self.tree(inner, kept, contents) for name, inner in node.entries(kept.get(id(node), [])).items()}


class Digests:
    """SHA-256 of contents, each computed once."""

    def __init__(self):
        self.known = {}

    def of(self, contents):
        if id(contents) not in self.known:  # the contents are kept, so that no other gets their address
            self.known[id(contents)] = contents, hashlib.sha256(contents).hexdigest()
        return self.known[id(contents)][1]

    def of_tree(self, tree):
        digest = hashlib.sha256()
        for name in sorted(tree):
            inner = tree[name]
            digest.update(f'{name}\0{self.of_tree(inner) if isinstance(inner, dict) else self.of(inner)}\0'.encode())
        return digest.hexdigest()


def put(tree, path):
    os.mkdir(path)
    for name, inner in tree.items():
        at = os.path.join(path, name)
        if isinstance(inner, dict):
            put(inner, at)
        else:
            with open(at, 'wb') as f:
                f.write(inner)
