"use strict";
/// Puts the page together.
Study.app = (() => {
    const { byId } = Study.dom;
    const { say } = Study.language;
    const foldAbove = 5; // time steps; longer networks open folded
    const colourings = ["operation", "value", "cotangent"];

    class App {
        /// `json` is that of a study, or of two to compare, of which `index` is shown by itself.
        constructor(json, index = 0) {
            const studies = (json.studies || [json]).map(Study.read);
            this.study = studies[index];
            this.index = index;
            this.structure = Study.structure.find(this.study);
            this.layouts = new Study.layout.Layouts(this.study, this.structure);
            this.run = new Study.run.Run(this.study);
            this.metrics = {};
            this.measure();
            if (studies.length > 1 && Study.metric.haveSameNodes(...studies)) this.metrics.difference = new Study.metric.Ratio(studies, this.structure);
            this.comparison = studies.length > 1 ? new Study.comparison.Comparison(this, studies, json.names) : null;
            this.title = this.comparison ? say`${json.names[0]} and ${json.names[1]}` : this.study.title;
            this.home = this.comparison ? "compare" : "network"; // the view that it opens with
            this.session = new Study.session.Session({
                selected: null, hovered: null, position: this.run.last, view: "network", card: null,
                colouring: "operation", theme: "light", chosenTheme: null, type: "normal",
            });
            // Folded, a step shows no operations, so it is coloured by what one looks for in a long network.
            const long = this.structure.steps.length > foldAbove;
            this.folded = new Set(long ? this.foldable : []);
            if (long) this.session.set({ colouring: "cotangent" });
        }

        /// The sizes of all values and cotangents, by which they are coloured.
        measure() {
            for (const name of ["value", "cotangent"]) this.metrics[name] = new Study.metric.Metric(this.study, this.structure, name);
        }

        /// Shows values, cotangents and plots that are others now.
        valuesChanged() {
            this.measure();
            this.strip.drawn = null;
            this.network.redraw();
            this.cells.draw();
            this.panel.show();
            this.showLegend();
            this.showView();
        }

        get foldable() {
            return this.structure.tiles.filter((tile) => tile.time !== null);
        }

        start() {
            document.title = byId("title").textContent = this.title;
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
            this.derivation = new Study.derivation.Derivation(this);
            this.controls = new Study.controls.Controls(this);
            this.search = new Study.search.Search(this);
            Study.keys.listen(this);
            this.listenToButtons();
            this.network.home(true);
            this.address = new Study.address.Address(this);
            this.network.onMove = () => this.address.change();
            Study.print.listen(this);
            requestAnimationFrame(() => performance.mark("drawn")); // behind what was asked to draw before
            byId("live").textContent = say`${this.study.title} is open.`;
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
            this.session.on(["theme", "type"], () => this.showView());
            this.session.on(["colouring"], () => this.showLegend());
            this.session.on(["selected"], ({ selected }) => selected !== null && (byId("live").textContent = Study.names.full(this.study.nodes[selected])));
        }

        listenToButtons() {
            const go = (id, action) => byId(id).addEventListener("click", action);
            go("fold", () => this.toggleFold());
            go("fit", () => this.network.home());
            go("walk", () => Study.walk.save(this));
            go("theme", () => this.toggleTheme());
            go("type", () => this.toggleType());
            byId("language").textContent = Study.language.other === "ko" ? "한" : "EN";
            go("language", () => this.address.readIn(Study.language.other));
            if (this.comparison) this.listenToStudies();
            go("view-compare", () => this.session.set({ view: "compare" }));
            if (this.study.film.length > 0) this.film = new Study.film.Film(this);
            byId("view-film").hidden = !this.film;
            go("view-film", () => this.session.set({ view: "film" }));
            go("view-network", () => this.session.set({ view: "network" }));
            go("view-plots", () => this.session.set({ view: "plots", card: null }));
            byId("colouring").addEventListener("change", (event) => this.session.set({ colouring: event.target.value }));
            this.showFold();
            this.showLegend();
        }

        /// The buttons that show one of two studies by itself; the page is read anew for it.
        listenToStudies() {
            byId("view-compare").hidden = byId("studies").hidden = false;
            byId("studies").replaceChildren(...this.comparison.names.map((name, index) => Study.dom.element("button", { "aria-pressed": String(index === this.index), title: say`Network, node and plots of ${name}`, click: () => this.showStudy(index) }, name)));
            const option = byId("colouring").querySelector("[value='difference']");
            option.hidden = option.disabled = this.metrics.difference === undefined;
            if (this.metrics.difference) colourings.push("difference");
        }

        showStudy(index) {
            const view = this.session.get("view") === "compare" ? "network" : this.session.get("view");
            if (index === this.index) return this.session.set({ view });
            window.location.hash = `study=${index + 1}&view=${view}`;
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
            if (item) return this.select(item.place);
            if (!this.folded.has(tile)) return;
            this.select(this.stateOf(tile));
            this.toggleTile(tile);
        }

        /// The node that stands for a time step: the state that it hands on, h before c, or what it computes last.
        stateOf(tile) {
            const states = tile.members.filter((place) => this.study.nodes[place].state);
            const rank = (place) => (this.study.nodes[place].state === "h" ? 1 : 0);
            return states.sort((a, b) => rank(b) - rank(a) || b - a)[0] ?? tile.members.at(-1);
        }

        /// Selects a node and shows it, its step open.
        goToNode(place) {
            const tile = this.structure.tileOf[place];
            this.session.set({ view: "network" });
            if (tile && this.folded.delete(tile)) this.rebuild();
            this.select(place);
            if (tile) this.centre(tile);
        }

        /// The path from J to what is selected; see why.js.
        pathOfSelected() {
            const place = this.session.get("selected");
            if (this.knownPath?.place !== place) this.knownPath = { place, path: Study.why.path(this.study, place) };
            return this.knownPath.path;
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
            byId("fold").textContent = say(some ? "Unfold all" : "Fold");
            byId("fold").disabled = this.foldable.length === 0;
            byId("fold").setAttribute("aria-pressed", String(some));
        }

        showView() {
            const view = this.session.get("view");
            for (const name of ["network", "plots", "film", "compare"]) {
                byId(name).hidden = view !== name;
                byId(`view-${name}`).setAttribute("aria-pressed", String(view === name));
            }
            if (view === "network") return;
            if (view === "plots") Study.plots.show(this);
            else if (view === "film") this.film.show();
            else this.comparison.show();
            byId(view).focus({ preventScroll: true }); // so that the keys scroll it
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
                context.fillStyle = metric.at(x / 110);
                context.fillRect(x, 0, 1, 10);
            }
            [byId("colour-low").textContent, byId("colour-high").textContent] = metric.ends;
            byId("colour-ramp").hidden = metric.empty;
        }
    }

    return { App };
})();

Study.current = new Study.app.App(JSON.parse(document.getElementById("study").textContent), Study.address.shownStudy() - 1);
Study.current.start();
