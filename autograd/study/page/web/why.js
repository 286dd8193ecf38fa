"use strict";
/// Why a gradient has its size: what `explain` says of a node, found when the page was written, and the path along which
/// most of its gradient arrives.
Study.why = (() => {
    const { element } = Study.dom;
    const { text } = Study.numbers;
    const { say } = Study.language;

    /// The nodes from J to `place` on that path, both included; empty without one.
    function path(study, place) {
        const { why } = study;
        if (!why || place === null) return [];
        const places = [place];
        let at = why.answers.get(place)?.from ?? why.from[place];
        for (; at !== null && at !== undefined; at = why.from[at]) places.push(at);
        return places.at(-1) === why.J ? places.reverse() : [];
    }

    /// By how many powers of ten, as a bar to either side of the middle.
    function bar(decades, reach) {
        const share = Number.isFinite(decades) ? Math.min(1, Math.abs(decades) / reach) : 1;
        const width = `width:${(50 * share).toFixed(1)}%`;
        const side = decades < 0 ? `right:50%;${width}` : `left:50%;${width}`;
        return element("span", { class: "decades-room", "aria-hidden": "true" }, element("span", { class: decades < 0 ? "decades shrinks" : "decades grows", style: side }));
    }

    const decadesText = (decades) => (Number.isFinite(decades) ? ["10", element("sup", {}, `${decades < 0 ? "−" : "+"}${Math.abs(decades).toFixed(1)}`)] : [say("end")]);

    function row(app, one, reach) {
        const go = one.node === null ? null : element("button", { class: "node-link", title: say("Go there"), click: () => app.select(one.node) }, `#${app.study.nodes[one.node].id}`);
        return element("li", { class: `${one.part ? "part" : ""} ${one.decades === null ? "beside" : ""}` },
            one.decades === null ? null : element("span", { class: "numbers" }, ...decadesText(one.decades)),
            one.decades === null ? null : bar(one.decades, reach),
            element("span", { class: "reason" }, Study.reasons.say(one.text), go ? " " : null, go));
    }

    function section(app, node) {
        const { study } = app;
        if (!study.why) return null;
        const answer = study.why.answers.get(node.place);
        const hops = path(study, node.place).length - 1;
        if (!answer) {
            return element("section", { id: "panel-why" }, element("h3", {}, say("Why is its gradient so?")), element("p", { class: "hint" }, `${say("This page has the answers for parameters and states alone.")} `,
                element("code", {}, `explain(J, tape.var(${node.id})).text()`), ` ${say("gives this one.")}`));
        }
        const reach = Math.max(1, ...answer.rows.map(({ decades }) => Math.abs(decades ?? 0)).filter(Number.isFinite));
        return element("section", { id: "panel-why" },
            element("p", { id: "why-sentence", class: `verdict ${answer.size.replace(" ", "-")}` }, Study.reasons.say(answer.sentence)),
            answer.rows.length === 0 ? null : element("p", { class: "hint" }, say(answer.size === "usual" ? "what changes it most" : "because")),
            element("ol", { id: "why-rows" }, answer.rows.map((one) => row(app, one, reach))),
            hops > 0 ? element("p", { class: "hint" }, element("span", { class: "path-mark" }), ` ${say`the path from J, ${hops} operations`}`) : null);
    }

    const order = ["not finite", "zero", "vanishing", "huge", "usual"];

    /// The parameters with the size of their gradients, those in trouble first; each is one click from its answer.
    function parameters(app) {
        const { study } = app;
        if (!study.why) return null;
        const found = study.nodes.filter((node) => node.kind === "parameter" && study.why.answers.has(node.place))
            .map((node) => ({ node, answer: study.why.answers.get(node.place) }))
            .sort((a, b) => order.indexOf(a.answer.size) - order.indexOf(b.answer.size));
        if (found.length === 0) return null;
        return element("section", { id: "panel-gradients" }, element("h3", {}, say("Gradients, per element")),
            element("ul", { class: "gradients" }, found.slice(0, 24).map(({ node, answer }) => element("li", {},
                element("button", { class: "node-link", title: say`Why is the gradient of ${Study.names.full(node)} so?`, click: () => app.select(node.place) }, study.parameterNames.get(node.place) ?? node.name),
                element("span", { class: "numbers" }, text(answer.gradient)), element("span", { class: `verdict ${answer.size.replace(" ", "-")}` }, say(answer.size))))),
            found.length > 24 ? element("p", { class: "hint" }, say`and ${found.length - 24} more`) : null);
    }

    /// Where gates are shut most: one click to that step.
    function shutGates(app) {
        const { study } = app;
        const found = study.saturation.filter(({ role }) => role !== "none" && role !== "candidate").map(({ gate, low }) => {
            const shares = low.map(Study.numbers.parse);
            const most = shares.reduce((best, share, t) => (share > (shares[best] ?? 0) ? t : best), 0);
            return { gate, time: most, share: shares[most] };
        }).filter(({ share }) => share > 0.5).sort((a, b) => b.share - a.share);
        if (study.saturation.length === 0) return null;
        const nodeOf = ({ gate, time }) => study.nodes.find((node) => node.time === time && node.gate === gate)?.place;
        return element("section", { id: "panel-gates" }, element("h3", {}, say("Gates that are shut")),
            found.length === 0 ? element("p", { class: "hint" }, say("None is for more than half of its units at any time.")) : element("ul", {}, found.slice(0, 6).map((one) =>
                element("li", {}, element("button", { class: "node-link", click: () => (nodeOf(one) === undefined ? app.showTime(one.time) : app.goToNode(nodeOf(one))) }, `${one.gate}, t = ${one.time}`),
                    ` ${say`${Math.round(100 * one.share)} % of its units`}`))));
    }

    return { path, section, parameters, shutGates };
})();
