"use strict";
/// A matrix as a heat map, such as the ledger of a parameter, of all of it or of blocks: of sizes, given as decadic
/// logarithms, -∞ for 0, on a logarithmic scale; or of shares with their signs.
Study.matrixPlot = (() => {
    const { element, sharpContext } = Study.dom;
    const { text } = Study.numbers;
    const { say } = Study.language;
    const side = 360; // pixels, before the type grows

    const sizeOf = (decade) => (decade === -Infinity ? 0 : 10 ** decade);
    const finite = (values) => [...values].filter(Number.isFinite);

    /// How sizes are shown: at most twelve decades; null where there is none.
    function sizeScale(decades, range) {
        const [least, high] = range ?? rangeOf(decades);
        if (!Number.isFinite(high) || finite(decades).length === 0) return null;
        const low = Math.max(least, high - 12);
        const scaled = (decade) => (high > low ? (decade - low) / (high - low) : 1);
        return {
            empty: (decade) => decade === -Infinity, value: sizeOf, text: (decade) => text(sizeOf(decade)),
            colour: (decade) => Study.colours.size(scaled(decade)), ink: (decade) => Study.colours.textOnSize(scaled(decade)),
            legend: [text(10 ** low), text(10 ** high)], at: Study.colours.size,
        };
    }

    /// The least and the greatest of decadic logarithms, for several matrices on one scale.
    const rangeOf = (decades) => finite(decades).reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);

    /// How ratios are shown, given as decadic logarithms.
    function ratioScale(decades) {
        const reach = Math.max(0.3, ...finite(decades).map(Math.abs));
        const said = (decade) => `×${text(10 ** decade)}`;
        return {
            empty: Number.isNaN, value: sizeOf, text: said,
            colour: (decade) => Study.colours.signed(decade / reach),
            ink: (decade) => Study.colours.theme()[Math.abs(decade) > 0.6 * reach ? "paper" : "ink"],
            legend: [said(-reach), said(reach)], at: (u) => Study.colours.signed(2 * u - 1),
        };
    }

    /// How shares are shown, which may cancel each other.
    function shareScale(shares) {
        const reach = finite(shares).reduce((best, one) => Math.max(best, Math.abs(one)), 0);
        if (reach === 0) return null;
        const percent = (share) => `${Libraries.format(".3~g")(100 * share).replace("-", "−")} %`;
        return {
            empty: (share) => share === 0, value: (share) => share, text: percent,
            colour: (share) => Study.colours.signed(share / reach),
            ink: (share) => Study.colours.theme()[Math.abs(share) > 0.6 * reach ? "paper" : "ink"],
            legend: [percent(-reach), percent(reach)], at: (u) => Study.colours.signed(2 * u - 1),
        };
    }

    function paint(canvas, { grid: [rows, columns], values }, scale, at, size, most) {
        const margin = { left: 46 * size, bottom: 24 * size };
        const cell = Math.min(side * size, most - margin.left - 2) / Math.max(rows, columns);
        const context = sharpContext(canvas, margin.left + cell * columns + 1, margin.bottom + cell * rows + 1);
        const theme = Study.colours.theme();
        const numbered = cell >= 44 * size;
        for (let row = 0; row < rows; ++row) {
            for (let column = 0; column < columns; ++column) {
                const value = values[row * columns + column];
                if (scale.empty(value)) continue;
                context.fillStyle = Number.isFinite(value) ? scale.colour(value) : theme.missing;
                context.fillRect(margin.left + column * cell, row * cell, cell + 0.5, cell + 0.5);
                if (!numbered) continue;
                Object.assign(context, { fillStyle: scale.ink(value), font: `${12 * size}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
                context.fillText(scale.text(value), margin.left + (column + 0.5) * cell, (row + 0.5) * cell, cell - 4);
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

    function legend(scale) {
        const canvas = element("canvas", { "aria-hidden": "true" });
        const context = sharpContext(canvas, 160, 12);
        for (let x = 0; x < 160; ++x) {
            context.fillStyle = scale.at(x / 160);
            context.fillRect(x, 0, 1, 12);
        }
        const [low, high] = scale.legend.map((end) => element("span", { "data-text": end }, end));
        return element("p", { class: "legend" }, low, canvas, high);
    }

    /// The first and the last of the steps that each of `cells` stands for.
    const blocks = (steps, cells) => Array.from({ length: cells }, (_, cell) => {
        const [first, last] = Study.tensors.ends(cell, steps.length, cells);
        return [steps[first], steps[last]];
    });

    /// `matrix` is { grid, values }, of shares if `shares` is true, of ratios if `ratio` is; `range` is that of sizes, where several matrices share it; `rows` and `columns` say what they count, `name`, and all time steps, `at`;
    /// onPick(row's step, column's step) hears of clicks; `most` is the width that there is, in pixels.
    function plot({ matrix, shares = false, rows, columns, titleOf, onPick, most = Infinity, range, ratio = false }) {
        const [height, width] = matrix.grid;
        if (width * height === 0) return element("p", { class: "hint" }, say("empty"));
        const scale = ratio ? ratioScale(matrix.values) : shares ? shareScale(matrix.values) : sizeScale(matrix.values, range);
        if (!scale) return element("p", { class: "hint nothing" }, say`Nothing to draw: ${say([...matrix.values].every((one) => one === (shares ? 0 : -Infinity)) ? "every entry is exactly 0" : "no entry is finite and above 0")}.`);
        const size = Study.dom.baseSize() / 15;
        const canvas = element("canvas", { class: "matrix", role: "img", "aria-label": say`${rows.name} by ${columns.name}` });
        const at = { rows: blocks(rows.at, height), columns: blocks(columns.at, width), titleOf };
        const { cell, margin } = paint(canvas, matrix, scale, at, size, most);
        const reduced = height < rows.at.length || width < columns.at.length;
        const blocked = reduced ? `; ${say(shares ? "a cell is the sum of several" : "a cell is the mean of several")}` : "";
        const hint = say`down: ${rows.name}; across: ${columns.name}; empty: exactly 0` + blocked;
        const readout = element("p", { class: "readout" }, hint);
        const under = (event) => {
            const shrunk = canvas.clientWidth / parseFloat(canvas.style.width) || 1; // by a small screen
            const [row, column] = [Math.floor(event.offsetY / shrunk / cell), Math.floor((event.offsetX / shrunk - margin.left) / cell)];
            return row < 0 || column < 0 || row >= height || column >= width ? null : { row, column };
        };
        const name = ([first, last]) => (first === last || last === undefined ? time(first, titleOf) : `${time(first, titleOf)}–${time(last, titleOf)}`);
        canvas.addEventListener("pointermove", (event) => {
            const where = under(event);
            readout.textContent = where ? `${rows.name}=${name(at.rows[where.row])}, ${columns.name}=${name(at.columns[where.column])}: ${scale.text(matrix.values[where.row * width + where.column])}` : hint;
        });
        canvas.addEventListener("pointerleave", () => (readout.textContent = hint));
        if (onPick) canvas.addEventListener("click", (event) => {
            const where = under(event);
            if (where) onPick(at.rows[where.row][0], at.columns[where.column][0]);
        });
        return element("div", { class: "matrix-plot" }, canvas, legend(scale), readout);
    }

    return { plot, blocks, sizeOf, rangeOf };
})();
