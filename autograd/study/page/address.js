"use strict";
/// The address says what is shown, so that it can be linked to:
/// #node=17&at=34&view=plots&panel=ledger&colour=cotangent&theme=dark&type=large&open=0.3,0.4&zoom=0.8,120,-40.
/// What is as the page opens by itself is left out.
Study.address = (() => {
    const longest = 250; // milliseconds from a change to the address, which browsers let change seldom
    const has = (list, value) => (list.includes(value) ? value : undefined);

    class Address {
        constructor(app) {
            this.app = app;
            this.usual = { colouring: app.session.get("colouring"), folded: app.folded.size > 0 };
            this.written = -Infinity;
            if (window.location.hash.length > 1) this.read();
            window.addEventListener("hashchange", () => this.read());
            app.session.on(["selected", "position", "view", "card", "colouring", "theme", "type"], () => this.change());
        }

        /// Shows what the address says.
        read() {
            const { app } = this;
            const { session, run, study } = app;
            const given = new URLSearchParams(window.location.hash.slice(1));
            const theme = has(["light", "dark"], given.get("theme"));
            const card = given.get("panel");
            session.set({
                colouring: has(["operation", "value", "cotangent"], given.get("colour")) ?? this.usual.colouring,
                theme: theme ?? app.systemTheme(), chosenTheme: theme ?? null,
                type: has(["large"], given.get("type")) ?? "normal",
                card, view: card ? "plots" : has(["plots"], given.get("view")) ?? "network",
            });
            this.readFolds(given);
            app.goTo(given.has("at") ? Number(given.get("at")) || 0 : run.last);
            const node = given.has("node") ? study.places.get(Number(given.get("node"))) : undefined;
            app.select(node ?? (given.has("at") ? session.get("selected") : null));
            const zoom = (given.get("zoom") || "").split(",").map(Number);
            if (zoom.length === 3 && zoom.every(Number.isFinite) && zoom[0] > 0) app.network.transformTo(zoom[1], zoom[2], zoom[0]);
        }

        readFolds(given) {
            const { app } = this;
            const listed = (name) => {
                const places = (given.get(name) || "").split(",");
                return app.foldable.filter((tile) => places.includes(`${tile.row}.${tile.column}`));
            };
            const all = given.has("fold") ? given.get("fold") === "all" : this.usual.folded;
            let folded = all ? app.foldable : [];
            if (given.has("folded")) folded = listed("folded");
            if (given.has("open")) {
                const open = new Set(listed("open"));
                folded = app.foldable.filter((tile) => !open.has(tile));
            }
            app.setFolded(folded);
        }

        writeFolds(shown) {
            const { folded, foldable } = this.app;
            if (folded.size === (this.usual.folded ? foldable.length : 0)) return;
            if (folded.size === 0 || folded.size === foldable.length) return shown.set("fold", folded.size === 0 ? "none" : "all");
            const few = 2 * folded.size <= foldable.length;
            const listed = few ? [...folded] : foldable.filter((tile) => !folded.has(tile));
            shown.set(few ? "folded" : "open", listed.map(({ row, column }) => `${row}.${column}`).join(","));
        }

        text() {
            const { app } = this;
            const { selected, position, view, card, colouring, chosenTheme, type } = app.session.values;
            const shown = new URLSearchParams();
            if (selected !== null) shown.set("node", app.study.nodes[selected].id);
            if (position !== app.run.last) shown.set("at", position);
            if (view !== "network" && !card) shown.set("view", view);
            if (card) shown.set("panel", card);
            if (colouring !== this.usual.colouring) shown.set("colour", colouring);
            if (chosenTheme) shown.set("theme", chosenTheme);
            if (type !== "normal") shown.set("type", type);
            this.writeFolds(shown);
            const { network } = app;
            if (!network.atHome) shown.set("zoom", network.centre().map((value) => Number(value.toPrecision(4))).join(","));
            return shown.toString().replaceAll("%2C", ",");
        }

        /// Writes it at once, or after a while if it has just been written.
        change() {
            if (this.waiting) return;
            const write = () => {
                this.waiting = null;
                this.written = performance.now();
                history.replaceState(null, "", `#${this.text()}`);
            };
            this.waiting = setTimeout(write, Math.max(0, this.written + longest - performance.now()));
        }
    }

    return { Address };
})();
