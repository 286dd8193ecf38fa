"use strict";
/// What the user has chosen, and who wants to know when it changes.
Study.session = (() => {
    class Session {
        constructor(initial) {
            this.values = { ...initial };
            this.listeners = [];
        }
        get(name) {
            return this.values[name];
        }
        /// Sets several values at once; listeners hear which of them are new.
        set(values) {
            const changed = Object.keys(values).filter((name) => this.values[name] !== values[name]);
            if (changed.length === 0) return;
            Object.assign(this.values, values);
            for (const { names, listener } of this.listeners)
                if (names.some((name) => changed.includes(name))) listener(this.values);
        }
        on(names, listener) {
            this.listeners.push({ names, listener });
        }
    }
    return { Session };
})();
