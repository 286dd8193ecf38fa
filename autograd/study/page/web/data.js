"use strict";
/// Reads the page's JSON (see README.md beside this file in the sources) into what the other parts use. Nodes are
/// referred to by their place in `nodes`, which is the order of execution; `id` is what the tape calls them.
Study.read = (() => {
    /// The objects of a table: by key a column with the value of each, or with its place among the column's words; null
    /// where one has none.
    function rowsOf(table) {
        const rows = [];
        for (const [key, column] of Object.entries(table)) {
            const values = Array.isArray(column) ? column : column.at.map((place) => (place === null ? null : column.words[place]));
            values.forEach((value, k) => {
                rows[k] ??= {};
                if (value !== null) rows[k][key] = value;
            });
        }
        return rows;
    }

    /// The same objects with their tensors in the place of numbers; nodes that have the same share it.
    function withTensors(rows, keys, tensors) {
        for (const row of rows)
            for (const key of keys) if (row[key] !== undefined) row[key] = tensors[row[key]];
        return rows;
    }

    /// Answers by place; `from` says through which node the largest path comes to each.
    function whyOf(why, places) {
        if (!why) return null;
        const place = (id) => (id === null || id === undefined ? id : places.get(id));
        const answers = rowsOf(why.answers).map((answer) => [place(answer.id), { ...answer, gradient: Study.numbers.parse(answer.gradient), from: place(answer.from),
            rows: answer.rows.map(([text, decades = null, node = null, part = false]) => ({ text: why.texts[text], decades: Study.numbers.parse(decades), node: place(node), part })) }]);
        return { J: place(why.J), from: why.from.map(place), answers: new Map(answers) };
    }

    /// The equations by place.
    function equationsOf(table, places) {
        const equations = ({ id, ...both }) => Object.entries(both).map(([which, [left, ...sides]]) => [which, { left, sides }]);
        return new Map(rowsOf(table || {}).map((row) => [places.get(row.id), Object.fromEntries(equations(row))]));
    }

    /// The parameters' names, with their modules where several have the same.
    function parameterNames(nodes) {
        const parameters = nodes.filter((node) => node.kind === "parameter");
        const alike = (name) => parameters.filter((node) => node.name === name).length > 1;
        return new Map(parameters.map((node) => [node.place, alike(node.name) && node.module ? `${node.module}/${node.name}` : node.name]));
    }

    return (json) => {
        const cellsOf = (matrix) => ({ grid: matrix.grid, values: Study.tensors.elements(matrix) });
        const tensors = rowsOf(json.tensors);
        for (const tensor of tensors) tensor.grid ??= Study.tensors.folded(tensor);
        const given = withTensors(rowsOf(json.graph.nodes), ["value", "cotangent"], tensors);
        const places = new Map(given.map((node, place) => [node.id, place]));
        // A detached value is computed from what it was detached from, though no gradient goes back there.
        const inputsOf = (node) => (node.kind === "detached" ? [node.detached_from] : node.inputs);
        const nodes = given.map((node, place) => ({
            ...node,
            place,
            inputs: inputsOf(node).map((id) => places.get(id)).filter((input) => input !== undefined),
            leaf: inputsOf(node).length === 0,
            users: [],
            arriving: [], // indices of contributions to it, in the order of the sweep
            jacobians: [],
        }));
        for (const node of nodes) {
            // Results stand right behind the operation that made them.
            if (node.kind === "result" && node.inputs.length > 0) node.result = node.place - node.inputs[0] - 1;
            for (const input of new Set(node.inputs)) nodes[input].users.push(node.place);
        }

        const contributions = withTensors(rowsOf(json.contributions), ["tensor"], tensors)
            .filter((one) => places.has(one.node) && places.has(one.input))
            .map((one) => ({ ...one, node: places.get(one.node), input: places.get(one.input) }));
        contributions.forEach((one, index) => nodes[one.input].arriving.push(index));
        for (const one of withTensors(rowsOf(json.jacobians.list), ["tensor"], tensors))
            if (places.has(one.node)) nodes[places.get(one.node)].jacobians.push(one);

        const pulled = new Set(contributions.map((one) => one.node));
        const roots = json.roots
            ? json.roots.filter((id) => places.has(id)).map((id) => places.get(id))
            : nodes.filter((node) => pulled.has(node.place) && node.arriving.length === 0).map((node) => node.place);

        return {
            parameterNames: parameterNames(nodes),
            why: whyOf(json.why, places),
            equations: equationsOf(json.equations, places),
            title: json.title || Study.language.say("Untitled"),
            scalar: json.scalar,
            nodes,
            places,
            contributions,
            roots,
            formulas: json.formulas || [],
            largestJacobian: json.jacobians.largest,
            gradientNorms: json.gradient_norms || [],
            usedOutsideSteps: json.used_outside_steps || [],
            ledgers: (json.ledgers || []).map((one) => ({ ...one, norms: cellsOf(one.decades), shares: one.shares && cellsOf(one.shares) })),
            steps: json.steps || [],
            film: json.film || [],
            filmAxis: json.film_axis || "",
            spectrum: json.spectrum || null,
            saturation: json.saturation || [],
            play: json.play, // for the playground
        };
    };
})();

/// How nodes are called on the page.
Study.names = (() => {
    const glyphs = {
        add: "+", subtract: "−", multiply: "×", divide: "÷", negate: "−", sigmoid: "σ", sum: "Σ",
        less: "<", less_equal: "≤", pow: "xʸ", square: "x²", sqrt: "√", constant: "c", slice: "[ : ]",
    };
    /// What stands in the node's shape: a sign, a word, or for a constant whose elements are equal their value.
    const glyph = (node) => {
        if (node.kind === "result") return node.name || `[${node.result}]`;
        if (node.kind === "detached") return node.name || "detach";
        if (!node.leaf) return glyphs[node.op] || node.op;
        if (node.name) return node.name;
        const [low, high] = node.value ? Study.tensors.limits(node.value) : [NaN, NaN];
        return Number.isFinite(low) && low === high ? Study.numbers.text(low) : glyphs.constant;
    };
    /// What the user, or the cell, calls a node besides its operation.
    const own = (node) => node.name || node.gate || "";
    const title = (node) => (own(node) && own(node) !== node.op ? `${own(node)} · ${node.op}` : node.op);
    /// "multiply #33, encoder/t=0"
    const full = (node) => `${title(node)} #${node.id}${node.label ? `, ${node.label}` : ""}`;
    /// What stands for a node of another step of the same loop, so many steps later; and for those of all steps.
    const port = (distance) => `t ${distance < 0 ? "−" : "+"} ${Math.abs(distance)}`;
    const portOfAll = Study.language.say("all t");
    /// What a time step is called besides its number, with signs for what is not seen.
    const step = (study, time) => (study.steps[time] ?? "").replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥");
    /// The letter of what the next step takes: the user's name for it, or h or c; "" for what none takes.
    const state = (node) => node.name || node.state || "";
    return { glyph, own, title, full, port, portOfAll, step, state };
})();
