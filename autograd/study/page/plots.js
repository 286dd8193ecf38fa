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
        const { gradientNorms: norms } = app.study;
        if (norms.length === 0) return null;
        const series = norms.map(({ parameter, by_step }) => ({ name: parameter, points: overTime(by_step) }));
        return card("Gradient by time step", "The norm of what each time step contributes to the gradient of a parameter.",
            Study.linePlot.plot(series, { log: true, xLabel: "time step", yLabel: "norm", label: "gradient norm by time step", ...pickTime(app) }));
    }

    function ledger(app) {
        const { ledgers } = app.study;
        if (ledgers.length === 0) return null;
        const room = element("div");
        const show = (index) => {
            const { matrix, rows, columns } = ledgers[index];
            room.replaceChildren(Study.matrixPlot.plot({ matrix, rows: rows || "loss at t", columns: columns || "use at k", onPick: (_, column) => app.showTime(column) }));
        };
        const choice = element("select", { "aria-label": "Parameter", change: (event) => show(Number(event.target.value)) },
            ledgers.map(({ parameter }, index) => element("option", { value: index }, parameter)));
        show(0);
        return card("Gradient ledger", "How much each pair of a loss and an earlier use contributes to the gradient of a parameter: the norm of its part.",
            ledgers.length > 1 ? choice : element("p", {}, element("b", {}, ledgers[0].parameter)), room);
    }

    function spectra(app) {
        const { spectra: data } = app.study;
        if (!data?.steps?.length) return null;
        const values = data.steps.map((step) => (step.singular_values || []).map(parse));
        const count = Math.max(...values.map((one) => one.length), 0);
        const ranks = [...new Set([0, Math.floor((count - 1) / 2), count - 1])].filter((rank) => rank >= 0);
        const names = ["largest singular value", "median", "smallest"];
        const series = ranks.map((rank, index) => ({ name: names[index], points: values.map((one, time) => [time, one[rank]]) }));
        if (data.steps.some((step) => step.spectral_radius !== undefined))
            series.push({ name: "spectral radius", points: data.steps.map((step, time) => [time, parse(step.spectral_radius)]) });
        return card("Jacobian of one step", "The singular values of d h(t) / d h(t−1). Above 1 a gradient can grow, below 1 it shrinks.",
            Study.linePlot.plot(series, { log: true, marks: [{ value: 1, text: "1" }], xLabel: "time step", yLabel: "size", ...pickTime(app) }));
    }

    function products(app) {
        const { spectra: data } = app.study;
        if (!data?.products?.length) return null;
        const last = Math.max(...data.products.map((one) => one.to));
        const chosen = data.products.filter((one) => one.to === last).sort((a, b) => b.from - a.from);
        const values = chosen.map((one) => one.singular_values.map(parse));
        const count = Math.max(...values.map((one) => one.length));
        const ranks = count <= 6 ? [...Array(count).keys()] : [0, 1, 2, Math.floor(count / 2), count - 1];
        const series = ranks.map((rank) => ({ name: `σ${rank + 1}`, points: chosen.map((one, index) => [last - one.from, values[index][rank]]) }));
        const exponents = (data.lyapunov || []).map(parse);
        return card("Jacobian over many steps", `The singular values of d h(${last}) / d h(k), by the distance ${last} − k.`,
            Study.linePlot.plot(series, { log: true, marks: [{ value: 1, text: "1" }], xLabel: "distance in time steps", yLabel: "size", xName: "distance" }),
            exponents.length > 0 ? element("p", {}, "Lyapunov exponents: ", element("span", { class: "numbers" }, exponents.slice(0, 12).map(Study.numbers.text).join("  "))) : null);
    }

    function saturation(app) {
        const { saturation: gates } = app.study;
        if (gates.length === 0) return null;
        const series = gates.map(({ gate, op, by_step }) => ({ name: gate.includes(op) ? gate : `${gate} (${op})`, points: overTime(by_step) }));
        return card("Saturation of the gates", "The share of a gate's units that are nearly shut or open: sigmoid outside of 0.05 to 0.95, |tanh| above 0.95. A saturated unit passes almost no gradient.",
            Study.linePlot.plot(series, { domain: [0, 1], xLabel: "time step", yLabel: "share", ...pickTime(app) }));
    }

    function show(app) {
        const cards = [gradientNorms, ledger, spectra, products, saturation].map((make) => make(app)).filter(Boolean);
        if (cards.length === 0) cards.push(card("No plots", "This page was written without gradient norms, ledgers, spectra or gates."));
        byId("plots").replaceChildren(...cards);
    }

    return { show };
})();
