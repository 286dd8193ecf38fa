"use strict";
/// Reads the page's JSON (see README.md beside this file in the sources) into what the other parts use. Nodes are
/// referred to by their place in `nodes`, which is the order of execution; `id` is what the tape calls them.
Study.read = (json) => {
    const places = new Map(json.graph.nodes.map((node, place) => [node.id, place]));
    const nodes = json.graph.nodes.map((node, place) => ({
        ...node,
        place,
        inputs: node.inputs.map((id) => places.get(id)).filter((input) => input !== undefined),
        leaf: node.inputs.length === 0,
        detachedFrom: places.get(node.detached_from),
        users: [],
        arriving: [], // indices of contributions to it, in the order of the sweep
        jacobians: [],
    }));
    for (const node of nodes) {
        // Results stand right behind the operation that made them.
        if (node.kind === "result" && node.inputs.length > 0) node.result = node.place - node.inputs[0] - 1;
        for (const input of new Set(node.inputs)) nodes[input].users.push(node.place);
    }

    const contributions = (json.contributions || [])
        .filter((one) => places.has(one.node) && places.has(one.input))
        .map((one) => ({ ...one, node: places.get(one.node), input: places.get(one.input) }));
    contributions.forEach((one, index) => nodes[one.input].arriving.push(index));
    for (const one of json.jacobians || [])
        if (places.has(one.node)) nodes[places.get(one.node)].jacobians.push(one);

    const pulled = new Set(contributions.map((one) => one.node));
    const roots = json.roots
        ? json.roots.filter((id) => places.has(id)).map((id) => places.get(id))
        : nodes.filter((node) => pulled.has(node.place) && node.arriving.length === 0).map((node) => node.place);

    return {
        title: json.title || "Untitled",
        scalar: json.scalar,
        nodes,
        places,
        contributions,
        roots,
        formulas: json.formulas || [],
        gradientNorms: json.gradient_norms || [],
        ledgers: json.ledgers || [],
        spectra: json.spectra || null,
        saturation: json.saturation || [],
    };
};

/// How nodes are called on the page.
Study.names = (() => {
    const glyphs = {
        add: "+", subtract: "−", multiply: "×", divide: "÷", negate: "−", sigmoid: "σ", sum: "Σ",
        less: "<", less_equal: "≤", power: "xʸ", square: "x²", sqrt: "√", constant: "c", slice: "[ : ]",
    };
    /// What stands in the node's shape: a sign, a word, or for a constant whose elements are equal their value.
    const glyph = (node) => {
        if (node.kind === "result") return node.name || `[${node.result}]`;
        if (!node.leaf) return glyphs[node.op] || node.op;
        if (node.name) return node.name;
        const same = node.value && typeof node.value.min === "number" && node.value.min === node.value.max;
        return same ? Study.numbers.text(Study.numbers.parse(node.value.min)) : glyphs.constant;
    };
    const title = (node) => (node.name && node.name !== node.op ? `${node.name} · ${node.op}` : node.op);
    /// "multiply #33, encoder/t=0"
    const full = (node) => `${title(node)} #${node.id}${node.label ? `, ${node.label}` : ""}`;
    /// What stands for a node of the step before.
    const port = "t − 1";
    const portOfAll = "all t";
    return { glyph, title, full, port, portOfAll };
})();
