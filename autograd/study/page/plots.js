"use strict";
/// The plots: gradient norms, the ledger, the spectra of the Jacobians, the saturation of the gates.
Study.plots = (() => {
    const { byId, element } = Study.dom;
    const { parse } = Study.numbers;

    const card = (title, explanation, ...content) =>
        element("section", { class: "card" }, element("h2", {}, title), element("p", { class: "hint" }, explanation), ...content);
    const overTime = (values) => values.map((value, time) => [time, parse(value)]);
    const pickTime = (app) => ({ hint: "click for that time step", onPick: (time) => app.showTime(time) });

    function gradientNorms(app) {
        const { gradientNorms: norms, usedOutsideSteps: outside } = app.study;
        if (norms.length === 0) return null;
        const series = norms.map(({ parameter, by_step }) => ({ name: parameter, points: overTime(by_step) }));
        return card("Gradient by time step", "The norm of what each time step contributes to the gradient of a parameter.",
            Study.linePlot.plot(series, { log: true, xLabel: "time step", yLabel: "norm", label: "gradient norm by time step", ...pickTime(app) }),
            outside.length > 0 ? element("p", { id: "outside-steps" }, `Not shown: what ${outside.join(", ")} contribute${outside.length === 1 ? "s" : ""} outside of the time steps. Products done for all steps at once stand there too; {.hoist = false} gives each step its own.`) : null);
    }

    function ledger(app) {
        const { ledgers } = app.study;
        if (ledgers.length === 0) return null;
        const room = element("div");
        const show = (index) => {
            const { matrix, losses, uses } = ledgers[index];
            room.replaceChildren(Study.matrixPlot.plot({
                matrix, rows: { name: "loss at t", at: losses }, columns: { name: "use at k", at: uses },
                onPick: (_, column) => uses[column] !== null && app.showTime(uses[column]),
            }));
        };
        const choice = element("select", { "aria-label": "Parameter", change: (event) => show(Number(event.target.value)) },
            ledgers.map(({ parameter }, index) => element("option", { value: index }, parameter)));
        show(0);
        return card("Gradient ledger", "How much each pair of a loss and an earlier use contributes to the gradient of a parameter: the norm of its part.",
            ledgers.length > 1 ? choice : element("p", {}, element("b", {}, ledgers[0].parameter)), room);
    }

    function jacobianSteps(app) {
        const { spectrum } = app.study;
        if (!spectrum?.steps.length) return null;
        const curve = (name, of) => ({ name, points: spectrum.steps.map((step) => [step.time, parse(of(step))]) });
        const count = spectrum.steps[0].singular_values.length;
        const series = [
            curve("largest singular value", (step) => step.singular_values[0]),
            curve("median", (step) => step.singular_values[Math.floor((count - 1) / 2)]),
            curve("smallest", (step) => step.singular_values[count - 1]),
            curve("spectral radius", (step) => step.spectral_radius),
            curve("bound", (step) => step.bound),
        ];
        return card("Jacobian of one step", "The singular values of d h(t) / d h(t−1), and their bound from weights and activations. Above 1 a gradient can grow, below 1 it shrinks.",
            Study.linePlot.plot(series, { log: true, marks: [{ value: 1, text: "1" }], xLabel: "time step", yLabel: "size", ...pickTime(app) }));
    }

    function jacobianProducts(app) {
        const { spectrum } = app.study;
        if (!spectrum?.products.length) return null;
        const count = spectrum.products[0].decades.length;
        const ranks = count <= 5 ? [...Array(count).keys()] : [0, 1, Math.floor(count / 2), count - 1];
        const curve = (name, of) => ({ name, points: spectrum.products.map((one) => [one.distance, parse(of(one))]) });
        const series = [...ranks.map((rank) => curve(`σ${rank + 1}`, (one) => one.decades[rank])), curve("bound", (one) => one.bound)];
        const exponents = spectrum.exponents.map(parse);
        return card("Jacobian over many steps", `The singular values of d h(T) / d h(T−d), as powers of ten, by the distance d, and the bound of the largest. The gradient: ${spectrum.flow}.`,
            Study.linePlot.plot(series, { marks: [{ value: 0, text: "1" }], xLabel: "distance in time steps", yLabel: "log₁₀ of the size", xName: "distance" }),
            element("p", {}, "Lyapunov exponents: ", element("span", { class: "numbers" }, exponents.slice(0, 12).map(Study.numbers.text).join("  "))));
    }

    function saturation(app) {
        const { saturation: gates } = app.study;
        if (gates.length === 0) return null;
        const series = gates.map(({ gate, op, by_step }) => ({ name: gate.includes(op) ? gate : `${gate} (${op})`, points: overTime(by_step) }));
        return card("Saturation of the gates", "The share of a gate's units that are nearly shut or open: sigmoid outside of 0.05 to 0.95, |tanh| above 0.95. A saturated unit passes almost no gradient.",
            Study.linePlot.plot(series, { domain: [0, 1], xLabel: "time step", yLabel: "share", ...pickTime(app) }));
    }

    function show(app) {
        const cards = [gradientNorms, ledger, jacobianSteps, jacobianProducts, saturation].map((make) => make(app)).filter(Boolean);
        if (cards.length === 0) cards.push(card("No plots", "This page was written without gradient norms, ledgers, spectra or gates."));
        byId("plots").replaceChildren(...cards);
    }

    return { show };
})();
