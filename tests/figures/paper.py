#!/usr/bin/env python3
"""The paper's numbers in the report: beside the runs that they are of."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import synthetic  # noqa: E402
import tap  # noqa: E402

PAPER = {'preset': 'paper', 'curve': True}


def report(folder, runs):
    p = subprocess.run([tap.RETHINK, 'report', '--no-figures', '--runs', runs, '-o', os.path.join(folder, 'out')], capture_output=True, text=True)
    with open(os.path.join(folder, 'out', 'report.html'), encoding='utf-8') as f:
        return p, f.read()


def table_runs(runs):
    """Rows of Tables 1 and 4, each with its own regulariser."""
    synthetic.write_run(runs, 'MLP3', 'table1_MLP3', 20, **PAPER)
    synthetic.write_run(runs, 'MLP3', 'table1_MLP3_decay', 20, weight_decay=0.0005, **PAPER)
    synthetic.write_run(runs, 'MLP3', 'table1_MLP3_random', 30, level=1.0, **PAPER)
    synthetic.write_run(runs, 'MLP3', 'table4_MLP3_decay', 30, level=1.0, weight_decay=0.0005, **PAPER)


def beside(text, name):
    """The last cell of a run's row in the table of results: the paper's test accuracy."""
    row = re.search(rf'<th scope="row">{name}</th>(.*)</tr>', text)
    return row and re.findall(r'<td>([^<]*)</td>', row[1])[-1]


with tempfile.TemporaryDirectory() as folder:
    runs = os.path.join(folder, 'runs')
    table_runs(runs)
    synthetic.write_run(runs, 'Inception', 'Inception_0.0_none', 20)
    synthetic.write_run(runs, 'MLP1', 'MLP1_0.0_none', 20, crop='random')
    p, text = report(folder, runs)
    numbers = [beside(text, name) for name in ('table1_MLP3', 'table1_MLP3_decay', 'table1_MLP3_random', 'table4_MLP3_decay', 'Inception_0.0_none', 'MLP1_0.0_none')]
    tap.ok(numbers == ['52.39', '53.35', '10.48', '', '85.75', ''], "the paper's test accuracy is that of the row with the same regularisers", numbers, p.stderr)

    where = [os.path.relpath(os.path.join(at, name), tap.SOURCE) for at, _, names in os.walk(os.path.join(tap.SOURCE, 'src')) for name in names
             if name.endswith(('.c', '.h')) and re.search(r'\b(52\.39|0\.5239)\b', open(os.path.join(at, name), encoding='utf-8').read())]
    tap.ok(where == ['src/runs/paper_rows.h'], "the tables' numbers are in one place", where)
tap.done()
