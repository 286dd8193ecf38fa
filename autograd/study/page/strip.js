"use strict";
/// The strip under the network: one cell for each time step and lane, coloured by what the tile hands on, with the part
/// in sight framed. It shows a vanishing gradient at one glance, and a click goes there.
Study.strip = (() => {
    const { byId, sharpContext } = Study.dom;

    class Strip {
        constructor(app, view) {
            Object.assign(this, { app, view });
            this.canvas = byId("strip");
            this.canvas.addEventListener("click", (event) => this.go(event));
            view.onDraw = (transform) => this.draw(transform);
        }

        get cell() {
            const { steps, lanes } = this.app.structure;
            return { width: this.canvas.parentElement.clientWidth / steps.length, height: Math.max(8, 26 / lanes.length) };
        }

        draw(transform) {
            const { structure, session, metrics } = this.app;
            const { steps, lanes } = structure;
            this.canvas.parentElement.hidden = steps.length < 2;
            const width = this.canvas.parentElement.clientWidth;
            if (steps.length < 2 || width === 0) return;
            const { width: w, height: h } = this.cell;
            const context = sharpContext(this.canvas, width, h * lanes.length + 4);
            const theme = Study.colours.theme();
            const metric = metrics[session.get("colouring")] || metrics.cotangent;
            const columnOf = new Map(steps.map((column, index) => [column, index]));
            for (const tile of structure.tiles) {
                if (tile.time === null) continue;
                const scaled = metric.ofTile(tile);
                context.fillStyle = scaled === null ? theme.tile : Number.isNaN(scaled) ? theme.missing : Study.colours.size(scaled);
                const y = (lanes.length - 1 - tile.row) * h + 2;
                context.fillRect(columnOf.get(tile.column) * w, y, Math.max(1, w - (w > 4 ? 1 : 0)), h - 1);
            }
            this.frame(context, transform, width, h * lanes.length + 4, theme);
        }

        frame(context, transform, width, height, theme) {
            const { scene } = this.view;
            const [left, right] = [transform.invertX(0), transform.invertX(this.view.size.width)];
            const seen = scene.tiles.filter((tile) => tile.time !== null && scene.placed.get(tile).x + scene.placed.get(tile).width > left && scene.placed.get(tile).x < right);
            if (seen.length === 0) return;
            const columns = seen.map((tile) => this.app.structure.steps.indexOf(tile.column));
            const [first, last] = [Math.min(...columns), Math.max(...columns)];
            const w = width / this.app.structure.steps.length;
            context.strokeStyle = theme.selected;
            context.lineWidth = 2;
            context.strokeRect(first * w + 1, 1, (last - first + 1) * w - 2, height - 2);
        }

        go(event) {
            const { structure } = this.app;
            const column = structure.steps[Math.floor(event.offsetX / this.cell.width)];
            const tile = structure.tiles.find((one) => one.column === column);
            if (tile) this.app.centre(tile);
        }
    }

    return { Strip };
})();
