"use strict";
// The page's own scripts share one global, `Study`; each file adds the part that it is named after.
var Study = {};

/// Small helpers to build elements.
Study.dom = (() => {
    /// An element: `element("p", { class: "hint" }, "text", child)`. A function among the attributes listens to the
    /// event of its name; null and undefined attributes and children are left out.
    function element(tag, attributes = {}, ...children) {
        const made = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes)) {
            if (typeof value === "function") made.addEventListener(name, value);
            else if (value !== null && value !== undefined) made.setAttribute(name, value);
        }
        made.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
        return made;
    }

    const byId = (id) => document.getElementById(id);

    /// The size of the page's type in pixels, which large type and large screens change.
    const baseSize = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

    /// A canvas sized for the screen's pixels, with a context that draws in CSS pixels.
    function sharpContext(canvas, width, height) {
        const ratio = window.devicePixelRatio || 1;
        canvas.width = Math.max(1, Math.round(width * ratio));
        canvas.height = Math.max(1, Math.round(height * ratio));
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
        const context = canvas.getContext("2d");
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        return context;
    }

    /// Calls `draw` once before the next frame, however often it is asked to.
    function perFrame(draw) {
        let pending = false;
        return () => {
            if (pending) return;
            pending = true;
            requestAnimationFrame(() => {
                pending = false;
                draw();
            });
        };
    }

    return { element, byId, baseSize, sharpContext, perFrame };
})();
