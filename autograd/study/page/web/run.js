"use strict";
/// The run of the network as a sequence of events: every operation of the forward pass, then the backward wave, one
/// contribution after another. At position p the first p events have happened.
Study.run = (() => {
    class Run {
        constructor(study) {
            this.study = study;
            this.events = [];
            this.computedAt = new Int32Array(study.nodes.length); // 0: from the start
            this.addForward();
            this.forward = this.events.length;
            this.addBackward();
            this.last = this.events.length;
        }

        addForward() {
            for (const node of this.study.nodes) {
                if (node.leaf) continue;
                // The results of one operation are there as soon as it has run.
                if (node.kind === "result") this.computedAt[node.place] = this.computedAt[node.inputs[0]] || 0;
                else this.computedAt[node.place] = this.events.push({ kind: "forward", node: node.place });
            }
        }

        addBackward() {
            const { roots, contributions } = this.study;
            this.seededAt = new Map();
            for (const root of roots) this.seededAt.set(root, this.events.push({ kind: "seed", node: root }));
            this.arrivedAt = contributions.map((one, index) =>
                this.events.push({ kind: "backward", node: one.input, from: one.node, contribution: index }));
        }

        /// What has happened last; null at the start.
        event(position) {
            return position > 0 ? this.events[position - 1] : null;
        }

        /// How many of a node's contributions have arrived.
        arrived(place, position) {
            const { arriving } = this.study.nodes[place];
            let [low, high] = [0, arriving.length]; // they arrive in their order
            while (low < high) {
                const middle = (low + high) >> 1;
                if (this.arrivedAt[arriving[middle]] <= position) low = middle + 1;
                else high = middle;
            }
            return low;
        }

        /// "waiting", "computed", and in the backward wave "partial" or "complete".
        phase(place, position) {
            if (this.computedAt[place] > position) return "waiting";
            if (position <= this.forward) return "computed";
            const { arriving } = this.study.nodes[place];
            const seeded = this.seededAt.get(place);
            if (arriving.length === 0) return seeded !== undefined && seeded <= position ? "complete" : "computed";
            const count = this.arrived(place, position);
            if (count === arriving.length) return "complete";
            return count > 0 || seeded <= position ? "partial" : "computed";
        }

        /// The cotangent of a node made of what has arrived by then; null before the first. Of a node whose cotangent
        /// the page was not given it is what is known of it.
        cotangent(place, position) {
            const node = this.study.nodes[place];
            const count = this.arrived(place, position);
            const complete = this.phase(place, position) === "complete";
            if (complete && node.cotangent) return node.cotangent;
            const tensors = (indices) => indices.map((index) => this.study.contributions[index].tensor);
            // A root starts with a seed, which is what the contributions leave of its cotangent.
            if (this.seededAt.get(place) <= position)
                return Study.tensors.difference(node.cotangent, tensors(node.arriving.slice(count)));
            return this.sumOfFirst(place, count, tensors);
        }

        /// The sum of a node's first contributions. Sums of many are kept, for the next one is one more.
        sumOfFirst(place, count, tensors) {
            const { arriving } = this.study.nodes[place];
            if (count < 3) return Study.tensors.sum(tensors(arriving.slice(0, count)));
            if (this.kept?.place !== place) this.kept = { place, sums: new Map() };
            const { sums } = this.kept;
            if (!sums.has(count)) {
                const [before] = [...sums.keys()].filter((one) => one < count).sort((a, b) => b - a);
                const begin = before === undefined ? [] : [sums.get(before)];
                sums.set(count, Study.tensors.sum([...begin, ...tensors(arriving.slice(before ?? 0, count))]));
                if (sums.size > 64) sums.delete(sums.keys().next().value);
            }
            return sums.get(count);
        }

        /// { before, contribution, after } of the node that the event at `position` hands something to.
        arrival(position) {
            const event = this.event(position);
            if (!event || event.kind !== "backward") return null;
            return {
                before: this.cotangent(event.node, position - 1),
                contribution: this.study.contributions[event.contribution].tensor,
                after: this.cotangent(event.node, position),
            };
        }

        /// The next position, in a direction, at which another time step is at work: in the backward wave the one whose
        /// rules run, whatever they hand something to.
        otherStep(position, direction, timeOf) {
            const time = (at) => timeOf(this.event(at)?.from ?? this.event(at)?.node);
            const begin = time(position);
            let at = position + direction;
            while (at > 0 && at < this.last && time(at) === begin) at += direction;
            return Math.max(0, Math.min(this.last, at));
        }
    }

    return { Run };
})();
