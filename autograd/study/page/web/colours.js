"use strict";
/// Colours, told apart also by the colour-blind. Values with a sign: blue below zero, orange above. Sizes: viridis.
Study.colours = (() => {
    const themes = {
        light: {
            paper: "#ffffff", tile: "#f4f5f3", tileEdge: "#d5d8d3", ink: "#1a1f24", soft: "#5b646d", edge: "#9aa2a9",
            node: "#ffffff", nodeEdge: "#3d464e", parameter: "#cfe8dd", parameterEdge: "#00754f",
            constant: "#e9eaec", forward: "#0b62b5", backward: "#b94a00", selected: "#1a1f24", path: "#7b2fb0",
            negative: "#1f5fae", zero: "#fbfbfa", positive: "#b94a00", missing: "#c2188b",
            series: ["#0b62b5", "#b94a00", "#00754f", "#8a4f9e", "#8a6a00", "#3d464e"],
        },
        dark: {
            paper: "#14181c", tile: "#1b2126", tileEdge: "#333c44", ink: "#eceff1", soft: "#a3aeb7", edge: "#6d7882",
            node: "#262e35", nodeEdge: "#a9b4bd", parameter: "#16453a", parameterEdge: "#5fc9a4",
            constant: "#343d45", forward: "#6cb4ff", backward: "#ff9c57", selected: "#ffffff", path: "#c79bff",
            negative: "#63b0ff", zero: "#1b2126", positive: "#ff9447", missing: "#ff5fc4",
            series: ["#6cb4ff", "#ff9c57", "#5fc9a4", "#cf9be0", "#e3c35a", "#c3ccd3"],
        },
    };

    const table = (size, colour) => Array.from({ length: size }, (_, i) => colour(i / (size - 1)));
    const sizes = table(256, Libraries.interpolateViridis);
    const signed = {};
    for (const [name, { negative, zero, positive }] of Object.entries(themes)) {
        const below = Libraries.interpolateLab(negative, zero);
        const above = Libraries.interpolateLab(zero, positive);
        signed[name] = table(257, (u) => (u < 0.5 ? below(2 * u) : above(2 * u - 1)));
    }

    const current = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");
    const clamp = (u) => Math.min(1, Math.max(0, u));

    return {
        theme: () => themes[current()],
        /// For u from -1 to 1.
        signed: (u) => signed[current()][Math.round(128 + 128 * Math.max(-1, Math.min(1, u)))],
        /// For u from 0 to 1.
        size: (u) => sizes[Math.round(255 * clamp(u))],
        /// Black or white, whichever reads better on it.
        textOnSize: (u) => (u > 0.55 ? "#101418" : "#ffffff"),
    };
})();
