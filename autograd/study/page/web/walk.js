"use strict";
/// A walk through the run as one SVG file that plays by itself: what is in sight of the network, the forward pass and the backward
/// wave step by step, each with its sentence. It has no script; what changes when is said in SMIL.
Study.walk = (() => {
    const { say } = Study.language;
    const { escaped } = Study.exporting;
    const seconds = 0.7; // of a frame
    const held = 4; // seconds at the end, before it begins again
    const most = { frames: 400, nodes: 1200 };
    const foot = 84; // pixels, for the sentence and the bar

    /// About how wide a text is at 15 pixels.
    const widthOf = (text) => [...text].reduce((sum, sign) => sum + (sign > "\u1100" ? 15 : 8), 0);

    /// What of a scene is in sight: its tiles, and the part of the world that the canvas shows of them.
    function partInSight({ app, scene }) {
        const transform = Libraries.zoomTransform(app.network.canvas);
        const { width, height } = app.network.size;
        const [[left, top], [right, bottom]] = [transform.invert([0, 0]), transform.invert([width, height])];
        const { bounds } = scene;
        const frame = { left: Math.max(left, bounds.left - 20), top: Math.max(top, bounds.top - 10), right: Math.min(right, bounds.right + 20), bottom: Math.min(bottom, bounds.bottom + 10) };
        const tiles = scene.tiles.filter((tile) => {
            const { x, y, width: w, height: h } = scene.placed.get(tile);
            return x < frame.right && x + w > frame.left && y < frame.bottom && y + h > frame.top;
        });
        return { frame, tiles, scale: transform.k };
    }

    /// The frames: { at, events }, `at` being the position of the run where one ends. One is a forward operation, or all that the
    /// rules of an operation hand on; in a folded tile, and where there are too many, it is all that happens there in a row.
    function framesOf(app, tiles) {
        const { run, structure } = app;
        const seen = new Set(tiles);
        const make = (whole) => {
            const frames = [];
            let last = "";
            for (let at = 1; at <= run.last; ++at) {
                const event = run.event(at);
                const worker = event.from ?? event.node;
                const tile = structure.tileOf[worker];
                if (!seen.has(tile)) continue;
                const unit = whole || app.folded.has(tile) ? `${tile.row} ${tile.column}` : worker;
                const name = `${event.kind} ${unit}`;
                if (name === last) frames.at(-1).at = at;
                else frames.push({ at, events: [] });
                frames.at(-1).events.push(event);
                last = name;
            }
            return frames;
        };
        let frames = make(false);
        if (frames.length > most.frames) frames = make(true);
        const together = Math.ceil(frames.length / most.frames);
        return frames.filter((_, k) => k % together === 0).map((_, k) => {
            const all = frames.slice(k * together, (k + 1) * together);
            return { at: all.at(-1).at, events: all.flatMap(({ events }) => events) };
        });
    }

    class Walk {
        constructor(app) {
            this.app = app;
            this.look = Study.graphView.lookOf(app);
            const { study, structure, layouts } = app;
            this.scene = app.network.scene;
            this.part = partInSight(this);
            const nodes = this.part.tiles.reduce((sum, tile) => sum + (this.scene.folded.has(tile) ? 0 : tile.members.length), 0);
            if (nodes > most.nodes && app.foldable.length > 0) {
                this.scene = Study.scene.unrolled(study, structure, layouts, new Set(app.foldable));
                this.part = { frame: this.scene.bounds, tiles: this.scene.tiles, scale: 1 };
            }
            this.frames = framesOf({ run: app.run, structure, folded: this.scene.folded }, this.part.tiles);
            this.theme = Study.colours.theme();
        }

        /// When the frame with a position of the run begins; a second goes by before the first.
        timeOf(position) {
            let [low, high] = [0, this.frames.length];
            while (low < high) {
                const middle = (low + high) >> 1;
                if (this.frames[middle].at >= position) high = middle;
                else low = middle + 1;
            }
            return this.beginOf(low);
        }

        beginOf(frame) {
            return Number((1 + seconds * frame).toFixed(2));
        }

        /// From a time on, until it all begins again, or for one frame.
        set(name, value, begin, oneFrame = false) {
            return `<set attributeName="${name}" to="${value}" begin="w.begin+${begin}s" ${oneFrame ? `dur="${seconds}s"` : 'end="w.end"'}/>`;
        }

        /// The states that a node goes through: [position, phase], the first at 0.
        phasesOf(place) {
            const { run, study } = this.app;
            const { arriving } = study.nodes[place];
            const moments = [0, run.computedAt[place], run.seededAt.get(place), run.arrivedAt[arriving[0]], run.arrivedAt[arriving.at(-1)]].filter((at) => at !== undefined);
            const phases = [...new Set(moments)].sort((a, b) => a - b).map((at) => [at, run.phase(place, at)]);
            return phases.filter(([, phase], k) => k === 0 || phase !== phases[k - 1][1]);
        }

        styleAt(node, [position, phase]) {
            const inBackward = position > this.app.run.forward;
            return Study.painter.styleOf({ ...this.look, phase: () => phase, inBackward }, node);
        }

        item(item) {
            const node = this.app.study.nodes[item.place];
            const phases = this.phasesOf(item.place);
            const styles = phases.map((phase) => this.styleAt(node, phase));
            // What of a look is an attribute of the shape, of the text, and of both together.
            const changes = (attributes) => phases.slice(1).map(([position], k) => attributes.map(([name, of]) => {
                const [before, now] = [of(styles[k]), of(styles[k + 1])];
                return before === now ? "" : this.set(name, now, this.timeOf(position));
            }).join("")).join("");
            const shape = [["fill", ({ fill }) => (item.port ? this.theme.tile : fill)], ["stroke", ({ edge }) => edge], ["stroke-width", ({ width }) => width],
                ["stroke-dasharray", ({ dash }) => (item.port ? "3 3" : dash.join(" ") || "1 0")]];
            const ink = [["fill", ({ text }) => (item.port ? this.theme.soft : text)]];
            const together = [["opacity", ({ alpha }) => alpha]];
            const attributes = (list) => list.map(([name, of]) => `${name}="${of(styles[0])}"`).join(" ");
            const text = item.port ? Study.painter.portName(this.look, item) : Study.names.glyph(node);
            const size = [...text].length === 1 && !node.leaf ? 'font-size="20" font-weight="600"' : 'font-size="15" font-weight="500"';
            const room = 9.5 * [...text].length > item.width + 8 && [...text].length > 1 ? ` textLength="${item.width - 6}" lengthAdjust="spacingAndGlyphs"` : "";
            return `<g ${attributes(together)}>${changes(together)}${this.outline(item, 0, attributes(shape), changes(shape) + this.rings(item))}` +
                `<text x="${item.x.toFixed(1)}" y="${(item.y + 1).toFixed(1)}" ${size}${room} ${attributes(ink)}>${escaped(text)}${changes(ink)}</text></g>`;
        }

        outline({ x, y, width, height, round }, margin, attributes, content) {
            if (round) return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${width / 2 + margin}" ${attributes}>${content}</circle>`;
            return `<rect x="${(x - width / 2 - margin).toFixed(1)}" y="${(y - height / 2 - margin).toFixed(1)}" width="${width + 2 * margin}" height="${height + 2 * margin}" rx="${9 + margin}" ${attributes}>${content}</rect>`;
        }

        /// The frames in which something happens to a node: its outline is broad then.
        rings(item) {
            if (item.port) return "";
            return (this.happens.get(item.place) ?? []).map(([frame, colour]) => this.set("stroke", colour, this.beginOf(frame), true) + this.set("stroke-width", 6, this.beginOf(frame), true)).join("");
        }

        /// By node, by tile and by edge the frames in which they are at work, each with its colour.
        findWork() {
            const { study, structure } = this.app;
            [this.happens, this.works, this.passes] = [new Map(), new Map(), new Map()];
            const add = (map, key, entry) => map.set(key, [...(map.get(key) ?? []), entry]);
            const addEdge = (tile, path, entry) => {
                if (!this.passes.has(tile)) this.passes.set(tile, new Map());
                add(this.passes.get(tile), path, entry);
            };
            this.frames.forEach(({ events }, frame) => {
                for (const event of events) {
                    const entry = [frame, event.kind === "forward" ? this.theme.forward : this.theme.backward];
                    const edges = event.kind === "backward" ? [[event.node, event.from]] : event.kind === "seed" ? [] : study.nodes[event.node].inputs.map((input) => [input, event.node]);
                    const tile = structure.tileOf[event.from ?? event.node];
                    add(this.happens, event.node, entry);
                    if (!this.works.get(tile)?.some(([one]) => one === frame)) add(this.works, tile, entry);
                    for (const [from, to] of edges) {
                        const home = structure.tileOf[to];
                        if (this.scene.placed.has(home) && !this.scene.folded.has(home)) for (const path of Study.paths.inside(this.scene, home, from, to)) addEdge(home, path, entry);
                        for (const link of this.scene.linksFrom.get(from) ?? []) if ((link.to === to || link.port?.port) && link.tile === home) addEdge(null, link, entry);
                    }
                }
            });
        }

        line(path, attributes, work) {
            const lit = (work ?? []).filter(([frame], k, all) => k === 0 || all[k - 1][0] !== frame)
                .map(([frame, colour]) => this.set("stroke", colour, this.beginOf(frame), true) + this.set("stroke-width", 4.5, this.beginOf(frame), true)).join("");
            return `<path d="${path.d}" ${attributes}>${lit}</path>`;
        }

        tile(tile) {
            const { x, y, width, height } = this.scene.placed.get(tile);
            const folded = this.scene.folded.has(tile);
            const at = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width}" height="${height}" rx="12"`;
            const title = escaped(this.look.titleOf(tile));
            if (folded) return this.foldedTile(tile, at, { x: x + width / 2, y: y + height / 2 }, title);
            const { byName, heads } = Study.paths.ofLayout(this.scene.layouts.of(tile));
            const edges = [...byName.values()].map((path) => this.line(path, path.dashed ? 'stroke-dasharray="6 4"' : "", this.passes.get(tile)?.get(path))).join("");
            return `<rect ${at} fill="${this.theme.tile}" stroke="${this.theme.tileEdge}" stroke-width="1.2"/>` +
                `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)})" fill="none" stroke="${this.theme.edge}" stroke-width="1.3">${edges}<path d="${heads.d}" fill="${this.theme.edge}" stroke="none"/></g>` +
                `<text x="${(x + width / 2).toFixed(1)}" y="${(y - 16).toFixed(1)}" font-size="18" font-weight="600" fill="${this.theme.soft}">${title}</text>`;
        }

        /// A box that is pale until its step is computed, takes its colour when its gradient is known, and has a frame while it works.
        foldedTile(tile, at, middle, title) {
            const { run } = this.app;
            const { metric, metricName } = this.look;
            const computed = this.timeOf(run.computedAt[tile.members[0]]);
            const arrived = tile.members.map((place) => run.arrivedAt[this.app.study.nodes[place].arriving.at(-1)]).filter((one) => one !== undefined);
            const scaled = metric ? metric.ofTile(tile) : null;
            const known = metricName === "value" ? computed : arrived.length > 0 ? this.timeOf(arrived.reduce((a, b) => Math.min(a, b))) : null;
            const coloured = scaled !== null && known !== null;
            const [fill, ink] = coloured ? (Number.isNaN(scaled) ? [this.theme.missing, "#ffffff"] : [metric.colour(scaled), metric.ink(scaled)]) : [null, null];
            const work = (this.works.get(tile) ?? []).map(([frame, colour]) => this.set("stroke", colour, this.beginOf(frame), true) + this.set("stroke-width", 5, this.beginOf(frame), true)).join("");
            return `<g opacity="0.45">${this.set("opacity", 1, computed)}<rect ${at} fill="${this.theme.tile}" stroke="${this.theme.tileEdge}" stroke-width="1.2">${coloured ? this.set("fill", fill, known) : ""}${work}</rect>` +
                `<text x="${middle.x.toFixed(1)}" y="${middle.y.toFixed(1)}" font-size="17" font-weight="600" fill="${this.theme.ink}">${title}${coloured ? this.set("fill", ink, known) : ""}</text></g>`;
        }

        links() {
            return this.scene.links.filter(({ origin, tile }) => this.part.tiles.includes(origin) || this.part.tiles.includes(tile)).map((link) => {
                const { line, head } = Study.paths.ofLink(this.scene, link);
                const colour = link.recurs ? this.theme.nodeEdge : this.theme.edge;
                const opacity = link.kind === "bus" || link.kind === "far" ? ' opacity="0.55"' : "";
                return `<g fill="none" stroke="${colour}"${opacity}>${this.line(line, `stroke-width="${link.recurs ? 2.2 : 1.3}"`, this.passes.get(null)?.get(link))}<path d="${head.d}" fill="${colour}" stroke="none"/></g>`;
            }).join("");
        }

        /// What the user, or the cell, calls a node, beside it.
        name(item) {
            const node = this.app.study.nodes[item.place];
            const name = Study.names.own(node);
            if (name === "" || node.leaf || node.kind === "result" || item.port) return "";
            return `<text x="${(item.x + 5).toFixed(1)}" y="${(item.y - item.height / 2 - 9).toFixed(1)}" text-anchor="start" font-size="15" font-style="italic" font-weight="600" fill="${this.theme.ink}" stroke="${this.theme.paper}" stroke-width="4" paint-order="stroke">${escaped(name)}</text>`;
        }

        /// The sentence of each frame, where in the run it is, and a bar that grows.
        foot(width, height, duration) {
            const { controls } = this.app;
            const said = this.frames.map(({ at }, frame) => {
                const sentence = controls.sentenceOfEvent(at).map((part) => part.textContent ?? part).join("");
                const shown = [[controls.count(at), 30, `font-weight="600" fill="${at > this.app.run.forward ? this.theme.backward : this.theme.forward}"`], [sentence, 54, `fill="${this.theme.ink}"`]];
                // The last stays until the end.
                const visible = this.set("visibility", "visible", this.beginOf(frame), frame + 1 < this.frames.length);
                return `<g class="frame" visibility="hidden">${visible}${shown.map(([text, y, look]) => `<text x="16" y="${height + y}" font-size="15" ${look}${widthOf(text) > width - 32 ? ` textLength="${width - 32}" lengthAdjust="spacingAndGlyphs"` : ""}>${escaped(text)}</text>`).join("")}</g>`;
            }).join("");
            return `<g text-anchor="start">${said}</g><rect x="0" y="${height + foot - 8}" width="0" height="8" fill="${this.theme.forward}"><animate id="w" attributeName="width" values="0;0;${width};${width}" ` +
                `keyTimes="0;${(1 / duration).toFixed(4)};${(1 - held / duration).toFixed(4)};1" dur="${duration}s" begin="0s;w.end"/></rect>`;
        }

        svg() {
            this.findWork();
            const { frame: { left, top, right, bottom }, tiles, scale } = this.part;
            const width = Math.round(Math.max(640, (right - left) * scale));
            const height = Math.round(((bottom - top) * width) / (right - left));
            const items = tiles.flatMap((tile) => this.scene.items.get(tile)).slice(0, 2 * most.nodes);
            const duration = Number((1 + seconds * this.frames.length + held).toFixed(2));
            const title = escaped(say`A walk through the run: ${this.app.study.title}`);
            return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height + foot}" font-family="system-ui, sans-serif" text-anchor="middle" lang="${Study.language.current}">` +
                `<title>${title}</title><rect width="${width}" height="${height + foot}" fill="${this.theme.paper}"/>` +
                `<clipPath id="sight"><rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(right - left).toFixed(1)}" height="${(bottom - top).toFixed(1)}"/></clipPath>` +
                `<g clip-path="url(#sight)" transform="scale(${(width / (right - left)).toFixed(4)}) translate(${(-left).toFixed(1)} ${(-top).toFixed(1)})" dominant-baseline="central">` +
                `${tiles.map((tile) => this.tile(tile)).join("")}${this.links()}${items.map((item) => this.item(item)).join("")}${items.map((item) => this.name(item)).join("")}</g>` +
                `${this.foot(width, height, duration)}</svg>\n`;
        }
    }

    const svgOf = (app) => new Walk(app).svg();
    const save = (app) => Study.exporting.save(new Blob([svgOf(app)], { type: "image/svg+xml" }), "walk.svg");

    return { svgOf, save };
})();
