"use strict";
/// Finds the network in the graph: lanes (one for each time loop), columns (time steps, and what comes before and
/// after them), and tiles, where a lane crosses a column. The steps of a loop repeat one cell, so most tiles are alike.
Study.structure = (() => {
    /// "encoder/t=3/attention" is in the loop "encoder", with "attention" inside of its cell.
    function parseLabel(label) {
        const parts = label === "" ? [] : label.split("/");
        const at = parts.findLastIndex((part) => /^t=\d+$/.test(part));
        if (at < 0) return { path: label, inner: "" };
        return { path: parts.slice(0, at).join("/"), inner: parts.slice(at + 1).join("/") };
    }

    /// The loops over time that compute something, each a lane, in the order in which they start. The data tells which
    /// node is in which loop, for several may have one label.
    function findLoops(nodes, labels) {
        const loops = new Map();
        for (const node of nodes) {
            if (node.leaf || node.loop === undefined) continue;
            if (!loops.has(node.loop)) loops.set(node.loop, { row: loops.size, path: labels[node.place].path, times: [], shift: 0 });
            loops.get(node.loop).times[node.order] = node.time;
        }
        for (const node of nodes) shiftBehind(node, nodes, loops);
        return loops;
    }

    /// A loop that starts from the last state of another, as a decoder from its encoder's, has its columns behind it.
    /// Loops that run side by side, as the layers of a stack, share theirs.
    function shiftBehind(node, nodes, loops) {
        const loop = node.leaf || node.order !== 0 ? undefined : loops.get(node.loop);
        if (!loop) return;
        for (const input of node.inputs.map((place) => nodes[place])) {
            const before = input.leaf ? undefined : loops.get(input.loop);
            if (!before || before === loop || input.order !== before.times.length - 1 || input.time === node.time) continue;
            const [end, begin] = [Math.max(...Object.values(before.times)) + 1, Math.min(...Object.values(loop.times))];
            loop.shift = Math.max(loop.shift, before.shift + end - begin);
        }
    }

    /// Labels of lanes; numbered where several have the same.
    function nameLanes(loops) {
        const paths = [...loops.values()].map(({ path }) => path);
        const alike = (path) => paths.filter((other) => other === path).length;
        const name = (path, row) => {
            if (alike(path) === 1) return path;
            return `${path || Study.language.say("loop")} ${paths.slice(0, row + 1).filter((other) => other === path).length}`;
        };
        return paths.length > 0 ? paths.map(name) : [""];
    }

    /// The last lane that each node depends on; -1 for none.
    function findLatest(nodes, loops) {
        const latest = new Int32Array(nodes.length).fill(-1);
        for (const node of nodes) {
            if (!node.leaf && node.loop !== undefined) latest[node.place] = loops.get(node.loop).row;
            for (const input of node.inputs) latest[node.place] = Math.max(latest[node.place], latest[input]);
        }
        return latest;
    }

    /// Row and column of a node without a time step: in a lane of its own label if there is one, else in any; behind
    /// the last loop that it depends on, or before the first that uses it.
    function placeUntimed(node, path, latest, loops, homes) {
        if (loops.size === 0) return { row: 0, column: -Infinity };
        const all = [...loops.values()];
        const own = all.filter((loop) => loop.path === path);
        const rows = (own.length > 0 ? own : all).map((loop) => loop.row);
        const behind = rows.filter((row) => row <= latest);
        if (behind.length > 0) return { row: Math.max(...behind), column: Infinity };
        const using = node.users.map((user) => homes[user]?.row).filter((row) => rows.includes(row));
        return { row: Math.min(...(using.length > 0 ? using : rows)), column: -Infinity };
    }

    /// One of several results goes where it is used, if that is a single time step.
    function followUser(node, homes) {
        const users = node.users.map((user) => homes[user]).filter(Boolean);
        const first = users[0];
        if (!first || !Number.isFinite(first.column)) return null;
        return users.every((one) => one.row === first.row && one.column === first.column) ? first : null;
    }

    /// { row, column, time } of every node but leaves, which are drawn wherever they are used.
    function findHomes(nodes, labels, loops) {
        const latest = findLatest(nodes, loops);
        const homes = new Array(nodes.length).fill(null);
        for (let place = nodes.length - 1; place >= 0; --place) {
            const node = nodes[place];
            if (node.leaf) continue;
            const loop = loops.get(node.loop);
            homes[place] =
                (loop && { row: loop.row, column: node.time + loop.shift, time: node.time }) ||
                (node.kind === "result" && followUser(node, homes)) ||
                placeUntimed(node, labels[place].path, latest[place], loops, homes);
        }
        return homes;
    }

    class Tile {
        /// `time` is null outside of the steps.
        constructor({ row, column, time = null }, lane) {
            Object.assign(this, { row, column, time, lane, members: [], sources: [], key: "" });
        }
        get title() {
            if (this.time !== null) return `t = ${this.time}`;
            return Study.language.say(this.column < 0 ? "before" : "after");
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
        const loops = findLoops(nodes, labels);
        const lanes = nameLanes(loops);

        const homes = findHomes(nodes, labels, loops);
        const tiles = new Map();
        const tileOf = new Array(nodes.length).fill(null);
        const localOf = new Int32Array(nodes.length).fill(-1);
        homes.forEach((home, place) => {
            if (!home) return;
            const name = `${home.row} ${home.column}`;
            if (!tiles.has(name)) tiles.set(name, new Tile(home, lanes[home.row]));
            const tile = tiles.get(name);
            tileOf[place] = tile;
            localOf[place] = tile.members.push(place) - 1;
        });

        const all = [...tiles.values()].sort((a, b) => a.column - b.column || a.row - b.row);
        for (const tile of all) tile.key = keyOf(tile, nodes, labels, localOf, tileOf);
        for (const tile of all) findSources(tile, nodes, tileOf, localOf);
        const columns = [...new Set(all.map((tile) => tile.column))];
        const steps = columns.filter(Number.isFinite);
        return { lanes, tiles: all, columns, steps, tileOf, localOf, cells: findCells(all, lanes) };
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
