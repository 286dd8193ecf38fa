"use strict";
/// A tensor as a heat map, with its numbers in the cells where they fit, and what the pointer is on below it.
Study.heatMap = (() => {
    const { element, sharpContext } = Study.dom;
    const { text } = Study.numbers;
    const { say } = Study.language;

    const [fixed, exponent] = [Libraries.format(".2~g"), Libraries.format(".1~e")];
    function brief(value) {
        if (!Number.isFinite(value)) return text(value);
        return value !== 0 && Math.abs(value) < 0.01 ? exponent(value).replace("e-", "e−") : fixed(value);
    }

    /// The scale that several heat maps of one group share: { reach } for signed values.
    const scaleOf = (tensors) => ({ reach: Study.tensors.reach(tensors.filter(Boolean)) });

    function cellSize(rows, columns, width) {
        const across = width / Math.max(1, columns);
        return { w: Math.min(56, across), h: Math.max(3, Math.min(30, across, 240 / Math.max(1, rows))) };
    }

    function paintCell(context, value, x, y, w, h, scale) {
        const theme = Study.colours.theme();
        if (Number.isNaN(value)) {
            context.fillStyle = theme.missing;
            context.fillRect(x, y, w, h);
            context.strokeStyle = "#ffffff";
            context.beginPath();
            context.moveTo(x, y);
            context.lineTo(x + w, y + h);
            context.moveTo(x + w, y);
            context.lineTo(x, y + h);
            context.stroke();
            return;
        }
        const u = Number.isFinite(value) ? (scale.reach > 0 ? value / scale.reach : 0) : Math.sign(value);
        context.fillStyle = Study.colours.signed(u);
        context.fillRect(x, y, w, h);
        if (Number.isFinite(value)) return;
        context.strokeStyle = theme.missing;
        context.lineWidth = 2;
        context.strokeRect(x + 1, y + 1, w - 2, h - 2);
    }

    /// Dark or light text by what lies under it, for the theme's signed colours.
    function textColour(value, scale) {
        const theme = Study.colours.theme();
        if (!Number.isFinite(value)) return theme.ink;
        const strong = scale.reach > 0 && Math.abs(value) / scale.reach > 0.6;
        return strong ? theme.paper : theme.ink;
    }

    function paint(canvas, tensor, scale, width) {
        const [rows, columns] = tensor.grid;
        const { w, h } = cellSize(rows, columns, width);
        const context = sharpContext(canvas, Math.max(1, w * columns), Math.max(1, h * rows));
        const values = Study.tensors.elements(tensor);
        const size = Math.min(13, w / 3.6);
        const numbered = size >= 8.5 && h >= 16;
        context.font = `${size}px system-ui, sans-serif`;
        context.textAlign = "center";
        context.textBaseline = "middle";
        for (let row = 0; row < rows; ++row) {
            for (let column = 0; column < columns; ++column) {
                const value = values[row * columns + column];
                paintCell(context, value, column * w, row * h, w, h, scale);
                if (!numbered) continue;
                context.fillStyle = textColour(value, scale);
                context.fillText(brief(value), (column + 0.5) * w, (row + 0.5) * h + 1, w - 2);
            }
        }
        return { w, h };
    }

    function caption(tensor) {
        const norm = `${tensor.approximate ? "≈ " : ""}${text(Study.numbers.parse(tensor.norm))}`;
        const limits = Study.tensors.limits(tensor);
        if (Study.tensors.count(tensor.shape) === 1) return Study.numbers.exact(limits[0]);
        const [low, high] = limits.map(text);
        return say`${low} to ${high}, norm ${norm}`;
    }

    /// The figure of a tensor: { title, tensor, scale, width }.
    function figure({ title, tensor, scale, width = 300, kind = "" }) {
        const heading = element("figcaption", {}, element("b", {}, title), " ", element("span", { class: "numbers" }, caption(tensor)));
        const [rows, columns] = tensor.grid;
        if (rows * columns === 0) return element("figure", { class: `heat ${kind}` }, heading, element("p", { class: "hint" }, say("no elements")));
        const canvas = element("canvas", { role: "img", "aria-label": `${title}: ${caption(tensor)}` });
        const { w, h } = paint(canvas, tensor, scale || scaleOf([tensor]), width);
        const resting = Study.tensors.isReduced(tensor)
            ? say`${Study.numbers.shape(tensor.shape)}; a cell is the mean of several elements`
            : " ";
        const readout = element("p", { class: "readout" }, resting);
        canvas.addEventListener("pointermove", (event) => {
            const [row, column] = [Math.floor(event.offsetY / h), Math.floor(event.offsetX / w)];
            if (row < 0 || column < 0 || row >= rows || column >= columns) return;
            const value = Study.tensors.elements(tensor)[row * columns + column];
            readout.textContent = `${Study.tensors.place(tensor, row, column)} = ${Number.isFinite(value) ? value.toPrecision(7).replace("-", "−") : text(value)}`;
        });
        canvas.addEventListener("pointerleave", () => (readout.textContent = resting));
        return element("figure", { class: `heat ${kind}` }, heading, canvas, readout);
    }

    /// What the colours mean, for a scale.
    function legend(scale) {
        const canvas = element("canvas", { "aria-hidden": "true" });
        const context = sharpContext(canvas, 120, 10);
        for (let x = 0; x < 120; ++x) {
            context.fillStyle = Study.colours.signed((x - 60) / 60);
            context.fillRect(x, 0, 1, 10);
        }
        return element("p", { class: "legend" }, text(-scale.reach), canvas, text(scale.reach));
    }

    return { figure, scaleOf, legend };
})();
