"use strict";
/// Two rows of cells over time on one scale of colours, and a third with their ratio.
Study.stripes = (() => {
    const { element, sharpContext } = Study.dom;
    const { text } = Study.numbers;
    const { say } = Study.language;
    const cell = { most: 60, height: 26 };

    /// `values` are two lists of norms, `ratio` the decades from the first to the second; `colour(decades, reach)`.
    function plot({ names, times, values, ratio, colour }) {
        const proper = values.flat().filter((value) => value > 0 && Number.isFinite(value));
        const high = Math.log10(proper.reduce((best, one) => Math.max(best, one), 0) || 1);
        const low = Math.max(high - 12, Math.log10(proper.reduce((best, one) => Math.min(best, one), Infinity)));
        const scaled = (value) => (high > low ? (Math.log10(value) - low) / (high - low) : 1);
        const reach = Math.max(0.3, ...ratio.filter(Number.isFinite).map(Math.abs));
        const size = Study.dom.baseSize() / 15;
        const canvas = element("canvas", { class: "stripes", role: "img", "aria-label": say`${names.join(", ")} and their ratio, by time step` });
        const hint = say`${names[0]}; ${names[1]}; and ${names[1]} : ${names[0]}, blue where it is smaller, orange where it is larger`;
        const readout = element("p", { class: "readout" }, hint);
        const width = Math.max(2, Math.min(cell.most * size, (Math.min(560, window.innerWidth - 60) * size) / times.length));
        const height = cell.height * size;
        const context = sharpContext(canvas, width * times.length, 3 * height + 6);
        const theme = Study.colours.theme();
        const gap = width > 6 ? 1 : 0;
        const paintRow = (row, fill, ink, said) => times.forEach((_, k) => {
            const top = row * height + (row === 2 ? 6 : 0);
            context.fillStyle = fill(k) ?? theme.tile;
            context.fillRect(k * width, top, width - gap, height - 1);
            if (width < 44 * size || said(k) === "") return;
            Object.assign(context, { fillStyle: ink(k), font: `${12 * size}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
            context.fillText(said(k), (k + 0.5) * width, top + height / 2, width - 4);
        });
        values.forEach((list, row) => paintRow(row, (k) => (list[k] > 0 ? Study.colours.size(scaled(list[k])) : null), (k) => Study.colours.textOnSize(scaled(list[k])), (k) => (list[k] > 0 ? text(list[k]) : "")));
        paintRow(2, (k) => (ratio[k] === undefined ? null : colour(ratio[k], reach)), (k) => (Math.abs(ratio[k]) > 0.6 * reach ? theme.paper : theme.ink), (k) => (Number.isFinite(ratio[k]) ? `×${text(10 ** ratio[k])}` : ""));
        canvas.addEventListener("pointermove", (event) => {
            const shrunk = canvas.clientWidth / (width * times.length) || 1;
            const k = Math.floor(event.offsetX / shrunk / width);
            if (k < 0 || k >= times.length) return;
            readout.textContent = `t = ${times[k]}: ${names.map((name, row) => `${name} ${text(values[row][k])}`).join(", ")}${Number.isFinite(ratio[k]) ? `, × ${text(10 ** ratio[k])}` : ""}`;
        });
        canvas.addEventListener("pointerleave", () => (readout.textContent = hint));
        return element("div", { class: "stripes-plot" }, canvas, readout);
    }

    return { plot };
})();
