#!/usr/bin/python3
"""Opens study pages in headless Chromium and uses them as a reader would: by pointer and by keys. What has to be
shown comes from study_pages, which takes it from the tape."""
import argparse
import json
import pathlib
import sys
import time
import unittest

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from comparison_test import Comparison, Film
from language_test import Language
from network_test import Network
from playground_test import Playground
from plots_test import Plots
from questions_test import Questions
from screens_test import Screens
from study_page import StudyPage
from times_test import Times
from walk_test import Walk


class Use(StudyPage):
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

    def test_address_says_what_is_shown(self):
        node = self.facts["short"]["forget"]["id"]
        self.open("short", fragment=f"#node={node}&at=40")
        self.assertEqual((self.selected_id(), self.position()), (node, 40))
        self.press(Keys.ARROW_RIGHT)
        self.wait_for_address("at=41")

    def test_numbers_that_are_none(self):
        self.open("trouble")
        self.assertEqual(self.browser.title, "NaN & </script>")
        self.assertEqual(len(self.js("app.structure.lanes")), 2)
        self.search(f"#{self.facts['trouble']['J_id']}")
        self.assertIn("NaN", self.text("#panel-value"))

    def test_screenshots(self):
        """For people to look at; here only that something is drawn."""
        folder = pathlib.Path(self.arguments.screenshots)
        folder.mkdir(parents=True, exist_ok=True)
        for width, height in [(390, 844), (1280, 800), (1920, 1080)]:
            # In the dark those that show all there is.
            for which, dark in [*((one, False) for one in ["short", "long", "translator", "skips", "tokens", "directions", "shut"]), ("short", True)]:
                self.open(which, width, height, dark)
                shown = {"short": "forget", "long": "forget", "skips": "detached"}.get(which)
                node = self.facts[which][shown] if shown else self.facts[which].get("J_id", 0)
                self.search(f"#{node['id'] if shown == 'forget' else node}")
                if which == "translator":
                    self.press("f", "0")
                self.assertGreater(self.colours_drawn(), 50)
                name = f"{which}_{width}_{'dark' if dark else 'light'}"
                self.browser.save_screenshot(str(folder / f"{name}.png"))
                self.press("2")
                self.browser.save_screenshot(str(folder / f"{name}_plots.png"))
            for which, view in [("cells", "compare"), ("film", "film")]:
                self.open(which, width, height, fragment=f"#view={view}")
                self.browser.save_screenshot(str(folder / f"{which}_{width}.png"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["pages", "chromium", "driver", "screenshots"]:
        parser.add_argument(f"--{name}", required=True)
    parts = {"times": [Times], "screens": [Language, Playground, Screens]}
    parser.add_argument("--part", choices=[*parts, "rest"], default="rest", help="which tests to run; rest: all others")
    StudyPage.arguments, rest = parser.parse_known_args()
    others = [case for case in StudyPage.__subclasses__() if not any(case in part for part in parts.values())]
    chosen = [case.__name__ for case in parts.get(StudyPage.arguments.part, others)]
    StudyPage.begin()
    try:
        unittest.main(argv=[sys.argv[0], *rest], defaultTest=chosen)
    finally:
        StudyPage.end()
