"use strict";
/// The panes of the network's view: the cell, the network through time, and the selected node. Side by side each can be
/// hidden and its border moved; a narrow screen shows one at a time, but for the node that is selected in the network, which
/// lies below it.
Study.panes = (() => {
    const { byId } = Study.dom;
    const names = ["cell", "network", "panel"];
    const elementOf = { cell: "cell-pane", network: "network-pane", panel: "panel" };
    const narrow = window.matchMedia("(max-width: 56rem)");
    const usual = { cell: "minmax(13rem, 24%)", panel: "minmax(18rem, 24%)" };
    const smallest = 120; // pixels

    class Panes {
        constructor(app) {
            this.app = app;
            this.present = names.filter((name) => name !== "cell" || app.structure.cells.length > 0);
            this.shown = new Set(this.present);
            this.front = "network"; // on a narrow screen
            this.widths = {}; // in pixels, of those whose border was moved
            for (const name of names) byId(`pane-${name}`).addEventListener("click", () => this.toggle(name));
            for (const name of ["cell", "panel"]) this.listenToBorder(name, byId(`split-${name}`));
            narrow.addEventListener("change", () => this.show());
            app.session.on(["selected"], () => narrow.matches && this.show());
            this.show();
        }

        isShown(name) {
            return this.present.includes(name) && (narrow.matches ? this.front === name || (name === "panel" && this.hasSheet) : this.shown.has(name));
        }

        /// Whether the selected node lies below the network.
        get hasSheet() {
            return narrow.matches && this.front === "network" && this.app.session.get("selected") !== null;
        }

        /// Hides or shows a pane; the last one stays.
        toggle(name) {
            if (narrow.matches) this.front = name;
            else if (!this.shown.has(name)) this.shown.add(name);
            else if (this.shown.size > 1) this.shown.delete(name);
            this.app.session.set({ view: "network" });
            this.show();
        }

        show() {
            for (const name of names) {
                byId(elementOf[name]).hidden = !this.isShown(name);
                byId(`pane-${name}`).hidden = !this.present.includes(name);
                byId(`pane-${name}`).setAttribute("aria-pressed", String(this.isShown(name)));
            }
            // What has a border to move lies beside the network.
            const movable = ["cell", "panel"].filter((name) => !narrow.matches && this.isShown(name) && this.isShown("network"));
            for (const name of ["cell", "panel"]) byId(`split-${name}`).hidden = !movable.includes(name);
            const columns = names.filter((name) => this.isShown(name)).map((name) => {
                if (!movable.includes(name)) return "minmax(0, 1fr)";
                const width = this.widths[name] ? `${this.widths[name]}px` : usual[name];
                return name === "cell" ? `${width} auto` : `auto ${width}`;
            });
            byId("network").style.setProperty("--columns", this.hasSheet ? "minmax(0, 1fr)" : columns.join(" "));
            byId("network").classList.toggle("sheet", this.hasSheet);
        }

        setWidth(name, width) {
            const most = byId("network").clientWidth - 2 * smallest;
            this.widths[name] = Math.round(Math.max(smallest, Math.min(most, width)));
            this.show();
        }

        listenToBorder(name, border) {
            const sign = name === "cell" ? 1 : -1;
            const width = () => byId(elementOf[name]).getBoundingClientRect().width;
            border.addEventListener("pointerdown", (event) => {
                const [start, before] = [event.clientX, width()];
                border.setPointerCapture(event.pointerId);
                border.onpointermove = (move) => this.setWidth(name, before + sign * (move.clientX - start));
            });
            border.addEventListener("pointerup", () => (border.onpointermove = null));
            border.addEventListener("dblclick", () => {
                delete this.widths[name];
                this.show();
            });
            border.addEventListener("keydown", (event) => {
                const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
                if (!direction) return;
                event.preventDefault();
                event.stopPropagation();
                this.setWidth(name, width() + sign * direction * 24);
            });
        }
    }

    return { Panes };
})();
