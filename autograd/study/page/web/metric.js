"use strict";
/// The size of values or cotangents as a colour: logarithmic, over what the network has, at most twelve decades.
Study.metric = (() => {
    class Metric {
        /// `name` is "value" or "cotangent".
        constructor(study, structure, name) {
            this.norms = study.nodes.map((node) => Study.tensors.norm(node[name]));
            const proper = this.norms.filter((norm) => norm > 0 && Number.isFinite(norm));
            this.empty = proper.length === 0;
            this.max = proper.reduce((best, norm) => Math.max(best, norm), 0) || 1;
            this.min = proper.reduce((best, norm) => Math.min(best, norm), this.max);
            this.min = Math.max(this.min, this.max * 1e-12);
            this.structure = structure;
            this.study = study;
            this.tiles = new Map(); // what was computed of them
        }

        /// From 0 to 1; null for zero and for what has no value, NaN for NaN.
        scaled(norm) {
            if (norm === undefined || norm === 0) return null;
            if (!Number.isFinite(norm)) return NaN;
            if (this.max === this.min) return 1;
            return Math.log(norm / this.min) / Math.log(this.max / this.min);
        }

        colour(scaled) {
            return Study.colours.size(scaled);
        }

        ink(scaled) {
            return Study.colours.textOnSize(scaled);
        }

        /// What stands at either end of the legend.
        get ends() {
            return this.empty ? [Study.language.say("none is finite and above 0"), ""] : [Study.numbers.text(this.min), Study.numbers.text(this.max)];
        }

        /// The colour at a place of the legend, from 0 to 1.
        at(u) {
            return Study.colours.size(u);
        }

        ofNode(place) {
            return this.scaled(this.norms[place]);
        }

        /// Of what a tile hands to others: the root of the sum of their squares.
        ofTile(tile) {
            if (!this.tiles.has(tile)) this.tiles.set(tile, this.scaledTile(tile));
            return this.tiles.get(tile);
        }

        scaledTile(tile) {
            return this.scaled(this.normOfTile(tile));
        }

        normOfTile(tile) {
            const leaving = tile.members.filter((place) =>
                this.study.nodes[place].users.some((user) => this.structure.tileOf[user] !== tile));
            const used = (leaving.length > 0 ? leaving : tile.members).map((place) => this.norms[place]);
            const present = used.filter((norm) => norm !== undefined);
            return present.length > 0 ? Math.hypot(...present) : undefined;
        }
    }

    /// Whether two studies are of the same recording, node by node.
    const haveSameNodes = (a, b) => a.nodes.length === b.nodes.length && a.nodes.every((node, k) => node.op === b.nodes[k].op && node.label === b.nodes[k].label);

    /// The size of a cotangent in the second of two studies, relative to the first: -1 to 1 over the decades there are.
    class Ratio extends Metric {
        constructor(studies, structure) {
            super(studies[0], structure, "cotangent");
            const of = (study) => study.nodes.map((node) => Study.tensors.norm(node.cotangent));
            const [a, b] = studies.map(of);
            this.both = [a, b];
            const decades = a.map((norm, place) => Math.log10(b[place] / norm)).filter(Number.isFinite);
            this.reach = Math.max(0.3, ...decades.map(Math.abs));
            this.empty = decades.length === 0;
        }

        ratio(a, b) {
            if (a === undefined || b === undefined || (a === 0 && b === 0)) return null;
            return Math.max(-1, Math.min(1, Math.log10(b / a) / this.reach)); // NaN stays
        }

        colour(scaled) {
            return Study.colours.signed(scaled);
        }

        ink(scaled) {
            return Study.colours.theme()[Math.abs(scaled) > 0.6 ? "paper" : "ink"];
        }

        get ends() {
            return [`×${Study.numbers.text(10 ** -this.reach)}`, `×${Study.numbers.text(10 ** this.reach)}`];
        }

        at(u) {
            return Study.colours.signed(2 * u - 1);
        }

        ofNode(place) {
            return this.ratio(this.both[0][place], this.both[1][place]);
        }

        ofTile(tile) {
            const norm = (norms) => {
                this.norms = norms;
                return this.normOfTile(tile);
            };
            return this.ratio(...this.both.map(norm));
        }
    }

    return { Metric, Ratio, haveSameNodes };
})();
