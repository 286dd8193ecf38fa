"use strict";
/// Equations in the Unicode notation of derivations, `∂J/∂a₂ = ∂J/∂h₂ ⊙ (1 - h₂²)`, as MathML, which browsers set by
/// themselves.
Study.typeset = (() => {
    const subscripts = new Map([..."₀₁₂₃₄₅₆₇₈₉₊₋ₜᵢⱼₖ"].map((sign, index) => [sign, [..."0123456789+−tijk"][index]]));
    const superscripts = new Map([..."⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ"].map((sign, index) => [sign, [..."0123456789+−⊤"][index]]));
    const functions = ["exp", "log", "sin", "cos", "tanh", "max", "min", "σ", "sum", "relu"];
    const operators = "+-−=⊙·×Σ∂≤≥≠≈→/,;:|‖";

    // Scripts are letters to Unicode, too.
    const letter = "(?:(?![ᵀₜᵢⱼₖ])\\p{L})";
    const letters = new RegExp(`^${letter}(?:${letter}|[\\d_])*`, "u");
    const name = `(?:${letter}(?:${letter}|[\\d_])*|#\\d+)(?:\\^(?:\\([^)]*\\)|(?:${letter}|\\d)+))?[′₀-₉₊₋ₜᵢⱼₖ]*`;
    const derivative = new RegExp(`^∂(${name})/∂(${name})`, "u");

    function math(tag, ...children) {
        const made = document.createElementNS("http://www.w3.org/1998/Math/MathML", tag);
        made.append(...children.flat());
        return made;
    }
    const row = (nodes) => (nodes.length === 1 ? nodes[0] : math("mrow", nodes));
    const sign = (text, attributes = {}) => {
        const made = math("mo", text === "-" ? "−" : text);
        for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
        return made;
    };
    const space = () => {
        const made = math("mspace");
        made.setAttribute("width", "0.25em");
        return made;
    };
    const isOperator = (node) => node?.localName === "mo" || node?.localName === "mspace";

    /// Reads a text from its front.
    class Reader {
        constructor(text) {
            this.rest = text;
            this.nodes = [];
            this.scripts = {}; // of the last node
        }

        take(pattern) {
            const found = this.rest.match(pattern);
            if (!found || found[0] === "") return null;
            this.rest = this.rest.slice(found[0].length);
            return found;
        }

        all() {
            while (this.rest !== "") this.one();
            return this.nodes;
        }

        put(node) {
            this.nodes.push(node);
            this.scripts = {};
        }

        one() {
            if (this.take(/^ +/)) {
                if (this.nodes.length > 0 && !isOperator(this.nodes.at(-1))) this.spaced = true;
                return;
            }
            // Between two factors stands a space, around a sign what signs have.
            if (this.spaced && !/^[+\-−=⊙·×/,;]/.test(this.rest)) this.put(space());
            this.spaced = false;
            const fraction = this.fraction();
            if (fraction) return this.put(fraction);
            if (this.take(/^√/)) return this.put(math("msqrt", row(this.group())));
            if (this.take(/^\^/)) return this.script("sup", row(this.group()));
            if (this.writeScripts("sub", subscripts) || this.writeScripts("sup", superscripts)) return;
            const inside = this.enclosed("(", ")");
            if (inside !== null) return this.put(math("mrow", sign("("), new Reader(inside).all(), sign(")")));
            const matrix = this.matrix();
            if (matrix) return this.put(matrix);
            this.put(this.word() ?? this.symbol());
        }

        word() {
            const number = this.take(/^\d+(\.\d+)?(e[+-]?\d+)?/);
            if (number) return math("mn", number[0]);
            const found = this.take(letters);
            if (!found) return null;
            const [name] = found;
            if (functions.includes(name)) return math("mi", name);
            const indexed = name.match(/^(.)_(.+)$/u);
            if (indexed) return math("msub", math("mi", indexed[1]), math("mtext", indexed[2]));
            if ([...name].length === 1) return math("mi", name);
            return this.rest.startsWith("(") ? math("mi", name) : math("mtext", name);
        }

        symbol() {
            const [character] = [...this.rest];
            this.rest = this.rest.slice(character.length);
            return operators.includes(character) ? sign(character) : math("mtext", character);
        }

        /// What a root or a power goes over.
        group() {
            const inside = this.enclosed("(", ")");
            if (inside !== null) return new Reader(inside).all();
            const word = this.word() ?? this.symbol();
            const scripts = this.take(/^[₀-₉₊₋ₜᵢⱼₖ]+/u);
            return [scripts ? math("msub", word, math("mn", [...scripts[0]].map((one) => subscripts.get(one)).join(""))) : word];
        }

        /// What stands between brackets, up to the one that closes them; null, and nothing taken, without them.
        enclosed(open, close) {
            if (!this.rest.startsWith(open)) return null;
            let depth = 0;
            for (let end = 0; end < this.rest.length; ++end) {
                depth += this.rest[end] === open ? 1 : this.rest[end] === close ? -1 : 0;
                if (depth > 0) continue;
                const inside = this.rest.slice(1, end);
                this.rest = this.rest.slice(end + 1);
                return inside;
            }
            return null;
        }

        /// `[1 2; 3 4]`; shapes, which have commas, are none.
        matrix() {
            const found = this.rest.match(/^\[([^,[\]]+)\]/);
            if (!found || !/[ ;]/.test(found[1]) && /^\d+$/.test(found[1])) return null;
            this.rest = this.rest.slice(found[0].length);
            const rows = found[1].split("; ").map((line) =>
                math("mtr", line.split(" ").map((cell) => math("mtd", row(new Reader(cell).all())))));
            return math("mrow", sign("[", { stretchy: "true" }), math("mtable", rows), sign("]", { stretchy: "true" }));
        }

        /// `∂J/∂a₂`
        fraction() {
            const found = this.take(derivative);
            if (!found) return null;
            const part = (text) => math("mrow", sign("∂"), new Reader(text).all());
            return math("mfrac", part(found[1]), part(found[2]));
        }

        writeScripts(which, signs) {
            const scripts = [];
            while (signs.has([...this.rest][0])) {
                scripts.push(signs.get([...this.rest][0]));
                this.rest = this.rest.slice([...this.rest][0].length);
            }
            if (scripts.length === 0) return false;
            const text = scripts.join("");
            this.script(which, /^\d+$/.test(text) ? math("mn", text) : row(scripts.map((one) => (/\d/.test(one) ? math("mn", one) : /[+−⊤]/.test(one) ? math("mo", one) : math("mi", one)))));
            return true;
        }

        /// Adds a subscript or a superscript to what was put last.
        script(which, script) {
            const base = this.nodes.pop() ?? math("mrow");
            const other = which === "sub" ? "sup" : "sub";
            const known = this.scripts[other];
            if (known && !this.scripts[which]) {
                const [sub, sup] = which === "sub" ? [script, known] : [known, script];
                this.nodes.push(math("msubsup", base.firstChild, sub, sup));
            } else {
                this.nodes.push(math(`m${which}`, base, script));
            }
            this.scripts = known && !this.scripts[which] ? { sub: script, sup: script } : { [which]: script };
        }
    }

    const expression = (text) => row(new Reader(text).all());

    /// `left = side = side`, each side on a line of its own, in a form that reads well in a narrow pane.
    function equation({ left, sides }) {
        const lines = sides.map((side, index) => math("mtr",
            math("mtd", ...(index === 0 ? [expression(left)] : [])), math("mtd", sign("=")), math("mtd", expression(side))));
        const table = math("mtable", lines);
        table.setAttribute("class", "equation-lines");
        return math("math", table);
    }

    /// The first side alone, on one line.
    const brief = ({ left, sides }) => math("math", math("mrow", expression(left), sign("="), expression(sides[0])));

    return { equation, brief, expression: (text) => math("math", expression(text)) };
})();
