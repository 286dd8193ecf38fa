"use strict";
/// The gates through time, each in a plot of its own: its mean as a line, and from below and from above the shares of its
/// units that are at its limits.
Study.gatePlot = (() => {
    const { element } = Study.dom;
    const { scaleLinear, axisBottom, axisLeft, select, pointer, line } = Libraries;
    const { parse } = Study.numbers;
    const { say } = Study.language;

    const roles = {
        none: say("Near its limits it passes little gradient to what goes into it."),
        keep: say("Scales the state of the step before. Open, the state and its gradient pass as they are; shut, both end here."),
        write: say("Scales what enters the state. Shut, nothing new enters, and what would have gets no gradient."),
        read: say("Scales what leaves the state. Shut, the output of the step is 0, and no gradient enters the state here."),
        reset: say("Scales what the candidate sees of the state before. Shut, the candidate does without it."),
        "keep else write": say("Open, the state of the step before is kept and its gradient passes as it is; shut, the candidate takes its place."),
        "write else keep": say("Open, the candidate takes the place of the state; shut, the state of the step before is kept, and its gradient passes as it is."),
    };

    /// What the ends of a gate are called; of other activations they are their limits.
    const ends = ({ role, limits }) => (role === "none" ? limits.map((limit) => say`near ${limit}`) : [say("shut"), say("open")]);

    const percent = (share) => (Number.isFinite(share) ? `${Libraries.format(".3~g")(100 * share)} %` : "NaN");

    function colours() {
        const { backward, forward } = Study.colours.theme();
        return { low: backward, high: forward };
    }

    /// The area between a level and a curve, half a step wide at its ends; gaps where a size is no number.
    function bandPath(sizes, x, level, edge) {
        const half = (x(1) - x(0)) / 2;
        const [first, last] = [x(0), x(sizes.length - 1)];
        return sizes.map((size, t) => {
            if (!(size > 0)) return "";
            const [left, right] = [Math.max(first, x(t) - half), Math.min(last, x(t) + half)];
            return `M${left},${level}V${edge(size)}H${right}V${level}Z`;
        }).join("");
    }

    function paint(svg, gate, data, options, width, height, margin) {
        const [left, right, top, bottom] = [margin.left, width - margin.right, margin.top, height - margin.bottom];
        const last = Math.max(data.length - 1, 1);
        const x = scaleLinear([0, last], [left, right]);
        const value = scaleLinear(gate.limits, [bottom, top]);
        const share = scaleLinear([0, 1], [0, bottom - top]);
        const whole = x.ticks(Math.min(6, width / 60)).filter(Number.isInteger);
        svg.append("g").attr("class", "axis").attr("transform", `translate(0,${bottom})`).call(axisBottom(x).tickValues(whole).tickFormat(Libraries.format("~g")).tickSizeOuter(0));
        svg.append("g").attr("class", "axis grid").attr("transform", `translate(${left},0)`).call(axisLeft(value).ticks(3).tickSizeOuter(0).tickSizeInner(left - right));
        const band = (name, from, direction) =>
            svg.append("path").attr("class", `band ${name}`).attr("fill", colours()[name])
                .attr("d", bandPath(data.map((one) => one[name]), x, from, (size) => from + direction * share(size)));
        band("low", bottom, -1);
        band("high", top, 1);
        const mean = line((_, t) => x(t), (one) => value(one.mean)).defined((one) => Number.isFinite(one.mean));
        svg.append("path").attr("class", "series").attr("stroke", Study.colours.theme().ink).attr("d", mean(data));
        return { x, top, bottom, last };
    }

    function follow(svg, gate, data, { x, top, bottom, last }, readout, options) {
        const rule = svg.append("line").attr("class", "rule").attr("y1", top).attr("y2", bottom).attr("visibility", "hidden");
        const nearest = (event) => Math.max(0, Math.min(data.length - 1, last, Math.round(x.invert(pointer(event)[0]))));
        const [low, high] = ends(gate);
        svg.on("pointermove", (event) => {
            const t = nearest(event);
            rule.attr("x1", x(t)).attr("x2", x(t)).attr("visibility", "visible");
            const title = options.titleOf?.(t);
            readout.textContent = `t = ${t}${title ? ` ${title}` : ""}: ${say("mean")} ${Study.numbers.text(data[t].mean)}, ${high} ${percent(data[t].high)}, ${low} ${percent(data[t].low)}`;
        });
        svg.on("pointerleave", () => {
            rule.attr("visibility", "hidden");
            readout.textContent = " ";
        });
        if (options.onPick) svg.on("click", (event) => options.onPick(nearest(event))).style("cursor", "pointer");
    }

    const dataOf = (gate) => gate.mean.map((mean, t) => ({ mean: parse(mean), low: parse(gate.low[t]), high: parse(gate.high[t]) }));
    const titleOf = ({ gate, op }) => (gate.includes(op) ? gate : `${gate} (${op})`);

    function plot(gate, options) {
        const [width, height] = [300, 132];
        const margin = { left: 30, right: 8, top: 8, bottom: 22 };
        const data = dataOf(gate);
        const heading = element("h3", {}, titleOf(gate));
        const role = element("p", { class: "hint" }, roles[gate.role] ?? roles.none);
        if (!data.some((one) => Number.isFinite(one.mean))) return element("div", { class: "gate" }, heading, element("p", { class: "hint nothing" }, say("Nothing to draw: all of its values are NaN.")), role);
        const svg = select(document.createElementNS("http://www.w3.org/2000/svg", "svg"))
            .attr("viewBox", `0 0 ${width} ${height}`).attr("class", "plot").attr("role", "img").attr("aria-label", say`${titleOf(gate)} by time step`);
        const readout = element("p", { class: "readout" }, " ");
        follow(svg, gate, data, paint(svg, gate, data, options, width, height, margin), readout, options);
        return element("div", { class: "gate" }, heading, svg.node(), readout, role);
    }

    function legend() {
        const swatch = (name, text) => element("span", { "data-text": text }, element("span", { class: "swatch", style: `background:${colours()[name]}` }), ` ${text}`);
        return element("p", { class: "series-legend" }, say("line: mean"), swatch("high", say("from above: share that is open")), swatch("low", say("from below: share that is shut")));
    }

    /// All gates; options: onPick(time), titleOf(time).
    const plots = (gates, options) => [legend(), element("div", { class: "gates" }, gates.map((gate) => plot(gate, options)))];

    /// Their numbers as series.
    const series = (gates) => gates.flatMap((gate) => ["mean", "low", "high"].map((name) => ({
        name: `${titleOf(gate)} ${name}`, points: gate[name].map((value, t) => [t, parse(value)]) })));

    return { plots, series };
})();
