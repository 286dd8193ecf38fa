"use strict";
/// The bar that runs the network: slider, buttons, and a sentence on what has just happened.
Study.controls = (() => {
    const { byId, element } = Study.dom;
    const { say } = Study.language;
    const { text } = Study.numbers;

    class Controls {
        constructor(app) {
            this.app = app;
            this.slider = byId("position");
            this.slider.max = app.run.last;
            this.playing = null;
            const go = (id, action) => byId(id).addEventListener("click", action);
            go("to-begin", () => app.goTo(0));
            go("to-end", () => app.goTo(app.run.last));
            go("back", () => this.step(-1));
            go("forward", () => this.step(1));
            go("back-time", () => this.stepTime(-1));
            go("forward-time", () => this.stepTime(1));
            go("to-turn", () => app.goTo(app.run.forward));
            go("play", () => this.toggle());
            this.slider.addEventListener("input", () => app.goTo(Number(this.slider.value)));
            byId("turn-mark").style.left = `${(100 * app.run.forward) / Math.max(1, app.run.last)}%`;
            app.session.on(["position"], () => this.show());
            this.show();
        }

        step(direction) {
            this.app.goTo(this.app.session.get("position") + direction);
        }

        stepTime(direction) {
            const { run, structure, session } = this.app;
            const timeOf = (place) => (place === undefined ? null : structure.tileOf[place]?.column ?? null);
            this.app.goTo(run.otherStep(session.get("position"), direction, timeOf));
        }

        toggle() {
            if (this.playing) return this.stop();
            if (this.app.session.get("position") >= this.app.run.last) this.app.goTo(0);
            byId("play").textContent = "❚❚";
            byId("play").setAttribute("aria-label", say("Pause"));
            let due = performance.now();
            const tick = (now) => {
                if (!this.playing) return;
                const interval = 1000 / Number(byId("speed").value);
                const steps = Math.floor((now - due) / interval);
                if (steps > 0) {
                    due += steps * interval;
                    this.step(steps);
                }
                if (this.app.session.get("position") >= this.app.run.last) this.stop();
                else this.playing = requestAnimationFrame(tick);
            };
            this.playing = requestAnimationFrame(tick);
        }

        stop() {
            cancelAnimationFrame(this.playing);
            this.playing = null;
            byId("play").textContent = "▶";
            byId("play").setAttribute("aria-label", say("Play"));
        }

        show() {
            const { run, session } = this.app;
            const position = session.get("position");
            this.slider.value = position;
            this.slider.setAttribute("aria-valuetext", say`event ${position} of ${run.last}`);
            byId("counter").textContent = this.count(position);
            const backward = position > run.forward;
            byId("counter").className = backward ? "backward" : "forward";
            byId("moment").replaceChildren(...this.sentence(position));
        }

        count(position) {
            const { run } = this.app;
            return position <= run.forward ? say`forward ${position} / ${run.forward}` : say`backward ${position - run.forward} / ${run.last - run.forward}`;
        }

        sentence(position) {
            const { run, study } = this.app;
            if (position === 0) return [say("Parameters and inputs are there, nothing is computed. → runs the forward pass.")];
            if (position === run.last) return [say`The run is over: ${run.forward} operations forward, ${run.last - run.forward} steps of the backward wave. Home starts it again.`];
            return this.sentenceOfEvent(position);
        }

        sentenceOfEvent(position) {
            const { run, study } = this.app;
            const event = run.event(position);
            const node = Study.names.full(study.nodes[event.node]);
            if (event.kind === "forward") return [say`${node} is computed, norm ${text(Study.tensors.norm(study.nodes[event.node].value))}.`];
            if (event.kind === "seed") return [say`The backward wave starts at ${node} with its cotangent, ${text(Study.tensors.norm(study.nodes[event.node].cotangent))}.`];
            const { before, after } = run.arrival(position);
            const size = (tensor) => `${tensor?.approximate ? "≈ " : ""}${tensor ? text(Study.tensors.norm(tensor)) : "0"}`;
            return [say`${Study.names.full(study.nodes[event.from])} hands a contribution to ${node}: norm `,
                element("b", { id: "norm-before" }, size(before)), " → ", element("b", { id: "norm-after" }, size(after)), "."];
        }
    }

    return { Controls };
})();
