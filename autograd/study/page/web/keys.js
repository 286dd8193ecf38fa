"use strict";
/// The keys, and the help that lists them. A presenter's remote control sends PageUp and PageDown.
Study.keys = (() => {
    const { byId, element } = Study.dom;
    const { say } = Study.language;

    /// [keys, what they are called, what they do, action]
    const table = (app) => [
        [["ArrowRight"], "→", "one event on", () => app.controls.step(1)],
        [["ArrowLeft"], "←", "one event back", () => app.controls.step(-1)],
        [["PageDown"], "Page down", "on to the next time step", () => app.controls.stepTime(1)],
        [["PageUp"], "Page up", "back to the time step before", () => app.controls.stepTime(-1)],
        [["Home"], "Home", "to the start of the forward pass", () => app.goTo(0)],
        [["t"], "T", "to the turn: the start of the backward wave", () => app.goTo(app.run.forward)],
        [["End"], "End", "to the end", () => app.goTo(app.run.last)],
        [[" "], "Space", "play or pause", () => app.controls.toggle()],
        [["ArrowDown"], "↓", "select an input of the node", () => app.selectNeighbour("inputs")],
        [["ArrowUp"], "↑", "select a node that uses it", () => app.selectNeighbour("users")],
        [["]"], "]", "the same node, one time step later", () => app.selectInTime(1)],
        [["["], "[", "the same node, one time step earlier", () => app.selectInTime(-1)],
        [["/"], "/", "search", () => byId("search").select()],
        [["f"], "F", "fold or unfold all time steps", () => app.toggleFold()],
        [["e"], "E", "open or fold the time step of the node", () => app.toggleTileOf(app.session.get("selected"))],
        [["c"], "C", "colour by operation, value or cotangent", () => app.nextColouring()],
        [["+", "="], "+", "zoom in", () => app.network.scaleBy(1.3)],
        [["-"], "−", "zoom out", () => app.network.scaleBy(1 / 1.3)],
        [["0"], "0", "all of the network", () => app.network.home()],
        [["1"], "1", "the network", () => app.session.set({ view: "network" })],
        [["2"], "2", "the plots", () => app.session.set({ view: "plots", card: null })],
        [["3", "4", "5"], "3 4 5", "hide or show the cell, the network, the node", (key) => app.panes.toggle({ 3: "cell", 4: "network", 5: "panel" }[key])],
        [["d"], "D", "dark or light", () => app.toggleTheme()],
        [["l"], "L", "large type, for projectors", () => app.toggleType()],
        [["?"], "?", "this list", () => byId("help").showModal()],
        [["Escape"], "Esc", "close, or select nothing", () => app.select(null)],
    ];

    const scrolling = ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "PageDown", "PageUp", "Home", "End", " "];

    function listen(app) {
        const rows = table(app);
        const actions = new Map(rows.flatMap(([keys, , , action]) => keys.map((key) => [key, action])));
        document.addEventListener("keydown", (event) => {
            if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
            const { tagName, type } = event.target;
            const types = tagName === "INPUT" && type !== "range";
            if (types || tagName === "SELECT") return;
            // A focused button keeps the keys that press it.
            if (tagName === "BUTTON" && event.key === " ") return;
            // What can be scrolled keeps those that scroll it.
            const scrolls = app.session.get("view") !== "network" || byId("panel").contains(event.target);
            if (scrolls && scrolling.includes(event.key)) return;
            const action = actions.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
            if (!action) return;
            event.preventDefault();
            action(event.key);
        });
        byId("keys").replaceChildren(...rows.flatMap(([, name, meaning]) => [element("dt", {}, element("kbd", {}, say(name))), element("dd", {}, say(meaning))]));
        byId("show-help").addEventListener("click", () => byId("help").showModal());
    }

    return { listen };
})();
