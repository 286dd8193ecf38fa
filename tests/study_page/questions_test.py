"""A student's questions to the study page, by the clicks that their answers take: at three sizes of the screen the answer
has to be in sight, without scrolling."""
import math
import re

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By

from study_page import SIZES, StudyPage


class Questions(StudyPage):
    def ask(self, which, width, height, fragment=""):
        self.open(which, width, height, fragment=fragment)
        self.clicks = 0

    def click(self, selector, text=None):
        """One click on what is in sight."""
        found = [one for one in self.browser.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed() and (text is None or one.text == text)]
        self.assertTrue(found, (selector, text))
        ActionChains(self.browser, duration=0).move_to_element(found[0]).click().perform()
        self.clicks += 1
        self.settle()
        self.settle()

    def click_at(self, x, y):
        body = self.browser.find_element(By.TAG_NAME, "html")
        width, height = self.js("[window.innerWidth, window.innerHeight]")
        ActionChains(self.browser, duration=0).move_to_element_with_offset(body, round(x - width / 2), round(y - height / 2)).click().perform()
        self.clicks += 1
        self.settle()
        self.settle()

    def click_time(self, time):
        """A time step, in the strip below the network."""
        left, top, width, height = self.js("(({ left, top, width, height }) => [left, top, width, height])(document.getElementById('strip').getBoundingClientRect())")
        steps = self.js("app.structure.steps.length")
        self.click_at(left + (time + 0.5) * width / steps, top + height / 2)

    def in_sight(self, selector):
        """The text of what lies on the screen, whole lines of it, whatever it lies in."""
        return self.js("""(() => {
            const one = document.querySelector(arguments[0]);
            if (!one || one.offsetParent === null) return "";
            let box = one.getBoundingClientRect();
            let [top, bottom] = [0, window.innerHeight];
            for (let room = one.parentElement; room; room = room.parentElement) {
                if (getComputedStyle(room).overflowY === "visible") continue;
                const frame = room.getBoundingClientRect();
                [top, bottom] = [Math.max(top, frame.top), Math.min(bottom, frame.bottom)];
            }
            return box.top >= top - 1 && box.bottom <= bottom + 1 && box.width > 0 ? one.textContent : ""; })()""", selector)

    def answer_of(self, key, which="long"):
        return self.facts[which]["answers"][key]

    def test_which_step_killed_my_gradient_and_why(self):
        """One click on a time step, or on a parameter: what `explain` says, to the letter."""
        for width, height in SIZES:
            self.ask("shut", width, height)
            self.click_time(3)
            self.assertEqual(self.clicks, 1)
            answer = self.facts["shut"]["answers"]["state at 3"]
            self.assertEqual(self.in_sight("#why-sentence"), answer["sentence"])
            self.assertIn(answer["rows"][0]["text"], self.in_sight("#why-rows li"))
            self.assertEqual(self.framed_steps("selected", 3.5), [3])
            if width > 400:
                self.ask("shut", width, height)
                self.click("#panel-gradients .node-link", "W")
                self.assertEqual(self.clicks, 1)
                self.assertEqual(self.in_sight("#why-sentence"), self.facts["shut"]["answers"]["W"]["sentence"])

    def test_all_reasons_are_those_of_explain(self):
        self.open("shut")
        for name, answer in self.facts["shut"]["answers"].items():
            self.js("app.select(arguments[0])", self.place(answer["node"]))
            self.js("app.panel.show()")
            self.assertEqual(self.text("#why-sentence"), answer["sentence"], name)
            shown = [row.text for row in self.browser.find_elements(By.CSS_SELECTOR, "#why-rows .reason")]
            self.assertEqual(len(shown), len(answer["rows"]))
            lines = self.browser.find_elements(By.CSS_SELECTOR, "#why-rows li")
            factors = [[number.text for number in row.find_elements(By.CSS_SELECTOR, ".numbers")] for row in lines]
            links = self.js("[...document.querySelectorAll('#why-rows .reason')].map((row) => row.querySelector('.node-link')?.textContent ?? null)")
            for text, factor, link, expected in zip(shown, factors, links, answer["rows"]):
                self.assertTrue(text.startswith(expected["text"]), (text, expected))
                self.assertEqual(link, None if expected["node"] is None else f"#{expected['node']}")
                if expected["decades"] is not None:
                    self.assertAlmostEqual(float("".join(factor).replace("\n", "").replace("−", "-")[2:]), expected["decades"], delta=0.06)
            for k, expected in enumerate(answer["rows"]):
                if expected["node"] is None:
                    continue
                self.js("app.select(arguments[0])", self.place(answer["node"]))
                self.js("app.panel.show()")
                self.browser.find_elements(By.CSS_SELECTOR, "#why-rows li")[k].find_element(By.CSS_SELECTOR, ".node-link").click()
                self.assertEqual(self.selected_id(), expected["node"])
                break

    def test_the_path_is_lit(self):
        self.open("shut")
        for answer in [*self.facts["shut"]["answers"].values(), self.facts["shut"]["answers"]["state at 3"]]:
            self.js("app.select(arguments[0])", self.place(answer["node"]))
            path = self.js("app.pathOfSelected().map((place) => app.study.nodes[place].id)")
            self.assertEqual(path, answer["path"])
        # Each edge of the path as explain has it, and no other, in an open network and around the steps of a folded one.
        lit = """(() => {
            const { context, scene } = app.network, { stroke } = context, lit = [];
            context.stroke = function (...rest) {
                if (this.strokeStyle === Study.colours.theme().path && rest.length > 0) lit.push(rest[0]);
                return stroke.apply(this, rest);
            };
            app.network.draw();
            delete context.stroke;
            const edge = ([from, to]) => {
                const tile = app.structure.tileOf[to];
                const links = (scene.linksFrom.get(from) || []).filter((link) => (link.to === to || link.port?.port) && link.tile === tile);
                return [...(app.folded.has(tile) ? [] : Study.paths.inside(scene, tile, from, to)), ...links.map((link) => Study.paths.ofLink(scene, link).line)];
            };
            const edges = arguments[0].map((hop) => edge(hop.map((id) => app.study.places.get(id))));
            return [lit.length, edges.flat().length, edges.map((list) => list.length > 0 && list.every((path) => lit.includes(path)))]; })()"""
        hops = [[after, before] for before, after in zip(answer["path"], answer["path"][1:])]
        self.js("app.setFolded([])")
        count, expected, found = self.js(lit, hops)
        self.assertGreater(len(hops), 8)
        self.assertTrue(all(found), found)
        self.assertEqual(count, expected)
        self.js("app.setFolded(app.foldable)")
        self.assertEqual(self.framed_steps("path", 4), sorted({time for time in answer["times"] if time is not None}))
        self.js("app.select(null)")
        self.assertEqual(self.js(lit, hops)[0], 0)

    def framed_steps(self, colour, width):
        """The folded time steps that have a frame of this colour of the theme and of this width."""
        boxes = self.js("""(() => {
            const [colour, width] = arguments, framed = [];
            const { context, scene } = app.network, { stroke, roundRect } = context;
            let box = null;
            context.roundRect = function (...rest) { box = rest; return roundRect.apply(this, rest); };
            context.stroke = function (...rest) {
                if (rest.length === 0 && this.strokeStyle === Study.colours.theme()[colour] && this.lineWidth === width) framed.push(box);
                return stroke.apply(this, rest);
            };
            app.network.draw();
            delete context.stroke;
            delete context.roundRect;
            const middle = (x, y, width, height) => [x + width / 2, y + height / 2].map(Math.round).join();
            return framed.map((one) => app.structure.tiles.find((tile) => {
                const { x, y, width, height } = scene.placed.get(tile);
                return middle(x, y, width, height) === middle(...one);
            }).time); })()""", colour, width)
        return sorted({time for time in boxes if time is not None})

    def test_which_gate_is_shut(self):
        """No click, and one to its step; a telephone has it among the plots."""
        for width, height in SIZES:
            self.ask("shut", width, height)
            if width > 400:
                self.assertIn("forget, t = 4 100 %", self.in_sight("#panel-gates"))
                self.click("#panel-gates .node-link", "forget, t = 4")
                self.assertEqual(self.js("(({ gate, time }) => [gate, time])(app.study.nodes[app.session.get('selected')])"), ["forget", 4])
            else:
                self.click("#pane-panel")
                self.assertIn("forget, t = 4 100 %", self.in_sight("#panel-gates"))
            self.assertEqual(self.clicks, 1)

    def test_how_the_gradient_splits_over_losses_and_uses(self):
        for width, height in SIZES[:2]:
            self.ask("shut", width, height)
            self.click("#view-plots")
            self.assertEqual(self.clicks, 1)
            self.assert_ledgers_sum(self.in_sight("[data-name='ledger'] .ledger-sum"))
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "[data-name='ledger'] .matrix").is_displayed())
        self.ask("shut", *SIZES[2])
        self.click("#pane-panel")
        self.click("#panel-gradients .node-link", "W")
        self.assert_ledgers_sum(self.text("#panel-ledger .ledger-sum"))

    def assert_ledgers_sum(self, said):
        norm, deviation = re.match(r"All entries add up to the gradient, of norm (\S+), within (\S+) of the largest", said).groups()
        self.assert_close(norm, self.facts["shut"]["ledger"]["gradient"])
        self.assertLess(float(deviation.replace("−", "-")), 1e-12)

    def test_the_plot_of_a_gate_that_is_shut(self):
        """Means and shares by step, under the pointer and as they are drawn."""
        self.open("shut", fragment="#view=plots")
        ends = self.js("""[...document.querySelectorAll("[data-name='gates'] .series-legend [data-text]")].map((one) => [one.dataset.text, one.querySelector(".swatch").style.background])""")
        self.assertIn("from above: share that is open", [text for text, _ in ends])
        for gate, expected in self.facts["shut"]["gates"].items():
            self.assertEqual(max(expected["low"]), 1 if gate == "forget" else 0)
            cards = self.browser.find_elements(By.CSS_SELECTOR, "[data-name='gates'] .gate")
            [card] = [one for one in cards if one.find_element(By.TAG_NAME, "h3").text.split()[0] == gate]
            plot = card.find_element(By.TAG_NAME, "svg")
            for t in [0, 4, 7]:
                self.js("""(() => {
                    const [plot, t] = arguments, { left, top, width } = plot.getBoundingClientRect();
                    plot.dispatchEvent(new PointerEvent("pointermove", { clientX: left + (30 + t / 7 * 262) / 300 * width, clientY: top + 20 })); })()""", plot, t)
                said = re.match(r"t = (\d): mean (\S+), open (\S+) %, shut (\S+) %$", card.find_element(By.CSS_SELECTOR, ".readout").text)
                self.assertEqual(int(said.group(1)), t)
                self.assert_close(said.group(2), expected["mean"][t])
                self.assertAlmostEqual(float(said.group(3)), 100 * expected["high"][t], delta=0.1)
                self.assertAlmostEqual(float(said.group(4)), 100 * expected["low"][t], delta=0.1)
            for name, level, direction, text in [("low", 110, -1, "from below: share that is shut"), ("high", 8, 1, "from above: share that is open")]:
                band = plot.find_element(By.CSS_SELECTOR, f".band.{name}")
                heights = [round(direction * (float(edge) - float(begin)) / 102, 3) for begin, edge in re.findall(r"M[^,]+,([\d.]+)V([\d.]+)", band.get_attribute("d"))]
                self.assertEqual(heights, [round(share, 3) for share in expected[name] if share > 0], (gate, name))
                self.assertTrue(all(float(begin) == level for begin in re.findall(r"M[^,]+,([\d.]+)V", band.get_attribute("d"))))
                self.assertEqual(self.js("((one) => ((one.style.background = arguments[0]), one.style.background))(document.createElement('p'))", band.get_attribute("fill")), dict(ends)[text])

    def test_what_is_this_gradient_made_of(self):
        """One click on the node: the terms of its cotangent, as equation and by norm."""
        for width, height in SIZES:
            self.ask("short", width, height, fragment=f"#node={self.facts['short']['output']['id']}")
            self.js("app.select(null)")
            self.settle()
            self.settle()
            where = self.js("app.network.positionOf(arguments[0])", self.place(self.facts["short"]["output"]["id"]))
            self.click_at(where["x"], where["y"])
            self.assertEqual(self.clicks, 1)
            self.assertEqual(self.selected_id(), self.facts["short"]["output"]["id"])
            # Its equations say its name and the norms of its value and of its cotangent.
            fact = self.facts["short"]["output"]
            size = lambda name: math.sqrt(sum(x * x for x in fact[name]))
            for line, left, norm in [("forward", "h3=", size("value")), ("backward", "∂J∂h3=", size("cotangent"))]:
                text = self.js("document.querySelector(arguments[0]).textContent.replace(/\\s/g, '')", f"#panel-derivation .{line}")
                self.assertTrue(text.startswith(left), text)
                self.assert_close(text.split("ofnorm")[1], norm)
            # What the product of the next step hands to it, and the stack of the outputs.
            self.assertIn("Contributions to its cotangent", self.text("#panel"))
            rows = self.js("[...document.querySelectorAll('#panel .bars li')].map((row) => [row.querySelector('.node-link').textContent, row.querySelector('button.numbers').textContent])")
            self.assertEqual(len(rows), 2)
            [handed] = [number for name, number in rows if name.endswith(f"#{fact['contributions']['product']}")]
            [rest] = [number for name, number in rows if name.startswith("stack #")]
            self.assert_close(handed, fact["contributions"]["handed"])
            self.assert_close(rest, fact["contributions"]["rest"])

    def test_equations_are_those_of_the_derivation(self):
        """MathML keeps every sign of the text; only what it sets by place, as scripts and fractions, loses its own."""
        plain = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋ₜᵢⱼₖ⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀ-", "0123456789+−tijk0123456789+−⊤−", " ;^/√")
        for which in ["short", "translator", "attention", "shut"]:
            self.open(which)
            pairs = self.js("""[...app.study.equations.values()].flatMap((both) => Object.values(both)).flatMap(({ left, sides }) => [left, ...sides])
                .map((text) => [text, Study.typeset.expression(text).textContent, Study.typeset.expression(text).querySelectorAll("mfrac").length])""")
            self.assertGreater(len(pairs), 100)
            for text, shown, fractions in pairs:
                self.assertEqual(shown.translate(plain), text.translate(plain), text)
                self.assertEqual(fractions, text.count("/∂"), text)

    def test_the_cells_equations(self):
        self.open("short")
        lines = self.browser.find_elements(By.CSS_SELECTOR, "#derivation .line")
        self.assertGreater(len(lines), 30)
        forget = self.facts["short"]["forget"]["id"]
        self.js("document.querySelector(`#derivation .line[data-node='${arguments[0]}']`).scrollIntoView()", forget)
        self.browser.find_element(By.CSS_SELECTOR, f"#derivation .line[data-node='{forget}']").click()
        self.settle()
        self.assertEqual(self.selected_id(), forget)
        self.assertIn("norm", self.text(f"#derivation .chosen"))
