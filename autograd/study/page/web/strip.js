"use strict";
/// The strip under the network: one cell for each time step and lane, coloured by what the tile hands on, with the part
/// in sight framed. It shows a vanishing gradient at one glance, and a click goes there.
Study.strip = (() => {
    const { byId, element, sharpContext } = Study.dom;

    class Strip {
        constructor(app, view) {
            Object.assign(this, { app, view });
            this.canvas = byId("strip");
            this.canvas.addEventListener("click", (event) => this.go(event));
            this.cells = element("canvas"); // drawn once, for all moves of the frame
            const { steps, tiles } = app.structure;
            this.indexOf = new Map(steps.map((column, index) => [column, index]));
            this.timed = tiles.filter((tile) => tile.time !== null);
            view.onDraw = (transform) => this.draw(transform);
        }

        /// Where the cells lie: behind the lanes' names, and above what the steps are called.
        get room() {
            const { steps, lanes } = this.app.structure;
            const width = this.canvas.parentElement.clientWidth;
            const left = lanes.length > 1 ? Math.min(width / 4, 12 + 7 * Math.max(...lanes.map((lane) => lane.length))) : 0;
            const cell = { width: (width - left) / steps.length, height: lanes.length > 1 ? 13 : 26 };
            const below = this.titles(cell.width) ? 16 : 0;
            return { width, left, cell, below, height: cell.height * lanes.length + 4 };
        }

        /// What the steps are called, if all of it fits.
        titles(width) {
            const { study, structure } = this.app;
            if (study.steps.length === 0) return null;
            const texts = structure.steps.map((column) => Study.names.step(study, this.timeOf(column)));
            return texts.every((text) => 8 * text.length <= width - 1) ? texts : null;
        }

        timeOf(column) {
            return this.timed.find((tile) => tile.column === column)?.time;
        }

        draw(transform) {
            const { structure, session, metrics } = this.app;
            this.canvas.parentElement.hidden = structure.steps.length < 2;
            const room = this.room;
            if (structure.steps.length < 2 || room.width === 0) return;
            const metric = metrics[session.get("colouring")] || metrics.cotangent;
            const key = [room.width, room.height, session.get("theme"), session.get("type"), session.get("colouring"), window.devicePixelRatio].join();
            if (this.drawn !== key) this.drawCells(room, metric);
            this.drawn = key;
            const context = sharpContext(this.canvas, room.width, room.height + room.below);
            context.drawImage(this.cells, 0, 0, room.width, room.height + room.below);
            this.frame(context, transform, room);
        }

        drawCells({ width, left, cell, below, height }, metric) {
            const { lanes } = this.app.structure;
            const context = sharpContext(this.cells, width, height + below);
            const theme = Study.colours.theme();
            const top = (row) => (lanes.length - 1 - row) * cell.height + 2;
            for (const tile of this.timed) {
                const scaled = metric.ofTile(tile);
                context.fillStyle = scaled === null ? theme.tile : Number.isNaN(scaled) ? theme.missing : metric.colour(scaled);
                context.fillRect(left + this.indexOf.get(tile.column) * cell.width, top(tile.row), Math.max(1, cell.width - (cell.width > 4 ? 1 : 0)), cell.height - 1);
            }
            Object.assign(context, { fillStyle: theme.soft, font: "12px system-ui, sans-serif", textBaseline: "middle" });
            if (left > 0) lanes.forEach((lane, row) => context.fillText(lane, 4, top(row) + cell.height / 2, left - 8));
            if (below === 0) return;
            context.textAlign = "center";
            this.titles(cell.width).forEach((text, index) => context.fillText(text, left + (index + 0.5) * cell.width, height + below / 2));
        }

        frame(context, transform, { left: start, cell, height }) {
            const { scene } = this.view;
            const [left, right] = [transform.invertX(0), transform.invertX(this.view.size.width)];
            let [first, last] = [Infinity, -Infinity];
            for (const tile of this.timed) {
                const { x, width } = scene.placed.get(tile);
                if (x + width <= left || x >= right) continue;
                first = Math.min(first, this.indexOf.get(tile.column));
                last = Math.max(last, this.indexOf.get(tile.column));
            }
            if (first > last) return;
            context.strokeStyle = Study.colours.theme().selected;
            context.lineWidth = 2;
            context.strokeRect(start + first * cell.width + 1, 1, (last - first + 1) * cell.width - 2, height - 2);
        }

        go(event) {
            const { structure } = this.app;
            const { left, cell } = this.room;
            const column = structure.steps[Math.floor((event.offsetX - left) / cell.width)];
            const tile = structure.tiles.find((one) => one.column === column);
            if (!tile) return;
            this.app.select(this.app.stateOf(this.timed.find((one) => one.column === column)));
            this.app.centre(tile);
        }
    }

    return { Strip };
})();
