"use strict";
/// The canvas of the folded cells.
Study.cellView = (() => {
    const { GraphView, lookOf } = Study.graphView;

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
            const k = Math.min((width - 24) / (right - left), 0.7);
            this.goHome((left + right) / 2, bottom - (height / 2 - 12) / k, k);
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
                ...look, event, path: look.path.map(inCell),
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
                    return from && { ...Study.paths.loop(outside, from, port), letter: Study.names.state(this.app.study.nodes[from.place]), right: outside.x + outside.width + 20, bottom: outside.y + outside.height + 16 };
                }).filter(Boolean);
            });
        }
    }

    return { CellView };
})();
