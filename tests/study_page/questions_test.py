"""A student's questions to the study page, by the clicks that their answers take: at three sizes of the screen the answer
has to be in sight, without scrolling."""
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
            self.assertIn(answer["rows"][0], self.in_sight("#why-rows li"))
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
            for text, expected in zip(shown, answer["rows"]):
                self.assertTrue(text.startswith(expected), (text, expected))

    def test_the_path_is_lit(self):
        self.open("shut")
        answer = self.facts["shut"]["answers"]["state at 3"]
        self.js("app.select(arguments[0])", self.place(answer["node"]))
        path = self.js("app.pathOfSelected().map((place) => app.study.nodes[place].id)")
        self.assertEqual(path, answer["path"])
        purple = """(() => {
            const context = app.network.context, lit = [], stroke = context.stroke;
            context.stroke = function (...rest) { if (this.strokeStyle === Study.colours.theme().path) lit.push(1); return stroke.apply(this, rest); };
            app.network.draw();
            delete context.stroke;
            return lit.length; })()"""
        self.assertGreater(self.js(purple), 8)
        self.js("app.select(null)")
        self.assertEqual(self.js(purple), 0)

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
            self.assertIn("add up to the gradient", self.in_sight("[data-name='ledger'] .ledger-sum"))
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "[data-name='ledger'] .matrix").is_displayed())
        self.ask("shut", *SIZES[2])
        self.click("#pane-panel")
        self.click("#panel-gradients .node-link", "W")
        self.assertIn("add up to the gradient", self.text("#panel-ledger"))

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
            self.assertIn("∂", self.text("#panel-derivation .backward"))
            self.assertIn("Contributions to its cotangent", self.text("#panel"))

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
