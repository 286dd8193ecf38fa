"use strict";
/// Where the nodes of a tile stand: from the bottom, where inputs come in, to the top. Tiles with the same key are
/// laid out once, so that a cell looks the same in each of its time steps.
Study.layout = (() => {
    const largestForDagre = 160; // it takes seconds from some hundred nodes on
    const font = "500 15px system-ui, sans-serif";
    const ruler = document.createElement("canvas").getContext("2d");

    function sizeOf(text) {
        if ([...text].length <= 1) return { width: 34, height: 34, round: true };
        if (text === "[ : ]") return { width: 32, height: 24, round: false };
        ruler.font = font;
        return { width: Math.ceil(ruler.measureText(text).width) + 20, height: 28, round: false };
    }

    /// Boxes of a tile's members and sources, and the edges between them.
    function partsOf(tile, nodes) {
        const members = tile.members.map((place) => sizeOf(Study.names.glyph(nodes[place])));
        const sources = tile.sources.map((source) => ({
            ...sizeOf(source.leaf ? Study.names.glyph(nodes[source.from]) : Study.names.port(-1)),
            uses: source.uses,
        }));
        const edges = [];
        const local = new Map(tile.members.map((place, index) => [place, index]));
        // No gradient passes along a dashed one.
        const add = (from, to) => edges.push({ from, to: `m${to}`, dashed: nodes[tile.members[to]].kind === "detached" });
        tile.members.forEach((place, to) => {
            for (const input of new Set(nodes[place].inputs)) if (local.has(input)) add(`m${local.get(input)}`, to);
        });
        tile.sources.forEach((source, index) => {
            for (const to of new Set(source.uses.map((use) => use.local))) add(`s${index}`, to);
        });
        return { members, sources, edges };
    }

    function byDagre({ members, sources, edges }) {
        const graph = new Libraries.graphlib.Graph();
        graph.setGraph({ rankdir: "BT", nodesep: 11, ranksep: 26, edgesep: 8, marginx: 18, marginy: 18 });
        graph.setDefaultEdgeLabel(() => ({}));
        members.forEach((box, index) => graph.setNode(`m${index}`, box));
        sources.forEach((box, index) => graph.setNode(`s${index}`, box));
        for (const { from, to } of edges) graph.setEdge(from, to, {});
        Libraries.layout(graph);
        for (const edge of edges) edge.points = graph.edge(edge.from, edge.to).points;
        return { width: graph.graph().width, height: graph.graph().height };
    }

    /// What comes in stands right below where it is first used.
    function raiseSources(edges, rank) {
        const first = new Map();
        for (const { from, to } of edges)
            if (from.startsWith("s")) first.set(from, Math.min(first.get(from) ?? Infinity, rank.get(to)));
        for (const [source, use] of first) rank.set(source, use - 1);
    }

    /// For graphs too large for dagre: ranks by the longest path, each ordered by where its inputs stand.
    function byRanks({ members, sources, edges }) {
        const boxes = new Map();
        sources.forEach((box, index) => boxes.set(`s${index}`, box));
        members.forEach((box, index) => boxes.set(`m${index}`, box));
        const rank = new Map([...boxes.keys()].map((name) => [name, 0]));
        const inputs = new Map([...boxes.keys()].map((name) => [name, []]));
        for (const { from, to } of edges) inputs.get(to).push(from);
        for (const name of boxes.keys())
            for (const from of inputs.get(name)) rank.set(name, Math.max(rank.get(name), rank.get(from) + 1));
        raiseSources(edges, rank);

        const ranks = [];
        for (const name of boxes.keys()) (ranks[rank.get(name)] ||= []).push(name);
        let width = 0;
        ranks.forEach((names, level) => {
            const wish = (name) =>
                inputs.get(name).reduce((sum, from) => sum + boxes.get(from).x, 0) / (inputs.get(name).length || 1);
            if (level > 0) names.sort((a, b) => wish(a) - wish(b));
            let x = 18;
            for (const name of names) {
                const box = boxes.get(name);
                box.x = x + box.width / 2;
                box.y = 60 * (ranks.length - level) - 20;
                x += box.width + 14;
            }
            width = Math.max(width, x + 4);
        });
        for (const edge of edges) edge.points = [boxes.get(edge.from), boxes.get(edge.to)].map(({ x, y }) => ({ x, y }));
        return { width, height: 60 * ranks.length + 20 };
    }

    /// { width, height, members, sources, edges, placeOf: "local:argument" -> its source's box }
    function layOut(tile, nodes) {
        const parts = partsOf(tile, nodes);
        const size = tile.members.length <= largestForDagre ? byDagre(parts) : byRanks(parts);
        const placeOf = new Map();
        for (const source of parts.sources)
            for (const { local, argument } of source.uses) placeOf.set(`${local}:${argument}`, source);
        return { ...parts, ...size, placeOf };
    }

    /// Lays out tiles by their key, the lanes' cells first, so that a first step, which takes leaves where others take
    /// the step before, looks like them.
    class Layouts {
        constructor(study, structure) {
            this.nodes = study.nodes;
            this.byKey = new Map();
            for (const cell of structure.cells) this.byKey.set(cell.key, layOut(cell, this.nodes));
        }
        of(tile) {
            if (!this.byKey.has(tile.key)) this.byKey.set(tile.key, layOut(tile, this.nodes));
            return this.byKey.get(tile.key);
        }
        /// The boxes of one of the tile's sources: one, or several where the tile that was laid out has several.
        sourceBoxes(tile, source) {
            const { placeOf } = this.of(tile);
            return [...new Set(source.uses.map(({ local, argument }) => placeOf.get(`${local}:${argument}`)))];
        }
    }

    return { Layouts, font };
})();
