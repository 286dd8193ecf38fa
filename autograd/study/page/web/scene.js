"use strict";
/// A drawing in world coordinates, ready to be painted: tiles, open or folded into one box, and the edges between
/// them. The unrolled network is one scene, the lanes' cells another.
Study.scene = (() => {
    const gap = 44; // between columns; what recurs passes through it
    const laneGap = 100; // between lanes; long edges pass through it
    const foldedSize = { width: 76, height: 64 };

    const sizeOf = (tile, layouts, folded) => (folded.has(tile) ? foldedSize : layouts.of(tile));

    /// Puts tiles into a table of columns and rows, row 0 at the bottom.
    function arrange(tiles, columns, columnOf, layouts, folded) {
        const widths = new Map(columns.map((column) => [column, 0]));
        const heights = [];
        for (const tile of tiles) {
            const { width, height } = sizeOf(tile, layouts, folded);
            widths.set(columnOf(tile), Math.max(widths.get(columnOf(tile)), width));
            heights[tile.row] = Math.max(heights[tile.row] || 0, height);
        }
        const left = new Map();
        let x = 0;
        for (const column of columns) {
            left.set(column, x);
            x += widths.get(column) + gap;
        }
        const middle = [];
        let y = 0;
        for (let row = 0; row < heights.length; ++row) {
            middle[row] = y - (heights[row] || 0) / 2;
            y -= (heights[row] || 0) + laneGap;
        }
        const placed = new Map();
        for (const tile of tiles) {
            const { width, height } = sizeOf(tile, layouts, folded);
            placed.set(tile, {
                x: left.get(columnOf(tile)) + (widths.get(columnOf(tile)) - width) / 2,
                y: middle[tile.row] - height / 2,
                width,
                height,
            });
        }
        return { placed, heights, middle };
    }

    const standsFor = (item, place) => item.place === place || (item.source?.places.has(place) ?? false);

    class Scene {
        constructor(study, structure, layouts, tiles, columns, columnOf, folded) {
            Object.assign(this, { study, structure, layouts, tiles, folded });
            const { placed, heights, middle } = arrange(tiles, columns, columnOf, layouts, folded);
            Object.assign(this, { placed, heights, middle });
            const order = new Map(columns.map((column, index) => [column, index]));
            this.orderOf = (tile) => order.get(columnOf(tile));
            this.items = new Map(tiles.map((tile) => [tile, folded.has(tile) ? [] : this.itemsOf(tile)]));
            this.links = this.findLinks();
            this.linksFrom = new Map();
            for (const link of this.links) this.linksFrom.set(link.from, [...(this.linksFrom.get(link.from) || []), link]);
            this.bounds = this.findBounds();
        }

        /// What is drawn inside an open tile, in world coordinates: its nodes, and its sources.
        itemsOf(tile) {
            const { x, y } = this.placed.get(tile);
            const layout = this.layouts.of(tile);
            const at = (box) => ({ x: x + box.x, y: y + box.y, width: box.width, height: box.height, round: box.round });
            const sources = tile.sources.flatMap((source) =>
                this.layouts.sourceBoxes(tile, source).map((box) => ({ ...at(box), place: source.from, source, tile, port: !source.leaf })));
            return [...tile.members.map((place, local) => ({ ...at(layout.members[local]), place, local, tile })), ...sources];
        }

        /// The item that is node `place` itself; for a leaf, the first place where it is used.
        itemOf(place) {
            const home = this.structure.tileOf[place];
            if (home) return (this.items.get(home) || []).find((item) => item.place === place && !item.port);
            for (const user of this.study.nodes[place].users) {
                const tile = this.structure.tileOf[user];
                const item = (this.items.get(tile) || []).find((one) => one.place === place);
                if (item) return item;
            }
            return undefined;
        }

        /// All items that stand for node `place`.
        itemsFor(place) {
            const tiles = new Set([place, ...this.study.nodes[place].users].map((one) => this.structure.tileOf[one]));
            return [...tiles].flatMap((tile) => (this.items.get(tile) || []).filter((item) => standsFor(item, place)));
        }

        /// Where node `place` is seen: its item, or the box that its tile is folded into.
        frameOf(place) {
            const item = this.itemOf(place);
            if (item) return item;
            const tile = this.structure.tileOf[place] || this.structure.tileOf[this.study.nodes[place].users[0]];
            const frame = this.placed.get(tile);
            return frame && { x: frame.x + frame.width / 2, y: frame.y + frame.height / 2, ...foldedSize, tile };
        }

        /// Edges between tiles, each with the nodes that it connects: `from` feeds `to`.
        findLinks() {
            const seen = new Map();
            for (const tile of this.tiles) {
                for (const place of tile.members) {
                    for (const from of new Set(this.study.nodes[place].inputs)) {
                        const origin = this.structure.tileOf[from];
                        if (!origin || origin === tile || !this.placed.has(origin)) continue;
                        const link = this.link(origin, from, tile, place);
                        const known = seen.get(link.name);
                        if (known) known.letters.add(Study.names.state(this.study.nodes[from]));
                        else seen.set(link.name, link);
                    }
                }
            }
            return [...seen.values()];
        }

        link(origin, from, tile, to) {
            const start = this.folded.has(origin) ? null : this.items.get(origin).find((item) => item.place === from);
            const port = this.folded.has(tile)
                ? null
                : this.items.get(tile).find((item) => item.port && standsFor(item, from)) ||
                  this.items.get(tile).find((item) => item.place === to);
            const name = [origin.row, origin.column, start?.place, tile.row, tile.column, port?.place].join();
            const kind = this.kindOf(origin, tile);
            const recurs = kind === "next";
            const letters = new Set([Study.names.state(this.study.nodes[from])]);
            return { name, from, to, origin, tile, start, port, kind, recurs, letters };
        }

        /// How an edge between two tiles runs.
        kindOf(origin, tile) {
            const distance = Math.abs(this.orderOf(tile) - this.orderOf(origin));
            if (distance === 1 && origin.time !== null && tile.time !== null) return "next";
            if (origin.row === tile.row) return "bus";
            return distance === 0 ? "lane" : "far";
        }

        findBounds() {
            if (this.placed.size === 0) return { left: 0, top: 0, right: 1, bottom: 1 };
            let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
            for (const frame of this.placed.values()) {
                left = Math.min(left, frame.x);
                top = Math.min(top, frame.y);
                right = Math.max(right, frame.x + frame.width);
                bottom = Math.max(bottom, frame.y + frame.height);
            }
            return { left, top: top - 44, right, bottom: bottom + 44 };
        }

        /// What is drawn at a point: { item } or { tile } or null.
        hit(x, y) {
            for (const tile of this.tiles) {
                const frame = this.placed.get(tile);
                const inside = x >= frame.x && x <= frame.x + frame.width && y >= frame.y && y <= frame.y + frame.height;
                if (!inside) continue;
                if (this.folded.has(tile)) return { tile };
                const item = this.items
                    .get(tile)
                    .find((one) => Math.abs(x - one.x) <= one.width / 2 + 3 && Math.abs(y - one.y) <= one.height / 2 + 3);
                return item ? { item, tile } : { tile };
            }
            return null;
        }
    }

    /// The whole network through time.
    const unrolled = (study, structure, layouts, folded) =>
        new Scene(study, structure, layouts, structure.tiles, structure.columns, (tile) => tile.column, folded);

    /// The lanes' cells, one above the other.
    const cells = (study, structure, layouts) =>
        new Scene(study, structure, layouts, structure.cells, [0], () => 0, new Set());

    return { unrolled, cells };
})();
