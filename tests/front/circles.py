#!/usr/bin/env python3
"""usage: circles.py LIBRARY...: inside a folder of src/, no files need each other in a circle, by the symbols of their objects."""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
from tap import SOURCE, done, empty, ok


def symbols(library):
    """(object, kind, symbol) of everything that a library defines or needs."""
    text = subprocess.run(['nm', '-A', library], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        m = re.match(r'.*?([\w.-]+\.o):\s*(?:[0-9a-f]+)? ([A-Za-z]) (\S+)', line)
        if m:
            yield m.groups()


def circles(graph):
    """Strongly connected components of more than one object (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in graph[v]:
            if w not in index:
                visit(w)
            if w in stack:
                low[v] = min(low[v], low[w])
        if low[v] == index[v]:
            part = stack[stack.index(v):]
            del stack[stack.index(v):]
            if len(part) > 1:
                found.append(sorted(part))

    sys.setrecursionlimit(10000)
    for v in list(graph):
        if v not in index:
            visit(v)
    return found


def main():
    sources = {}  # as meson names their objects
    for folder, _, names in os.walk(os.path.join(SOURCE, 'src')):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), SOURCE)
            sources[path.replace('/', '_') + '.o'] = path
    defined, needed = {}, collections.defaultdict(set)
    for library in sys.argv[1:]:
        for item, kind, symbol in symbols(library):
            if item not in sources:
                continue
            if kind in 'TDBRCVG':
                defined[symbol] = item
            elif kind == 'U':
                needed[item].add(symbol)
    graph = collections.defaultdict(set)
    for item, wanted in needed.items():
        for symbol in wanted:
            other = defined.get(symbol, item)
            if other != item and sources[other].split('/')[1] == sources[item].split('/')[1]:
                graph[item].add(other)
    edges = sum(len(others) for others in graph.values())
    ok(edges > 100, f'{edges} needs of one file for another in its folder')
    empty((' '.join(sources[item] for item in circle) for circle in circles(graph)), 'none of them make a circle')
    done()


main()
