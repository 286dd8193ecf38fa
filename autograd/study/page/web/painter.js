"use strict";
/// Paints a scene onto a canvas. What a node looks like depends on how far the run has come, on the colouring, and on
/// what is selected: all of it is in `look`.
Study.painter = (() => {
    const detail = 0.25; // the scale below which text and heads of arrows are left out

    /// Fill, outline and text of a node at this point of the run.
    function styleOf(look, node) {
        const theme = Study.colours.theme();
        const phase = look.phase(node.place);
        const style = { fill: theme.node, edge: theme.nodeEdge, text: theme.ink, width: 1.4, dash: [], alpha: 1 };
        if (node.kind === "parameter") Object.assign(style, { fill: theme.parameter, edge: theme.parameterEdge });
        else if (node.leaf || node.kind === "result") Object.assign(style, { fill: theme.constant, edge: theme.soft });

        const shown = look.metric && (look.metricName === "value" ? phase !== "waiting" : phase === "complete");
        if (shown) colourBySize(style, look.metric, look.metric.ofNode(node.place), theme);
        if (phase === "waiting") Object.assign(style, { alpha: 0.38, dash: [4, 4] });
        if (phase === "partial") Object.assign(style, { edge: theme.backward, width: 3, dash: [5, 3] });
        if (phase === "complete" && look.inBackward) Object.assign(style, { edge: theme.backward, width: 3 });
        return style;
    }

    function colourBySize(style, metric, scaled, theme) {
        if (scaled === null) return;
        if (Number.isNaN(scaled)) Object.assign(style, { fill: theme.missing, text: "#ffffff" });
        else Object.assign(style, { fill: metric.colour(scaled), text: metric.ink(scaled) });
    }

    function outline(context, item, margin = 0) {
        const [width, height] = [item.width + 2 * margin, item.height + 2 * margin];
        context.beginPath();
        if (item.round) context.arc(item.x, item.y, width / 2, 0, 2 * Math.PI);
        else context.roundRect(item.x - width / 2, item.y - height / 2, width, height, 9 + margin);
    }

    function paintItem(context, item, look, scale) {
        const theme = Study.colours.theme();
        const node = look.nodeAt(item.place);
        const style = styleOf(look, node);
        context.globalAlpha = style.alpha;
        outline(context, item);
        context.fillStyle = item.port ? theme.tile : style.fill;
        context.fill();
        context.setLineDash(item.port ? [3, 3] : style.dash);
        context.lineWidth = style.width;
        context.strokeStyle = style.edge;
        context.stroke();
        context.setLineDash([]);
        if (scale >= detail) paintText(context, item, look, node, item.port ? theme.soft : style.text);
        context.globalAlpha = 1;
        if (item.place === look.selected && !item.port) ring(context, item, theme.selected, 5);
        else if (item.place === look.hovered) ring(context, item, theme.soft, 4);
    }

    /// "t − 1" for what comes from the step before of the same loop, else the name of what comes in.
    function portName(look, item) {
        if (item.source.places.size > 1) return Study.names.portOfAll;
        const origin = look.structure.tileOf[item.place];
        const recurs = origin && origin.row === item.tile.row && origin.time !== null && item.tile.time !== null;
        return recurs ? Study.names.port(origin.time - item.tile.time) : Study.names.glyph(look.nodeAt(item.place));
    }

    function paintText(context, item, look, node, colour) {
        const text = item.port ? portName(look, item) : Study.names.glyph(node);
        context.fillStyle = colour;
        context.font = [...text].length === 1 && !node.leaf ? "600 20px system-ui, sans-serif" : Study.layout.font;
        context.textAlign = "center";
        context.textBaseline = "middle";
        context.fillText(text, item.x, item.y + 1, item.width + 8);
    }

    /// Text with the colour of the paper around it, for it lies on edges and beside other nodes.
    const nameFont = (size) => `italic 600 ${size}px system-ui, sans-serif`;
    function paintOver(context, text, x, y, colour, size) {
        Object.assign(context, { font: nameFont(size), textBaseline: "middle", lineJoin: "round", lineWidth: 4, strokeStyle: Study.colours.theme().paper, fillStyle: colour });
        context.strokeText(text, x, y);
        context.fillText(text, x, y);
    }

    /// What the user, or the cell, calls a node, beside it; after all nodes, so that none lies on it.
    function paintName(context, scene, item, look) {
        const node = look.nodeAt(item.place);
        const name = Study.names.own(node);
        if (name === "" || node.leaf || node.kind === "result" || item.port) return;
        const tile = scene.placed.get(item.tile);
        context.textAlign = "left";
        context.font = nameFont(15);
        const room = tile.x + tile.width - context.measureText(name).width - 2;
        paintOver(context, name, Math.min(item.x + 5, room), item.y - item.height / 2 - 9, Study.colours.theme().ink, 15);
    }

    function ring(context, item, colour, margin) {
        context.strokeStyle = colour;
        context.lineWidth = 3;
        outline(context, item, margin);
        context.stroke();
    }

    function paintTile(context, scene, tile, look, scale) {
        const theme = Study.colours.theme();
        const { x, y, width, height } = scene.placed.get(tile);
        const folded = scene.folded.has(tile);
        const scaled = folded && look.metric ? look.metric.ofTile(tile) : null;
        const style = { fill: theme.tile, text: theme.ink };
        if (folded) colourBySize(style, look.metric, look.tileShown(tile) ? scaled : null, theme);
        context.beginPath();
        context.roundRect(x, y, width, height, 12);
        context.fillStyle = style.fill;
        context.globalAlpha = folded && look.phase(tile.members[0]) === "waiting" ? 0.45 : 1;
        context.fill();
        context.lineWidth = 1.2;
        context.strokeStyle = theme.tileEdge;
        const holdsSelected = look.structure.tileOf[look.selected] === tile;
        if (folded && holdsSelected) Object.assign(context, { lineWidth: 3.5, strokeStyle: theme.selected });
        if (folded && look.activeTile === tile)
            Object.assign(context, { lineWidth: 4, strokeStyle: look.inBackward ? theme.backward : theme.forward });
        context.stroke();
        context.globalAlpha = 1;
        if (folded) {
            if (scale >= 0.22) paintTitle(context, tile, look, { x, y, width, height }, true, style.text, scale);
            return;
        }

        const { lines, dashed, heads } = Study.paths.ofLayout(scene.layouts.of(tile));
        context.translate(x, y);
        context.lineWidth = 1.3;
        context.strokeStyle = context.fillStyle = theme.edge;
        context.stroke(lines);
        context.setLineDash([6, 4]);
        context.stroke(dashed);
        context.setLineDash([]);
        if (scale >= detail) context.fill(heads);
        context.translate(-x, -y);
    }

    function paintTitle(context, tile, look, frame, folded, colour, scale) {
        const size = folded ? 17 : Math.min(40, Math.max(16, 13 / scale));
        context.font = `600 ${size}px system-ui, sans-serif`;
        context.textAlign = "center";
        context.textBaseline = folded ? "middle" : "bottom";
        context.fillStyle = folded ? colour : Study.colours.theme().soft;
        const at = [look.titleOf(tile), frame.x + frame.width / 2, folded ? frame.y + frame.height / 2 : frame.y - 6, frame.width + 60];
        if (!folded) {
            // Edges that run along the lane pass behind it.
            Object.assign(context, { strokeStyle: Study.colours.theme().paper, lineWidth: size / 2, lineJoin: "round" });
            context.strokeText(...at);
        }
        context.fillText(...at);
    }

    /// Of what passes by in its lane without an end in sight one edge stands for all, which lie on each other.
    function paintLinks(context, scene, look, visible, scale) {
        const theme = Study.colours.theme();
        const passing = new Set();
        for (const link of scene.links) {
            if (!visible(link.origin) && !visible(link.tile)) {
                if (link.kind !== "bus" || passing.has(link.tile)) continue;
                passing.add(link.tile);
            }
            const { line, head } = Study.paths.ofLink(scene, link);
            context.globalAlpha = link.kind === "bus" || link.kind === "far" ? 0.55 : 1;
            context.strokeStyle = context.fillStyle = link.recurs ? theme.nodeEdge : theme.edge;
            context.lineWidth = link.recurs ? 2.2 : 1.3;
            context.setLineDash(look.nodeAt(link.to).kind === "detached" ? [6, 4] : []);
            context.stroke(line);
            context.setLineDash([]);
            if (scale >= detail) context.fill(head);
        }
        context.globalAlpha = 1;
    }

    /// What recurs: h and c, or what the user calls it.
    function paintLetters(context, scene, visible) {
        context.textAlign = "center";
        for (const link of scene.links) {
            const letters = [...link.letters].filter(Boolean).join(", ");
            if (!link.recurs || letters === "" || (!visible(link.origin) && !visible(link.tile))) continue;
            const { x, y } = Study.paths.ofLink(scene, link).middle;
            paintOver(context, letters, x, y, Study.colours.theme().nodeEdge, 16);
        }
    }

    /// The edge from one node to another, wherever it is drawn.
    function paintEdge(context, scene, from, to, colour, width) {
        const { structure } = scene;
        context.strokeStyle = colour;
        context.lineWidth = width;
        const tile = structure.tileOf[to];
        if (tile && scene.placed.has(tile) && !scene.folded.has(tile)) {
            const frame = scene.placed.get(tile);
            context.translate(frame.x, frame.y);
            for (const path of Study.paths.inside(scene, tile, from, to)) context.stroke(path);
            context.translate(-frame.x, -frame.y);
        }
        for (const link of scene.linksFrom.get(from) || []) {
            const here = (link.to === to || link.port?.port) && link.tile === tile;
            if (here) context.stroke(Study.paths.ofLink(scene, link).line);
        }
    }

    /// The path along which most of the selected gradient arrives from J.
    function paintPath(context, scene, look) {
        const { path } = look;
        if (look.running || path.length < 2) return;
        context.globalAlpha = 0.5;
        context.lineCap = "round";
        for (let k = 0; k + 1 < path.length; ++k) paintEdge(context, scene, path[k + 1], path[k], Study.colours.theme().path, 9);
        context.globalAlpha = 1;
        context.lineCap = "butt";
    }

    /// Boxes of folded steps that the path passes.
    function ringPath(context, scene, look) {
        if (look.running || look.path.length < 2) return;
        const passed = new Set(look.path.map((place) => scene.structure.tileOf[place]).filter((tile) => tile && scene.folded.has(tile) && scene.placed.has(tile)));
        Object.assign(context, { strokeStyle: Study.colours.theme().path, lineWidth: 4 });
        for (const tile of passed) {
            const { x, y, width, height } = scene.placed.get(tile);
            context.beginPath();
            context.roundRect(x - 4, y - 4, width + 8, height + 8, 14);
            context.stroke();
        }
    }

    function paintHighlights(context, scene, look) {
        const theme = Study.colours.theme();
        const { event } = look;
        paintPath(context, scene, look);
        ringPath(context, scene, look);
        if (event && look.running) {
            const colour = event.kind === "forward" ? theme.forward : theme.backward;
            if (event.kind === "backward") paintEdge(context, scene, event.node, event.from, colour, 4.5);
            else for (const input of look.study.nodes[event.node].inputs) paintEdge(context, scene, input, event.node, colour, 3.5);
        } else if (look.selected !== null) {
            const node = look.study.nodes[look.selected];
            for (const input of node.inputs) paintEdge(context, scene, input, node.place, theme.forward, 3);
            if (node.users.length <= 60)
                for (const user of node.users) paintEdge(context, scene, node.place, user, theme.backward, 3);
        }
    }

    function paintEvent(context, scene, look) {
        if (!look.event || !look.running) return;
        const theme = Study.colours.theme();
        const colour = look.event.kind === "forward" ? theme.forward : theme.backward;
        for (const item of scene.itemsFor(look.event.node)) if (!item.port) ring(context, item, colour, 6);
    }

    /// The lanes' names, at the left border, however far the network is moved.
    function paintLanes(context, size, transform, scene, look) {
        const { lanes } = look.structure;
        if (lanes.length < 2 || look.loops) return;
        Object.assign(context, { font: "600 14px system-ui, sans-serif", textAlign: "left", textBaseline: "middle" });
        lanes.forEach((lane, row) => {
            if (scene.middle[row] === undefined) return;
            const y = transform.applyY(scene.middle[row] - scene.heights[row] / 2) - Math.max(12, 38 * transform.k);
            if (y < 8 || y > size.height - 8) return;
            const width = context.measureText(lane).width;
            const theme = Study.colours.theme();
            context.fillStyle = theme.paper;
            context.globalAlpha = 0.85;
            context.fillRect(4, y - 10, width + 10, 20);
            context.globalAlpha = 1;
            context.fillStyle = theme.ink;
            context.fillText(lane, 9, y);
        });
    }

    function paint(context, size, transform, scene, look) {
        const theme = Study.colours.theme();
        context.fillStyle = theme.paper;
        context.fillRect(0, 0, size.width, size.height);
        context.save();
        context.translate(transform.x, transform.y);
        context.scale(transform.k, transform.k);
        const [left, top] = transform.invert([0, 0]);
        const [right, bottom] = transform.invert([size.width, size.height]);
        const visible = (tile) => {
            const frame = scene.placed.get(tile);
            return frame.x < right && frame.x + frame.width > left && frame.y < bottom && frame.y + frame.height > top;
        };
        const seen = scene.tiles.filter(visible);
        for (const tile of seen) paintTile(context, scene, tile, look, transform.k);
        paintLinks(context, scene, look, visible, transform.k);
        for (const tile of seen)
            if (!scene.folded.has(tile) && transform.k >= 0.1)
                paintTitle(context, tile, look, scene.placed.get(tile), false, theme.soft, transform.k);
        for (const { line, head, letter, at } of look.loops || []) {
            context.strokeStyle = context.fillStyle = theme.nodeEdge;
            context.lineWidth = 2.2;
            context.setLineDash([7, 5]);
            context.stroke(line);
            context.setLineDash([]);
            context.fill(head);
            context.textAlign = "center";
            if (letter) paintOver(context, letter, at.x, at.y, theme.nodeEdge, 17);
        }
        paintHighlights(context, scene, look);
        const inside = (item) => item.x > left - 60 && item.x < right + 60 && item.y > top - 40 && item.y < bottom + 40;
        for (const tile of seen)
            for (const item of scene.items.get(tile)) if (inside(item)) paintItem(context, item, look, transform.k);
        if (transform.k >= detail) {
            for (const tile of seen) for (const item of scene.items.get(tile)) if (inside(item)) paintName(context, scene, item, look);
            paintLetters(context, scene, visible);
        }
        paintEvent(context, scene, look);
        context.restore();
        paintLanes(context, size, transform, scene, look);
    }

    return { paint, styleOf, portName };
})();
