"use strict";
/// A canvas that shows a scene: zooming, panning, pointing and choosing.
Study.graphView = (() => {
    const { sharpContext, perFrame } = Study.dom;
    const { zoom, zoomIdentity, zoomTransform, select } = Libraries;
    const smallest = 0.005; // the scale at which a thousand steps fill a large screen
    const readable = 0.2; // the scale from which on all of a network is shown at first

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
            path: app.pathOfSelected(),
            activeTile: event && position < run.last ? structure.tileOf[event.node] : null,
            tileShown: (tile) => metricName === "value" || tile.members.some((place) => phase(place) === "complete"),
            titleOf: (tile) => (structure.steps.length > 0 ? `${tile.title} ${tile.time === null ? "" : Study.names.step(study, tile.time)}`.trim() : Study.language.say("the graph")),
        };
    }

    class GraphView {
        constructor(canvas, app, { onPick }) {
            Object.assign(this, { canvas, app, onPick });
            this.look = lookOf;
            this.scene = null;
            this.redraw = perFrame(() => this.draw());
            this.atHome = true; // until somebody moves it
            this.zoom = zoom().scaleExtent([smallest, 4]).on("zoom", () => this.moved()).clickDistance(4);
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

        moved() {
            this.atHome = this.goingHome === true;
            this.redraw();
            this.onMove?.();
        }

        /// Keeps all in sight, or what is in the middle.
        resize() {
            const { width, height } = this.size;
            if (width === 0 || height === 0) return;
            const centre = this.drawnSize && this.centre();
            const selected = this.app.session.get("selected");
            const wasSeen = selected !== null && this.drawnSize && this.isSeen(selected, this.drawnSize);
            this.drawnSize = { width, height };
            this.context = sharpContext(this.canvas, width, height);
            if (!this.scene) return;
            if (this.atHome) this.home(true);
            else if (centre) this.transformTo(centre[1], centre[2], centre[0]);
            if (wasSeen) this.reveal(selected);
            this.redraw();
        }

        /// [scale, x, y] of what is in the middle.
        centre() {
            const { x, y, k } = zoomTransform(this.canvas);
            const { width, height } = this.drawnSize || this.size;
            return [k, (width / 2 - x) / k, (height / 2 - y) / k];
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

        goHome(x, y, k) {
            this.goingHome = true;
            this.transformTo(x, y, k);
            this.goingHome = false;
            this.atHome = true;
        }

        /// All of the scene; or its left end, if all of it would be too small to read.
        home(whenLarge = false) {
            const { left, top, right, bottom } = this.scene.bounds;
            const { width, height } = this.size;
            if (width === 0 || height === 0) return;
            const whole = Math.min((width - 24) / (right - left), (height - 24) / (bottom - top), 1.25);
            if (whole >= (whenLarge ? readable : smallest)) return this.goHome((left + right) / 2, (top + bottom) / 2, whole);
            const twoSteps = width / (2.4 * Math.max(...this.scene.tiles.map((tile) => this.scene.placed.get(tile).width)));
            const large = this.scene.folded.size > 0 ? 0.9 : Math.min(twoSteps, 0.9);
            const k = Math.max(0.45, Math.min(large, (height - 24) / (bottom - top)));
            const tall = k * (bottom - top) > height;
            this.goHome(left + (width / 2 - 16) / k, tall ? bottom - (height / 2 - 12) / k : (top + bottom) / 2, k);
        }

        /// Whether a node lies within a canvas of that size, not at its border.
        isSeen(place, { width, height }) {
            const frame = this.scene?.frameOf(place);
            if (!frame) return false;
            const [x, y] = zoomTransform(this.canvas).apply([frame.x, frame.y]);
            const margin = Math.min(60, width / 6);
            return x > margin && x < width - margin && y > margin && y < height - margin;
        }

        /// Moves a node into sight, if it is not.
        reveal(place) {
            const frame = this.scene.frameOf(place);
            if (frame && !this.isSeen(place, this.size)) this.transformTo(frame.x, frame.y, zoomTransform(this.canvas).k);
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

    return { GraphView, lookOf };
})();
