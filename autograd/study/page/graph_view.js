"use strict";
/// A canvas that shows a scene: zooming, panning, pointing and choosing.
Study.graphView = (() => {
    const { sharpContext, perFrame } = Study.dom;
    const { zoom, zoomIdentity, zoomTransform, select } = Libraries;
    const smallest = 0.005; // the scale at which a thousand steps fill a large screen

    /// What the painter asks about the state of the run; the same for every view.
    function lookOf(app) {
        const { study, structure, run, session } = app;
        const position = session.get("position");
        const metricName = session.get("colouring");
        const event = run.event(position);
        const phase = (place) => run.phase(place, position);
        return {
            study, structure, event, phase,
            nodeAt: (place) => study.nodes[place],
            running: position < run.last,
            inBackward: position > run.forward && position < run.last,
            metricName,
            metric: app.metrics[metricName],
            selected: session.get("selected"),
            hovered: session.get("hovered"),
            activeTile: event && position < run.last ? structure.tileOf[event.node] : null,
            tileShown: (tile) => metricName === "value" || tile.members.some((place) => phase(place) === "complete"),
            titleOf: (tile) => (structure.steps.length > 0 ? tile.title : "the graph"),
        };
    }

    class GraphView {
        constructor(canvas, app, { onPick }) {
            Object.assign(this, { canvas, app, onPick });
            this.look = lookOf;
            this.scene = null;
            this.redraw = perFrame(() => this.draw());
            this.zoom = zoom().scaleExtent([smallest, 4]).on("zoom", this.redraw).clickDistance(4);
            select(canvas).call(this.zoom).on("dblclick.zoom", null);
            canvas.addEventListener("click", (event) => this.pick(event));
            canvas.addEventListener("pointermove", (event) => this.hover(event));
            canvas.addEventListener("pointerleave", () => app.session.set({ hovered: null }));
            new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
            app.session.on(["selected", "position", "hovered", "colouring", "theme", "view"], this.redraw);
        }

        get size() {
            return { width: this.canvas.parentElement.clientWidth, height: this.canvas.parentElement.clientHeight };
        }

        resize() {
            const { width, height } = this.size;
            if (width === 0 || height === 0) return;
            this.context = sharpContext(this.canvas, width, height);
            if (!this.fitted && this.scene) this.home();
            this.redraw();
        }

        show(scene) {
            this.scene = scene;
            this.redraw();
        }

        draw() {
            if (!this.context || !this.scene) return;
            const transform = zoomTransform(this.canvas);
            Study.painter.paint(this.context, this.size, transform, this.scene, { ...this.look(this.app), ...this.extras });
            this.onDraw?.(transform);
        }

        transformTo(x, y, k) {
            const { width, height } = this.size;
            select(this.canvas).call(this.zoom.transform, zoomIdentity.translate(width / 2 - k * x, height / 2 - k * y).scale(k));
        }

        /// All of the scene; or its left end, if all of it would be too small to read.
        home(whenLarge = false) {
            const { left, top, right, bottom } = this.scene.bounds;
            const { width, height } = this.size;
            if (width === 0 || height === 0) return;
            this.fitted = true;
            const whole = Math.min((width - 24) / (right - left), (height - 24) / (bottom - top), 1.25);
            if (whole >= (whenLarge ? 0.5 : smallest)) return this.transformTo((left + right) / 2, (top + bottom) / 2, whole);
            const twoSteps = width / (2.4 * Math.max(...this.scene.tiles.map((tile) => this.scene.placed.get(tile).width)));
            const readable = this.scene.folded.size > 0 ? 0.9 : Math.min(twoSteps, 0.9);
            const k = Math.max(0.45, Math.min(readable, (height - 24) / (bottom - top)));
            const tall = k * (bottom - top) > height;
            this.transformTo(left + (width / 2 - 16) / k, tall ? bottom - (height / 2 - 12) / k : (top + bottom) / 2, k);
        }

        /// Moves a node into sight, if it is not.
        reveal(place) {
            const frame = this.scene.frameOf(place);
            if (!frame) return;
            const transform = zoomTransform(this.canvas);
            const [x, y] = transform.apply([frame.x, frame.y]);
            const { width, height } = this.size;
            const margin = Math.min(60, width / 6);
            if (x > margin && x < width - margin && y > margin && y < height - margin) return;
            this.transformTo(frame.x, frame.y, transform.k);
        }

        /// Where on the screen node `place` is drawn.
        positionOf(place) {
            const frame = this.scene.frameOf(place);
            if (!frame) return null;
            const [x, y] = zoomTransform(this.canvas).apply([frame.x, frame.y]);
            const corner = this.canvas.getBoundingClientRect();
            return { x: corner.left + x, y: corner.top + y };
        }

        scaleBy(factor) {
            select(this.canvas).call(this.zoom.scaleBy, factor);
        }

        under(event) {
            return this.scene?.hit(...zoomTransform(this.canvas).invert([event.offsetX, event.offsetY]));
        }

        pick(event) {
            const hit = this.under(event);
            if (hit) this.onPick(hit, event);
        }

        hover(event) {
            const hit = this.under(event);
            this.canvas.style.cursor = hit?.item || (hit && this.scene.folded.has(hit.tile)) ? "pointer" : "grab";
            const node = hit?.item && this.app.study.nodes[hit.item.place];
            this.canvas.title = node ? `${Study.names.full(node)}, ${Study.numbers.shape(node.shape)}` : "";
            this.app.session.set({ hovered: node ? node.place : null });
        }
    }

    /// The folded cells. They show the step that the selection or the run is in.
    class CellView extends GraphView {
        constructor(canvas, app) {
            super(canvas, app, { onPick: ({ item }) => item && app.select(this.current(item.place)) });
            this.look = (owner) => this.lookOfCell(owner);
        }

        /// All cells; or the first, which stands at the bottom, if all would be too small to read.
        home() {
            const { left, top, right, bottom } = this.scene.bounds;
            const { width, height } = this.size;
            const whole = Math.min((width - 24) / (right - left), (height - 24) / (bottom - top), 1.25);
            if (whole >= 0.45 || width === 0) return super.home();
            this.fitted = true;
            const k = Math.min((width - 24) / (right - left), 0.7);
            this.transformTo((left + right) / 2, bottom - (height / 2 - 12) / k, k);
        }

        /// The time step whose cell is shown.
        timeOf(tile) {
            const { session, structure, run } = this.app;
            const event = run.event(session.get("position"));
            const candidates = [session.get("selected"), event?.node].filter((place) => place !== null && place !== undefined);
            const home = candidates.map((place) => structure.tileOf[place]).find((one) => one && one.row === tile.row && one.key === tile.key);
            return home || tile;
        }

        /// The node of the shown time step that stands where the cell has `place`.
        current(place) {
            const { structure, study } = this.app;
            const tile = structure.tileOf[place];
            if (!tile) return place;
            const shown = structure.cells.find((cell) => cell.row === tile.row);
            const local = structure.localOf[place];
            if (tile === shown) return this.timeOf(shown).members[local];
            // What comes in from a step before.
            const now = this.timeOf(shown);
            const back = now.members.flatMap((member) => study.nodes[member].inputs).find((input) => {
                const home = structure.tileOf[input];
                return home && home.row === tile.row && home.time - now.time === tile.time - shown.time && structure.localOf[input] === local;
            });
            return back ?? place;
        }

        lookOfCell(app) {
            const look = lookOf(app);
            const stands = (place) => app.structure.cells.some((cell) => {
                const now = this.timeOf(cell);
                const at = now.members.indexOf(place);
                return at >= 0;
            });
            const inCell = (place) => {
                if (place === null || place === undefined || !stands(place)) return place;
                const tile = app.structure.tileOf[place];
                const cell = app.structure.cells.find((one) => one.row === tile.row);
                return cell.members[app.structure.localOf[place]];
            };
            const event = look.event && stands(look.event.node)
                ? { ...look.event, node: inCell(look.event.node), from: inCell(look.event.from) } : null;
            return {
                ...look, event,
                nodeAt: (place) => app.study.nodes[this.current(place)],
                selected: inCell(look.selected),
                loops: this.loops,
                titleOf: (tile) => `${tile.lane ? `${tile.lane}, ` : ""}t = ${this.timeOf(tile).time}`,
            };
        }

        show(scene) {
            super.show(scene);
            this.loops = this.findLoops(scene);
            for (const { right, bottom } of this.loops) {
                scene.bounds.right = Math.max(scene.bounds.right, right);
                scene.bounds.bottom = Math.max(scene.bounds.bottom, bottom);
            }
        }

        /// The recurrent edges: from what the next step takes to where it comes in.
        findLoops(scene) {
            const { structure } = this.app;
            return scene.tiles.flatMap((tile) => {
                const items = scene.items.get(tile);
                const ports = items.filter((item) => item.port && structure.tileOf[item.place].row === tile.row && structure.tileOf[item.place].time !== null);
                return ports.map((port, index) => {
                    const from = items.find((item) => item.local === structure.localOf[item.place] && item.local === structure.localOf[port.place] && !item.source);
                    const frame = scene.placed.get(tile);
                    const outside = { ...frame, width: frame.width + 12 * index, height: frame.height + 10 * index };
                    return from && { ...Study.paths.loop(outside, from, port), right: outside.x + outside.width + 20, bottom: outside.y + outside.height + 16 };
                }).filter(Boolean);
            });
        }
    }

    return { GraphView, CellView };
})();
