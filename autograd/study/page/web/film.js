"use strict";
/// A film of a training, or of what else has changed: what was recorded at every n-th step, and a slider through it. Axes stay as
/// they are from frame to frame, so that what moves on the screen has changed.
Study.film = (() => {
    const { byId, element } = Study.dom;
    const { text, parse } = Study.numbers;
    const { say } = Study.language;

    /// The least and the greatest of what a logarithmic axis has, or of all; undefined of none.
    function domainOf(values, log) {
        const proper = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
        if (proper.length === 0) return undefined;
        const [low, high] = [proper.reduce((a, b) => Math.min(a, b)), proper.reduce((a, b) => Math.max(a, b))];
        return [log ? Math.max(low, high * 1e-12) : low, high];
    }

    class Film {
        constructor(app) {
            this.app = app;
            this.frames = app.study.film;
            this.at = this.frames.length - 1;
            this.axis = app.study.filmAxis || say("training step");
            this.parameter = this.parameters[0];
            this.slider = element("input", { id: "frame", type: "range", min: 0, max: this.frames.length - 1, step: 1, value: this.at, "aria-label": this.axis, input: () => this.goTo(Number(this.slider.value)) });
            this.playing = element("button", { id: "play-film", "aria-label": say("Play the film"), click: () => this.toggle() }, "▶");
            this.said = element("p", { id: "frame-text", "aria-live": "polite" });
            this.room = element("div", { id: "frames" });
            byId("film").replaceChildren(element("div", { id: "reel" }, this.playing, this.slider, this.said), this.room);
        }

        get parameters() {
            return [...new Set(this.frames.flatMap(({ norms }) => norms.map(({ parameter }) => parameter)))];
        }

        /// The frame of a step, or the one before it.
        goToStep(step) {
            const behind = this.frames.findIndex((frame) => frame.step > step);
            this.goTo(behind < 0 ? this.frames.length - 1 : Math.max(0, behind - 1));
        }

        goTo(index) {
            this.at = Math.max(0, Math.min(this.frames.length - 1, index));
            this.slider.value = this.at;
            if (this.app.session.get("view") === "film") this.show();
            this.app.address?.change();
        }

        toggle() {
            if (this.timer) return this.stop();
            if (this.at === this.frames.length - 1) this.goTo(0);
            this.playing.textContent = "❚❚";
            this.timer = setInterval(() => (this.at < this.frames.length - 1 && this.app.session.get("view") === "film" ? this.goTo(this.at + 1) : this.stop()), Math.max(60, 6000 / this.frames.length));
        }

        stop() {
            clearInterval(this.timer);
            this.timer = null;
            this.playing.textContent = "▶";
        }

        show() {
            const frame = this.frames[this.at];
            this.said.textContent = say`${this.axis} ${frame.step.toLocaleString("en")}, loss ${text(parse(frame.loss))}`;
            this.slider.setAttribute("aria-valuetext", this.said.textContent);
            const cards = [this.losses(), this.norms(frame), this.map(), this.gradients(), this.gates(frame), this.spectra(frame)];
            const scrolled = this.room.scrollTop;
            this.room.replaceChildren(...cards.filter(Boolean));
            this.room.scrollTop = scrolled;
        }

        card(name, title, hint, ...content) {
            return element("section", { class: "card", "data-name": `film-${name}` }, element("div", { class: "card-head" }, element("h2", {}, title)), hint ? element("p", { class: "hint" }, hint) : null, ...content);
        }

        /// Series over all frames, with this one marked; a click goes to another.
        overFrames(series, options) {
            return Study.linePlot.plot(series, { xLabel: this.axis, xName: this.axis, hint: say("click for that frame"), at: this.frames[this.at].step, onPick: (step) => this.goToStep(step), ...options });
        }

        losses() {
            const points = this.frames.map(({ step, loss }) => [step, parse(loss)]);
            return this.card("loss", say("Loss"), null, this.overFrames([{ name: "J", points }], { log: points.every(([, loss]) => !(loss <= 0)), yLabel: "J" }));
        }

        gradients() {
            const names = [...new Set(this.frames.flatMap(({ gradients }) => gradients.map(({ parameter }) => parameter)))];
            const series = names.map((name) => ({ name, points: this.frames.map(({ step, gradients }) => [step, parse(gradients.find(({ parameter }) => parameter === name)?.norm)]) }));
            return series.length === 0 ? null : this.card("gradients", say("Gradients of the parameters"), say("The norm of each, from frame to frame."), this.overFrames(series, { log: true, most: 6, yLabel: say("norm") }));
        }

        norms(frame) {
            if (frame.norms.length === 0) return null;
            const domain = domainOf(this.frames.flatMap(({ norms }) => norms.flatMap(({ by_step }) => by_step.map(parse))), true);
            const series = frame.norms.map(({ parameter, by_step }) => ({ name: parameter, points: by_step.map((value, t) => [t, parse(value)]) }));
            return this.card("norms", say("Gradient by time step"), say("What each time step contributes, in this frame."), Study.linePlot.plot(series, { log: true, most: 6, domain, xLabel: say("time step"), yLabel: say("norm") }));
        }

        /// Frames down, time steps across: how the gradient of one parameter comes to reach back.
        map() {
            if (this.parameters.length === 0) return null;
            const rows = this.frames.map(({ norms }) => norms.find(({ parameter }) => parameter === this.parameter)?.by_step.map(parse) ?? []);
            const columns = Math.max(...rows.map((row) => row.length));
            const values = rows.flatMap((row) => Array.from({ length: columns }, (_, t) => (row[t] > 0 ? Math.log10(row[t]) : row[t] === 0 ? -Infinity : NaN)));
            const choice = element("select", { "aria-label": say("Parameter"), change: (event) => { this.parameter = event.target.value; this.show(); } },
                this.parameters.map((name) => element("option", name === this.parameter ? { value: name, selected: "" } : { value: name }, name)));
            return this.card("map", say("Reach of the gradient"), say("Frames down, time steps across: what each contributes to the gradient of a parameter."), choice,
                Study.matrixPlot.plot({ matrix: { grid: [rows.length, columns], values }, rows: { name: this.axis, at: this.frames.map(({ step }) => step) }, columns: { name: "t", at: [...Array(columns).keys()] }, onPick: (step) => this.goToStep(step) }));
        }

        gates(frame) {
            if (frame.gates.length === 0) return null;
            return this.card("gates", say("Means of the gates"), say("By time step, in this frame."), element("div", { class: "small-plots" }, frame.gates.slice(0, 12).map(({ gate, mean, limits }) => element("div", {}, element("h3", {}, gate),
                Study.linePlot.plot([{ name: gate, points: mean.map((value, t) => [t, parse(value)]) }], { domain: limits, xLabel: say("time step"), yLabel: say("mean"), width: 380, height: 180 })))));
        }

        spectra(frame) {
            if (!frame.spectrum) return null;
            const all = this.frames.flatMap(({ spectrum }) => spectrum?.largest.map(([, value]) => parse(value)) ?? []);
            const exponents = this.frames.filter(({ spectrum }) => spectrum?.exponents.length).map(({ step, spectrum }) => [step, parse(spectrum.exponents[0])]);
            return this.card("spectra", say("Jacobians"), say("The largest singular value of each step's Jacobian, and from frame to frame the largest Lyapunov exponent: above 0 gradients grow, below they shrink."),
                Study.linePlot.plot([{ name: say("largest singular value"), points: frame.spectrum.largest.map(([t, value]) => [t, parse(value)]) }], { log: true, domain: domainOf(all, true), marks: [{ value: 1, text: "1" }], xLabel: say("time step"), yLabel: say("size") }),
                exponents.length > 1 ? this.overFrames([{ name: say("largest Lyapunov exponent"), points: exponents }], { marks: [{ value: 0, text: "0" }], yLabel: say("per step") }) : null);
        }
    }

    return { Film };
})();
