"use strict";
/// The language of the page's own texts: that of the link (#language=ko), else what the page was written with
/// (StudyOptions::language), else the first of the reader's languages that there is. The scripts say all texts in English; those
/// of other languages stand in tables, such as korean.js. Names of operations, parameters and labels are no texts; the
/// sentences of `explain`, which come with the data, are those of reasons.js.
Study.language = (() => {
    const tables = { en: {}, ko: Study.korean };
    const known = (language) => (Object.hasOwn(tables, language ?? "") ? language : undefined);
    const linked = () => known(new URLSearchParams(window.location.hash.slice(1)).get("language"));
    const written = known(document.documentElement.lang);
    const reader = navigator.languages.map((language) => known(language.split("-")[0])).find(Boolean);
    const usual = written ?? reader ?? "en";
    const current = linked() ?? usual;
    const other = current === "ko" ? "en" : "ko";
    document.documentElement.lang = current;

    /// say("Fit"), or with values say`${count} more`: the text in the page's language, in English where its table has none. The
    /// table calls the values {}, and in a translation that needs another order {1}, {2}.
    function say(strings, ...values) {
        const english = typeof strings === "string" ? strings : strings.join("{}");
        let next = 0;
        return (tables[current][english] ?? english).replace(/\{(\d?)\}/g, (_, place) => values[place ? place - 1 : next++]);
    }

    /// Puts what page.html says into the page's language.
    function translate(root) {
        const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, ({ parentElement }) => (parentElement.closest("script, pre, #title") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
        while (texts.nextNode()) {
            const english = texts.currentNode.data.trim();
            if (english !== "") texts.currentNode.data = texts.currentNode.data.replace(english, () => say(english));
        }
        for (const name of ["title", "aria-label", "placeholder"])
            for (const one of root.querySelectorAll(`[${name}]`)) one.setAttribute(name, say(one.getAttribute(name)));
    }
    if (current !== "en") translate(document.body);

    return { current, usual, other, linked, say };
})();
