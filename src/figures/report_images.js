'use strict';
(function () {
    const runs = JSON.parse(document.getElementById('images-runs').textContent);
    const choice = document.getElementById('images-run');
    const map = document.getElementById('images-map');
    const sheets = document.getElementById('images-sheets');
    const card = document.getElementById('images-card');
    const section = document.getElementById('images');
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    const sprite = new Image();
    const views = [];
    const MARGIN = {left: 52, right: 12, top: 12, bottom: 44};
    const CELL = 40;
    let run = null;

    function css(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    }

    function rightColor() {
        return dark.matches ? '#6bb0e0' : '#0072b2';
    }

    function wrongColor() {
        return dark.matches ? '#ff9a52' : '#d55e00';
    }

    function isWrong(item) {
        return Boolean(run.given) && run.given[item] !== run.truth[item];
    }

    // ---- one image: where it lies in the picture of all
    function drawPicture(context, item, x, y, size) {
        const pitch = run.side + run.gap;
        context.imageSmoothingEnabled = false;
        context.drawImage(sprite, run.gap + item % run.columns * pitch, run.gap + Math.floor(item / run.columns) * pitch, run.side, run.side,
                          x, y, size, size);
    }

    function addRow(list, name, value) {
        const term = document.createElement('dt');
        const text = document.createElement('dd');
        term.textContent = name;
        text.textContent = value;
        list.append(term, text);
    }

    function fillCard(item) {
        const title = document.createElement('strong');
        const list = document.createElement('dl');
        card.textContent = '';
        title.textContent = 'Image ' + run.index[item];
        if (run.sprite) {
            const picture = document.createElement('canvas');
            picture.width = 4 * run.side;
            picture.height = 4 * run.side;
            picture.setAttribute('aria-hidden', 'true');
            drawPicture(picture.getContext('2d'), item, 0, 0, picture.width);
            card.append(picture);
        }
        if (run.given) {
            addRow(list, 'given label', run.classes[run.given[item]] + (isWrong(item) ? ' (wrong)' : ''));
            addRow(list, 'true label', run.classes[run.truth[item]]);
        }
        Object.keys(run.scores).forEach(function (name) {
            const value = run.scores[name][item];
            const none = /^first_|^learnt_|^forgetting$/.test(name) ? 'never learnt' : 'not finite';
            addRow(list, name.replace(/_/g, ' '), value === null ? none : String(value));
        });
        const words = document.createElement('div');
        words.append(title, list);
        card.append(words);
    }

    // The card stands beside the image, inside the window; where it is too narrow for that, below or above.
    function placeCard(canvas, x, y) {
        const at = canvas.getBoundingClientRect();
        const frame = section.getBoundingClientRect();
        const width = document.documentElement.clientWidth - 8;
        const height = window.innerHeight - 8;
        let left = at.left + x + 24;
        let top = at.top + y - card.offsetHeight / 2;
        if (left + card.offsetWidth > width) {
            left = at.left + x - 24 - card.offsetWidth;
        }
        if (left < 8) {
            left = Math.min(at.left + x - card.offsetWidth / 2, width - card.offsetWidth);
            top = at.top + y + 24;
            if (top + card.offsetHeight > height) {
                top = at.top + y - 24 - card.offsetHeight;
            }
        } else {
            top = Math.min(top, height - card.offsetHeight);
        }
        card.style.left = Math.max(8, left) - frame.left + 'px';
        card.style.top = Math.max(8, top) - frame.top + 'px';
    }

    function select(view, spot) {
        views.forEach(function (other) {
            if (other !== view && other.selected) {
                other.selected = null;
                other.draw();
            }
        });
        view.selected = spot;
        view.draw();
        card.hidden = !spot;
        if (spot) {
            fillCard(spot.item);
            placeCard(view.canvas, spot.x, spot.y);
        }
    }

    function nearest(view, x, y) {
        let best = null;
        let least = 24 * 24;
        view.spots.forEach(function (spot) {
            const distance = (spot.x - x) * (spot.x - x) + (spot.y - y) * (spot.y - y);
            if (distance < least) {
                least = distance;
                best = spot;
            }
        });
        return best;
    }

    // The next image in a direction: near, and rather ahead than aside.
    function next(view, dx, dy) {
        const from = view.selected;
        let best = from;
        let least = Infinity;
        view.spots.forEach(function (spot) {
            const ahead = (spot.x - from.x) * dx + (spot.y - from.y) * dy;
            const aside = Math.abs((spot.x - from.x) * dy) + Math.abs((spot.y - from.y) * dx);
            if (spot !== from && ahead > 0.25 && aside <= 2 * ahead && ahead + 2 * aside < least) {
                least = ahead + 2 * aside;
                best = spot;
            }
        });
        return best;
    }

    const KEYS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

    function listen(view) {
        const canvas = view.canvas;
        function point(event) {
            const at = canvas.getBoundingClientRect();
            const spot = nearest(view, event.clientX - at.left, event.clientY - at.top);
            if (spot !== view.selected) {
                select(view, spot);
            }
        }
        canvas.addEventListener('pointermove', function (event) {
            if (event.pointerType !== 'touch') {
                point(event);
            }
        });
        canvas.addEventListener('click', point);
        canvas.addEventListener('pointerleave', function (event) {
            if (event.pointerType !== 'touch') {
                select(view, null);
            }
        });
        canvas.addEventListener('blur', function () { select(view, null); });
        canvas.addEventListener('focus', function () {
            if (canvas.matches(':focus-visible') && view.spots.length && !view.selected) {
                select(view, view.spots[0]);
            }
        });
        canvas.addEventListener('keydown', function (event) {
            if (event.key === 'Escape') {
                select(view, null);
            } else if (KEYS[event.key] && view.spots.length) {
                select(view, view.selected ? next(view, KEYS[event.key][0], KEYS[event.key][1]) : view.spots[0]);
                event.preventDefault();
            }
        });
    }

    // The canvas in so many CSS pixels, cleared.
    function begin(canvas, width, height) {
        const scale = window.devicePixelRatio || 1;
        const context = canvas.getContext('2d');
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
        canvas.style.height = height + 'px';
        context.scale(scale, scale);
        return context;
    }

    function ring(context, spot, radius) {
        context.strokeStyle = css('--ink');
        context.lineWidth = 2;
        context.strokeRect(spot.x - radius, spot.y - radius, 2 * radius, 2 * radius);
    }

    // ---- the data map
    function drawAxes(context, width, height) {
        const bottom = height - MARGIN.bottom;
        const across = width - MARGIN.left - MARGIN.right;
        context.font = '13px system-ui, sans-serif';
        context.fillStyle = css('--soft');
        context.strokeStyle = css('--line');
        context.lineWidth = 1;
        for (let i = 0; i <= 5; i += 1) {
            const x = MARGIN.left + across * i / 5;
            const y = bottom - (bottom - MARGIN.top) * i / 5;
            context.beginPath();
            context.moveTo(x, MARGIN.top);
            context.lineTo(x, bottom);
            context.moveTo(MARGIN.left, y);
            context.lineTo(MARGIN.left + across, y);
            context.stroke();
            context.textAlign = 'center';
            context.fillText((i / 10).toFixed(1), x, bottom + 17);
            context.textAlign = 'right';
            context.fillText((i / 5).toFixed(1), MARGIN.left - 6, y + 4);
        }
        context.textAlign = 'center';
        context.fillText('Deviation of the given label\u2019s probability', MARGIN.left + across / 2, height - 8);
        context.save();
        context.translate(14, (bottom + MARGIN.top) / 2);
        context.rotate(-Math.PI / 2);
        context.fillText('Its mean', 0, 0);
        context.restore();
    }

    function drawPoint(context, x, y, wrong) {
        context.fillStyle = wrong ? wrongColor() : rightColor();
        context.beginPath();
        if (wrong) {
            context.moveTo(x, y - 4.5);
            context.lineTo(x + 4, y + 3);
            context.lineTo(x - 4, y + 3);
            context.closePath();
        } else {
            context.arc(x, y, 3, 0, 2 * Math.PI);
        }
        context.fill();
    }

    function mapView() {
        const view = {canvas: map, spots: [], selected: null};
        view.layout = function () {
            const width = map.clientWidth;
            const height = view.height = Math.round(Math.max(280, Math.min(620, width * 0.75)));
            const kept = view.selected && view.selected.item;
            view.spots = run.map.map(function (item) {
                return {
                    item: item,
                    x: MARGIN.left + run.scores.deviation[item] / 0.5 * (width - MARGIN.left - MARGIN.right),
                    y: height - MARGIN.bottom - run.scores.probability[item] * (height - MARGIN.bottom - MARGIN.top)
                };
            }).filter(function (spot) { return isFinite(spot.x) && isFinite(spot.y); });
            view.selected = view.spots.find(function (spot) { return spot.item === kept; }) || null;
        };
        view.draw = function () {
            const context = begin(map, map.clientWidth, view.height);
            drawAxes(context, map.clientWidth, view.height);
            context.globalAlpha = 0.7;
            view.spots.forEach(function (spot) { drawPoint(context, spot.x, spot.y, isWrong(spot.item)); });
            context.globalAlpha = 1;
            if (view.selected) {
                ring(context, view.selected, 7);
            }
        };
        return view;
    }

    // ---- a sheet
    function sheetView(canvas, items) {
        const view = {canvas: canvas, spots: [], selected: null};
        view.layout = function () {
            const columns = Math.max(1, Math.min(32, Math.floor(canvas.clientWidth / CELL)));
            const kept = view.selected && view.selected.item;
            view.spots = items.map(function (item, i) {
                return {item: item, x: (i % columns + 0.5) * CELL, y: (Math.floor(i / columns) + 0.5) * CELL};
            });
            view.height = Math.ceil(items.length / columns) * CELL;
            view.selected = view.spots.find(function (spot) { return spot.item === kept; }) || null;
        };
        view.draw = function () {
            const context = begin(canvas, canvas.clientWidth, view.height);
            view.spots.forEach(function (spot) {
                if (isWrong(spot.item)) {
                    context.fillStyle = wrongColor();
                    context.fillRect(spot.x - 18, spot.y - 18, 36, 36);
                }
                if (sprite.complete && sprite.naturalWidth) {
                    drawPicture(context, spot.item, spot.x - 16, spot.y - 16, 32);
                }
            });
            if (view.selected) {
                ring(context, view.selected, 19);
            }
        };
        return view;
    }

    function makeSheets() {
        sheets.textContent = '';
        (run.sprite ? run.sheets : []).forEach(function (sheet) {
            const title = document.createElement('h3');
            const canvas = document.createElement('canvas');
            title.textContent = sheet.title;
            canvas.tabIndex = 0;
            canvas.setAttribute('role', 'application');
            canvas.setAttribute('aria-label', sheet.title);
            canvas.setAttribute('aria-describedby', 'images-keys');
            sheets.append(title, canvas);
            views.push(sheetView(canvas, sheet.items));
        });
    }

    function makeLegend() {
        const legend = document.getElementById('images-legend');
        const anyWrong = run.given && run.index.some(function (index, item) { return isWrong(item); });
        legend.textContent = '';
        [[false, 'label is right'], [true, 'label is wrong (orange frame in the sheets)']].forEach(function (kind) {
            const mark = document.createElement('canvas');
            const context = begin(mark, 14, 14);
            mark.style.width = '14px';
            mark.setAttribute('aria-hidden', 'true');
            drawPoint(context, 7, 7, kind[0]);
            if (anyWrong) {
                legend.append(mark, ' ' + kind[1] + ' ');
            }
        });
    }

    function drawAll() {
        views.forEach(function (view) {
            view.layout();
            view.draw();
        });
        card.hidden = true;
    }

    function show() {
        run = runs[choice.selectedIndex];
        views.splice(1);
        views[0].selected = null;
        document.getElementById('images-about').textContent = run.about;
        document.getElementById('images-note').textContent = run.note;
        sprite.src = run.sprite || 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';
        makeLegend();
        makeSheets();
        views.slice(1).forEach(listen);
        drawAll();
    }

    if (!runs.length) {
        return;
    }
    runs.forEach(function (one) {
        const option = document.createElement('option');
        option.textContent = one.name;
        choice.append(option);
    });
    document.getElementById('images-shown').hidden = false;
    views.push(mapView());
    listen(views[0]);
    choice.addEventListener('change', show);
    sprite.addEventListener('load', drawAll);
    window.addEventListener('resize', drawAll);
    dark.addEventListener('change', function () {
        makeLegend();
        drawAll();
    });
    show();
}());
