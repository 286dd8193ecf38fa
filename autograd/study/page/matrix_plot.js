"use strict";
/// A matrix of sizes as a heat map with a logarithmic scale, such as the ledger of a parameter. Its data are decadic
/// logarithms, -∞ for 0, of the whole matrix or of means over blocks of it.
Study.matrixPlot = (() => {
    const { element, sharpContext } = Study.dom;
    const { text } = Study.numbers;
    const side = 360; // pixels, before the type grows

    /// { low, high } in decades, at most twelve; null where nothing can be shown.
    function range(decades) {
        let [low, high] = [Infinity, -Infinity];
        for (const decade of decades) {
            if (!Number.isFinite(decade)) continue;
            low = Math.min(low, decade);
            high = Math.max(high, decade);
        }
        return high === -Infinity ? null : { low: Math.max(low, high - 12), high };
    }

    const scaled = (decade, { low, high }) => (high > low ? (decade - low) / (high - low) : 1);
    const sizeOf = (decade) => (decade === -Infinity ? 0 : 10 ** decade);

    function paint(canvas, { grid: [rows, columns], decades }, limits, at, size) {
        const margin = { left: 46 * size, bottom: 24 * size };
        const cell = (side * size) / Math.max(rows, columns);
        const context = sharpContext(canvas, margin.left + cell * columns + 1, margin.bottom + cell * rows + 1);
        const theme = Study.colours.theme();
        const numbered = cell >= 44 * size;
        for (let row = 0; row < rows; ++row) {
            for (let column = 0; column < columns; ++column) {
                const decade = decades[row * columns + column];
                if (decade === -Infinity) continue;
                const u = Number.isFinite(decade) ? scaled(decade, limits) : NaN;
                context.fillStyle = Number.isNaN(u) ? theme.missing : Study.colours.size(u);
                context.fillRect(margin.left + column * cell, row * cell, cell + 0.5, cell + 0.5);
                if (!numbered) continue;
                Object.assign(context, { fillStyle: Study.colours.textOnSize(u), font: `${12 * size}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
                context.fillText(text(sizeOf(decade)), margin.left + (column + 0.5) * cell, (row + 0.5) * cell, cell - 4);
            }
        }
        context.strokeStyle = theme.tileEdge;
        context.strokeRect(margin.left + 0.5, 0.5, cell * columns, cell * rows);
        ticks(context, at, cell, margin, size);
        return { cell, margin };
    }

    /// A time step with what it is called, or none.
    const time = (step, titleOf) => (step === null || step === undefined ? "–" : `${step}${titleOf?.(step) ? ` ${titleOf(step)}` : ""}`);

    function ticks(context, { rows, columns, titleOf }, cell, margin, size) {
        context.fillStyle = Study.colours.theme().soft;
        context.font = `${13 * size}px system-ui, sans-serif`;
        const every = (count) => Libraries.scaleLinear([0, Math.max(1, count - 1)], [0, 1]).ticks(Math.min(count, 8)).filter((one) => Number.isInteger(one) && one < count);
        context.textAlign = "right";
        context.textBaseline = "middle";
        for (const row of every(rows.length)) context.fillText(time(rows[row][0], titleOf), margin.left - 6 * size, Math.max(7 * size, (row + 0.5) * cell), margin.left - 8 * size);
        context.textAlign = "center";
        context.textBaseline = "top";
        for (const column of every(columns.length)) context.fillText(time(columns[column][0], titleOf), margin.left + (column + 0.5) * cell, rows.length * cell + 6 * size);
    }

    function legend({ low, high }) {
        const canvas = element("canvas", { "aria-hidden": "true" });
        const context = sharpContext(canvas, 160, 12);
        for (let x = 0; x < 160; ++x) {
            context.fillStyle = Study.colours.size(x / 160);
            context.fillRect(x, 0, 1, 12);
        }
        return element("p", { class: "legend" }, element("span", { "data-text": text(10 ** low) }, text(10 ** low)), canvas, element("span", { "data-text": text(10 ** high) }, text(10 ** high)));
    }

    /// The first and the last of the steps that each of `cells` stands for.
    const blocks = (steps, cells) => Array.from({ length: cells }, (_, cell) => {
        const [first, last] = Study.tensors.ends(cell, steps.length, cells);
        return [steps[first], steps[last]];
    });

    /// `matrix` is { grid, decades }; `rows` and `columns` say what they count, `name`, and all time steps, `at`;
    /// onPick(row's step, column's step) hears of clicks.
    function plot({ matrix, rows, columns, titleOf, onPick }) {
        const [height, width] = matrix.grid;
        if (width * height === 0) return element("p", { class: "hint" }, "empty");
        const limits = range(matrix.decades);
        if (!limits) return element("p", { class: "hint nothing" }, `Nothing to draw: ${matrix.decades.every((one) => one === -Infinity) ? "every entry is exactly 0" : "no entry is finite and above 0"}.`);
        const size = Study.dom.baseSize() / 15;
        const canvas = element("canvas", { class: "matrix", role: "img", "aria-label": `${rows.name} by ${columns.name}` });
        const at = { rows: blocks(rows.at, height), columns: blocks(columns.at, width), titleOf };
        const { cell, margin } = paint(canvas, matrix, limits, at, size);
        const reduced = height < rows.at.length || width < columns.at.length;
        const hint = `down: ${rows.name}; across: ${columns.name}; empty: exactly 0${reduced ? "; a cell is the mean of several" : ""}`;
        const readout = element("p", { class: "readout" }, hint);
        const under = (event) => {
            const scale = canvas.clientWidth / parseFloat(canvas.style.width) || 1; // a small screen shrinks it
            const [row, column] = [Math.floor(event.offsetY / scale / cell), Math.floor((event.offsetX / scale - margin.left) / cell)];
            return row < 0 || column < 0 || row >= height || column >= width ? null : { row, column };
        };
        const name = ([first, last]) => (first === last || last === undefined ? time(first, titleOf) : `${time(first, titleOf)}–${time(last, titleOf)}`);
        canvas.addEventListener("pointermove", (event) => {
            const where = under(event);
            readout.textContent = where ? `${rows.name}=${name(at.rows[where.row])}, ${columns.name}=${name(at.columns[where.column])}: ${text(sizeOf(matrix.decades[where.row * width + where.column]))}` : hint;
        });
        canvas.addEventListener("pointerleave", () => (readout.textContent = hint));
        if (onPick) canvas.addEventListener("click", (event) => {
            const where = under(event);
            if (where) onPick(at.rows[where.row][0], at.columns[where.column][0]);
        });
        return element("div", { class: "matrix-plot" }, canvas, legend(limits), readout);
    }

    return { plot, blocks, sizeOf };
})();
