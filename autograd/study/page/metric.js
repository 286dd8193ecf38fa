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

        ofNode(place) {
            return this.scaled(this.norms[place]);
        }

        /// Of what a tile hands to others: the root of the sum of their squares.
        ofTile(tile) {
            if (!this.tiles.has(tile)) this.tiles.set(tile, this.scaledTile(tile));
            return this.tiles.get(tile);
        }

        scaledTile(tile) {
            const leaving = tile.members.filter((place) =>
                this.study.nodes[place].users.some((user) => this.structure.tileOf[user] !== tile));
            const used = (leaving.length > 0 ? leaving : tile.members).map((place) => this.norms[place]);
            const present = used.filter((norm) => norm !== undefined);
            return this.scaled(present.length > 0 ? Math.hypot(...present) : undefined);
        }
    }

    return { Metric };
})();
