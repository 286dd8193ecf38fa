"use strict";
/// Search: by name, operation, label, source line or #number; every word has to be found.
Study.search = (() => {
    const { byId, element } = Study.dom;
    const { say } = Study.language;
    const most = 60;

    class Search {
        constructor(app) {
            this.app = app;
            this.field = byId("search");
            this.list = byId("results");
            this.texts = app.study.nodes.map((node) =>
                `#${node.id} ${Study.names.own(node)} ${node.op} ${node.kind} ${node.label || ""} ${node.file || ""}:${node.line || ""}`.toLowerCase());
            this.field.addEventListener("input", () => this.show());
            this.field.addEventListener("focus", () => this.show());
            this.field.addEventListener("keydown", (event) => this.key(event));
            document.addEventListener("pointerdown", (event) => {
                if (!this.list.contains(event.target) && event.target !== this.field) this.hide();
            });
        }

        find(query) {
            const words = query.toLowerCase().split(/\s+/).filter(Boolean);
            if (words.length === 0) return [];
            const { nodes } = this.app.study;
            const found = nodes.filter((node) => words.every((word) => this.texts[node.place].includes(word)));
            const exact = (node) => (node.name || "").toLowerCase() === words[0] || node.op === words[0] || `#${node.id}` === words[0];
            return [...found.filter(exact), ...found.filter((node) => !exact(node))];
        }

        show() {
            const found = this.find(this.field.value);
            this.at = 0;
            const options = found.slice(0, most).map((node) =>
                element("li", { role: "option", id: `result-${node.id}`, click: () => this.choose(node.place) },
                    element("span", { class: "glyph" }, Study.names.glyph(node)), ` ${Study.names.full(node)}`));
            if (this.field.value.trim() !== "" && found.length === 0) options.push(element("li", { class: "hint" }, say("Nothing found")));
            if (found.length > most) options.push(element("li", { class: "hint" }, say`and ${found.length - most} more`));
            this.list.replaceChildren(...options);
            this.list.hidden = options.length === 0;
            this.field.setAttribute("aria-expanded", String(!this.list.hidden));
            this.found = found.slice(0, most);
            this.mark();
        }

        mark() {
            [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === this.at && index < this.found.length)));
            this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
            if (this.found[this.at]) this.field.setAttribute("aria-activedescendant", `result-${this.found[this.at].id}`);
        }

        key(event) {
            if (event.key === "ArrowDown" || event.key === "ArrowUp") {
                event.preventDefault();
                const step = event.key === "ArrowDown" ? 1 : -1;
                this.at = Math.max(0, Math.min(this.found.length - 1, this.at + step));
                this.mark();
            } else if (event.key === "Enter" && this.found?.[this.at]) {
                this.choose(this.found[this.at].place);
            } else if (event.key === "Escape") {
                this.hide();
                this.field.blur();
            }
        }

        choose(place) {
            this.hide();
            this.field.blur();
            this.app.session.set({ view: "network" });
            this.app.select(place);
        }

        hide() {
            this.list.hidden = true;
            this.field.setAttribute("aria-expanded", "false");
        }
    }

    return { Search };
})();
