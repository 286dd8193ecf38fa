#!/usr/bin/python3
"""Opens study pages in headless Chromium and uses them as a reader would: by pointer and by keys. What has to be
shown comes from study_pages, which takes it from the tape."""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import browser as chromium

ARGUMENTS = None


class StudyPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([ARGUMENTS.pages, cls.folder.name], check=True)
        cls.facts = json.loads((pathlib.Path(cls.folder.name) / "facts.json").read_text())
        cls.browser = chromium.start(ARGUMENTS.chromium, ARGUMENTS.driver, cls.folder.name + "/profile")

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        cls.folder.cleanup()

    def open(self, which, width=1280, height=800, dark=False, fragment=""):
        chromium.resize(self.browser, width, height, dark)
        self.browser.get("about:blank")
        self.browser.get("file://" + self.facts[which]["path"] + fragment)
        self.settle()

    def tearDown(self):
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])

    # Reading the page

    def settle(self):
        """Waits until what was asked for is drawn."""
        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));")

    def js(self, text, *arguments):
        return self.browser.execute_script("const app = Study.current; return " + text, *arguments)

    def text(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def place(self, node_id):
        return self.js("app.study.places.get(arguments[0])", node_id)

    def selected_id(self):
        return self.js("app.session.get('selected') === null ? null : app.study.nodes[app.session.get('selected')].id")

    def position(self):
        return self.js("app.session.get('position')")

    def tensor_shown(self, section):
        """The elements behind the heat map that a section of the panel has drawn, read off below the pointer."""
        canvas = self.browser.find_element(By.CSS_SELECTOR, section + " canvas")
        rows, columns = self.js("(() => { const node = app.study.nodes[app.session.get('selected')]; return node.value.grid; })()")
        return canvas, rows, columns

    def read_cell(self, section, row, column):
        canvas, rows, columns = self.tensor_shown(section)
        size = canvas.size
        x = (column + 0.5) * size["width"] / columns - size["width"] / 2
        y = (row + 0.5) * size["height"] / rows - size["height"] / 2
        ActionChains(self.browser).move_to_element_with_offset(canvas, int(x), int(y)).perform()
        readout = self.text(section + " .readout")
        return readout.split(" = ")[0], float(readout.split(" = ")[1].replace("−", "-"))

    def colours_drawn(self):
        return self.js("""(() => {
            const canvas = document.getElementById("network-canvas");
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(pixels.buffer)).size; })()""")

    # Using the page

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()
        self.settle()

    def click_node(self, node_id):
        where = self.js("app.network.positionOf(arguments[0])", self.place(node_id))
        ActionChains(self.browser).move_by_offset(0, 0).perform()
        body = self.browser.find_element(By.TAG_NAME, "html")
        width, height = self.js("[window.innerWidth, window.innerHeight]")
        ActionChains(self.browser).move_to_element_with_offset(
            body, round(where["x"] - width / 2), round(where["y"] - height / 2)).click().perform()
        self.settle()

    def search(self, query):
        self.press("/")
        self.press(query, Keys.ENTER)

    # Tests

    def test_needs_no_network(self):
        self.browser.get_log("performance")
        self.open("short")
        requests = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        urls = [one["params"]["request"]["url"] for one in requests if one["method"] == "Network.requestWillBeSent"]
        self.assertTrue(urls)
        for url in urls:
            self.assertRegex(url, r"^(file|data|about):")

    def test_opens_with_all_parts(self):
        self.open("short")
        self.assertEqual(self.browser.title, "LSTM, 5 time steps")
        for part in ["#cell-canvas", "#network-canvas", "#panel", "#position", "#strip"]:
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, part).is_displayed(), part)
        self.assertIn(f"{self.facts['short']['nodes']} nodes", self.text("#panel"))
        self.assertEqual(self.js("app.structure.steps"), [0, 1, 2, 3, 4])

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

    def test_click_fills_the_panel(self):
        self.open("short")
        fact = self.facts["short"]["forget"]
        self.search(f"#{fact['id']} sigmoid")
        self.press(Keys.ESCAPE)
        self.assertIsNone(self.selected_id())
        self.click_node(fact["id"])
        self.assertEqual(self.selected_id(), fact["id"])
        self.assertIn("sigmoid", self.text("#panel-title"))
        self.assertIn("y = ", self.text("#panel-equation"))
        self.assertIn("gets g", self.text("#panel-equation"))
        self.assertEqual(self.text("#panel-shape"), "[2, 6]")
        self.assertRegex(self.text("#panel-source"), r"^lstm_cell\.hpp:\d+$")
        for section, name in [("#panel-value", "value"), ("#panel-cotangent", "cotangent")]:
            for row, column in [(0, 0), (1, 4), (0, 5)]:
                where, shown = self.read_cell(section, row, column)
                self.assertEqual(where, f"[{row}, {column}]")
                expected = fact[name][6 * row + column]
                self.assertLess(abs(shown - expected), 1e-6 * abs(expected) + 1e-12)

    def test_local_jacobian_of_a_sigmoid(self):
        self.open("short")
        fact = self.facts["short"]["forget"]
        self.search(f"#{fact['id']}")
        self.assertIn("Local Jacobian", self.text("#panel-jacobians"))
        slopes = self.js("[...Study.tensors.elements(app.study.nodes[app.session.get('selected')].jacobians[0].tensor)]")
        for row in range(12):
            for column in range(12):
                y = fact["value"][row]
                expected = y * (1 - y) if row == column else 0
                self.assertAlmostEqual(slopes[12 * row + column], expected, places=6)

    def test_forward_then_backward(self):
        self.open("short")
        forward, last = self.js("[app.run.forward, app.run.last]")
        self.assertEqual(self.position(), last)
        self.press(Keys.HOME)
        self.assertEqual(self.position(), 0)
        self.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        self.assertEqual(self.position(), 3)
        self.assertIn("forward 3", self.text("#counter"))
        self.press(Keys.ARROW_LEFT)
        self.assertEqual(self.position(), 2)
        self.assertEqual(self.js("app.run.phase(app.study.roots[0], 2)"), "waiting")
        self.press("t", Keys.ARROW_RIGHT)
        self.assertEqual(self.position(), forward + 1)
        self.assertEqual(self.selected_id(), self.facts["short"]["J_id"])
        self.browser.find_element(By.ID, "forward").click()
        self.assertEqual(self.position(), forward + 2)

    def test_a_cotangent_before_and_after_a_contribution(self):
        """The output of a step goes to the loss and to the next step: its cotangent arrives in parts."""
        self.open("short")
        fact = self.facts["short"]["output"]
        place = self.place(fact["id"])
        arrivals = self.js("app.study.nodes[arguments[0]].arriving.map((index) => app.run.arrivedAt[index])", place)
        self.assertEqual(len(arrivals), 2)
        norms = []
        for count, at in enumerate(arrivals):
            self.js("app.goTo(arguments[0])", at)
            self.settle()
            self.assertIn(f"Contribution {count + 1} of 2", self.text("#panel-cotangent"))
            figures = [figure.text.split()[0] for figure in self.browser.find_elements(By.CSS_SELECTOR, "#panel-cotangent figure")]
            self.assertEqual(figures, ["before", "+", "="])
            norms += [self.text("#norm-before"), self.text("#norm-after")]
        self.assertEqual(norms[0], "0")
        self.assertEqual(norms[1], norms[2])
        self.assertNotEqual(norms[2], norms[3])
        after = self.js("[...Study.tensors.elements(app.run.cotangent(arguments[0], arguments[1]))]", place, arrivals[1])
        parts = self.js("app.study.nodes[arguments[0]].arriving.map((index) => [...Study.tensors.elements(app.study.contributions[index].tensor)])", place)
        for i, expected in enumerate(fact["cotangent"]):
            self.assertAlmostEqual(after[i], expected, places=7)
            self.assertAlmostEqual(parts[0][i] + parts[1][i], expected, places=7)
        self.assertTrue(all(any(abs(element) > 1e-6 for element in part) for part in parts))

    def test_every_cotangent_is_the_sum_of_its_contributions(self):
        for which in ["short", "larger"]:
            self.open(which)
            worst = self.js("""(() => {
                let worst = 0;
                for (const node of app.study.nodes) {
                    if (!node.cotangent || node.arriving.length === 0) continue;
                    const whole = Study.tensors.elements(node.cotangent);
                    const sum = Study.tensors.elements(Study.tensors.sum(node.arriving.map((index) => app.study.contributions[index].tensor)));
                    const size = Math.max(...whole.map(Math.abs));
                    whole.forEach((value, i) => (worst = Math.max(worst, size > 0 ? Math.abs(value - sum[i]) / size : 0)));
                }
                return worst;
            })()""")
            self.assertLess(worst, 1e-5)

    def test_every_moment_of_the_run_and_every_node_is_shown(self):
        """Whatever is shown must not fail: tearDown finds errors in the console."""
        for which in ["short", "trouble", "few", "small", "translator", "skips"]:
            self.open(which)
            moments = self.js("""(() => {
                const shown = new Set();
                for (let at = 0; at <= app.run.last; ++at) {
                    app.goTo(at);
                    app.panel.show();
                    app.network.draw();
                    app.cells.draw();
                    shown.add(document.getElementById("moment").textContent);
                }
                for (const node of app.study.nodes) {
                    app.select(node.place);
                    app.panel.show();
                }
                return [shown.size, app.run.last];
            })()""")
            self.assertGreater(moments[0], moments[1] / 3)

    def test_play(self):
        self.open("short")
        Select(self.browser.find_element(By.ID, "speed")).select_by_value("400")
        self.browser.find_element(By.ID, "network-canvas").click()
        self.press(Keys.HOME, " ")
        deadline = time.monotonic() + 20
        while self.position() != self.js("app.run.last") and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.position(), self.js("app.run.last"))
        self.assertEqual(self.browser.find_element(By.ID, "play").get_attribute("aria-label"), "Play")

    def test_slider(self):
        self.open("short")
        slider = self.browser.find_element(By.ID, "position")
        ActionChains(self.browser).move_to_element(slider).click().perform()
        self.settle()
        middle = self.js("app.run.last") / 2
        self.assertLess(abs(self.position() - middle), 3)

    def test_search(self):
        self.open("long")
        self.press("/")
        self.press("tanh", " ", "t=150")
        found = [option.text for option in self.browser.find_elements(By.CSS_SELECTOR, "#results li")]
        self.assertEqual(len(found), 2)
        self.assertTrue(all("tanh" in text and "t=150" in text for text in found))
        self.press(Keys.ENTER)
        self.assertEqual(self.js("app.study.nodes[app.session.get('selected')].label"), "t=150")
        self.search("J")
        self.assertEqual(self.selected_id(), self.facts["long"]["J_id"])
        self.assertAlmostEqual(float(self.text("#panel-value").split()[1]), self.facts["long"]["J"], places=12)
        self.press("/")
        self.press("no such node")
        self.assertEqual(self.text("#results"), "Nothing found")
        self.press(Keys.ESCAPE)

    def test_keys(self):
        self.open("short")
        node = self.facts["short"]["forget"]["id"]
        self.search(f"#{node}")
        before = self.selected_id()
        self.press("]")
        self.assertEqual(self.js("app.study.nodes[app.session.get('selected')].label"), "t=3")
        self.press("[")
        self.assertEqual(self.selected_id(), before)
        self.press(Keys.ARROW_DOWN)
        self.assertIn(self.selected_id(), self.js("app.study.nodes[arguments[0]].inputs.map((input) => app.study.nodes[input].id)", self.place(before)))
        self.press(Keys.ARROW_UP)
        self.assertEqual(self.selected_id(), before)
        self.press("e")
        self.assertEqual(self.js("app.folded.size"), 1)
        self.press("e", "c", "c")
        self.assertEqual(self.js("app.session.get('colouring')"), "cotangent")
        self.press("?")
        self.assertTrue(self.browser.find_element(By.ID, "help").is_displayed())
        self.assertIn("same node, one time step later", self.text("#help"))
        self.press(Keys.ESCAPE)
        self.assertFalse(self.browser.find_element(By.ID, "help").is_displayed())
        self.press(Keys.ESCAPE)
        self.assertIsNone(self.selected_id())

    def test_page_keys_go_by_time_step(self):
        self.open("short")
        self.press(Keys.HOME)
        times = []
        for _ in range(4):
            self.press(Keys.PAGE_DOWN)
            times.append(self.js("app.structure.tileOf[app.run.event(app.session.get('position')).node]?.time ?? null"))
        self.assertEqual([time for time in times if time is not None], sorted(time for time in times if time is not None))
        self.assertGreater(len(set(times)), 2)

    def test_tab_reaches_every_control(self):
        self.open("short")
        reached = set()
        for _ in range(40):
            self.press(Keys.TAB)
            reached.add(self.js("document.activeElement.id"))
        for name in ["search", "fold", "colouring", "network-canvas", "panel", "forward", "position", "speed", "theme"]:
            self.assertIn(name, reached)

    def test_themes(self):
        self.open("short", dark=True)
        self.assertEqual(self.js("document.documentElement.dataset.theme"), "dark")
        self.press("d")
        self.assertEqual(self.js("document.documentElement.dataset.theme"), "light")
        self.press("l")
        self.assertGreater(self.js("parseFloat(getComputedStyle(document.body).fontSize)"), 18)

    def test_plots(self):
        self.open("long")
        self.press("2")
        self.assertTrue(self.browser.find_element(By.ID, "plots").is_displayed())
        titles = [heading.text for heading in self.browser.find_elements(By.CSS_SELECTOR, "#plots h2")]
        self.assertIn("Gradient by time step", titles)
        self.assertIn("Saturation of the gates", titles)
        for title in ["Gradient ledger", "Jacobian of one step", "Jacobian over many steps"]:
            self.assertIn(title, titles)
        legends = self.text("#plots")
        self.assertIn(self.facts["long"]["flow"], legends)
        for gate in ["input", "forget", "candidate", "output"]:
            self.assertIn(gate, legends)
        self.press("1")
        self.assertTrue(self.browser.find_element(By.ID, "network").is_displayed())

    def test_ledger_is_read_off_its_plot(self):
        """Every cell of the plot, by pointer; the gradient that they make up is the one that the page shows of W."""
        self.open("short")
        fact = self.facts["short"]
        self.press("2")
        canvas = self.browser.find_element(By.CSS_SELECTOR, "#plots .matrix")
        largest, steps = 0, fact["time_steps"]
        left, below = (self.js(f"parseFloat(getComputedStyle(document.documentElement).fontSize) / 15 * {margin}") for margin in [46, 24])
        side = (canvas.size["width"] - left - 1) / steps
        for loss in range(steps):
            for use in range(loss + 1):
                x = left + (use + 0.5) * side - canvas.size["width"] / 2
                y = (loss + 0.5) * side - canvas.size["height"] / 2
                ActionChains(self.browser, duration=0).move_to_element_with_offset(canvas, int(x), int(y)).perform()
                where, shown = self.text("#plots .matrix-plot .readout").split(": ")
                self.assertEqual(where, f"loss at t={loss}, use at k={use}")
                largest = max(largest, float(shown))
        self.assertLess(abs(largest - fact["largest_pair"]), 1e-2 * largest)
        shown = self.js("Study.tensors.norm(app.study.nodes[arguments[0]].cotangent)", self.place(fact["W"]["id"]))
        self.assertAlmostEqual(shown, fact["ledger_total"], places=12)

    def test_plots_grow_with_large_type(self):
        self.open("short")
        self.press("2")
        before = self.browser.find_element(By.CSS_SELECTOR, "#plots .matrix").size["width"]
        self.press("l")
        after = self.browser.find_element(By.CSS_SELECTOR, "#plots .matrix").size["width"]
        self.assertGreater(after, 1.2 * before)

    def test_every_line_of_a_plot_has_its_own_look(self):
        self.open("short")
        looks = self.js("""(() => {
            const series = [...Array(20).keys()].map((k) => ({ name: `${k}`, points: [[0, k], [1, k]] }));
            const plot = Study.linePlot.plot(series, {});
            return [...plot.querySelectorAll(".series")].map((line) => line.getAttribute("stroke") + line.getAttribute("stroke-dasharray")); })()""")
        self.assertEqual(len(set(looks)), 20)

    def test_parameters_of_one_name_are_told_apart(self):
        self.open("trouble")
        self.press("2")
        legend = self.text("#plots .series-legend")
        self.assertIn("lower/W", legend)
        self.assertIn("upper </script><!--/W", legend)
        self.assertIn("lower/U, lower/b, upper", self.text("#outside-steps"))
        self.assertNotIn("/W", self.text("#outside-steps"))

    def test_keys_scroll_what_can_be_scrolled(self):
        self.open("short", fragment="#at=20")
        self.press("2", Keys.PAGE_DOWN)
        time.sleep(0.5)
        self.assertGreater(self.js("document.getElementById('plots').scrollTop"), 100)
        self.press(Keys.HOME, Keys.ARROW_RIGHT, " ", Keys.END)
        self.assertEqual(self.position(), 20)
        self.press("1")
        self.search(f"#{self.facts['short']['forget']['id']}")
        self.js("document.getElementById('panel').focus()")
        self.press(Keys.END)
        time.sleep(0.5)
        self.assertGreater(self.js("document.getElementById('panel').scrollTop"), 100)
        self.assertEqual(self.position(), 20)
        self.js("document.getElementById('network-canvas').focus()")
        self.press(Keys.END)
        self.assertEqual(self.position(), self.js("app.run.last"))

    def test_an_encoder_and_its_decoder(self):
        """Two loops whose steps have the same labels: six steps, the decoder's behind the encoder's."""
        self.open("translator")
        self.assertEqual(self.js("app.structure.lanes"), ["loop 1", "loop 2"])
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

    def test_norms_made_on_the_page_do_not_underflow(self):
        self.open("skips")
        partial = self.js("""(() => {
            for (let at = app.run.forward + 1; at < app.run.last; ++at) {
                const place = app.run.event(at).node;
                const made = app.run.phase(place, at) === "partial" && app.run.arrived(place, at) > 0 && app.run.seededAt.get(place) === undefined;
                const node = app.study.nodes[place];
                if (made && node.arriving.length === 2) return Study.tensors.norm(Study.tensors.sum([app.run.cotangent(place, at), app.run.cotangent(place, at)]));
            }
            return 0; })()""")
        self.assertGreater(partial, 1e-203)
        self.assertLess(partial, 1e-197)

    def test_local_jacobians_of_larger_nodes(self):
        """Of a gate its slopes; of a product why there is none, and how to get it."""
        self.open("larger")
        fact = self.facts["larger"]["forget"]
        self.search(f"#{fact['id']}")
        self.assertIn("element by element", self.text("#panel-jacobians"))
        slopes, elements = self.js("""(() => { const tensor = app.study.nodes[app.session.get('selected')].jacobians[0].tensor;
            return [[tensor.min, tensor.max], tensor.shape]; })()""")
        expected = [y * (1 - y) for y in fact["value"]]
        self.assertEqual(elements, fact["shape"])
        self.assertAlmostEqual(slopes[0], min(expected), places=12)
        self.assertAlmostEqual(slopes[1], max(expected), places=12)
        self.search("matmul")
        self.assertIn("local_jacobians(tape, ", self.text("#panel-jacobians"))

    def test_leaves_alone(self):
        self.open("leaves")
        self.assertIn("no operation", self.text("#nothing"))
        self.assertNotIn("NaN", self.js("String(Object.values(app.network.scene.bounds)) + app.network.canvas.__zoom"))
        self.search("x")
        self.assertIn("2", self.text("#panel-value"))

    def test_a_long_chain_without_labels_opens(self):
        seconds = []
        for _ in range(2):
            self.browser.get("about:blank")
            begin = time.monotonic()
            self.open("chain")
            seconds.append(time.monotonic() - begin)
        self.assertLess(min(seconds), 3)
        self.assertEqual(self.js("app.structure.tiles.length"), 1)
        self.assertGreater(self.colours_drawn(), 50)
        self.press("0")
        self.assertGreater(self.colours_drawn(), 50)
        ys = self.js("app.layouts.of(app.structure.tiles[0]).members.map((box) => box.y)")
        self.assertEqual(ys, sorted(ys, reverse=True))
        self.assertGreater(len(ys), 5000)
        self.search(f"#{self.facts['chain']['J_id']}")
        self.assertEqual(self.selected_id(), self.facts["chain"]["J_id"])

    def test_address_says_what_is_shown(self):
        node = self.facts["short"]["forget"]["id"]
        self.open("short", fragment=f"#node={node}&at=40")
        self.assertEqual((self.selected_id(), self.position()), (node, 40))
        self.press(Keys.ARROW_RIGHT)
        self.assertIn("at=41", self.browser.current_url)

    def test_numbers_that_are_none(self):
        self.open("trouble")
        self.assertEqual(self.browser.title, "NaN & </script>")
        self.assertEqual(len(self.js("app.structure.lanes")), 2)
        self.search(f"#{self.facts['trouble']['J_id']}")
        self.assertIn("NaN", self.text("#panel-value"))

    def test_five_thousand_nodes_open_in_two_seconds(self):
        self.assertGreater(self.facts["thousands"]["nodes"], 5000)
        seconds = []
        for _ in range(3):
            self.browser.get("about:blank")
            begin = time.monotonic()
            self.open("thousands")
            seconds.append(time.monotonic() - begin)
        self.assertLess(min(seconds), 2)

    def test_stays_usable_unfolded(self):
        self.open("thousands")
        self.press("f", "0")
        milliseconds = self.browser.execute_async_script("""
            const done = arguments[0], app = Study.current, begin = performance.now();
            let frames = 0;
            const frame = () => {
                app.network.scaleBy(frames % 2 ? 1.1 : 1 / 1.1);
                if (++frames < 20) requestAnimationFrame(frame);
                else done((performance.now() - begin) / frames);
            };
            requestAnimationFrame(frame);""")
        self.assertLess(milliseconds, 200)

    def test_screenshots(self):
        """For people to look at; here only that something is drawn."""
        folder = pathlib.Path(ARGUMENTS.screenshots)
        folder.mkdir(parents=True, exist_ok=True)
        for width, height in [(1280, 800), (1920, 1080)]:
            for dark in [False, True]:
                for which in ["short", "long", "translator", "skips"]:
                    self.open(which, width, height, dark)
                    shown = {"short": "forget", "long": "forget", "skips": "detached"}.get(which)
                    node = self.facts[which][shown] if shown else self.facts[which]["J_id"]
                    self.search(f"#{node['id'] if shown == 'forget' else node}")
                    if which == "translator":
                        self.press("f", "0")
                    self.assertGreater(self.colours_drawn(), 50)
                    name = f"{which}_{width}_{'dark' if dark else 'light'}"
                    self.browser.save_screenshot(str(folder / f"{name}.png"))
                    self.press("2")
                    self.browser.save_screenshot(str(folder / f"{name}_plots.png"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["pages", "chromium", "driver", "screenshots"]:
        parser.add_argument(f"--{name}", required=True)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
