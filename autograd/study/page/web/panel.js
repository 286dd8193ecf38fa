"use strict";
/// The panel: all there is to know of the selected node, at this point of the run.
Study.panel = (() => {
    const { element, byId } = Study.dom;
    const { text, shape } = Study.numbers;
    const { say } = Study.language;
    const { figure, scaleOf, legend } = Study.heatMap;

    /// By what the page has of a Jacobian; see README.md.
    const jacobianTitles = {
        whole: (x) => `d y / d ${x}`,
        slopes: (x) => say`d y / d ${x}, element by element`,
        row: (x) => say`d y / d ${x}, of the first row`,
    };

    class Panel {
        constructor(app) {
            this.app = app;
            this.root = byId("panel");
            app.session.on(["selected", "position", "theme", "type", "view"], Study.dom.perFrame(() => this.show()));
        }

        get width() {
            return Math.max(180, this.root.clientWidth - 40);
        }

        show() {
            const { study, session } = this.app;
            const place = session.get("selected");
            if (session.get("view") !== "network") return;
            if (place === null) {
                this.root.replaceChildren(this.summary());
                return;
            }
            const node = study.nodes[place];
            const recorded = !this.app.playground?.playing;
            this.root.replaceChildren(
                ...[this.heading(node), recorded && Study.why.section(this.app, node), this.ledger(node), this.derivation(node), this.equation(node), this.facts(node), this.value(node), this.cotangent(node),
                    recorded && this.contributions(node), recorded && this.jacobians(node), this.overTime(node)].filter(Boolean));
        }

        summary() {
            const { study, structure } = this.app;
            const count = (kind) => study.nodes.filter((node) => node.kind === kind).length;
            return element("div", { class: "summary" },
                element("h2", {}, say("Nothing selected")),
                element("p", {}, say`${study.nodes.length.toLocaleString("en")} nodes, ${count("parameter")} parameters, ${structure.steps.length} time steps, ${study.scalar || "float"}.`),
                ...(this.app.playground?.playing ? [] : [Study.why.parameters(this.app), Study.why.shutGates(this.app)]),
                element("p", {}, say("Click a node, a parameter or a time step: why is its gradient so small, so large, zero? Search finds nodes, too.")),
                element("p", {}, element("span", { class: "dot forward" }), ` ${say("forward, values")}; `, element("span", { class: "dot backward" }), ` ${say("backward, cotangents")}`),
                element("p", {}, element("kbd", {}, "→"), " ", element("kbd", {}, "←"), ` ${say("step the run")}, `, element("kbd", {}, "?"), ` ${say("lists all keys")}`));
        }

        heading(node) {
            const step = node.time === null || node.time === undefined ? "" : Study.names.step(this.app.study, node.time);
            const where = `${node.label ? node.label.replaceAll("/", " / ") : say("outside of every label")}${step ? ` ${step}` : ""}`;
            return element("header", {},
                element("button", { id: "close-panel", "aria-label": say("Select nothing"), click: () => this.app.select(null) }, "✕"),
                element("h2", { id: "panel-title" }, [node.op, node.name].includes(Study.names.glyph(node)) ? null : element("span", { class: "glyph" }, Study.names.glyph(node)), ` ${Study.names.title(node)}`),
                element("p", { class: "hint" }, `#${node.id} · ${say(node.kind)} · ${where}`));
        }

        /// The node's own lines of the chain rule, in the names of the whole derivation and in its numbers.
        derivation(node) {
            const equations = this.app.study.equations.get(node.place);
            if (!equations) return null;
            return element("section", { id: "panel-derivation" },
                equations.value ? element("div", { class: "typeset forward" }, Study.typeset.equation(equations.value)) : null,
                equations.cotangent ? element("div", { class: "typeset backward" }, Study.typeset.equation(equations.cotangent)) : null);
        }

        /// Of a parameter with a ledger: how its gradient splits over losses and uses.
        ledger(node) {
            const name = this.app.study.parameterNames.get(node.place);
            const index = node.kind === "parameter" ? this.app.study.ledgers.findIndex(({ parameter }) => parameter === name) : -1;
            if (index < 0) return null;
            return element("section", { id: "panel-ledger" }, element("h3", {}, say`d J / d ${name}, by loss t and use k`), ...Study.plots.ledgerView(this.app, index, this.width));
        }

        /// What the operation computes, and what its rules hand to each input for the result's cotangent g.
        equation(node) {
            const formula = this.app.study.formulas[node.formula];
            if (!formula) return null;
            const { rules } = formula;
            // The last rule is for all the inputs that are left.
            const nameOf = (k) => (k === rules.length - 1 && node.inputs.length > rules.length ? say("each input") : this.argumentName(node, k));
            return element("div", { class: "equation", id: "panel-equation" },
                element("p", { class: "forward" }, formula.equation),
                rules.slice(0, node.inputs.length).map((rule, k) => element("p", { class: "backward" },
                    element("span", { class: "hint" }, say`${rule.argument} = ${nameOf(k)} gets `), rule.cotangent)));
        }

        argumentName(node, k) {
            const input = this.app.study.nodes[node.inputs[k]];
            return input ? `${Study.names.title(input)} #${input.id}` : say`argument ${k + 1}`;
        }

        facts(node) {
            const row = (name, ...content) => [element("dt", {}, name), element("dd", {}, ...content)];
            const list = (places) => places.length === 0 ? [say("none")] : [
                ...places.slice(0, 12).map((place) => this.reference(place)),
                places.length > 12 ? ` ${say`and ${places.length - 12} more`}` : null];
            return element("dl", { class: "facts" },
                row(say("shape"), element("span", { id: "panel-shape" }, shape(node.shape))),
                node.arguments ? row(say("arguments"), node.arguments) : null,
                node.file ? row(say("source"), element("code", { id: "panel-source" }, `${node.file}:${node.line}`)) : null,
                row(say(node.kind === "detached" ? "detached from" : "inputs"), list(node.inputs)),
                row(say("used by"), list(node.users)));
        }

        reference(place) {
            const node = this.app.study.nodes[place];
            return element("button", { class: "node-link", title: Study.names.full(node), click: () => this.app.select(place) },
                `${Study.names.glyph(node)} #${node.id}`);
        }

        value(node) {
            const { run, session } = this.app;
            if (!node.value) return null;
            if (run.phase(node.place, session.get("position")) === "waiting")
                return element("section", {}, element("p", { class: "hint", id: "panel-value" }, say("The forward pass has not come here yet.")));
            const scale = scaleOf([node.value]);
            return element("section", { id: "panel-value" }, figure({ title: say("value"), tensor: node.value, scale, width: this.width, kind: "forward" }), this.legendOf(node.value, scale));
        }

        legendOf(tensor, scale) {
            return tensor.grid[0] * tensor.grid[1] > 1 ? legend(scale) : null;
        }

        cotangent(node) {
            const { run, session } = this.app;
            const position = session.get("position");
            if (!node.cotangent && node.arriving.length === 0) return null;
            const event = run.event(position);
            if (event?.kind === "backward" && event.node === node.place) return this.arrival(node, event, position);
            const now = run.cotangent(node.place, position);
            if (!now) {
                const none = say(position === run.last ? "No contribution arrives here: the gradient is 0." : "No contribution has arrived yet.");
                return element("section", { id: "panel-cotangent" }, element("p", { class: "hint" }, none));
            }
            const phase = run.phase(node.place, position);
            const scale = scaleOf([now]);
            const title = phase === "partial" ? say`cotangent, ${run.arrived(node.place, position)} of ${node.arriving.length} contributions`
                : say(node.cotangent ? "cotangent" : "cotangent, as far as it is known");
            return element("section", { id: "panel-cotangent" }, figure({ title, tensor: now, scale, width: this.width, kind: "backward" }), this.legendOf(now, scale));
        }

        /// The moment at which a contribution arrives: the cotangent before it, it, and the cotangent after it.
        arrival(node, event, position) {
            const { run, study } = this.app;
            const { before, contribution, after } = run.arrival(position);
            const scale = scaleOf([before, contribution, after]);
            const from = study.nodes[event.from];
            const small = { scale, width: this.width, kind: "backward" };
            return element("section", { id: "panel-cotangent", class: "arrival" },
                element("p", { class: "moment" }, say`Contribution ${run.arrived(node.place, position)} of ${node.arriving.length} arrives, from `, this.reference(from.place)),
                before ? figure({ title: say("before"), tensor: before, ...small }) : element("figure", { class: "heat backward" }, element("figcaption", {}, element("b", {}, say("before")), ` ${say("nothing yet: 0")}`)),
                figure({ title: `+ ${say("contribution")}`, tensor: contribution, ...small }),
                figure({ title: `= ${say("after")}`, tensor: after, ...small }),
                legend(scale));
        }

        contributions(node) {
            const { run, session, study } = this.app;
            if (node.arriving.length < 2) return null;
            const position = session.get("position");
            const norms = node.arriving.map((index) => Study.tensors.norm(study.contributions[index].tensor));
            const largest = Math.max(...norms.filter(Number.isFinite), 0) || 1;
            const rows = node.arriving.slice(0, 40).map((index, k) => {
                const user = study.nodes[study.contributions[index].node];
                const there = run.arrivedAt[index] <= position;
                const bar = element("span", { class: "bar", style: `width:${Math.min(100, (100 * norms[k]) / largest) || 0}%` });
                return element("li", { class: there ? "" : "pending" }, this.reference(user.place), element("span", { class: "bar-room" }, bar),
                    element("button", { class: "numbers", title: say("Go to the moment when it arrives"), click: () => this.app.goTo(run.arrivedAt[index]) }, text(norms[k])));
            });
            const more = node.arriving.length > 40 ? element("p", { class: "hint" }, say`and ${node.arriving.length - 40} more`) : null;
            return element("section", {}, element("h3", {}, say("Contributions to its cotangent, by norm")), element("ol", { class: "bars" }, rows), more);
        }

        jacobians(node) {
            if (node.leaf || node.kind === "detached" || node.kind === "result") return null;
            return element("section", { id: "panel-jacobians" }, element("h3", {}, say("Local Jacobian")),
                node.jacobians.map(({ argument, view, tensor }) =>
                    figure({ title: jacobianTitles[view](this.argumentName(node, argument)), tensor, width: this.width })),
                this.missingJacobians(node));
        }

        missingJacobians(node) {
            const { nodes, largestJacobian: largest } = this.app.study;
            if (!node.value) return element("p", { class: "hint" }, say("There is none of an operation with several results."));
            const shown = node.jacobians.map(({ argument }) => node.inputs[argument]);
            const missing = [...new Set(node.inputs)].filter((input) => !shown.includes(input) && nodes[input].value);
            if (missing.length === 0) return null;
            const elements = (one) => Study.tensors.count(one.shape);
            const sizes = missing.map((input) => say`${elements(node)} by ${elements(nodes[input])}`).join(", ");
            const most = Math.max(elements(node), ...missing.map((input) => elements(nodes[input])));
            return element("p", { class: "hint" }, say`Not by ${missing.map((input) => `${Study.names.title(nodes[input])} #${nodes[input].id}`).join(", ")}: it would be ${sizes}, and this page has those of up to ${largest} elements a side. `,
                element("code", {}, `local_jacobians(tape, ${node.id}, ${most})`), ` ${say("gives it.")}`);
        }

        overTime(node) {
            const { study, structure } = this.app;
            const same = Study.structure.throughTime(structure, node.place);
            if (same.length < 2) return null;
            const series = ["value", "cotangent"].map((name, index) => ({
                name: say(name), dash: ["7 4", ""][index],
                colour: Study.colours.theme()[["forward", "backward"][index]],
                points: same.map((place) => [structure.tileOf[place].time, Study.tensors.norm(study.nodes[place][name])]),
            })).filter((one) => one.points.some(([, norm]) => norm !== undefined));
            const positive = series.some((one) => one.points.some(([, norm]) => norm > 0));
            const pick = (time) => this.app.select(same.find((place) => structure.tileOf[place].time === time));
            return element("section", {}, element("h3", {}, say("The same node through time")),
                Study.linePlot.plot(series, { log: positive, xLabel: say("time step"), yLabel: say("norm"), width: this.width, height: 190, onPick: pick, hint: say("click for that time step"),
                    titleOf: study.steps.length > 0 ? (time) => Study.names.step(study, time) : undefined }));
        }
    }

    return { Panel };
})();
