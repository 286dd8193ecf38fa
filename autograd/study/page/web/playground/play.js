"use strict";
/// The playground: sliders that change parameters and inputs, and the recording run again by the library itself, compiled to
/// WebAssembly (library.js). Values, cotangents and plots of the page follow; it comes with pages that ask for it alone.
Study.playground = (() => {
    const { element, byId } = Study.dom;
    const { say } = Study.language;
    const { parse } = Study.numbers;

    /// The library with one recording, as entry.cpp has it. Nodes are called by their ids.
    class Library {
        constructor(module, text) {
            this.module = module;
            const bytes = module.lengthBytesUTF8(text) + 1;
            const place = module._malloc(bytes);
            module.stringToUTF8(text, place, bytes);
            this.require(module._play_open(place));
            module._free(place);
        }
        /// Throws what the library has thrown.
        require(place) {
            const error = this.module.UTF8ToString(place);
            if (error) throw new Error(error);
        }
        // Memory moves when it grows: no look at it is kept.
        copy(place, count) {
            return place === 0 ? null : this.module.HEAPF64.slice(place / 8, place / 8 + count);
        }
        elements(id, count) {
            return this.copy(this.module._play_elements(id), count);
        }
        setElements(id, elements) {
            this.module.HEAPF64.set(elements, this.module._play_elements(id) / 8);
        }
        run() {
            this.require(this.module._play_run());
            return JSON.parse(this.module.UTF8ToString(this.module._play_figures()));
        }
        value(id, count) {
            return this.copy(this.module._play_value(id), count);
        }
        cotangent(id, count) {
            return this.copy(this.module._play_cotangent(id), count);
        }
    }

    const sizeOf = (node) => Study.tensors.count(node.shape);

    /// A tensor as the page has them: averaged over blocks where its grid has fewer cells.
    function tensorOf(elements, shape, grid) {
        const tensor = { shape, grid, min: Infinity, max: -Infinity };
        for (const one of elements) {
            if (!(one >= tensor.min)) tensor.min = one;
            if (!(one <= tensor.max)) tensor.max = one;
        }
        const scale = Math.max(Math.abs(tensor.min), Math.abs(tensor.max)) || 1;
        tensor.norm = scale * Math.sqrt(elements.reduce((sum, one) => sum + (one / scale) ** 2, 0));
        if (!Study.tensors.isReduced(tensor)) return Study.tensors.known(tensor, elements);
        const [rows, columns] = Study.tensors.folded(tensor);
        const cells = new Float64Array(grid[0] * grid[1]);
        for (let i = 0; i < grid[0]; ++i)
            for (let k = 0; k < grid[1]; ++k) {
                const [[top, bottom], [left, right]] = [Study.tensors.ends(i, rows, grid[0]), Study.tensors.ends(k, columns, grid[1])];
                let sum = 0;
                for (let row = top; row <= bottom; ++row) for (let column = left; column <= right; ++column) sum += elements[row * columns + column];
                cells[i * grid[1] + k] = sum / ((bottom - top + 1) * (right - left + 1));
            }
        return Study.tensors.known(tensor, cells);
    }

    /// The figures of a run as the study has its own.
    function figuresOf(study, figures) {
        const nameOf = (id) => study.parameterNames.get(study.places.get(id));
        const cells = (one, values) => ({ grid: [one.losses.length, one.uses.length], values: Float64Array.from(values) });
        const ledger = (one, { gradient, deviation, norms, shares }) => ({ ...one, gradient, deviation,
            norms: cells(one, norms.map((norm) => Math.log10(parse(norm)))), shares: cells(one, shares.map(parse)) });
        return {
            gradientNorms: figures.norms.map(({ id, by_step }) => ({ parameter: nameOf(id), by_step })),
            ledgers: figures.ledgers.map((one, index) => ledger(study.ledgers[index], one)),
            spectrum: figures.spectrum,
            // In their order; where operators have more activations than the recording, nobody knows which is which.
            saturation: figures.saturation.length === study.saturation.length ? study.saturation.map((gate, index) => ({ ...gate, ...figures.saturation[index] })) : [],
        };
    }

    /// Changes of a leaf's elements: one slider each.
    const scaling = (factor) => (elements) => elements.map((one) => one * factor);
    const shifting = (amount, begin, end) => (elements) => elements.map((one, k) => (k >= begin && k < end ? one + amount : one));
    const setting = (value, place) => (elements) => elements.map((one, k) => (k === place ? value : one));

    class Playground {
        constructor(app, library) {
            Object.assign(this, { app, library });
            this.changes = new Map(); // by slider: { node, change }
            this.recorded = null; // what the page showed before the first change
            this.leaves = new Map();
            const { study } = app;
            for (const node of study.nodes)
                if (node.kind === "parameter" || node.kind === "constant") this.leaves.set(node, library.elements(node.id, sizeOf(node)));
            this.root = this.build();
            byId("top").after(this.root);
            this.update = Study.dom.perFrame(() => this.apply());
            // The run goes through the contributions of the recording.
            app.session.on(["position"], ({ position }) => position !== app.run.last && this.back());
            app.session.on(["selected"], () => this.followSelected());
        }

        get playing() {
            return this.recorded !== null;
        }

        // The panel of sliders.

        slider(key, name, { min, max, step, value, text }, changeOf) {
            const shown = element("output");
            const input = element("input", { type: "range", min, max, step, value, "aria-label": typeof name === "string" ? name : say("element of the input"), input: () => {
                show();
                const { node, change } = changeOf(Number(input.value));
                if (!isMoved()) this.changes.delete(key());
                else this.changes.set(key(), { node, change });
                this.update();
            } });
            const line = element(typeof name === "string" ? "label" : "div", { class: "play-slider", "data-home": value }, element("span", {}, name), input, shown);
            // A range rounds what it is given.
            const isMoved = () => Math.abs(Number(input.value) - Number(line.dataset.home)) > 1e-6;
            const show = () => {
                shown.textContent = text(Number(input.value));
                line.classList.toggle("moved", isMoved());
            };
            line.show = (now, home) => {
                input.value = now;
                line.dataset.home = home ?? line.dataset.home;
                show();
            };
            show();
            return line;
        }

        build() {
            const { study } = this.app;
            const parameters = study.nodes.filter((node) => node.kind === "parameter");
            const nameOf = (node) => study.parameterNames.get(node.place);
            const sliders = [];
            for (const node of parameters.filter(({ shape }) => shape.length > 1))
                sliders.push(this.slider(() => `scale ${node.id}`, nameOf(node), { min: 0, max: 3, step: 0.01, value: 1, text: (x) => `× ${x.toFixed(2)}` },
                    (x) => ({ node, change: scaling(x) })));
            for (const node of parameters.filter(({ shape }) => shape.length === 1))
                for (const { name, begin, end } of this.blocksOf(node))
                    sliders.push(this.slider(() => `shift ${node.id} ${begin}`, [nameOf(node), name].filter(Boolean).join(" "), { min: -4, max: 4, step: 0.05, value: 0, text: (x) => `${x < 0 ? "−" : "+"} ${Math.abs(x).toFixed(2)}` },
                        (x) => ({ node, change: shifting(x, begin, end) })));
            const inputs = study.nodes.filter((node) => node.kind === "constant" && sizeOf(node) > 1);
            if (inputs.length > 0) sliders.push(this.inputSlider(inputs));
            this.loss = element("span", { id: "playground-loss" });
            this.note = element("p", { class: "hint", id: "playground-note", "aria-live": "polite" });
            this.backButton = element("button", { id: "playground-back", disabled: "", click: () => this.back() }, say("Back to the recording"));
            this.sayState();
            // The page's own keys, such as End, are the sliders' here.
            return element("section", { id: "playground", "aria-label": say("Playground"), hidden: "", keydown: (event) => event.key !== "Escape" && event.stopPropagation() },
                element("div", { id: "playground-head" }, element("h2", {}, say("Playground")), this.loss, this.backButton), this.note,
                element("div", { id: "playground-sliders" }, this.sliders = sliders));
        }

        /// The parts of a bias that are a gate's each: of one as long as W has columns, where W has its rows by gates.
        blocksOf(node) {
            const gates = (/^gates (.*)$/m.exec(this.app.study.play)?.[1] ?? "").split(",").filter(Boolean).map(decodeURIComponent);
            const [length] = node.shape;
            const isPacked = gates.length > 1 && this.app.study.nodes.some(({ kind, shape }) => kind === "parameter" && shape.length === 2 && shape[1] === length && shape[0] * gates.length === length);
            if (!isPacked) return [{ begin: 0, end: length }];
            return gates.map((name, k) => ({ name, begin: (k * length) / gates.length, end: ((k + 1) * length) / gates.length }));
        }

        /// One slider for an element of any input, which is chosen by its place.
        inputSlider(inputs) {
            const choice = element("select", { "aria-label": say("Input"), change: () => this.choose(inputs[Number(choice.value)]) },
                inputs.map((node, index) => element("option", { value: index }, `${Study.names.own(node) || "c"} #${node.id}`)));
            this.chosen = { places: element("span", { class: "play-element" }) };
            const line = this.slider(() => `element ${this.chosen.node.id} ${this.placeOfChosen()}`, element("span", { class: "play-element" }, choice, this.chosen.places),
                { min: -4, max: 4, step: 0.05, value: 0, text: (x) => Study.numbers.text(x) }, (x) => ({ node: this.chosen.node, change: setting(x, this.placeOfChosen()) }));
            this.chosen.line = line;
            this.choose(inputs.find((node) => node.name) ?? inputs[0]);
            choice.value = inputs.indexOf(this.chosen.node);
            return line;
        }

        choose(node) {
            this.chosen.node = node;
            this.chosen.at = node.shape.map((extent, axis) => element("input", { type: "number", min: 0, max: extent - 1, value: 0, "aria-label": say`Place along axis ${axis}`, change: () => this.showChosen() }));
            this.chosen.places.replaceChildren(...this.chosen.at);
            this.followSelected();
            this.showChosen();
        }

        placeOfChosen() {
            const { node, at } = this.chosen;
            return node.shape.reduce((place, extent, axis) => place * extent + Math.max(0, Math.min(extent - 1, Math.floor(Number(at[axis].value)))), 0);
        }

        /// The element as it is; a range has no more than its steps, and the element may lie between them.
        showChosen() {
            const place = this.placeOfChosen();
            const home = this.leaves.get(this.chosen.node)[place];
            const changed = this.changes.get(`element ${this.chosen.node.id} ${place}`);
            const range = this.chosen.line.querySelector("input[type=range]");
            range.step = "any";
            [range.min, range.max] = [Math.min(-4, Math.floor(home)), Math.max(4, Math.ceil(home))];
            this.chosen.line.show(changed ? changed.change(Float64Array.from(this.leaves.get(this.chosen.node)))[place] : home, home);
        }

        /// The input of the selected time step.
        followSelected() {
            const place = this.app.session.get("selected");
            const time = place === null ? undefined : this.app.study.nodes[place].time;
            if (!this.chosen?.node || typeof time !== "number" || this.chosen.node.shape[0] !== this.app.structure.steps.length) return;
            this.chosen.at[0].value = time;
            this.showChosen();
        }

        // What follows.

        /// Runs the recording with all changes, and shows what came out.
        apply() {
            if (this.changes.size === 0) return this.back();
            const begin = performance.now();
            this.recorded ??= this.state();
            if (this.app.session.get("position") !== this.app.run.last) this.app.session.set({ position: this.app.run.last });
            for (const [node, elements] of this.leaves) {
                const changes = [...this.changes.values()].filter((one) => one.node === node);
                this.library.setElements(node.id, changes.reduce((changed, { change }) => change(changed), elements));
            }
            try {
                this.figures = this.library.run();
            } catch (error) {
                return (this.note.textContent = error.message);
            }
            const { study } = this.app;
            for (const node of study.nodes) {
                const of = (recorded, elements) => (recorded && elements ? tensorOf(elements, recorded.shape, recorded.grid) : undefined);
                const tensors = this.recorded.tensors[node.place];
                node.value = of(tensors.value, this.library.value(node.id, sizeOf(node)));
                node.cotangent = of(tensors.cotangent, this.library.cotangent(node.id, sizeOf(node)));
            }
            this.computedIn = performance.now() - begin;
            Object.assign(study, figuresOf(study, this.figures));
            this.show();
            this.shownIn = performance.now() - begin;
        }

        /// Shows the recording again.
        back() {
            this.changes.clear();
            for (const line of this.sliders) line.show(line.dataset.home);
            if (!this.playing) return;
            const { tensors, figures } = this.recorded;
            for (const node of this.app.study.nodes) Object.assign(node, tensors[node.place]);
            Object.assign(this.app.study, figures);
            this.recorded = null;
            this.show();
        }

        state() {
            const { nodes, gradientNorms, ledgers, spectrum, saturation } = this.app.study;
            return { tensors: nodes.map(({ value, cotangent }) => ({ value, cotangent })), figures: { gradientNorms, ledgers, spectrum, saturation } };
        }

        show() {
            const { app } = this;
            app.valuesChanged();
            this.sayState();
        }

        sayState() {
            const [root] = this.app.study.roots;
            const loss = root === undefined ? null : Study.tensors.elements(this.app.study.nodes[root].value)[0];
            const before = this.playing ? Study.tensors.elements(this.recorded.tensors[root].value)[0] : null;
            const { text } = Study.numbers;
            this.loss.textContent = this.playing ? say`J = ${text(loss)}, recorded ${text(before)}` : say`J = ${text(loss)}`;
            this.note.textContent = say(this.playing
                ? "Values, cotangents and plots are computed anew. What each rule hands on, local Jacobians and explanations are of the recording alone, and not shown now; a step of the run goes back to it."
                : "Move a slider: the library itself, compiled for this page, runs the recording again.");
            this.backButton.disabled = !this.playing;
        }
    }

    /// Adds the playground to a page, and the button that opens it.
    async function start(app) {
        const button = element("button", { id: "view-playground", "aria-pressed": "false", "aria-controls": "playground", click: () => {
            const { root } = app.playground;
            root.hidden = !root.hidden;
            button.setAttribute("aria-pressed", String(!root.hidden));
        } }, say("Playground"));
        button.disabled = true;
        document.querySelector("#top nav").append(button);
        app.playground = new Playground(app, new Library(await tapeloopLibrary(), app.study.play));
        button.disabled = false;
        performance.mark("playground");
        return app.playground;
    }

    return { start };
})();

if (Study.current.study.play) Study.playgroundReady = Study.playground.start(Study.current);
