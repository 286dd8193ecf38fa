"use strict";
/// A plot of lines over time or distance, with the values under the pointer.
Study.linePlot = (() => {
    const { element } = Study.dom;
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
        const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
        const extent = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
        let [x0, x1] = points.length > 0 ? extent(xs) : [0, 1];
        let [y0, y1] = options.domain || (points.length > 0 ? extent(ys) : [0.1, 1]);
        if (options.log) [y0, y1] = [y0 / 1.2, y1 * 1.2];
        if (y0 === y1) y1 = y0 + 1;
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
        const up = axisLeft(y).tickValues(options.log ? decades(y) : y.ticks(5)).tickFormat(Study.numbers.text).tickSizeOuter(0).tickSizeInner(margin.left + margin.right - width);
        svg.append("g").attr("class", "axis grid").attr("transform", `translate(${margin.left},0)`).call(up);
        const label = (text, attributes) => {
            const made = svg.append("text").attr("class", "axis-label").text(text);
            for (const [name, value] of Object.entries(attributes)) made.attr(name, value);
        };
        label(options.xLabel, { x: width - margin.right, y: height - 4, "text-anchor": "end" });
        label(options.yLabel, { x: 2, y: 12 });
    }

    /// At most seven powers of ten; the scale's own ticks where there is not even one decade.
    function decades(y) {
        const [low, high] = y.domain().map(Math.log10);
        if (high - low < 1.2) return y.ticks(5);
        const every = Math.ceil((high - low) / 6);
        const first = Math.ceil(low / every) * every;
        return Array.from({ length: Math.floor((high - first) / every) + 1 }, (_, i) => Number(`1e${first + i * every}`));
    }

    function paintSeries(svg, series, { x, y }, options) {
        series.forEach((one, index) => {
            const draw = line((point) => x(point[0]), (point) => y(point[1])).defined(usable(options.log));
            const { colour, dash } = lookOf(one, index);
            svg.append("path").attr("class", "series").attr("d", draw(one.points)).attr("stroke", colour)
                .attr("stroke-dasharray", dash);
            if (one.points.length <= 12)
                for (const point of one.points.filter(usable(options.log)))
                    svg.append("circle").attr("cx", x(point[0])).attr("cy", y(point[1])).attr("r", 3.5).attr("fill", colour);
        });
        for (const { value, text } of options.marks || []) {
            if (value < y.domain()[0] || value > y.domain()[1]) continue;
            const [from, to] = x.range();
            svg.append("line").attr("class", "mark").attr("x1", from).attr("x2", to).attr("y1", y(value)).attr("y2", y(value));
            svg.append("text").attr("class", "axis-label").attr("x", to).attr("y", y(value) - 5).attr("text-anchor", "end").text(text);
        }
    }

    function legend(series) {
        return element("div", { class: "series-legend" }, series.map((one, index) => {
            const { colour, dash } = lookOf(one, index);
            const swatch = select(element("span")).append("svg").attr("width", 30).attr("height", 10).attr("aria-hidden", "true");
            swatch.append("line").attr("x1", 0).attr("x2", 30).attr("y1", 5).attr("y2", 5).attr("stroke", colour)
                .attr("stroke-width", 3).attr("stroke-dasharray", dash);
            return element("span", {}, swatch.node(), one.name);
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
            readout.textContent = `${options.xName || "t"} = ${at}: ` + values.filter(([, value]) => value !== undefined && value !== null)
                .map(([name, value]) => `${name} ${Study.numbers.text(value)}`).join(", ");
        });
        svg.on("pointerleave", () => {
            rule.attr("visibility", "hidden");
            readout.textContent = options.hint || " ";
        });
        if (options.onPick) svg.on("click", (event) => options.onPick(nearest(event))).style("cursor", "pointer");
    }

    /// `series` are { name, points: [[x, y], ...] }. Options: log, domain, marks, xLabel, yLabel, xName, hint,
    /// onPick(x), width, height.
    function plot(series, options) {
        const { width = 560, height = 260 } = options;
        const margin = { left: 58, right: 14, top: 22, bottom: 38 };
        const svg = select(document.createElementNS("http://www.w3.org/2000/svg", "svg"))
            .attr("viewBox", `0 0 ${width} ${height}`).attr("class", "plot").attr("role", "img").attr("aria-label", options.label || options.yLabel);
        const placed = scales(series, options, width, height, margin);
        axes(svg, placed, options, width, height, margin);
        paintSeries(svg, series, placed, options);
        const readout = element("p", { class: "readout" }, options.hint || " ");
        follow(svg, series, placed, options, readout, height, margin);
        return element("div", { class: "line-plot" }, legend(series), svg.node(), readout);
    }

    return { plot };
})();
