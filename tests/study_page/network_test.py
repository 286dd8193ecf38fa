"""The network through time: its lanes, columns and tiles, and that large ones stay usable."""

from selenium.webdriver.common.keys import Keys

from study_page import StudyPage


class Network(StudyPage):
    def test_steps_of_a_cell_are_alike(self):
        self.open("long")
        steps = self.js("[...new Set(app.structure.tiles.filter((tile) => tile.time !== null).map((tile) => tile.key))].length")
        self.assertEqual(steps, 1)
        self.assertEqual(self.js("app.structure.cells.length"), 1)

    def test_folded_above_five_steps(self):
        self.open("short")
        self.assertEqual(self.js("app.folded.size"), 0)
        self.open("long")
        self.assertEqual(self.js("app.folded.size"), 200)
        self.press("f")
        self.assertEqual(self.js("app.folded.size"), 0)
        self.press("f")
        self.assertEqual(self.js("app.folded.size"), 200)

    def test_click_opens_one_time_step(self):
        self.open("long")
        self.click_node(self.facts["long"]["forget"]["id"])
        self.assertEqual(self.js("app.folded.size"), 199)
        self.click_node(self.facts["long"]["forget"]["id"])
        self.assertEqual(self.selected_id(), self.facts["long"]["forget"]["id"])

    def test_an_encoder_and_its_decoder(self):
        """Two loops whose steps have the same numbers: six steps, the decoder's behind the encoder's."""
        self.open("translator")
        self.assertEqual(self.js("app.structure.lanes"), ["encoder", "decoder"])
        self.assertEqual(self.js("app.structure.steps"), [0, 1, 2, 3, 4, 5])
        steps = self.js("app.structure.tiles.filter((tile) => tile.time !== null).map((tile) => [tile.row, tile.column, tile.title])")
        self.assertEqual(steps, [[0, 0, "t = 0"], [0, 1, "t = 1"], [0, 2, "t = 2"], [1, 3, "t = 0"], [1, 4, "t = 1"], [1, 5, "t = 2"]])
        self.assertEqual(self.js("app.structure.cells.map((cell) => cell.row)"), [0, 1])
        state = self.place(self.facts["translator"]["handed_over"])
        rows = self.js("app.study.nodes[arguments[0]].users.map((user) => app.structure.tileOf[user].row)", state)
        self.assertIn(1, rows)
        self.press("f")
        ports = self.js("app.network.scene.itemsFor(arguments[0]).filter((item) => item.port && item.tile.time !== null).map((item) => item.tile.column)", state)
        self.assertEqual(ports, [3])
        kinds = self.js("app.network.scene.links.filter((link) => link.from === arguments[0] && link.tile.column === 3).map((link) => link.kind)", state)
        self.assertEqual(kinds, ["next"])

    def texts_drawn(self, view="network"):
        """What the canvas of a view writes."""
        return self.js("""(() => {
            const view = app[arguments[0]], context = view.context, drawn = [], write = context.fillText;
            context.fillText = function (text, ...rest) { drawn.push(text); return write.call(this, text, ...rest); };
            view.draw();
            delete context.fillText;
            return drawn; })()""", view)

    def test_lanes_have_their_names(self):
        self.open("directions")
        lanes = ["lower/forward", "lower/backward", "upper/forward", "upper/backward"]
        self.assertEqual(sorted(self.js("app.structure.lanes")), sorted(lanes))
        for lane in lanes:
            self.assertIn(lane, self.texts_drawn())

    def test_gates_and_states_are_called_by_their_names(self):
        """Three sigmas are input, forget and output; h and c stand on the edges to the next step."""
        self.open("short")
        self.js("app.network.transformTo(app.network.scene.placed.get(app.structure.tiles[2]).x + 200, -200, 0.6)")
        for view in ["network", "cells"]:
            drawn = self.texts_drawn(view)
            for name in ["input", "forget", "candidate", "output", "h", "c"]:
                self.assertIn(name, drawn, view)
        self.search("forget t=2")
        self.assertEqual(self.selected_id(), self.facts["short"]["forget"]["id"])
        self.assertIn("forget · sigmoid", self.text("#panel-title"))
        self.press("f", "0")
        self.assertIn("h, c", {", ".join(sorted(text.split(", "), reverse=True)) for text in self.texts_drawn()})

    def test_one_press_is_one_time_step(self):
        """Also where one operation hands something to all steps, as the stack of the outputs does."""
        self.open("long")
        self.press("t")
        times = []
        for _ in range(5):
            self.press(Keys.PAGE_DOWN)
            times.append(self.js("(() => { const event = app.run.event(app.session.get('position')); return app.structure.tileOf[event.from ?? event.node]?.time ?? null; })()"))
        self.assertEqual(times, [199, 198, 197, 196, 195])

    def test_tokens(self):
        self.open("tokens")
        drawn = self.texts_drawn()
        for title in ["t = 0 h", "t = 1 i", "t = 2 ␣", "t = 3 ⏎", "t = 4 é"]:
            self.assertIn(title, drawn)
        self.assertEqual(self.js("app.strip.titles(40)"), ["h", "i", "␣", "⏎", "é"])
        self.press("2")
        titles = self.js("[...document.querySelectorAll('.step-title')].slice(0, 5).map((text) => text.textContent)")
        self.assertEqual(titles, ["h", "i", "␣", "⏎", "é"])

    def test_two_loops_under_one_label(self):
        self.open("twice")
        self.assertEqual(self.js("app.structure.lanes"), ["loop 1", "loop 2"])
        steps = self.js("app.structure.tiles.filter((tile) => tile.time !== null).map((tile) => [tile.row, tile.column, tile.title])")
        self.assertEqual(steps, [[0, 0, "t = 0"], [0, 1, "t = 1"], [0, 2, "t = 2"], [1, 3, "t = 0"], [1, 4, "t = 1"]])

    def test_the_sweeps_of_a_hessian_have_lanes_of_their_own(self):
        """What a recorded sweep adds stands in the time step that it belongs to: of four sweeps' lanes none is outside of time."""
        self.open("hessian")
        self.assertEqual(self.js("app.structure.lanes"), ["encoder", "adjoint/encoder 1", "adjoint/adjoint/encoder", "adjoint/encoder 2"])
        for row in range(4):
            times = self.js("app.structure.tiles.filter((tile) => tile.row === arguments[0] && tile.time !== null).map((tile) => tile.time)", row)
            self.assertEqual(sorted(times), [0, 1, 2, 3])
        outside = self.js("app.study.nodes.filter((node) => !node.leaf && app.structure.tileOf[node.place].time === null).length")
        self.assertLess(outside, self.facts["hessian"]["nodes"] / 4)
        for lane in ["encoder", "adjoint/adjoint/encoder"]:
            self.assertIn(lane, self.texts_drawn())
        self.search("tanh t=2")
        self.assertIn("encoder / t=2", self.text("#panel"))

    def test_a_port_says_how_many_steps_lie_between(self):
        self.open("skips")
        texts = self.js("""(() => {
            const context = app.network.context, drawn = [], write = context.fillText;
            context.fillText = function (text, ...rest) { drawn.push(text); return write.call(this, text, ...rest); };
            app.network.home();
            app.network.draw();
            return drawn; })()""")
        self.assertIn("t − 1", texts)
        self.assertIn("t − 2", texts)
        self.assertIn("detach", texts)

    def test_a_detached_value_is_computed_when_its_source_is(self):
        self.open("skips")
        [source, detached] = [self.place(self.facts["skips"][name]) for name in ["source", "detached"]]
        at = self.js("arguments[0].map((place) => app.run.computedAt[place])", [source, detached])
        self.assertLess(0, at[0])
        self.assertLess(at[0], at[1])
        self.assertEqual(self.js("app.run.phase(arguments[0], arguments[1])", detached, at[1] - 1), "waiting")
        dashed = self.js("app.layouts.of(app.structure.tileOf[arguments[0]]).edges.filter((edge) => edge.dashed).length", detached)
        self.assertEqual(dashed, 1)
        self.search(f"#{self.facts['skips']['detached']}")
        self.assertIn("detached from", self.text("#panel"))
        self.assertNotIn("Local Jacobian", self.text("#panel"))

    def test_leaves_alone(self):
        self.open("leaves")
        self.assertIn("no operation", self.text("#nothing"))
        self.assertNotIn("NaN", self.js("String(Object.values(app.network.scene.bounds)) + app.network.canvas.__zoom"))
        self.search("x")
        self.assertIn("2", self.text("#panel-value"))
