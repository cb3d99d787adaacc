"""The report's data maps and sheets: their numbers and pictures against those of `rethink images`, pages without histories or
without the images; and in headless Chromium pointer, keyboard, touch, dark and narrow."""
import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'support'), os.path.join(HERE, '..', 'train'), HERE]
import webdriver  # noqa: E402
from runs import folder, temporary, train  # noqa: E402
from tap import RETHINK, done, empty, ok, skip, skip_all  # noqa: E402

try:
    import numpy
    from PIL import Image
except ImportError:
    skip_all('this Python has no NumPy and Pillow')
if not shutil.which('gnuplot'):
    skip_all('gnuplot is not installed')

NAME, CLEAN = 'MLP1_0.4_none', 'MLP1_0.0_none'
SMALL = ('--set', 'train_size=1000', '--set', 'test_size=50', '--epochs', '4')
HISTORY = ('--set', 'record_images=true')


def rethink(*words):
    return subprocess.run([RETHINK, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def page_of(runs, out, *words):
    run = rethink('report', '--no-figures', '--runs', runs, '-o', out, *words)
    path = os.path.join(out, 'report.html')
    return path, open(path).read() if run.returncode == 0 else run.stderr


def shown(text):
    return json.loads(re.search(r'id="images-runs">(.*?)</script>', text, re.S).group(1))


def check_numbers(runs, out, run):
    """Each image's scores and labels as in the CSV of `rethink images`."""
    rethink('images', folder(runs, NAME), '-o', out)
    with open(f'{out}/{NAME}_image_scores.csv', newline='') as f:
        rows = list(csv.DictReader(f))
    bad = []
    for place, index in enumerate(run['index']):
        row = rows[index]
        got = {name: float('inf') if values[place] is None else values[place] for name, values in run['scores'].items()}
        bad += [(index, name, value, row[name]) for name, value in got.items()
                if value != float(row[name]) and not abs(value - float(row[name])) <= 1e-3 * abs(float(row[name]))]
        if (row['given_class'], row['true_class']) != (run['classes'][run['given'][place]], run['classes'][run['truth'][place]]):
            bad.append((index, 'labels'))
    empty(bad[:9], 'labels and scores are those of rethink images')
    aum = numpy.array([float(row['aum']) for row in rows])
    wrong = numpy.array([row['given'] != row['true'] for row in rows])
    order = numpy.argsort(aum, kind='stable')
    down = numpy.argsort(-aum, kind='stable')
    want = [order[:64], down[:64], down[wrong[down]][:64]]
    got = [[run['index'][place] for place in sheet['items']] for sheet in run['sheets']]
    ok(got == [list(w) for w in want], 'sheets: the lowest and highest AUM, and the highest of wrong labels', got[0][:5], want[0][:5])
    ok([run['index'][place] for place in run['map']] == list(range(0, 1000, 2)), 'the map shows every second image', run['map'][:5])


def check_pictures(out, run):
    """The first image of the drawn sheet, pixel by pixel."""
    sprite = numpy.asarray(Image.open(io.BytesIO(base64.b64decode(run['sprite'].split(',')[1]))).convert('RGB'))
    with open(f'{out}/{NAME}_images.csv') as f:
        block = f.read().split('\n\n\n')[0].splitlines()[1:]
    want = numpy.array([[int(word) for word in line.split(',')[2:]] for line in block]).reshape(28, 28, 3)
    place = run['sheets'][0]['items'][0]
    left, top = (run['gap'] + (run['side'] + run['gap']) * k for k in (place % run['columns'], place // run['columns']))
    ok((sprite[top:top + 28, left:left + 28] == want).all(), 'its picture, pixel by pixel', place, left, top)


def check_others(work, runs):
    path, text = page_of(runs, f'{work}/none', '--images', '0')
    ok('id="images"' not in text and 'href="#images"' not in text, '--images 0 shows none')
    os.makedirs(f'{work}/plain')
    shutil.copytree(os.path.dirname(folder(runs, CLEAN)), f'{work}/plain/MLP1', ignore=lambda d, names: [NAME] if NAME in names else [])
    path, text = page_of(f'{work}/plain', f'{work}/plain_out')
    ok('id="images"' not in text and 'href="#images"' not in text and '{{' not in re.sub(r'<script.*?</script>', '', text, flags=re.S),
       'without histories the page has no such section', text[:200])
    path, text = page_of(runs, f'{work}/lost', '--data', f'{work}/plain')
    run = shown(text)[0]
    ok('sprite' not in run and 'given' not in run and len(run['map']) == 500 and 'were not found' in run['note'] and f'{work}/plain' in run['note'],
       'without the images: the map alone, and why', run['note'])
    shutil.copytree(runs, f'{work}/damaged')
    os.truncate(f'{folder(work + "/damaged", NAME)}/history_loss.npy', 3000)
    path, text = page_of(f'{work}/damaged', f'{work}/damaged_out')
    ok(shown(text) == [] and re.search('<p>[^<]*history_loss.npy: shorter than its 4 epochs', text), 'a damaged history is named on the page',
       text[-2000:])
    shutil.copytree(runs, f'{work}/many')
    shutil.copytree(folder(runs, NAME), f'{work}/many/MLP1/again')
    path, text = page_of(f'{work}/many', f'{work}/many_out', '--images', '1')
    ok(len(shown(text)) == 1 and re.search(r'1 more run kept a history of images; each would add about \d+ KB', text), 'how many are left out is said')
    return f'{work}/lost/report.html'


CARD = 'const card = document.getElementById("images-card"); return card.hidden ? null : card.textContent;'
POINT = '''
const canvas = document.querySelectorAll('#images canvas[tabindex]')[arguments[0]];
canvas.scrollIntoView();
const at = canvas.getBoundingClientRect();
canvas.dispatchEvent(new PointerEvent(arguments[3], {clientX: at.left + arguments[1], clientY: at.top + arguments[2], bubbles: true,
    pointerType: arguments[4]}));
'''
DARKEST = '''
const canvas = document.getElementById('images-map');
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
const seen = {blue: 0, orange: 0};
for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 100 && data[i + 2] > data[i] + 60) { seen.blue += 1; }
    if (data[i + 3] > 100 && data[i] > data[i + 2] + 60) { seen.orange += 1; }
}
return seen;'''


def inside(browser):
    return browser.run('const box = document.getElementById("images-card").getBoundingClientRect();'
                       'return box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;')


def says(card, run, place):
    return bool(card) and f'Image {run["index"][place]}given label{run["classes"][run["given"][place]]}' in card


def in_a_browser(work, path, run, width, dark):
    what = f'{width} px, {"dark" if dark else "light"}'
    browser = webdriver.Browser(work, width, 844, dark)
    try:
        browser.open(path)
        browser.run('return new Promise(done => setTimeout(done, 200))')
        colours = browser.run(DARKEST)
        ok(colours['blue'] > 300 and colours['orange'] > 300, f'{what}: right and wrong labels in their colours', colours)
        ok(browser.run('return document.documentElement.scrollWidth') <= width, f'{what}: the page fits')
        browser.run(POINT, 1, 60, 20, 'pointermove', 'mouse')
        ok(says(browser.run(CARD), run, run['sheets'][0]['items'][1]), f'{what}: under the pointer, the second image of a sheet', browser.run(CARD))
        ok(inside(browser), f'{what}: the card is inside the window')
        browser.run(POINT, 1, 60, 20, 'pointerleave', 'mouse')
        ok(browser.run(CARD) is None, f'{what}: it goes with the pointer')
        browser.run(POINT, 2, 20, 20, 'click', 'touch')
        ok(says(browser.run(CARD), run, run['sheets'][1]['items'][0]), f'{what}: a touch shows one', browser.run(CARD))
        browser.run('document.querySelectorAll("#images canvas[tabindex]")[3].focus()')
        for key in '\ue014', '\ue014', '\ue012':  # right, right, left
            browser.keys(key)
        ok(says(browser.run(CARD), run, run['sheets'][2]['items'][1]) and inside(browser), f'{what}: arrows move from image to image', browser.run(CARD))
        browser.keys('\ue00c')
        ok(browser.run(CARD) is None, f'{what}: Escape closes')
        browser.run('document.getElementById("images-map").focus()')
        browser.keys('\ue012')
        first = browser.run(CARD)
        browser.keys('\ue012')
        ok(first and browser.run(CARD) != first and inside(browser), f'{what}: and on the map', first, browser.run(CARD))
        picture = browser.run('''
            const picture = document.querySelector('#images-card canvas');
            const data = picture.getContext('2d').getImageData(0, 0, picture.width, picture.height).data;
            return [picture.width === picture.height && picture.offsetWidth === picture.offsetHeight, new Set(data).size];''')
        ok(picture[0] and picture[1] > 5, f'{what}: with its picture', picture)
        empty([line for line in browser.console() if 'willReadFrequently' not in line['message']], f'{what}: no console message')
    finally:
        browser.close()


def without_pictures(work, path):
    browser = webdriver.Browser(work)
    try:
        browser.open(path)
        browser.run('document.getElementById("images-map").focus()')
        browser.keys('\ue014')
        card = browser.run(CARD)
        ok(card and 'aum' in card and 'label' not in card and browser.run('return document.querySelectorAll("#images canvas[tabindex]").length') == 1,
           'without the images, the map has scores alone', card)
        empty(browser.console(), 'no console message')
    finally:
        browser.close()


with temporary() as work:
    runs = f'{work}/runs'
    first = train(runs, NAME, *SMALL, *HISTORY)
    second = train(runs, CLEAN, *SMALL)
    path, text = page_of(runs, f'{work}/out')
    ok(first.returncode == second.returncode == 0 and 'id="images"' in text, 'a report with images', first.stderr, second.stderr, text[:300])
    run, = shown(text)
    ok(run['name'] == NAME and re.match(r'1000 training images, 4 epochs, \d+ wrong labels', run['about']) and not run['note'], 'it says of what', run['about'])
    check_numbers(runs, f'{work}/images', run)
    check_pictures(f'{work}/images', run)
    lost = check_others(work, runs)
    if webdriver.missing():
        skip('in a browser', f'{webdriver.missing()}: not installed')
    else:
        for width, dark in (1280, False), (1280, True), (390, False):
            in_a_browser(work, path, run, width, dark)
        without_pictures(work, lost)
done()
