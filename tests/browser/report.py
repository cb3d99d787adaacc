"""The report in headless Chromium: no console error, nothing from the network, curves drawn, a series toggles, zoom and keys,
light and dark, 390 px wide; and valid HTML."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'figures'), HERE]
import synthetic  # noqa: E402
import tap  # noqa: E402
import webdriver  # noqa: E402

for program in ('gnuplot', 'chromium', 'chromedriver'):
    if not shutil.which(program):
        tap.skip_all(f'{program} is not installed')

# How many pixels of the chart's lower canvas are not transparent, of which colour.
COLOURS = '''
const seen = {};
for (const canvas of document.querySelectorAll('#chart canvas')) {
    if (!canvas.width) { continue; }
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3] > 200) {
            const key = [data[i], data[i + 1], data[i + 2]].join();
            seen[key] = (seen[key] || 0) + 1;
        }
    }
}
return seen;'''
BLUE, VERMILLION = '27,79,156', '200,68,42'
DOWN, PLUS, RIGHT, ZERO = '\ue015', '+', '\ue014', '0'

work = tempfile.mkdtemp(prefix='rethink-report-')


def complaints(browser):
    """What the console shows, but for the remark about this test's own reading of pixels."""
    return [json.dumps(line) for line in browser.console() if 'willReadFrequently' not in line['message']]


def page_of(*args, runs):
    p = subprocess.run([tap.RETHINK, 'report', '--runs', runs, '-o', os.path.join(work, 'out'), *args], capture_output=True, text=True)
    return p, os.path.join(work, 'out', 'report.html')


def in_light(path):
    browser = webdriver.Browser(work)
    try:
        browser.open(path)
        colours = browser.run(COLOURS)
        tap.ok(colours.get(BLUE, 0) > 200 and colours.get(VERMILLION, 0) > 200, 'the curves are drawn in their colours', colours.get(BLUE), colours.get(VERMILLION))
        tap.ok(browser.run('return performance.getEntriesByType("resource").filter(e => !e.name.startsWith("data:")).length') == 0, 'nothing is fetched')
        browser.run('document.querySelector("#legend button").click()')
        hidden = browser.run(COLOURS)
        tap.ok(hidden.get(BLUE, 0) < 20 < hidden.get(VERMILLION, 0) and browser.run('return document.querySelector("#legend button").getAttribute("aria-pressed")') == 'false',
               'a press hides a series', hidden.get(BLUE))
        browser.run('document.querySelector("#legend button").click()')
        tap.ok(browser.run(COLOURS).get(BLUE, 0) == colours.get(BLUE), 'another shows it again')

        browser.run('document.getElementById("chart").focus()')
        browser.keys(PLUS)
        browser.keys(RIGHT)
        zoomed = browser.run(COLOURS)
        tap.ok(zoomed != colours, 'the keyboard zooms and moves')
        browser.keys(ZERO)
        tap.ok(browser.run(COLOURS) == colours, 'and resets')
        count = browser.run('''
            const select = document.getElementById('choice');
            const drawn = [];
            for (const option of select.options) {
                select.value = option.value;
                select.dispatchEvent(new Event('change'));
                drawn.push(document.querySelectorAll('#legend button').length);
            }
            return drawn;''')
        tap.ok(count == [5, 1, 11, 2, 4, 4, 4], 'every chart can be chosen', count)  # AlexNet's are those of seed_noseed
        reach = browser.run('''
            return [...document.querySelectorAll('a[href], button:not([hidden] *), select, [tabindex="0"]')].filter(e => e.tabIndex < 0).length''')
        tap.ok(reach == 0, 'all controls can be reached with the keyboard', reach)
        sort = """
            const header = [...document.querySelectorAll('#table thead th')].find(h => h.textContent === 'Epochs trained');
            header.querySelector('button').click();
            const column = header.cellIndex;
            return [...document.querySelectorAll('#table tbody tr')].map(r => Number(r.cells[column].textContent));"""
        up, down = browser.run(sort), browser.run(sort)
        tap.ok(up == sorted(up) and down == sorted(up, reverse=True) and len(set(up)) > 3, 'a press on a column sorts by it, another the other way', up, down)
        left = browser.run("""
            const filter = document.getElementById('filter');
            filter.value = 'gaussian MLP1';
            filter.dispatchEvent(new Event('input'));
            const seen = [...document.querySelectorAll('#table tbody tr')].filter(r => r.offsetParent).map(r => r.cells[0].textContent);
            filter.value = '';
            filter.dispatchEvent(new Event('input'));
            return [seen, document.getElementById('count').textContent];""")
        tap.ok(left[0] == ['MLP1_0.0_gauss_pix'] and re.fullmatch(r'(\d+) of \1 runs', left[1]), 'the filter leaves the rows with all its words', left)
        gone = browser.run("""
            const box = document.querySelector('#columns input');
            box.click();
            const hidden = document.querySelectorAll('#table [hidden]').length;
            box.click();
            return [hidden, document.querySelectorAll('#table tr').length, document.querySelectorAll('#table [hidden]').length];""")
        tap.ok(gone[0] == gone[1] and gone[2] == 0, 'a column can be left out and comes back', gone)
        large = browser.run("""
            document.querySelector('figure img').click();
            const open = document.getElementById('large').open && document.getElementById('picture').src === document.querySelector('figure img').src;
            document.getElementById('close').click();
            return [open, document.getElementById('large').open];""")
        tap.ok(large == [True, False], 'a press enlarges a figure', large)
        where = browser.run("""
            const box = document.getElementById('chart').getBoundingClientRect();
            const event = new MouseEvent('mousemove', {clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true});
            document.querySelector('#chart canvas:last-of-type').dispatchEvent(event);
            return document.getElementById('where').textContent;""")
        tap.ok(re.match(r'Epochs \d', where), 'under the pointer, the epoch is said', where)
        links = browser.run('return [...document.querySelectorAll("figure a")].map(a => a.getAttribute("href"))')
        tap.ok({'mlp1_curves.csv', 'mlp1_curves.svg', 'mlp1_curves.pdf'} <= set(links)
               and all(os.path.exists(os.path.join(os.path.dirname(path), link)) for link in links), 'CSV, SVG and PDF are behind each figure', links)
        pictures = browser.run('return [...document.images].filter(i => i.id !== "picture").map(i => [i.alt.length > 10, i.complete && i.naturalWidth > 100])')
        said = browser.run('return [...document.querySelectorAll("#figures .finding")].map(p => p.textContent)')
        tap.ok(any(re.match(r'Training goes on for \d+ epochs \(.*\) to \d+ \(', line) for line in said)
               and any(re.match(r'Epochs to the threshold. MLP1: 102 \(p = 0\) to 126 \(p = 1\)', line) for line in said)
               and not any('ublished' in line for line in said), 'each figure says what it shows, and of published numbers nothing without them', said)
        tap.ok(len(pictures) >= 6 and all(all(p) for p in pictures), 'every figure loads and has a text alternative', pictures)
        tap.empty(complaints(browser), 'no console message')
    finally:
        browser.close()


def on_a_phone(path):
    browser = webdriver.Browser(work, 390, 844)
    try:
        browser.open(path)
        width = browser.run('return document.documentElement.scrollWidth')
        tap.ok(width <= 390, 'the page fits 390 px', width)
        wide = browser.run('''
            return [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && !e.closest('#chart') &&
                e.getBoundingClientRect().right > 391).map(e => e.tagName + '#' + e.id)''')
        tap.empty(wide, 'nothing sticks out but what scrolls')
        colours = browser.run(COLOURS)
        tap.ok(colours.get(VERMILLION, 0) > 100, 'curves are drawn there too', colours.get(BLUE), colours.get(VERMILLION))
        claims = browser.run("""
            const section = document.querySelector('#claims'), more = section.querySelector('details');
            more.open = true;
            return [[...section.querySelectorAll('article')].filter(a => a.querySelectorAll('dd').length >= 2 && a.scrollWidth <= a.clientWidth).length,
                section.querySelectorAll('article').length, more.querySelectorAll('article').length, document.documentElement.scrollWidth,
                [...section.querySelectorAll('a')].every(a => document.querySelector(a.getAttribute('href')))];""")
        tap.ok(claims[0] == claims[1] == 13 and 0 < claims[2] < 13 and claims[3] <= 390 and claims[4], "the paper's claims fit, those not run behind a summary", claims)
        small = browser.run('return [...document.querySelectorAll("button, select")].filter(b => b.offsetParent && b.offsetHeight < 40).length')
        tap.ok(small == 0, 'buttons are large enough for a finger', small)
        tap.empty(complaints(browser), 'no console message')
    finally:
        browser.close()


def in_the_dark(path):
    browser = webdriver.Browser(work, dark=True)
    try:
        browser.open(path)
        page = browser.run('return getComputedStyle(document.body).backgroundColor')
        colours = browser.run(COLOURS)
        tap.ok(page == 'rgb(21, 21, 23)' and colours.get(BLUE, 0) == 0 and colours.get('123,153,198', 0) > 200, 'dark: page and curves change', page,
               sorted(colours, key=colours.get)[-8:])
    finally:
        browser.close()


def reloading(path):
    """A page of a sweep under way loads itself anew until it says finished; the reader can pause it."""
    page = os.path.join(work, 'reloading.html')
    finished = open(path).read()
    with open(page, 'w') as f:
        f.write(finished.replace('data-state="finished"', 'data-state="under-way"'))
    browser = webdriver.Browser(work)
    try:
        # Its quarter minute passes in a quarter second.
        browser.cdp('Page.addScriptToEvaluateOnNewDocument', source='const slow = setInterval; setInterval = (f, ms) => slow(f, ms / 60);')
        browser.open(page)
        tap.ok(browser.run('return !document.getElementById("under-way").hidden'), 'under way: the page says so')
        browser.run('document.getElementById("pause").click(); window.before = true')
        time.sleep(1)
        tap.ok(browser.run('return window.before === true'), 'paused, it stays')
        with open(page, 'w') as f:
            f.write(finished)
        browser.run('document.getElementById("pause").click()')
        end = time.time() + 20
        while time.time() < end and browser.run('return document.documentElement.dataset.state') != 'finished':
            time.sleep(0.1)
        tap.ok(browser.run('return window.before === undefined && document.documentElement.dataset.state === "finished"'), 'going on, it loads itself anew')
        browser.run('window.before = true')
        time.sleep(1)
        tap.ok(browser.run('return window.before === true && document.getElementById("under-way").hidden'), 'finished, it stays')
        tap.empty(complaints(browser), 'no console message')
    finally:
        browser.close()


def hostile():
    """Text from result.json must stay text."""
    runs = os.path.join(work, 'hostile')
    folder = synthetic.write_run(runs, 'MLP1', 'MLP1_0.0_none', 3)
    result = json.load(open(os.path.join(folder, 'result.json')))
    result['machine']['cpu'] = '<script>document.title = "bad"</script>"&'
    result['data']['name'] = '</script><img src=x onerror=alert(1)>'
    json.dump(result, open(os.path.join(folder, 'result.json'), 'w'))
    p, path = page_of(runs=runs)
    browser = webdriver.Browser(work)
    try:
        browser.open(path)
        tap.ok(p.returncode == 0 and browser.run('return document.title') == 'rethink: report' and browser.run('return document.querySelectorAll("img[src=x]").length') == 0
               and complaints(browser) == [], 'text from runs stays text', p.stderr)
    finally:
        browser.close()


try:
    runs = os.path.join(work, 'runs')
    synthetic.write_all(runs, models=['MLP1'])
    p, path = page_of(runs=runs)
    tap.ok(p.returncode == 0 and os.path.exists(path), 'a report is written', p.stderr)
    text = open(path).read()
    tap.ok('{{' not in re.sub(r'<script.*?</script>', '', text, flags=re.S) and text.count('<tr') == 1 + 14 + 2 + 4, 'a row a run', text.count('<tr'))
    tap.ok(text.count('<tr class="cut">') == 1 and re.search(r'class="cut"><th scope="row">MLP1_0.0_gauss_pix</th>.*finished at epoch 153, before the threshold', text),
           'what did not get to the threshold is marked', re.findall('class="cut".*', text))
    tap.ok('data-state="finished"' in text and not re.search(r'(src|href)="(?!#|data:|https://dygraphs.com|[\w.-]+\.(?:csv|svg|pdf)" download)', text), 'self-contained')
    if shutil.which('tidy'):
        checked = subprocess.run(['tidy', '-q', '-e', path], capture_output=True, text=True)
        tap.ok(checked.returncode == 0, 'valid HTML', checked.stderr)
    else:
        tap.skip('valid HTML', 'tidy is not installed')
    synthetic.write_run(os.path.join(work, 'other'), 'MLP1', 'MLP1_0.0_none', 3, data='shapes10')
    p, other = page_of(runs=os.path.join(work, 'other'))
    tap.ok("Paper's" in text and "Paper's" not in open(other).read(), "the paper's numbers stand beside CIFAR-10's only", p.stderr)
    page_of(runs=runs)
    in_light(path)
    on_a_phone(path)
    in_the_dark(path)
    reloading(path)
    hostile()
finally:
    shutil.rmtree(work, ignore_errors=True)
tap.done()
