"use strict";
/// The curves of edges. Inside a tile they are those of its layout; between tiles, what goes to the next column
/// crosses the gap, and what goes further runs along the lane, below it or above.
Study.paths = (() => {
    /// Writes a path as SVG has it; a canvas reads the same.
    class Pen {
        constructor() {
            this.d = "";
        }
        add(letter, ...numbers) {
            this.d += letter + numbers.map((number) => Math.round(100 * number) / 100).join(" ");
            this.at = numbers.slice(-2);
        }
        moveTo(...to) {
            this.add("M", ...to);
        }
        lineTo(...to) {
            this.add("L", ...to);
        }
        bezierCurveTo(...points) {
            this.add("C", ...points);
        }
        /// To a corner and round it, on towards a second point.
        roundCorner(corner, next, radius) {
            const near = (x, y) => {
                const length = Math.hypot(x - corner.x, y - corner.y);
                const share = length > 0 ? Math.min(1, radius / length) : 0;
                return [corner.x + share * (x - corner.x), corner.y + share * (y - corner.y)];
            };
            this.lineTo(...near(...this.at));
            this.add("Q", corner.x, corner.y, ...near(next.x, next.y));
        }
        closePath() {
            this.d += "Z";
        }
    }

    /// The canvas's path, which keeps its text as `d`.
    const pathOf = (d) => Object.assign(new Path2D(d), { d });

    const curve = Libraries.line((point) => point.x, (point) => point.y).curve(Libraries.curveBasis);

    /// An arrow's head at the end of the line from `before` to `tip`.
    function head(path, before, tip, size = 6) {
        const angle = Math.atan2(tip.y - before.y, tip.x - before.x);
        for (const turn of [0, 2.75, -2.75]) {
            const length = turn === 0 ? 0 : size;
            const [x, y] = [tip.x + length * Math.cos(angle + turn), tip.y + length * Math.sin(angle + turn)];
            if (turn === 0) path.moveTo(x, y);
            else path.lineTo(x, y);
        }
        path.closePath();
    }

    /// The edges of a layout, with the layout's corner as origin: each alone, all at once, dashed ones apart, and
    /// their heads.
    function ofLayout(layout) {
        if (layout.paths) return layout.paths;
        const [lines, dashed, heads, byName] = [new Path2D(), new Path2D(), new Pen(), new Map()];
        for (const { from, to, points, dashed: isDashed } of layout.edges) {
            const one = Object.assign(pathOf(curve(points)), { dashed: isDashed });
            const tip = points[points.length - 1];
            (isDashed ? dashed : lines).addPath(one);
            head(heads, points[points.length - 2], tip);
            byName.set(`${from} ${to}`, one);
        }
        layout.paths = { lines, dashed, heads: pathOf(heads.d), byName };
        return layout.paths;
    }

    /// The paths inside a tile from one node to another, or from where it comes in, with the tile's corner as origin.
    function inside(scene, tile, from, to) {
        const { structure, layouts, study } = scene;
        const layout = layouts.of(tile);
        const { byName } = ofLayout(layout);
        const end = `m${structure.localOf[to]}`;
        if (structure.tileOf[from] === tile) return [byName.get(`m${structure.localOf[from]} ${end}`)].filter(Boolean);
        const paths = study.nodes[to].inputs.map((input, argument) => {
            const box = input === from ? layout.placeOf.get(`${structure.localOf[to]}:${argument}`) : null;
            return box && byName.get(`s${layout.sources.indexOf(box)} ${end}`);
        });
        return [...new Set(paths)].filter(Boolean);
    }

    /// Draws corners round through `points`.
    function rounded(path, points, radius = 10) {
        path.moveTo(points[0].x, points[0].y);
        for (let i = 1; i < points.length - 1; ++i) path.roundCorner(points[i], points[i + 1], radius);
        path.lineTo(points[points.length - 1].x, points[points.length - 1].y);
    }

    const frameOfTile = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2, width, height });

    function ends(scene, link) {
        return {
            start: link.start || frameOfTile(scene.placed.get(link.origin)),
            end: link.port || frameOfTile(scene.placed.get(link.tile)),
        };
    }

    function bezier(path, from, first, second, to) {
        path.moveTo(from.x, from.y);
        path.bezierCurveTo(first.x, first.y, second.x, second.y, to.x, to.y);
    }
    const middle = (from, first, second, to) => ({ x: (from.x + 3 * first.x + 3 * second.x + to.x) / 8, y: (from.y + 3 * first.y + 3 * second.y + to.y) / 8 });

    /// From the state of one step to where it comes in at the next: from below, past what stands beside it.
    function toState(path, start, end) {
        const side = end.x >= start.x ? 1 : -1;
        const from = { x: start.x + (side * start.width) / 2, y: start.y };
        const to = { x: end.x, y: end.y + end.height / 2 };
        const [first, second] = [{ x: from.x + side * 110, y: from.y }, { x: to.x - side * 90, y: to.y + 34 }];
        bezier(path, from, first, second, to);
        return [{ x: to.x - side, y: to.y + 1 }, to, middle(from, first, second, to)];
    }

    function toNext(path, start, end) {
        const side = end.x >= start.x ? 1 : -1;
        const from = { x: start.x + (side * start.width) / 2, y: start.y };
        const to = { x: end.x - (side * end.width) / 2, y: end.y };
        const reach = Math.max(24, Math.abs(to.x - from.x) / 2);
        const [first, second] = [{ x: from.x + side * reach, y: from.y }, { x: to.x - side * reach, y: to.y }];
        bezier(path, from, first, second, to);
        const { x, y } = middle(from, first, second, to);
        return [{ x: to.x - side, y: to.y }, to, { x, y: y - (from.y === to.y ? 14 : 0) }];
    }

    function toLane(path, start, end) {
        const from = { x: start.x, y: start.y - start.height / 2 };
        const to = { x: end.x, y: end.y + end.height / 2 };
        const reach = Math.max(30, Math.abs(from.y - to.y) / 2);
        path.moveTo(from.x, from.y);
        path.bezierCurveTo(from.x, from.y - reach, to.x, to.y + reach, to.x, to.y);
        return [{ x: to.x, y: to.y + 1 }, to];
    }

    /// Along the lane: below it for what comes from before the loop, above it for the rest.
    function alongLane(path, scene, link, start, end) {
        const below = link.origin.time === null;
        const side = below ? 1 : -1;
        const bus = scene.middle[link.tile.row] + side * (scene.heights[link.tile.row] / 2 + 34);
        const gutter = scene.placed.get(link.tile).x - 14;
        const from = { x: start.x, y: start.y + (side * start.height) / 2 };
        if (below) {
            const to = { x: end.x, y: end.y + end.height / 2 };
            rounded(path, [from, { x: from.x, y: bus }, { x: to.x, y: bus }, to]);
            return [{ x: to.x, y: to.y + 1 }, to];
        }
        const to = { x: end.x - end.width / 2, y: end.y };
        rounded(path, [from, { x: from.x, y: bus }, { x: gutter, y: bus }, { x: gutter, y: to.y }, to]);
        return [{ x: to.x - 1, y: to.y }, to];
    }

    /// { line, head } of an edge between tiles, in world coordinates; of one that recurs its middle, too.
    function ofLink(scene, link) {
        if (link.path) return link.path;
        const { start, end } = ends(scene, link);
        const line = new Pen();
        let tip;
        if (link.kind === "lane") tip = toLane(line, start, end);
        else if (link.kind === "bus") tip = alongLane(line, scene, link, start, end);
        else tip = link.recurs && link.port ? toState(line, start, end) : toNext(line, start, end);
        const arrow = new Pen();
        head(arrow, tip[0], tip[1]);
        link.path = { line: pathOf(line.d), head: pathOf(arrow.d), middle: tip[2] };
        return link.path;
    }

    /// In the folded cell: from the node that is the next step's state, around the cell, to where it comes in.
    function loop(frame, from, to) {
        const line = new Pen();
        const right = frame.x + frame.width + 16;
        const start = { x: from.x + from.width / 2, y: from.y };
        const bottom = Math.min(to.y + 34, frame.y + frame.height + 12);
        const end = { x: to.x, y: to.y + to.height / 2 };
        rounded(line, [start, { x: right, y: start.y }, { x: right, y: bottom }, { x: end.x, y: bottom }, end], 14);
        const arrow = new Pen();
        head(arrow, { x: end.x, y: end.y + 1 }, end, 8);
        return { line: pathOf(line.d), head: pathOf(arrow.d), at: { x: right, y: (start.y + bottom) / 2 } };
    }

    return { ofLayout, inside, ofLink, loop };
})();
