"use strict";
/// What `explain` says in the page's language. It comes with the data in English; a language has a table of its patterns, in which
/// {} are the values, and the values of a sentence may be sentences, too: "saturated: {} changes it by {}; 98 % of its values ..".
Study.reasons = (() => {
    const tables = { ko: Study.koreanReasons };
    // Names of nodes have their places in parentheses, which no value ends within, nor has one a semicolon; a value right behind
    // another is what was seen there, if anything was: "; its slope is 0".
    const value = "((?:\\((?:[^()]|\\([^()]*\\))*\\)|(?!; )[^()])+?)";
    const seen = "((?:; .*)?)";
    const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

    /// The patterns of a table, those with most words first.
    function read(table) {
        return Object.entries(table ?? {}).map(([english, text]) => {
            const parts = english.split("{}");
            const expression = parts.map((part, k) => (k === 0 ? "" : k > 1 && parts[k - 1] === "" ? seen : value) + literal(part)).join("");
            return { expression: new RegExp(`^${expression}$`), text, words: parts.join("").length };
        }).sort((a, b) => b.words - a.words);
    }
    const patterns = read(tables[Study.language.current]);
    const known = new Map();

    function translated(english) {
        if (english.startsWith("; ") && !/^; and \d+ more$/.test(english)) return `; ${say(english.slice(2))}`;
        for (const { expression, text } of patterns) {
            const found = expression.exec(english);
            if (!found) continue;
            let next = 0;
            return text.replace(/\{(\d?)\}/g, (_, place) => say(found[place ? Number(place) : ++next]));
        }
        return english;
    }

    /// The sentence in the page's language; one that no pattern fits stays English.
    function say(english) {
        if (patterns.length === 0 || english === "") return english;
        if (!known.has(english)) known.set(english, translated(english));
        return known.get(english);
    }

    return { say };
})();
