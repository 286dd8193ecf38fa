"use strict";
/// Finds the network in the graph: lanes (one for each time loop), columns (time steps, and what comes before and
/// after them), and tiles, where a lane crosses a column. The steps of a loop repeat one cell, so most tiles are alike.
Study.structure = (() => {
    /// "encoder/t=3/attention" is time 3 of the loop "encoder", with "attention" inside of its cell.
    function parseLabel(label) {
        const parts = label === "" ? [] : label.split("/");
        const at = parts.findIndex((part) => /^t=\d+$/.test(part));
        if (at < 0) return { lane: parts.join("/"), time: null, inner: "" };
        return {
            lane: parts.slice(0, at).join("/"),
            time: Number(parts[at].slice(2)),
            inner: parts.slice(at + 1).join("/"),
        };
    }

    /// The lanes that each node depends on, as bits, for those with a time loop.
    function ancestry(nodes, places, rowOf) {
        const depends = new Uint32Array(nodes.length);
        for (const node of nodes) {
            for (const input of node.inputs) depends[node.place] |= depends[input];
            const { lane, time } = places[node.place];
            if (time !== null && !node.leaf) depends[node.place] |= 1 << Math.min(rowOf.get(lane), 31);
        }
        return depends;
    }

    const highestBit = (bits) => 31 - Math.clz32(bits);

    /// Row and column of a node without a time step: in its own lane if that has a loop, else beside the loops that
    /// it depends on, or before the first that uses it.
    function placeUntimed(node, label, depends, rowOf, homes) {
        const row = rowOf.get(label.lane);
        if (row !== undefined) return { row, column: depends & (1 << row) ? Infinity : -Infinity };
        if (depends !== 0) return { row: highestBit(depends), column: Infinity };
        const rows = node.users.map((user) => homes[user]?.row).filter((one) => one !== undefined);
        return { row: rows.length > 0 ? Math.min(...rows) : 0, column: -Infinity };
    }

    /// One of several results goes where it is used, if that is a single time step.
    function followUser(node, homes) {
        const users = node.users.map((user) => homes[user]).filter(Boolean);
        const first = users[0];
        if (!first || !Number.isFinite(first.column)) return null;
        return users.every((one) => one.row === first.row && one.column === first.column) ? first : null;
    }

    /// { row, column } of every node but leaves, which are drawn wherever they are used.
    function findHomes(nodes, labels, rowOf) {
        const depends = ancestry(nodes, labels, rowOf);
        const homes = new Array(nodes.length).fill(null);
        for (let place = nodes.length - 1; place >= 0; --place) {
            const [node, label] = [nodes[place], labels[place]];
            if (node.leaf) continue;
            const timed = label.time !== null && { row: rowOf.get(label.lane), column: label.time };
            homes[place] =
                timed ||
                (node.kind === "result" && followUser(node, homes)) ||
                placeUntimed(node, label, depends[place], rowOf, homes);
        }
        return homes;
    }

    class Tile {
        constructor(row, column, lane) {
            Object.assign(this, { row, column, lane, members: [], sources: [], key: "" });
        }
        get time() {
            return Number.isFinite(this.column) ? this.column : null;
        }
        get title() {
            if (this.time !== null) return `t = ${this.time}`;
            return this.column < 0 ? "before" : "after";
        }
    }

    /// What a tile takes from outside: leaves, and nodes of other tiles. Each is drawn once in the tile; a node of
    /// every time step, as a stack of all outputs takes it, is drawn once for all of them.
    function findSources(tile, nodes, tileOf, localOf) {
        const sources = new Map();
        const nameOf = (input) => {
            const origin = tileOf[input];
            const ofEachStep = origin && origin.time !== null && tile.time === null;
            return ofEachStep ? `${origin.row} ${localOf[input]} ${origin.key}` : input;
        };
        tile.members.forEach((place, local) => {
            nodes[place].inputs.forEach((input, argument) => {
                if (tileOf[input] === tile) return;
                if (nodes[place].kind === "result") return; // the result itself stands for what comes in
                const name = nameOf(input);
                if (!sources.has(name)) sources.set(name, { leaf: nodes[input].leaf, places: new Set(), uses: [] });
                const source = sources.get(name);
                source.from = input;
                source.places.add(input);
                source.uses.push({ local, argument });
            });
        });
        tile.sources = [...sources.values()];
    }

    /// Two tiles with the same key hold the same operations, wired alike.
    function keyOf(tile, nodes, labels, localOf, tileOf) {
        return tile.members
            .map((place) => {
                const node = nodes[place];
                const inner = node.inputs.map((input) => (tileOf[input] === tile ? localOf[input] : "·"));
                return `${node.op}/${labels[place].inner}(${inner})`;
            })
            .join(";");
    }

    function find(study) {
        const { nodes } = study;
        const labels = nodes.map((node) => parseLabel(node.label || ""));
        const rowOf = new Map();
        nodes.forEach((node, place) => {
            const { lane, time } = labels[place];
            if (time !== null && !node.leaf && !rowOf.has(lane)) rowOf.set(lane, rowOf.size);
        });
        const lanes = rowOf.size > 0 ? [...rowOf.keys()] : [""];

        const homes = findHomes(nodes, labels, rowOf);
        const tiles = new Map();
        const tileOf = new Array(nodes.length).fill(null);
        const localOf = new Int32Array(nodes.length).fill(-1);
        homes.forEach((home, place) => {
            if (!home) return;
            const name = `${home.row} ${home.column}`;
            if (!tiles.has(name)) tiles.set(name, new Tile(home.row, home.column, lanes[home.row] || ""));
            const tile = tiles.get(name);
            tileOf[place] = tile;
            localOf[place] = tile.members.push(place) - 1;
        });

        const all = [...tiles.values()].sort((a, b) => a.column - b.column || a.row - b.row);
        for (const tile of all) tile.key = keyOf(tile, nodes, labels, localOf, tileOf);
        for (const tile of all) findSources(tile, nodes, tileOf, localOf);
        const columns = [...new Set(all.map((tile) => tile.column))];
        const times = columns.filter(Number.isFinite);
        return { lanes, tiles: all, columns, times, tileOf, localOf, cells: findCells(all, lanes) };
    }

    /// The cell that a lane repeats: its most common tile, by one of the middle, which has all that comes from the
    /// step before.
    function findCells(tiles, lanes) {
        return lanes
            .map((_, row) => {
                const steps = tiles.filter((tile) => tile.row === row && tile.time !== null);
                const byKey = new Map();
                for (const tile of steps) byKey.set(tile.key, [...(byKey.get(tile.key) || []), tile]);
                const alike = [...byKey.values()].sort((a, b) => b.length - a.length)[0];
                return alike && alike[Math.floor(alike.length / 2)];
            })
            .filter(Boolean);
    }

    /// The same node of the cell in all time steps, in their order; the node alone where nothing repeats.
    function throughTime(structure, place) {
        const tile = structure.tileOf[place];
        if (!tile || tile.time === null) return [place];
        const local = structure.localOf[place];
        return structure.tiles
            .filter((other) => other.row === tile.row && other.time !== null && other.key === tile.key)
            .map((other) => other.members[local]);
    }

    return { find, throughTime };
})();
