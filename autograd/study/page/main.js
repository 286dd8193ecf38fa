"use strict";
/// Puts the page together.
Study.app = (() => {
    const { byId } = Study.dom;
    const foldAbove = 5; // time steps; longer networks open folded
    const colourings = ["operation", "value", "cotangent"];

    class App {
        constructor(json) {
            this.study = Study.read(json);
            this.structure = Study.structure.find(this.study);
            this.layouts = new Study.layout.Layouts(this.study, this.structure);
            this.run = new Study.run.Run(this.study);
            this.metrics = {
                value: new Study.metric.Metric(this.study, this.structure, "value"),
                cotangent: new Study.metric.Metric(this.study, this.structure, "cotangent"),
            };
            this.session = new Study.session.Session({
                selected: null, hovered: null, position: this.run.last, view: "network", card: null,
                colouring: "operation", theme: "light", chosenTheme: null, type: "normal",
            });
            // Folded, a step shows no operations, so it is coloured by what one looks for in a long network.
            const long = this.structure.steps.length > foldAbove;
            this.folded = new Set(long ? this.foldable : []);
            if (long) this.session.set({ colouring: "cotangent" });
        }

        get foldable() {
            return this.structure.tiles.filter((tile) => tile.time !== null);
        }

        start() {
            document.title = byId("title").textContent = this.study.title;
            this.startLook();
            this.network = new Study.graphView.GraphView(byId("network-canvas"), this, { onPick: (hit) => this.pick(hit) });
            this.cells = new Study.cellView.CellView(byId("cell-canvas"), this);
            this.strip = new Study.strip.Strip(this, this.network);
            byId("nothing").hidden = this.structure.tiles.length > 0;
            this.panes = new Study.panes.Panes(this);
            if (this.structure.cells.length > 0) this.cells.show(Study.scene.cells(this.study, this.structure, this.layouts));
            this.rebuild();
            this.panel = new Study.panel.Panel(this);
            this.panel.show();
            this.controls = new Study.controls.Controls(this);
            this.search = new Study.search.Search(this);
            Study.keys.listen(this);
            this.listenToButtons();
            this.network.home(true);
            this.address = new Study.address.Address(this);
            this.network.onMove = () => this.address.change();
            Study.print.listen(this);
            byId("live").textContent = `${this.study.title} is open.`;
        }

        systemTheme() {
            return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
        }

        startLook() {
            const root = document.documentElement;
            this.session.on(["theme"], ({ theme }) => (root.dataset.theme = theme));
            this.session.on(["type"], ({ type }) => (root.dataset.type = type));
            this.session.set({ theme: this.systemTheme() });
            window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.session.set({ theme: this.systemTheme(), chosenTheme: null }));
            this.session.on(["view", "card"], () => this.showView());
            this.session.on(["theme", "type"], () => this.session.get("view") === "plots" && Study.plots.show(this));
            this.session.on(["colouring"], () => this.showLegend());
            this.session.on(["selected"], ({ selected }) => selected !== null && (byId("live").textContent = Study.names.full(this.study.nodes[selected])));
        }

        listenToButtons() {
            const go = (id, action) => byId(id).addEventListener("click", action);
            go("fold", () => this.toggleFold());
            go("fit", () => this.network.home());
            go("theme", () => this.toggleTheme());
            go("type", () => this.toggleType());
            go("view-network", () => this.session.set({ view: "network" }));
            go("view-plots", () => this.session.set({ view: "plots", card: null }));
            byId("colouring").addEventListener("change", (event) => this.session.set({ colouring: event.target.value }));
            this.showFold();
            this.showLegend();
        }

        rebuild() {
            this.network.show(Study.scene.unrolled(this.study, this.structure, this.layouts, this.folded));
            this.showFold();
        }

        setFolded(tiles) {
            this.folded = new Set(tiles);
            this.rebuild();
            if (this.network.atHome) this.network.home(true);
        }

        pick({ item, tile }) {
            if (item) this.select(item.place);
            else if (this.folded.has(tile)) this.toggleTile(tile);
        }

        select(place) {
            this.session.set({ selected: place });
            if (place !== null) this.network.reveal(place);
        }

        /// Moves the run; what the event is about is selected and shown.
        goTo(position) {
            const at = Math.max(0, Math.min(this.run.last, position));
            const event = this.run.event(at);
            const follow = event && at < this.run.last;
            this.session.set({ position: at, ...(follow ? { selected: event.node } : {}) });
            if (follow) this.network.reveal(this.structure.tileOf[event.node] ? event.node : event.from ?? event.node);
        }

        selectNeighbour(which) {
            const place = this.session.get("selected");
            const next = place === null ? this.study.roots[0] ?? this.study.nodes.length - 1 : this.study.nodes[place][which][0];
            if (next !== undefined) this.select(next);
        }

        selectInTime(direction) {
            const place = this.session.get("selected");
            if (place === null) return;
            const same = Study.structure.throughTime(this.structure, place);
            const next = same[same.indexOf(place) + direction];
            if (next !== undefined) this.select(next);
        }

        toggleTile(tile) {
            const anchor = this.network.scene.placed.get(tile);
            if (this.folded.has(tile)) this.folded.delete(tile);
            else this.folded.add(tile);
            this.rebuild();
            if (anchor) this.centre(tile);
            this.address.change();
        }

        toggleTileOf(place) {
            const tile = place === null ? null : this.structure.tileOf[place];
            if (tile && tile.time !== null) this.toggleTile(tile);
        }

        toggleFold() {
            this.folded = new Set(this.folded.size > 0 ? [] : this.foldable);
            this.rebuild();
            this.address.change();
        }

        centre(tile) {
            const { x, y, width, height } = this.network.scene.placed.get(tile);
            const size = this.network.size;
            const k = this.network.scene.folded.has(tile) ? 1 : Math.min(1, size.width / (width + 160), (size.height - 40) / height);
            this.network.transformTo(x + width / 2, y + height / 2, k);
        }

        showTime(time) {
            const tile = this.structure.tiles.find((one) => one.time === time);
            if (!tile) return;
            this.session.set({ view: "network" });
            const place = this.session.get("selected");
            const same = place === null ? [] : Study.structure.throughTime(this.structure, place);
            this.select(same.find((one) => this.structure.tileOf[one]?.time === time) ?? tile.members[tile.members.length - 1]);
            this.centre(tile);
        }

        nextColouring() {
            const at = colourings.indexOf(this.session.get("colouring"));
            this.session.set({ colouring: colourings[(at + 1) % colourings.length] });
        }

        toggleTheme() {
            const theme = this.session.get("theme") === "dark" ? "light" : "dark";
            this.session.set({ theme, chosenTheme: theme });
        }

        toggleType() {
            this.session.set({ type: this.session.get("type") === "large" ? "normal" : "large" });
        }

        showFold() {
            const some = this.folded.size > 0;
            byId("fold").textContent = some ? "Unfold all" : "Fold";
            byId("fold").disabled = this.foldable.length === 0;
            byId("fold").setAttribute("aria-pressed", String(some));
        }

        showView() {
            const plots = this.session.get("view") === "plots";
            byId("network").hidden = plots;
            byId("plots").hidden = !plots;
            byId("view-network").setAttribute("aria-pressed", String(!plots));
            byId("view-plots").setAttribute("aria-pressed", String(plots));
            if (!plots) return;
            Study.plots.show(this);
            byId("plots").focus({ preventScroll: true }); // so that the keys scroll it
        }

        showLegend() {
            const name = this.session.get("colouring");
            byId("colouring").value = name;
            const metric = this.metrics[name];
            const legend = byId("colour-legend");
            legend.hidden = !metric;
            if (!metric) return;
            const context = Study.dom.sharpContext(byId("colour-ramp"), 110, 10);
            for (let x = 0; x < 110; ++x) {
                context.fillStyle = Study.colours.size(x / 110);
                context.fillRect(x, 0, 1, 10);
            }
            byId("colour-low").textContent = metric.empty ? "none is finite and above 0" : Study.numbers.text(metric.min);
            byId("colour-high").textContent = metric.empty ? "" : Study.numbers.text(metric.max);
            byId("colour-ramp").hidden = metric.empty;
        }
    }

    return { App };
})();

Study.current = new Study.app.App(JSON.parse(document.getElementById("study").textContent));
Study.current.start();
