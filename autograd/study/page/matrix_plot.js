"use strict";
/// A matrix of sizes as a heat map with a logarithmic scale, such as the ledger of a parameter.
Study.matrixPlot = (() => {
    const { element, sharpContext } = Study.dom;
    const { text, parse } = Study.numbers;

    function range(matrix) {
        let [low, high] = [Infinity, 0];
        for (const value of matrix.flat().map(parse)) {
            if (!(value > 0) || !Number.isFinite(value)) continue;
            low = Math.min(low, value);
            high = Math.max(high, value);
        }
        if (high === 0) return { low: 1, high: 1 };
        return { low: Math.max(low, high * 1e-12), high };
    }

    const scaled = (value, { low, high }) => (high > low ? Math.log(value / low) / Math.log(high / low) : 1);

    function paint(canvas, matrix, { rows: down, columns: across }, limits, size) {
        const [rows, columns] = [matrix.length, matrix[0].length];
        const margin = { left: 46 * size, bottom: 24 * size };
        const cell = (360 * size) / Math.max(rows, columns);
        const context = sharpContext(canvas, margin.left + cell * columns + 1, margin.bottom + cell * rows + 1);
        const theme = Study.colours.theme();
        matrix.forEach((line, row) => line.forEach((entry, column) => {
            const value = parse(entry);
            if (value === 0 || value === null) return;
            context.fillStyle = Number.isFinite(value) ? Study.colours.size(scaled(value, limits)) : theme.missing;
            context.fillRect(margin.left + column * cell, row * cell, cell + 0.5, cell + 0.5);
        }));
        context.strokeStyle = theme.tileEdge;
        context.strokeRect(margin.left + 0.5, 0.5, cell * columns, cell * rows);
        ticks(context, down.at, across.at, cell, margin, size);
        return { cell, margin };
    }

    /// A time step, or none.
    const time = (step) => step ?? "–";

    function ticks(context, rows, columns, cell, margin, size) {
        context.fillStyle = Study.colours.theme().soft;
        context.font = `${13 * size}px system-ui, sans-serif`;
        const every = (count) => Libraries.scaleLinear([0, count - 1], [0, 1]).ticks(Math.min(count, 8)).filter(Number.isInteger);
        context.textAlign = "right";
        context.textBaseline = "middle";
        for (const row of every(rows.length)) context.fillText(time(rows[row]), margin.left - 6 * size, Math.max(7 * size, (row + 0.5) * cell));
        context.textAlign = "center";
        context.textBaseline = "top";
        for (const column of every(columns.length)) context.fillText(time(columns[column]), margin.left + (column + 0.5) * cell, rows.length * cell + 6 * size);
    }

    function legend(limits) {
        const canvas = element("canvas", { "aria-hidden": "true" });
        const context = sharpContext(canvas, 160, 12);
        for (let x = 0; x < 160; ++x) {
            context.fillStyle = Study.colours.size(x / 160);
            context.fillRect(x, 0, 1, 12);
        }
        return element("p", { class: "legend" }, text(limits.low), canvas, text(limits.high));
    }

    /// `rows` and `columns` say what they count, `name`, and at which time steps, `at`; onPick(row, column) hears of clicks.
    function plot({ matrix, rows, columns, onPick }) {
        if (matrix.length === 0 || matrix[0].length === 0) return element("p", { class: "hint" }, "empty");
        const limits = range(matrix);
        const size = Study.dom.baseSize() / 15;
        const canvas = element("canvas", { class: "matrix", role: "img", "aria-label": `${rows.name} by ${columns.name}` });
        const { cell, margin } = paint(canvas, matrix, { rows, columns }, limits, size);
        const hint = `down: ${rows.name}; across: ${columns.name}; empty: exactly 0`;
        const readout = element("p", { class: "readout" }, hint);
        const under = (event) => {
            const [row, column] = [Math.floor(event.offsetY / cell), Math.floor((event.offsetX - margin.left) / cell)];
            return matrix[row]?.[column] === undefined ? null : { row, column };
        };
        canvas.addEventListener("pointermove", (event) => {
            const at = under(event);
            readout.textContent = at ? `${rows.name}=${time(rows.at[at.row])}, ${columns.name}=${time(columns.at[at.column])}: ${text(parse(matrix[at.row][at.column]))}` : hint;
        });
        canvas.addEventListener("pointerleave", () => (readout.textContent = hint));
        if (onPick) canvas.addEventListener("click", (event) => under(event) && onPick(under(event).row, under(event).column));
        return element("div", { class: "matrix-plot" }, canvas, legend(limits), readout);
    }

    return { plot };
})();
