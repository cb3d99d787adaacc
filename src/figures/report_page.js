'use strict';
(function () {
    const charts = JSON.parse(document.getElementById('charts').textContent);
    const chart = document.getElementById('chart');
    const legend = document.getElementById('legend');
    const choice = document.getElementById('choice');
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    let graph = null;
    let shown = null;

    // What a reload should not lose; a page from disk may have no storage.
    function remember(key, value) {
        try {
            if (value === undefined) {
                return sessionStorage.getItem('rethink-' + key);
            }
            sessionStorage.setItem('rethink-' + key, value);
        } catch (error) {
            return null;
        }
        return null;
    }

    function css(name) {
        return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    }

    // On a dark page colours are mixed with white: their order of lightness stays.
    function color(hex) {
        if (!dark.matches) {
            return hex;
        }
        const mixed = [1, 3, 5].map(function (i) {
            const part = parseInt(hex.slice(i, i + 2), 16);
            return Math.round(part + (255 - part) * 0.42);
        });
        return 'rgb(' + mixed.join(',') + ')';
    }

    // The series' points as rows [x, y1, y2, ...], null where a series has no point.
    function rows(series) {
        const table = new Map();
        series.forEach(function (one, column) {
            one.x.forEach(function (x, i) {
                if (!table.has(x)) {
                    table.set(x, new Array(series.length).fill(null));
                }
                table.get(x)[column] = one.y[i];
            });
        });
        return Array.from(table.keys()).sort(function (a, b) { return a - b; }).map(function (x) {
            return [x].concat(table.get(x));
        });
    }

    function names(series) {
        return series.map(function (one) {
            return one.kind === 'published' ? one.label + ', published' : one.label;
        });
    }

    function lookOf(one) {
        if (one.kind === 'published') {
            return {strokePattern: [7, 4], strokeWidth: 1.4};
        }
        // variants of one colour, as in the drawn figures
        return {strokePattern: [null, [5, 4], [14, 4, 3, 4], [2, 3]][one.dash % 4], strokeWidth: one.kind === 'thin' ? 1.2 : 2.4};
    }

    function showValues(row) {
        // a space keeps the line's height
        document.getElementById('where').textContent = row ? shown.x + ' ' + row[0].toFixed(2).replace(/\.?0+$/, '') : '\u00a0';
        legend.querySelectorAll('output').forEach(function (output, i) {
            const value = row ? row[i + 1] : null;
            output.textContent = value === null || value === undefined ? '' : value.toPrecision(3);
        });
    }

    // Each series' last point at or before x: the series do not share their points.
    function valuesAt(x) {
        return [x].concat(shown.series.map(function (one) {
            let value = null;
            for (let i = 0; i < one.x.length && one.x[i] <= x; i += 1) {
                value = one.y[i];
            }
            return x > one.x[one.x.length - 1] ? null : value;
        }));
    }

    function makeLegend() {
        legend.textContent = '';
        names(shown.series).forEach(function (name, i) {
            const button = document.createElement('button');
            const swatch = document.createElement('i');
            const value = document.createElement('output');
            button.type = 'button';
            button.setAttribute('aria-pressed', 'true');
            swatch.className = shown.series[i].kind;
            swatch.style.borderColor = color(shown.series[i].color);
            swatch.style.borderTopStyle = ['', 'dashed', 'double', 'dotted'][shown.series[i].dash % 4];
            button.append(swatch, document.createTextNode(name), value);
            button.addEventListener('click', function () {
                const visible = button.getAttribute('aria-pressed') !== 'true';
                button.setAttribute('aria-pressed', String(visible));
                graph.setVisibility(i, visible);
            });
            legend.append(button);
        });
    }

    function draw() {
        shown = charts.find(function (one) { return one.name === choice.value; });
        if (graph) {
            graph.destroy();
            graph = null;
        }
        if (!shown) {
            document.getElementById('curves').hidden = true;
            return;
        }
        const labels = names(shown.series);
        const looks = {};
        labels.forEach(function (label, i) { looks[label] = lookOf(shown.series[i]); });
        graph = new Dygraph(chart, rows(shown.series), {
            labels: [shown.x].concat(labels),
            colors: shown.series.map(function (one) { return color(one.color); }),
            series: looks,
            xlabel: shown.x,
            ylabel: shown.y,
            includeZero: true,
            connectSeparatedPoints: true,
            legend: 'never',
            axisLineColor: css('--soft'),
            gridLineColor: css('--line'),
            axisLabelWidth: 44,
            xRangePad: 4,
            yRangePad: 4,
            labelsKMB: false,
            highlightCircleSize: 3,
            animatedZooms: false,
            highlightCallback: function (event, x) { showValues(valuesAt(x)); },
            unhighlightCallback: function () { showValues(null); }
        });
        chart.setAttribute('aria-label', shown.title + ': ' + shown.y + ' over ' + shown.x);
        document.getElementById('note').textContent = shown.note;
        makeLegend();
        remember('choice', choice.value);
    }

    // Arrows pan by a quarter of what is seen, + and - zoom in the middle.
    function onKey(event) {
        const all = graph.xAxisExtremes();
        const seen = graph.xAxisRange();
        const width = seen[1] - seen[0];
        let range = null;
        if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
            const step = (event.key === 'ArrowLeft' ? -1 : 1) * width / 4;
            const moved = Math.max(all[0] - seen[0], Math.min(all[1] - seen[1], step));
            range = [seen[0] + moved, seen[1] + moved];
        } else if (event.key === '+' || event.key === '=') {
            range = [seen[0] + width / 4, seen[1] - width / 4];
        } else if (event.key === '-') {
            range = [Math.max(all[0], seen[0] - width / 2), Math.min(all[1], seen[1] + width / 2)];
        } else if (event.key === '0' || event.key === 'Home') {
            graph.resetZoom();
            event.preventDefault();
            return;
        } else {
            return;
        }
        graph.updateOptions({dateWindow: range});
        event.preventDefault();
    }

    function reloadWhileRunning() {
        const status = document.getElementById('under-way');
        const pause = document.getElementById('pause');
        if (document.documentElement.dataset.state !== 'under-way') {
            return;
        }
        status.hidden = false;
        pause.addEventListener('click', function () {
            const paused = pause.getAttribute('aria-pressed') !== 'true';
            pause.setAttribute('aria-pressed', String(paused));
            pause.textContent = paused ? 'Reload again' : 'Pause';
        });
        setInterval(function () {
            if (pause.getAttribute('aria-pressed') !== 'true' && !(graph && graph.isZoomed())) {
                location.reload();
            }
        }, 15000);
    }

    // ---- the table: sort, filter, choose columns
    const table = document.getElementById('table');

    function cellText(row, column) {
        return row.cells[column].textContent.trim();
    }

    // Numbers by size, then texts; what is empty comes last, whichever way.
    function sortBy(column, descending) {
        const sorted = Array.from(table.tBodies[0].rows).sort(function (a, b) {
            const left = cellText(a, column);
            const right = cellText(b, column);
            if (left === '' || right === '') {
                return (left === '') - (right === '');
            }
            const order = isFinite(left) && isFinite(right) ? Number(left) - Number(right) : left.localeCompare(right, 'en', {numeric: true});
            return descending ? -order : order;
        });
        table.tBodies[0].append(...sorted);
        Array.from(table.tHead.rows[0].cells).forEach(function (cell, i) {
            if (i === column) {
                cell.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
            } else {
                cell.removeAttribute('aria-sort');
            }
        });
        remember('sort', (descending ? '-' : '') + column);
    }

    // A row stays that has every word of the filter.
    function filter() {
        const words = document.getElementById('filter').value.toLowerCase().split(/\s+/);
        let count = 0;
        Array.from(table.tBodies[0].rows).forEach(function (row) {
            const cells = Array.from(row.cells, function (cell) { return cell.textContent; }).join(' ').toLowerCase();
            row.hidden = !words.every(function (word) { return cells.includes(word); });
            count += !row.hidden;
        });
        document.getElementById('count').textContent = count + ' of ' + table.tBodies[0].rows.length + ' runs';
        remember('filter', document.getElementById('filter').value);
    }

    function showColumn(column, visible) {
        Array.from(table.rows).forEach(function (row) { row.cells[column].hidden = !visible; });
    }

    function makeTools() {
        Array.from(table.tHead.rows[0].cells).forEach(function (cell, i) {
            const button = document.createElement('button');
            const label = document.createElement('label');
            const box = document.createElement('input');
            const name = cell.textContent;
            button.type = 'button';
            button.textContent = name;
            button.addEventListener('click', function () { sortBy(i, cell.getAttribute('aria-sort') === 'ascending'); });
            cell.textContent = '';
            cell.append(button);
            if (i === 0) {
                return;
            }
            box.type = 'checkbox';
            box.checked = true;
            box.addEventListener('change', function () { showColumn(i, box.checked); });
            label.append(box, document.createTextNode(' ' + name));
            document.getElementById('columns').append(label);
        });
        document.getElementById('filter').addEventListener('input', filter);
        document.getElementById('filter').value = remember('filter') || '';
        const sorted = remember('sort');
        if (sorted) {
            sortBy(Math.min(Math.abs(Number(sorted)), table.tHead.rows[0].cells.length - 1), sorted[0] === '-');
        }
        document.getElementById('tools').hidden = false;
        filter();
    }

    // ---- a press on a figure enlarges it
    function makeLarge() {
        const large = document.getElementById('large');
        const picture = document.getElementById('picture');
        document.querySelectorAll('figure img').forEach(function (image) {
            image.tabIndex = 0;
            image.setAttribute('role', 'button');
            function open() {
                picture.src = image.src;
                picture.alt = image.alt;
                large.showModal();
            }
            image.addEventListener('click', open);
            image.addEventListener('keydown', function (event) {
                if (event.key === 'Enter' || event.key === ' ') {
                    event.preventDefault();
                    open();
                }
            });
        });
        document.getElementById('close').addEventListener('click', function () { large.close(); });
        picture.addEventListener('click', function () { large.close(); });
    }

    const before = remember('choice');
    if (before && charts.some(function (one) { return one.name === before; })) {
        choice.value = before;
    }
    choice.addEventListener('change', draw);
    dark.addEventListener('change', draw);
    document.getElementById('reset').addEventListener('click', function () { graph.resetZoom(); });
    chart.addEventListener('keydown', onKey);
    draw();
    showValues(null);
    makeTools();
    makeLarge();
    reloadWhileRunning();
}());
