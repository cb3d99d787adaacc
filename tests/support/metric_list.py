"""The rows of RT_METRICS (src/config/metrics.h), for tests that a metric is everywhere where its row says."""
import os
import re


def rows():
    """[(name, split, word, column)] in the list's order."""
    source = os.environ.get('RT_SOURCE', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
    with open(os.path.join(source, 'src', 'config', 'metrics.h')) as f:
        text = f.read()
    body = text[text.index('#define RT_METRICS(X)'):text.index('struct rt_scores')].replace('\\\n', ' ')
    found = []
    for row in re.finditer(r'\bX\((\w+), [^"]*"(\w+)", "(\w+)"((?:\s*,?\s*(?:"[^"]*"|\d+))*)\)', body):
        found.append((*row.group(1, 2, 3), re.findall(r'"([^"]*)"', row.group(4))[-1]))
    assert len(found) == len(re.findall(r'\bX\(\w+,', body)) > 0, body
    return found
