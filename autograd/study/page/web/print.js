"use strict";
/// What is printed: the network as it is on the screen, the selected node, and all plots below.
Study.print = (() => {
    const { byId } = Study.dom;

    function listen(app) {
        let before = null;
        const begin = () => {
            if (before) return;
            before = { theme: app.session.get("theme") };
            app.session.set({ theme: "light" });
            Study.plots.show(app);
            app.panel.show();
            for (const view of [app.network, app.cells]) view.draw();
        };
        const end = () => {
            if (!before) return;
            app.session.set(before);
            before = null;
            app.showView();
        };
        window.addEventListener("beforeprint", begin);
        window.addEventListener("afterprint", end);
        window.matchMedia("print").addEventListener("change", ({ matches }) => (matches ? begin() : end()));
    }

    return { listen };
})();
