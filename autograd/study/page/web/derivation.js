"use strict";
/// The equations of the step that the cell shows, below it: each node's own, forward and backward. A click selects the
/// node; of the selected one they go on to its numbers.
Study.derivation = (() => {
    const { byId, element, perFrame } = Study.dom;
    const { say } = Study.language;
    const most = 120; // lines; a larger cell is not read line by line
    const tall = window.matchMedia("(min-height: 45rem)"); // below, the cell itself needs the room

    class Derivation {
        constructor(app) {
            this.app = app;
            this.room = byId("derivation");
            app.session.on(["selected", "position", "view"], perFrame(() => this.show()));
            this.room.open = tall.matches;
            tall.addEventListener("change", () => (this.room.open = tall.matches));
            this.room.addEventListener("toggle", () => this.show());
            this.show();
        }

        /// The nodes of the shown steps that have equations, in the order of execution.
        nodes() {
            const { structure, cells, study } = this.app;
            return structure.cells.flatMap((cell) => cells.timeOf(cell).members).filter((place) => study.equations.has(place)).sort((a, b) => a - b);
        }

        show() {
            const { study, structure, cells, session } = this.app;
            const nodes = structure.cells.length > 0 ? this.nodes() : [];
            this.room.hidden = nodes.length === 0 || nodes.length > most;
            if (this.room.hidden || !this.room.open || session.get("view") !== "network") return;
            byId("derivation-time").textContent = structure.cells.length === 1 ? ` ${say`at t = ${cells.timeOf(structure.cells[0]).time}; subscripts count from 1`}` : `; ${say("subscripts count from 1")}`;
            const selected = session.get("selected");
            const line = (place, which) => {
                const equation = study.equations.get(place)[which];
                if (!equation) return null;
                const chosen = place === selected;
                return element("button", { class: `typeset line ${which === "value" ? "forward" : "backward"}${chosen ? " chosen" : ""}`, tabindex: "-1", "data-node": study.nodes[place].id,
                    title: Study.names.full(study.nodes[place]), click: () => this.app.select(place) }, Study.typeset[chosen ? "equation" : "brief"](equation));
            };
            byId("derivation-lines").replaceChildren(...[...nodes.map((place) => line(place, "value")), ...nodes.toReversed().map((place) => line(place, "cotangent"))].filter(Boolean));
            // Of the two lines of the selected node the backward one is asked about.
            const chosen = [...this.room.querySelectorAll(".chosen")].at(-1);
            if (chosen) byId("derivation-lines").scrollTop = chosen.offsetTop - byId("derivation-lines").clientHeight / 2;
        }
    }

    return { Derivation };
})();
