"use strict";
/// Takes what a card shows out of the page: as SVG, as PNG, and its numbers as CSV and as NumPy arrays. Nothing leaves for the
/// network.
Study.exporting = (() => {
    const { element } = Study.dom;
    const { say } = Study.language;

    function save(blob, name) {
        const link = element("a", { href: URL.createObjectURL(blob), download: name });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }

    const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

    /// The rules of the page that a plot needs, with their colours.
    function lookOf(node) {
        const kept = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font", "display"];
        const copy = node.cloneNode(true);
        const [from, to] = [[node, ...node.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
        from.forEach((one, index) => {
            const style = getComputedStyle(one);
            to[index].setAttribute("style", kept.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
        });
        return copy;
    }

    /// A card as one SVG document: its title, and its plots, legends and matrices where they stand on the page.
    function svgOf(card) {
        const frame = card.getBoundingClientRect();
        const at = (box) => `x="${(box.left - frame.left).toFixed(1)}" y="${(box.top - frame.top).toFixed(1)}"`;
        const parts = [];
        for (const node of card.querySelectorAll("h2, h3, svg, canvas, [data-text]")) {
            const box = node.getBoundingClientRect();
            const style = getComputedStyle(node);
            if (box.width === 0 || node.parentElement.closest("svg")) continue;
            if (node.tagName === "CANVAS") {
                parts.push(`<image ${at(box)} width="${box.width}" height="${box.height}" href="${node.toDataURL()}"/>`);
            } else if (node.tagName.toLowerCase() === "svg") {
                const copy = lookOf(node);
                copy.setAttribute("width", box.width);
                copy.setAttribute("height", box.height);
                copy.setAttribute("x", box.left - frame.left);
                copy.setAttribute("y", box.top - frame.top);
                parts.push(new XMLSerializer().serializeToString(copy));
            } else {
                const baseline = box.top - frame.top + 0.75 * parseFloat(style.fontSize) + (box.height - parseFloat(style.fontSize)) / 2;
                const text = node.dataset.text || node.textContent;
                parts.push(`<text x="${(box.left - frame.left).toFixed(1)}" y="${baseline.toFixed(1)}" fill="${style.color}" font-family="sans-serif" font-weight="${style.fontWeight}" font-size="${parseFloat(style.fontSize)}">${escaped(text)}</text>`);
            }
        }
        const [width, height] = [Math.ceil(frame.width), Math.ceil(frame.height)];
        const paper = getComputedStyle(card).backgroundColor;
        return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
            `<rect width="${width}" height="${height}" fill="${paper}"/>${parts.join("\n")}</svg>\n`;
    }

    /// The same in pixels, two for each of the page's.
    function pngOf(card) {
        const svg = svgOf(card);
        const { width, height } = card.getBoundingClientRect();
        const image = new Image();
        return new Promise((done, failed) => {
            image.onerror = failed;
            image.onload = () => {
                const canvas = element("canvas", { width: Math.ceil(2 * width), height: Math.ceil(2 * height) });
                canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
                canvas.toBlob(done);
            };
            image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
        });
    }

    const field = (value) => {
        const text = value === undefined || value === null || Number.isNaN(value) ? "" : String(value);
        return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    /// A table is a list of lines, the first with the names of the columns.
    const csvOf = (lines) => lines.map((line) => line.map(field).join(",")).join("\n") + "\n";

    /// The numbers of a table, without its names, as an array of NumPy: its format 1.0, of float64; NaN where there is none.
    function npyOf([, ...lines]) {
        const rows = lines.map((line) => line.filter((cell) => typeof cell !== "string"));
        const [height, width] = [rows.length, rows[0]?.length ?? 0];
        const said = `{'descr': '<f8', 'fortran_order': False, 'shape': (${height}, ${width}), }`;
        const head = new TextEncoder().encode(said.padEnd(64 * Math.ceil((said.length + 11) / 64) - 11) + "\n");
        const bytes = new DataView(new ArrayBuffer(10 + head.length + 8 * height * width));
        [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0].forEach((byte, k) => bytes.setUint8(k, byte));
        bytes.setUint16(8, head.length, true);
        head.forEach((byte, k) => bytes.setUint8(10 + k, byte));
        rows.flat().forEach((cell, k) => bytes.setFloat64(10 + head.length + 8 * k, cell ?? NaN, true));
        return bytes.buffer;
    }

    /// Series of one x as a table.
    function tableOfSeries(xName, series) {
        const xs = [...new Set(series.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
        const columns = series.map((one) => new Map(one.points));
        return [[xName, ...series.map((one) => one.name)], ...xs.map((x) => [x, ...columns.map((column) => column.get(x))])];
    }

    /// The buttons of a card. `tables()` gives its numbers, most often in one table; each is an array of its own.
    function buttons(name, tables) {
        const cardOf = (event) => event.target.closest(".card");
        const button = (text, title, click) => element("button", { class: "save", title, click }, text);
        return [
            button("SVG", say("Save as SVG"), (event) => save(new Blob([svgOf(cardOf(event))], { type: "image/svg+xml" }), `${name}.svg`)),
            button("PNG", say("Save as PNG"), (event) => pngOf(cardOf(event)).then((blob) => save(blob, `${name}.png`))),
            button("CSV", say("Save the numbers"), () => save(new Blob(tables().map(csvOf), { type: "text/csv" }), `${name}.csv`)),
            button("NPY", say("Save the numbers as NumPy arrays"), () => tables().forEach((table, k) => save(new Blob([npyOf(table)]), `${name}${k > 0 ? `-${k + 1}` : ""}.npy`))),
        ];
    }

    return { svgOf, pngOf, tableOfSeries, buttons, save, escaped };
})();
