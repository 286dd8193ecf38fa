"use strict";
/// Two studies of one form beside each other: on one scale, and their difference in colour.
Study.comparison = (() => {
    const { byId, element } = Study.dom;
    const { text, parse } = Study.numbers;
    const { say } = Study.language;

    /// The first study's lines are drawn through, the second's are dashed, each in its colour.
    const looks = () => [{ colour: Study.colours.theme().forward, dash: "" }, { colour: Study.colours.theme().backward, dash: "7 4" }];

    /// [column, norm] of the cotangents of all states that the steps of a column hand on, or the last would.
    function stateGradients(study, structure) {
        const norms = new Map();
        for (const cell of structure.cells) {
            const steps = structure.tiles.filter((tile) => tile.time !== null && tile.row === cell.row && tile.key === cell.key);
            const states = new Set(steps.flatMap((tile) => tile.members.flatMap((place, local) => (study.nodes[place].state ? [local] : []))));
            for (const tile of steps)
                for (const local of states) {
                    const norm = Study.tensors.norm(study.nodes[tile.members[local]].cotangent);
                    if (norm !== undefined) norms.set(tile.column, Math.hypot(norms.get(tile.column) ?? 0, norm));
                }
        }
        return [...norms].sort(([a], [b]) => a - b);
    }

    const parameterGradients = (study) => new Map(study.nodes.filter((node) => node.kind === "parameter" && node.cotangent)
        .map((node) => [study.parameterNames.get(node.place), { node, norm: Study.tensors.norm(node.cotangent), size: study.why?.answers.get(node.place)?.size }]));

    /// "4.2 times", or what a ratio of zeros and of what is no number is.
    function ratioText(a, b) {
        if (a === b) return say("the same");
        if (!(a > 0) || !Number.isFinite(b)) return "–";
        return `× ${text(b / a)}`;
    }

    /// A ratio as a colour: blue where the second is smaller, orange where it is larger, over `reach` decades to either side.
    const ratioColour = (decades, reach) => (Number.isNaN(decades) ? Study.colours.theme().missing : Study.colours.signed(Math.max(-1, Math.min(1, decades / reach))));
    const decadesOf = (a, b) => (a === b ? 0 : Math.log10(b / a));

    class Comparison {
        constructor(app, studies, names) {
            Object.assign(this, { app, studies, names });
            this.states = studies.map((study) => stateGradients(study, study === app.study ? app.structure : Study.structure.find(study)));
            this.parameters = studies.map(parameterGradients);
        }

        show() {
            const cards = [this.summary(), this.gradients(), this.overTime(), this.norms(), ...this.ledgers(), this.jacobians(), this.products(), this.gates()];
            byId("compare").replaceChildren(...cards.filter(Boolean));
        }

        card(name, title, hint, ...content) {
            return element("section", { class: "card", "data-name": `compare-${name}` }, element("div", { class: "card-head" }, element("h2", {}, title)), hint ? element("p", { class: "hint" }, hint) : null, ...content);
        }

        /// Series of both on one pair of axes.
        both(makes) {
            return this.studies.map((study, index) => ({ name: this.names[index], points: makes(study, index), ...looks()[index] }));
        }

        lines(name, title, hint, makes, options) {
            const series = this.both(makes).filter(({ points }) => points?.length > 0);
            return series.length < 2 ? null : this.card(name, title, hint, Study.linePlot.plot(series, options));
        }

        /// The differences in words, the largest first.
        summary() {
            const said = [];
            const [J, K] = this.studies.map(({ nodes, why }) => (why && nodes[why.J].value ? Study.tensors.limits(nodes[why.J].value)[0] : undefined));
            if (J !== undefined && K !== undefined) said.push(say`J is ${text(J)} with ${this.names[0]}, ${text(K)} with ${this.names[1]}.`);
            const shares = this.states.map((list) => (list.length > 1 ? list[0][1] / list.at(-1)[1] : undefined));
            if (shares.every((share) => share !== undefined)) {
                const steps = this.states.map((list) => list.at(-1)[0] - list[0][0]);
                said.push(...this.names.map((name, k) => say`${name}: of the gradient by the last state, a factor of ${text(shares[k])} reaches the first, ${steps[k]} steps before.`));
            }
            return this.card("summary", say`${this.names[0]} and ${this.names[1]}`, null, element("p", { class: "series-legend" }, this.names.map((name, k) => this.swatch(name, k))), element("ul", { class: "said" }, said.map((one) => element("li", {}, one))));
        }

        swatch(name, k) {
            return element("span", { class: "pair" }, element("span", { class: "pair-line", style: `border-top: 3px ${k === 0 ? "solid" : "dashed"} ${looks()[k].colour}` }), name);
        }

        /// Norms of the parameters' gradients, with their ratio in colour.
        gradients() {
            const [a, b] = this.parameters;
            const names = [...new Set([...a.keys(), ...b.keys()])];
            if (names.length === 0) return null;
            const decades = names.map((name) => (a.has(name) && b.has(name) ? decadesOf(a.get(name).norm, b.get(name).norm) : NaN));
            const reach = Math.max(0.3, ...decades.map(Math.abs).filter(Number.isFinite));
            const cell = (one) => element("td", { class: "numbers" }, one ? text(one.norm) : "–", one?.size && one.size !== "usual" ? element("span", { class: `verdict ${one.size.replace(" ", "-")}` }, ` ${say(one.size)}`) : null);
            const rows = names.map((name, k) => {
                const both = a.has(name) && b.has(name);
                return element("tr", { "data-parameter": name }, element("th", { scope: "row" }, name), cell(a.get(name)), cell(b.get(name)),
                    element("td", { class: "numbers ratio", style: both ? `background:${ratioColour(decades[k], reach)};color:${Math.abs(decades[k]) > 0.6 * reach ? "var(--paper)" : "var(--ink)"}` : "" }, both ? ratioText(a.get(name).norm, b.get(name).norm) : say("in one alone")));
            });
            return this.card("gradients", say("Gradients of the parameters"), say("Their norms, and by how much the second is the larger."), element("table", { class: "compared" },
                element("thead", {}, element("tr", {}, ["", ...this.names, say("ratio")].map((title) => element("th", { scope: "col" }, title)))), element("tbody", {}, rows)));
        }

        /// The gradient of the state by time step: both on one scale of colours and on one axis, and their ratio.
        overTime() {
            const [a, b] = this.states.map((list) => new Map(list));
            const times = [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y);
            if (times.length < 2) return null;
            const values = [a, b].map((list) => times.map((time) => list.get(time)));
            const ratio = times.map((_, k) => (values[0][k] === undefined || values[1][k] === undefined ? undefined : decadesOf(values[0][k], values[1][k])));
            return this.card("states", say("Gradient of the state by time step"), say("The norm of dJ/dh(t), of all parts of the state together."),
                Study.stripes.plot({ names: this.names, times, values, ratio, colour: ratioColour }),
                Study.linePlot.plot(this.both((_, index) => this.states[index]), { log: true, xLabel: say("time step"), yLabel: say("norm"), label: say("gradient of the state") }));
        }

        norms() {
            const [a, b] = this.studies.map(({ gradientNorms }) => new Map(gradientNorms.map(({ parameter, by_step }) => [parameter, by_step.map((value, t) => [t, parse(value)])])));
            const shared = [...a.keys()].filter((name) => b.has(name));
            if (shared.length === 0) return null;
            return this.card("norms", say("Contributions to the gradients by time step"), say("The norm of what each time step contributes."), element("div", { class: "small-plots" }, shared.slice(0, 12).map((name) => element("div", {}, element("h3", {}, name),
                Study.linePlot.plot(this.both((_, index) => [a, b][index].get(name)), { log: true, xLabel: say("time step"), yLabel: say("norm"), width: 380, height: 200 })))));
        }

        ledgers() {
            const [a, b] = this.studies.map(({ ledgers }) => ledgers);
            return a.map((one) => {
                const other = b.find(({ parameter }) => parameter === one.parameter);
                const same = other && one.norms.grid.join() === other.norms.grid.join() && one.uses.length === other.uses.length;
                if (!same) return null;
                const range = Study.matrixPlot.rangeOf([...one.norms.values, ...other.norms.values]);
                const shape = { rows: { name: say("loss at t"), at: one.losses }, columns: { name: say("use at k"), at: one.uses }, most: 300 };
                const ratio = { grid: one.norms.grid, values: one.norms.values.map((decade, i) => (decade === -Infinity && other.norms.values[i] === -Infinity ? NaN : other.norms.values[i] - decade)) };
                const figure = (title, options) => element("figure", {}, element("figcaption", {}, element("b", {}, title)), Study.matrixPlot.plot({ ...shape, ...options }));
                return this.card(`ledger-${one.parameter}`, say`Ledger of ${one.parameter}`, say("How its gradient splits over losses and uses: both on one scale, and their ratio."), element("div", { class: "small-plots matrices" },
                    figure(this.names[0], { matrix: one.norms, range }), figure(this.names[1], { matrix: other.norms, range }), figure(`${this.names[1]} : ${this.names[0]}`, { matrix: ratio, ratio: true })));
            });
        }

        jacobians() {
            return this.lines("step", say("Jacobian of one step"), say("Its largest singular value: above 1 a gradient can grow, below 1 it shrinks."),
                ({ spectrum }) => spectrum?.steps.map((step) => [step.time, parse(step.singular_values[0])]), { log: true, marks: [{ value: 1, text: "1" }], xLabel: say("time step"), yLabel: say("size") });
        }

        products() {
            const flows = this.studies.map(({ spectrum }, k) => spectrum && `${this.names[k]}: ${say(spectrum.flow)}`).filter(Boolean);
            return this.lines("products", say("Jacobian over many steps"), say`The largest singular value of d h(T) / d h(T−d), as a power of ten. ${flows.join("; ")}.`,
                ({ spectrum }) => spectrum?.products.map((one) => [one.distance, parse(one.decades[0])]), { marks: [{ value: 0, text: "1" }], xLabel: say("distance in time steps"), yLabel: say("log₁₀ of the size"), xName: say("distance") });
        }

        gates() {
            const [a, b] = this.studies.map(({ saturation }) => new Map(saturation.map((one) => [one.gate, one])));
            const shared = [...a.keys()].filter((name) => b.has(name));
            if (shared.length === 0) return null;
            const points = (one) => one.mean.map((value, t) => [t, parse(value)]);
            return this.card("gates", say("Means of the gates"), null, element("div", { class: "small-plots" }, shared.slice(0, 12).map((name) => element("div", {}, element("h3", {}, name),
                Study.linePlot.plot(this.both((_, index) => points([a, b][index].get(name))), { domain: a.get(name).limits, xLabel: say("time step"), yLabel: say("mean"), width: 380, height: 200 })))));
        }
    }

    return { Comparison };
})();
