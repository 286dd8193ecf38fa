"use strict";
/// A plot of lines over time or distance, with the values under the pointer.
Study.linePlot = (() => {
    const { element } = Study.dom;
    const { say } = Study.language;
    const { scaleLinear, scaleLog, axisBottom, axisLeft, select, pointer, line } = Libraries;
    const dashes = ["", "7 4", "2 3", "9 3 2 3", "12 4", "4 2"];

    /// Each colour comes with every dash before two lines look the same.
    const lookOf = (one, index) => {
        const { series } = Study.colours.theme();
        const round = Math.floor(index / series.length);
        return { colour: one.colour || series[index % series.length], dash: one.dash ?? dashes[(index + round) % dashes.length] };
    };

    const usable = (log) => ([, y]) => y !== null && y !== undefined && Number.isFinite(y) && (!log || y > 0);

    function scales(series, options, width, height, margin) {
        const points = series.flatMap((one) => one.points).filter(usable(options.log));
        const extent = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
        let [x0, x1] = extent(points.map(([x]) => x));
        let [y0, y1] = options.domain || extent(points.map(([, y]) => y));
        if (options.log) [y0, y1] = [y0 / 1.2, y1 * 1.2];
        if (y0 === y1) [y0, y1] = [y0 - 0.5, y1 + 0.5];
        if (x0 === x1) [x0, x1] = [x0 - 0.5, x1 + 0.5];
        return {
            x: scaleLinear([x0, x1], [margin.left, width - margin.right]),
            y: (options.log ? scaleLog : scaleLinear)([y0, y1], [height - margin.bottom, margin.top]),
        };
    }

    function axes(svg, { x, y }, options, width, height, margin) {
        const whole = x.ticks(Math.min(10, width / 70)).filter(Number.isInteger);
        const across = axisBottom(x).tickValues(whole).tickFormat(Libraries.format("~g")).tickSizeOuter(0);
        svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - margin.bottom})`).call(across);
        const levels = options.log ? decades(y) : y.ticks(5);
        const texts = Study.numbers.distinct(levels);
        const up = axisLeft(y).tickValues(levels).tickFormat((_, index) => texts[index]).tickSizeOuter(0).tickSizeInner(margin.left + margin.right - width);
        svg.append("g").attr("class", "axis grid").attr("transform", `translate(${margin.left},0)`).call(up);
        const label = (text, attributes) => {
            const made = svg.append("text").attr("class", "axis-label").text(text);
            for (const [name, value] of Object.entries(attributes)) made.attr(name, value);
        };
        titles(svg, x, options, height, margin);
        label(options.xLabel, { x: width - margin.right, y: height - 4, "text-anchor": "end" });
        label(options.yLabel, { x: 2, y: 12 });
    }

    /// What the steps are called, below their numbers, where there is room for all of them.
    function titles(svg, x, { titleOf }, height, margin) {
        if (!titleOf) return;
        const [first, last] = x.domain().map(Math.round);
        const room = x(first + 1) - x(first);
        const all = Array.from({ length: last - first + 1 }, (_, k) => first + k);
        if (all.some((step) => titleOf(step).length * 7.5 > room)) return;
        for (const step of all)
            svg.append("text").attr("class", "axis-label step-title").attr("x", x(step)).attr("y", height - margin.bottom + 31).attr("text-anchor", "middle").text(titleOf(step));
    }

    /// At most seven powers of ten; more between them where there are few, and a linear scale's ticks where there is none.
    function decades(y) {
        const [low, high] = y.domain().map(Math.log10);
        if (high - low < 1) return scaleLinear(y.domain(), [0, 1]).ticks(5).filter((level) => level > 0);
        if (high - low < 2.5) {
            const [from, to] = y.domain();
            const powers = Array.from({ length: 4 }, (_, i) => Math.floor(low) + i);
            return powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`))).filter((level) => level >= from && level <= to);
        }
        const every = Math.ceil((high - low) / 6);
        const first = Math.ceil(low / every) * every;
        return Array.from({ length: Math.floor((high - first) / every) + 1 }, (_, i) => Number(`1e${first + i * every}`));
    }

    /// What is not drawn, and why: "2 are NaN, 5 are 0, which a logarithmic axis does not have".
    function leftOut(series, log) {
        const values = series.flatMap((one) => one.points).map(([, y]) => y).filter((y) => y !== undefined && y !== null);
        const count = (holds, text) => [values.filter(holds).length, text];
        const found = [count(Number.isNaN, "NaN"), count((y) => Math.abs(y) === Infinity, say("infinite"))];
        if (log) found.push(count((y) => y === 0, "0"), count((y) => y < 0 && y > -Infinity, say("negative")));
        const said = found.filter(([number]) => number > 0).map(([number, text]) => (number === values.length ? (number === 1 ? say`the only value is ${text}` : say`all ${number} values are ${text}`) : number === 1 ? say`${number} is ${text}` : say`${number} are ${text}`));
        const onLog = found.slice(2).some(([number]) => number > 0) ? say(", which a logarithmic axis does not have") : "";
        return { text: said.join(", ") + onLog, none: values.length === 0 };
    }

    function paintSeries(svg, series, { x, y }, options) {
        series.forEach((one) => {
            const draw = line((point) => x(point[0]), (point) => y(point[1])).defined(usable(options.log));
            const { colour, dash } = one.look;
            svg.append("path").attr("class", "series").attr("d", draw(one.points)).attr("stroke", colour)
                .attr("stroke-dasharray", dash);
            if (one.points.length <= 12)
                for (const point of one.points.filter(usable(options.log)))
                    svg.append("circle").attr("cx", x(point[0])).attr("cy", y(point[1])).attr("r", 3.5).attr("fill", colour);
        });
        if (options.at !== undefined) {
            const [from, to] = y.range();
            svg.append("line").attr("class", "at").attr("x1", x(options.at)).attr("x2", x(options.at)).attr("y1", from).attr("y2", to);
        }
        for (const { value, text } of options.marks || []) {
            if (value < y.domain()[0] || value > y.domain()[1]) continue;
            const [from, to] = x.range();
            svg.append("line").attr("class", "mark").attr("x1", from).attr("x2", to).attr("y1", y(value)).attr("y2", y(value));
            svg.append("text").attr("class", "axis-label").attr("x", to).attr("y", y(value) - 5).attr("text-anchor", "end").text(text);
        }
    }

    /// The names of the series, which switch them off and on.
    function legend(series, hidden, redraw) {
        return element("div", { class: "series-legend" }, series.map((one) => {
            const { colour, dash } = one.look;
            const swatch = select(element("span")).append("svg").attr("width", 30).attr("height", 10).attr("aria-hidden", "true");
            swatch.append("line").attr("x1", 0).attr("x2", 30).attr("y1", 5).attr("y2", 5).attr("stroke", colour)
                .attr("stroke-width", 3).attr("stroke-dasharray", dash);
            const toggle = (event) => {
                if (!hidden.delete(one)) hidden.add(one);
                event.currentTarget.setAttribute("aria-pressed", String(!hidden.has(one)));
                redraw();
            };
            return element("button", { title: say("Show or hide it"), "aria-pressed": String(!hidden.has(one)), "data-text": one.name, click: toggle }, swatch.node(), one.name);
        }));
    }

    /// Follows the pointer: the values at its x below the plot, and a click reports that x.
    function follow(svg, series, { x }, options, readout, height, margin) {
        const rule = svg.append("line").attr("class", "rule").attr("y1", margin.top).attr("y2", height - margin.bottom).attr("visibility", "hidden");
        const nearest = (event) => {
            const at = x.invert(pointer(event)[0]);
            const all = series.flatMap((one) => one.points.map(([value]) => value));
            return all.reduce((best, value) => (Math.abs(value - at) < Math.abs(best - at) ? value : best), all[0]);
        };
        svg.on("pointermove", (event) => {
            const at = nearest(event);
            if (at === undefined) return;
            rule.attr("x1", x(at)).attr("x2", x(at)).attr("visibility", "visible");
            const values = series.map((one) => [one.name, one.points.find(([value]) => value === at)?.[1]]);
            const title = options.titleOf?.(at);
            readout.textContent = `${options.xName || "t"} = ${at}${title ? ` ${title}` : ""}: ` + values.filter(([, value]) => value !== undefined && value !== null)
                .map(([name, value]) => `${name} ${Study.numbers.text(value)}`).join(", ");
        });
        svg.on("pointerleave", () => {
            rule.attr("visibility", "hidden");
            readout.textContent = options.hint || " ";
        });
        if (options.onPick) svg.on("click", (event) => options.onPick(nearest(event))).style("cursor", "pointer");
    }

    /// The largest of the series; the others start switched off, for nobody tells twenty lines apart.
    function beyond(series, most) {
        if (!most || series.length <= most) return [];
        const size = (one) => one.points.reduce((best, [, y]) => (Number.isFinite(y) ? Math.max(best, y) : best), -Infinity);
        return [...series].sort((a, b) => size(b) - size(a)).slice(most);
    }

    /// `series` are { name, points: [[x, y], ...] }; `off` makes one start switched off. Options: log, domain, marks, at (of x),
    /// most, xLabel, yLabel, xName, titleOf(x), hint, onPick(x), width, height.
    function plot(series, options) {
        const { width = 560, height = 260 } = options;
        const margin = { left: 58, right: 14, top: 22, bottom: options.titleOf ? 50 : 38 };
        const all = series.map((one, index) => ({ ...one, look: lookOf(one, index) }));
        const hidden = new Set([...all.filter((one) => one.off), ...beyond(all, options.most)]);
        const [stage, readout, note] = [element("div"), element("p", { class: "readout" }, options.hint || " "), element("p", { class: "hint not-drawn" })];
        const draw = () => {
            const shown = all.filter((one) => !hidden.has(one));
            const missing = leftOut(shown, options.log);
            const drawable = shown.some((one) => one.points.some(usable(options.log)));
            note.hidden = !drawable || missing.text === "";
            note.textContent = say`Not drawn: ${missing.text}.`;
            readout.hidden = !drawable;
            if (!drawable) {
                const why = shown.length === 0 ? say("all series are switched off") : missing.none ? say("there are no values") : missing.text;
                return stage.replaceChildren(element("p", { class: "hint nothing" }, say`Nothing to draw: ${why}.`));
            }
            const svg = select(document.createElementNS("http://www.w3.org/2000/svg", "svg"))
                .attr("viewBox", `0 0 ${width} ${height}`).attr("class", "plot").attr("role", "img").attr("aria-label", options.label || options.yLabel);
            const placed = scales(shown, options, width, height, margin);
            axes(svg, placed, options, width, height, margin);
            paintSeries(svg, shown, placed, options);
            follow(svg, shown, placed, options, readout, height, margin);
            stage.replaceChildren(svg.node());
        };
        draw();
        return element("div", { class: "line-plot" }, legend(all, hidden, draw), stage, readout, note);
    }

    return { plot };
})();
