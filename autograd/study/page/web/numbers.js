"use strict";
/// Numbers as the data has them, where NaN and infinities are words, and as people read them.
Study.numbers = (() => {
    const words = { nan: NaN, inf: Infinity, "-inf": -Infinity };
    const short = Libraries.format(".3~g");
    const scientific = Libraries.format(".2~e");

    const parse = (value) => (typeof value === "string" ? words[value] : value);

    function text(value) {
        if (value === undefined || value === null) return "–";
        if (Number.isNaN(value)) return "NaN";
        if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
        const size = Math.abs(value);
        if (size !== 0 && (size < 1e-3 || size >= 1e5)) return scientific(value);
        return short(value);
    }

    /// All digits that a single number has; for a tensor of one element.
    const exact = (value) => (Number.isFinite(value) ? String(value).replace("-", "−") : text(value));

    /// Texts for the ticks of an axis, with as many digits as it takes to tell them apart.
    function distinct(values) {
        const alike = (texts) => new Set(texts).size < texts.length;
        let texts = values.map(text);
        for (let digits = 4; digits <= 16 && alike(texts); ++digits) {
            const [longer, longerScientific] = [Libraries.format(`.${digits}~g`), Libraries.format(`.${digits - 1}~e`)];
            texts = values.map((value) => (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5) ? longerScientific : longer)(value));
        }
        return texts;
    }

    const shape = (extents) => (extents.length === 0 ? "scalar" : `[${extents.join(", ")}]`);

    return { parse, text, exact, distinct, shape };
})();
