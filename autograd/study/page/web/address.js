"use strict";
/// The address says what is shown, so that it can be linked to:
/// #study=2&node=17&at=34&view=plots&panel=ledger&colour=cotangent&theme=dark&type=large&language=ko&open=0.3,0.4&zoom=0.8,120,-40, or of a film
/// #view=film&frame=500.
/// What is as the page opens by itself is left out.
Study.address = (() => {
    const longest = 250; // milliseconds from a change to the address, which browsers let change seldom
    const has = (list, value) => (list.includes(value) ? value : undefined);

    const views = (app) => ["plots", "network", ...(app.comparison ? ["compare"] : []), ...(app.film ? ["film"] : [])];
    /// Which of two studies is shown by itself, 1 or 2.
    const shownStudy = () => (new URLSearchParams(window.location.hash.slice(1)).get("study") === "2" ? 2 : 1);

    class Address {
        constructor(app) {
            this.app = app;
            this.usual = { colouring: app.session.get("colouring"), folded: app.folded.size > 0 };
            this.written = -Infinity;
            if (window.location.hash.length > 1) this.read();
            else app.session.set({ view: app.home });
            window.addEventListener("hashchange", () => this.read());
            app.session.on(["selected", "position", "view", "card", "colouring", "theme", "type"], () => this.change());
        }

        /// Shows what the address says.
        read() {
            const { app } = this;
            const { session, run, study } = app;
            const given = new URLSearchParams(window.location.hash.slice(1));
            const otherLanguage = (Study.language.linked() ?? Study.language.usual) !== Study.language.current;
            if (otherLanguage || (app.comparison && shownStudy() - 1 !== app.index)) return window.location.reload();
            const theme = has(["light", "dark"], given.get("theme"));
            const card = given.get("panel");
            session.set({
                colouring: has(Object.keys(app.metrics).concat("operation"), given.get("colour")) ?? this.usual.colouring,
                theme: theme ?? app.systemTheme(), chosenTheme: theme ?? null,
                type: has(["large"], given.get("type")) ?? "normal",
                card, view: card ? "plots" : has(views(app), given.get("view")) ?? app.home,
            });
            if (app.film && given.has("frame")) app.film.goToStep(Number(given.get("frame")) || 0);
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

        text(language = Study.language.current) {
            const { app } = this;
            const { selected, position, view, card, colouring, chosenTheme, type } = app.session.values;
            const shown = new URLSearchParams();
            if (selected !== null) shown.set("node", app.study.nodes[selected].id);
            if (position !== app.run.last) shown.set("at", position);
            if (app.index > 0) shown.set("study", app.index + 1);
            if (view !== app.home && !card) shown.set("view", view);
            if (view === "film") shown.set("frame", app.film.frames[app.film.at].step);
            if (card) shown.set("panel", card);
            if (colouring !== this.usual.colouring) shown.set("colour", colouring);
            if (chosenTheme) shown.set("theme", chosenTheme);
            if (type !== "normal") shown.set("type", type);
            if (language !== Study.language.usual) shown.set("language", language);
            this.writeFolds(shown);
            const { network } = app;
            if (!network.atHome) shown.set("zoom", network.centre().map((value) => Number(value.toPrecision(4))).join(","));
            return shown.toString().replaceAll("%2C", ",");
        }

        /// Shows the same in another language.
        readIn(language) {
            window.location.hash = this.text(language);
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

    return { Address, shownStudy };
})();
