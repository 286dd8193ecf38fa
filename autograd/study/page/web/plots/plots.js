"use strict";
/// The plots: gradient norms, the ledger, the spectra of the Jacobians, the gates.
Study.plots = (() => {
    const { byId, element } = Study.dom;
    const { parse } = Study.numbers;
    const { say } = Study.language;
    const most = 6; // lines in one plot that start switched on

    const overTime = (values) => values.map((value, time) => [time, parse(value)]);
    const titleOf = (app) => (app.study.steps.length > 0 ? (time) => Study.names.step(app.study, time) : undefined);
    const pickTime = (app) => ({ hint: say("click for that time step"), titleOf: titleOf(app), onPick: (time) => app.showTime(time) });

    /// A card with its title and the buttons that take it out of the page.
    function card(app, name, title, explanation, tables, ...content) {
        const chosen = app.session.get("card") === name;
        const alone = element("button", { class: "save", title: say(chosen ? "Show all plots" : "Show this plot alone"), "aria-pressed": String(chosen),
            click: () => app.session.set({ card: chosen ? null : name, view: "plots" }) }, say(chosen ? "All" : "Alone"));
        return element("section", { class: chosen ? "card chosen" : "card", "data-name": name },
            element("div", { class: "card-head" }, element("h2", {}, title), tables ? Study.exporting.buttons(name, tables) : null, alone),
            element("p", { class: "hint" }, explanation), ...content);
    }

    function gradientNorms(app) {
        const { gradientNorms: norms, usedOutsideSteps: outside } = app.study;
        if (norms.length === 0) return null;
        const series = norms.map(({ parameter, by_step }) => ({ name: parameter, points: overTime(by_step) }));
        return card(app, "norms", say("Gradient by time step"), say("The norm of what each time step contributes to the gradient of a parameter."), () => [Study.exporting.tableOfSeries("t", series)],
            Study.linePlot.plot(series, { log: true, most, xLabel: say("time step"), yLabel: say("norm"), label: say("gradient norm by time step"), ...pickTime(app) }),
            outside.length > 0 ? element("p", { id: "outside-steps" }, say`Not shown: what ${outside.join(", ")} contributed outside of the time steps. Products done for all steps at once stand there too; {.hoist = false} gives each step its own.`) : null);
    }

    function ledgerTable({ losses, uses }, { grid: [rows, columns], values }, valueOf) {
        const [down, across] = [Study.matrixPlot.blocks(losses, rows), Study.matrixPlot.blocks(uses, columns)];
        const name = ([first, last]) => (first === last || last === undefined ? `t=${first ?? "none"}` : `t=${first} to ${last}`);
        return [["loss", ...across.map(name)],
            ...down.map((row, i) => [name(row), ...across.map((_, k) => valueOf(values[i * columns + k]))])];
    }

    /// The matrix of a ledger, and that its entries add up.
    function ledgerView(app, index, most = Infinity, shares = false) {
        const one = app.study.ledgers[index];
        const { losses, uses, gradient, deviation } = one;
        const sum = deviation === undefined ? null : element("p", { class: "hint ledger-sum" }, say`All entries add up to the gradient, of norm ${Study.numbers.text(parse(gradient))}, within ${Study.numbers.text(parse(deviation))} of the largest.`);
        const asShares = shares && Boolean(one.shares);
        const matrix = Study.matrixPlot.plot({
            matrix: asShares ? one.shares : one.norms, shares: asShares, titleOf: titleOf(app), rows: { name: say("loss at t"), at: losses }, columns: { name: say("use at k"), at: uses }, most,
            onPick: (_, use) => use !== null && use !== undefined && app.showTime(use),
        });
        return [sum, matrix].filter(Boolean);
    }

    function ledger(app) {
        const { ledgers } = app.study;
        if (ledgers.length === 0) return null;
        const room = element("div");
        const shown = { index: 0, shares: false };
        const matrixOf = (one) => (shown.shares && one.shares ? one.shares : one.norms);
        const show = (change) => {
            Object.assign(shown, change);
            const one = ledgers[shown.index];
            measure.hidden = !one.shares;
            room.replaceChildren(...ledgerView(app, shown.index, Infinity, shown.shares));
        };
        const choice = element("select", { "aria-label": say("Parameter"), change: (event) => show({ index: Number(event.target.value) }) },
            ledgers.map(({ parameter }, index) => element("option", { value: index }, parameter)));
        const measure = element("select", { id: "ledger-measure", "aria-label": say("Norms or shares"), change: (event) => show({ shares: event.target.value === "shares" }) },
            element("option", { value: "norms" }, say("norms of the parts")), element("option", { value: "shares" }, say("shares of the gradient, with sign")));
        show({});
        const tables = () => [ledgerTable(ledgers[shown.index], matrixOf(ledgers[shown.index]), shown.shares ? (share) => share : Study.matrixPlot.sizeOf)];
        return card(app, "ledger", say("Gradient ledger"), say("How much each pair of a loss and an earlier use contributes to the gradient of a parameter: the norm of its part, summed over the batch; or its share along the gradient, of which all together make 100 %."), tables,
            element("p", {}, ledgers.length > 1 ? choice : element("b", {}, ledgers[0].parameter), " ", measure), room);
    }

    const ofRow = ({ row }) => (row === undefined ? "" : ` ${say`Of row ${row} of the batch alone.`}`);

    function jacobianSteps(app) {
        const { spectrum } = app.study;
        if (!spectrum?.steps.length) return null;
        const curve = (name, of) => ({ name, points: spectrum.steps.map((step) => [step.time, parse(of(step))]) });
        const count = spectrum.steps[0].singular_values.length;
        const series = [
            curve(say("largest singular value"), (step) => step.singular_values[0]),
            curve(say("median"), (step) => step.singular_values[Math.floor((count - 1) / 2)]),
            curve(say("smallest"), (step) => step.singular_values[count - 1]),
            curve(say("spectral radius"), (step) => step.spectral_radius),
            curve(say("bound"), (step) => step.bound),
        ];
        const all = () => [...Array.from({ length: count }, (_, k) => curve(say`singular value ${k + 1}`, (step) => step.singular_values[k])), ...series.slice(3)];
        return card(app, "step", say("Jacobian of one step"), say("The singular values of d h(t) / d h(t−1), and their bound from weights and activations. Above 1 a gradient can grow, below 1 it shrinks.") + ofRow(spectrum), () => [Study.exporting.tableOfSeries("t", all())],
            Study.linePlot.plot(series, { log: true, marks: [{ value: 1, text: "1" }], xLabel: say("time step"), yLabel: say("size"), ...pickTime(app) }));
    }

    const extent = ({ points }) => {
        const values = points.map(([, y]) => y).filter(Number.isFinite);
        return values.length === 0 ? 0 : values.reduce((best, y) => Math.max(best, y), -Infinity) - values.reduce((best, y) => Math.min(best, y), Infinity);
    };

    function jacobianProducts(app) {
        const { spectrum } = app.study;
        if (!spectrum?.products.length) return null;
        const count = spectrum.products[0].decades.length;
        const ranks = count <= 5 ? [...Array(count).keys()] : [0, 1, Math.floor(count / 2), count - 1];
        const curve = (name, of) => ({ name, points: spectrum.products.map((one) => [one.distance, parse(of(one))]) });
        const values = ranks.map((rank) => curve(`σ${rank + 1}`, (one) => one.decades[rank]));
        const bound = curve(say("bound"), (one) => one.bound);
        bound.off = extent(bound) > 2 * Math.max(...values.map(extent)); // it would press the others flat
        const all = () => [...Array.from({ length: count }, (_, rank) => curve(`log10 sigma ${rank + 1}`, (one) => one.decades[rank])), bound];
        const unknown = spectrum.products.some((one) => one.decades.some((value) => value === "nan"));
        const exponents = spectrum.exponents.map(parse);
        return card(app, "products", say("Jacobian over many steps"), say`The singular values of d h(T) / d h(T−d), as powers of ten, by the distance d, and the bound of the largest. The gradient: ${say(spectrum.flow)}.` + ofRow(spectrum) + (unknown ? ` ${say("Curves end where rounding hides them.")}` : ""), () => [Study.exporting.tableOfSeries("distance", all())],
            Study.linePlot.plot([...values, bound], { marks: [{ value: 0, text: "1" }], xLabel: say("distance in time steps"), yLabel: say("log₁₀ of the size"), xName: say("distance") }),
            element("p", {}, `${say("Lyapunov exponents")}: `, element("span", { class: "numbers" }, exponents.slice(0, 12).map(Study.numbers.text).join("  ") + (exponents.length > 12 ? "  …" : ""))));
    }

    function gates(app) {
        const { saturation } = app.study;
        if (saturation.length === 0) return null;
        return card(app, "gates", say("Saturation of the gates"), say("Shut and open: within 0.05 of a gate's limits. There the gate itself learns slowly, for its own slope is small; what it does to the gradient of what it scales depends on which of both it is."), () => [Study.exporting.tableOfSeries("t", Study.gatePlot.series(saturation))],
            ...Study.gatePlot.plots(saturation, pickTime(app)));
    }

    /// What each step looks at: the nodes of a cell that are a softmax over something, by step.
    function attention(app) {
        const { study, structure } = app;
        const found = structure.cells.flatMap((tile) => tile.members.map((place) => ({ tile, nodes: Study.structure.throughTime(structure, place).map((one) => study.nodes[one]) })))
            .filter(({ nodes: [node] }) => /^(masked_)?softmax$/.test(node.op) && node.shape.length > 1 && node.shape.at(-1) > 1)
            .filter(({ nodes }) => nodes.length > 1 && nodes.every((node) => node.shape.at(-1) === nodes[0].shape.at(-1)));
        if (found.length === 0) return null;
        const matrices = found.map(({ tile, nodes }) => {
            const columns = nodes[0].value.grid[1];
            return { name: `${Study.names.title(nodes[0])}${tile.lane ? `, ${tile.lane}` : ""}`, columns, steps: nodes.map((node) => node.time), across: [...Array(nodes[0].shape.at(-1)).keys()],
                matrix: { grid: [nodes.length, columns], values: nodes.flatMap((node) => [...Study.tensors.elements(node.value).slice(0, columns)]) } };
        });
        const tables = () => matrices.map(({ name, steps, columns, matrix }) =>
            [[name, ...Array(columns).keys()], ...steps.map((t, i) => [`t=${t}`, ...matrix.values.slice(i * columns, (i + 1) * columns)])]);
        const whole = found.every(({ nodes: [node] }) => !Study.tensors.isReduced(node.value));
        return card(app, "attention", say("Weights by time step"), say(whole ? "How each step shares itself out, in the first row of the batch: down the steps, across what it looks at." : "How each step shares itself out, in the first rows of the batch: down the steps, across what it looks at."), tables,
            ...matrices.flatMap(({ name, matrix, steps, across }) => [element("h3", {}, name), Study.matrixPlot.plot({
                matrix, shares: true, rows: { name: "t", at: steps }, columns: { name: "s", at: across }, onPick: (time) => app.showTime(time) })]));
    }

    function show(app) {
        const cards = [gradientNorms, ledger, jacobianSteps, jacobianProducts, gates, attention].map((make) => make(app)).filter(Boolean);
        if (cards.length === 0) cards.push(card(app, "none", say("No plots"), say("This page was written without gradient norms, ledgers, spectra or gates."), null));
        byId("plots").classList.toggle("alone", cards.some((one) => one.classList.contains("chosen")));
        byId("plots").replaceChildren(...cards);
    }

    return { show, ledgerView };
})();
