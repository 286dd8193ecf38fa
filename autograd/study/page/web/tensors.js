"use strict";
/// Tensors of the data: { shape, norm, grid: [rows, columns], data }, and `min` and `max` where the data does not tell them. The
/// data is base64 of little-endian float32, the tensor folded to [everything but the last axis, last axis] and, where that is
/// larger than the grid, averaged over blocks; with a `scale`, they are to be multiplied by it; with `at`, they are the cells
/// that are not 0.
Study.tensors = (() => {
    const decoded = new WeakMap();

    function fromBase64(text, scale) {
        const binary = atob(text);
        const bytes = new Uint8Array(binary.length);
        for (let i = 0; i < bytes.length; ++i) bytes[i] = binary.charCodeAt(i);
        const view = new DataView(bytes.buffer);
        return Float64Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true) * scale);
    }

    /// Cells among zeros, each so far behind the one before it.
    function scattered(values, gaps, size) {
        const all = new Float64Array(size);
        let at = 0;
        values.forEach((value, k) => (all[(at += gaps[k])] = value));
        return all;
    }

    /// The elements of the grid, row by row.
    function elements(tensor) {
        let values = decoded.get(tensor);
        if (!values) {
            values = fromBase64(tensor.data, tensor.scale || 1);
            if (tensor.at) values = scattered(values, tensor.at, tensor.grid[0] * tensor.grid[1]);
            decoded.set(tensor, values);
        }
        return values;
    }

    const count = (shape) => shape.reduce((product, extent) => product * extent, 1);

    /// Rows and columns of the tensor itself.
    function folded(tensor) {
        const columns = tensor.shape.length === 0 ? 1 : tensor.shape[tensor.shape.length - 1];
        return [columns === 0 ? 0 : count(tensor.shape) / columns, columns];
    }

    const isReduced = (tensor) => {
        const [rows, columns] = folded(tensor);
        return rows !== tensor.grid[0] || columns !== tensor.grid[1];
    };

    const ends = (index, extent, cells) => [
        Math.floor((index * extent) / cells),
        Math.floor(((index + 1) * extent) / cells) - 1,
    ];

    /// "[1, 4]", or for a cell that stands for several elements "[0–1, 4–7]".
    function place(tensor, row, column) {
        const name = ([first, last]) => (first === last ? `${first}` : `${first}–${last}`);
        const extents = folded(tensor);
        const across = name(ends(column, extents[1], tensor.grid[1]));
        if (tensor.shape.length < 2) return tensor.shape.length === 0 ? "" : `[${across}]`;
        return `[${name(ends(row, extents[0], tensor.grid[0]))}, ${across}]`;
    }

    /// A tensor made on this page from elements of `like`'s grid. Its norm is that of the whole tensor only if the
    /// grid is the whole tensor.
    function fromElements(like, values) {
        // Squares of tiny numbers are 0; hypot scales them.
        const [min, max, norm] = [Math.min(...values), Math.max(...values), Math.hypot(...values)];
        const made = { shape: like.shape, grid: like.grid, min, max, norm };
        made.approximate = isReduced(like);
        decoded.set(made, Float64Array.from(values));
        return made;
    }

    /// A tensor whose elements, those of its grid, are known already.
    function known(tensor, elements) {
        decoded.set(tensor, elements);
        return tensor;
    }

    /// The sum of tensors of one shape; null of none.
    function sum(tensors) {
        if (tensors.length === 0) return null;
        if (tensors.length === 1) return tensors[0];
        const total = Float64Array.from(elements(tensors[0]));
        for (const tensor of tensors.slice(1)) elements(tensor).forEach((value, i) => (total[i] += value));
        return fromElements(tensors[0], total);
    }

    /// What is left of `whole` without `parts`, all of one shape.
    function difference(whole, parts) {
        const rest = Float64Array.from(elements(whole));
        for (const part of parts) elements(part).forEach((value, i) => (rest[i] -= value));
        return fromElements(whole, rest);
    }

    /// The least and the greatest element, NaN if one is.
    function limits(tensor) {
        if (tensor.min === undefined) {
            const values = elements(tensor);
            tensor.min = values.reduce((least, value) => Math.min(least, value), Infinity);
            tensor.max = values.reduce((most, value) => Math.max(most, value), -Infinity);
        }
        return [tensor.min, tensor.max].map(Study.numbers.parse);
    }

    const norm = (tensor) => (tensor ? Study.numbers.parse(tensor.norm) : undefined);

    /// The largest finite magnitude among the grids' cells, for a scale that several heat maps share.
    function reach(tensors) {
        let largest = 0;
        for (const tensor of tensors)
            for (const value of elements(tensor))
                if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
        return largest;
    }

    return { elements, known, folded, ends, isReduced, place, sum, difference, limits, norm, reach, count };
})();
