"""The playground: a slider moves, and the page shows what the library itself computes of the changed network."""
import math
import pathlib

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from study_page import SIZES, StudyPage

TOLERANCE = 1e-12
# What is drawn of each node that has a value.
NORMS = "app.study.nodes.filter(({ value }) => value).map(({ value, cotangent }) => [value.norm, cotangent.norm])"


def deviation(found, expected):
    """The largest difference, relative to the largest magnitude, or to 1 where all are smaller."""
    assert len(found) == len(expected)
    scale = max([1, *map(abs, expected)])
    return max([abs(a - b) / scale for a, b in zip(found, expected)], default=0)


class Playground(StudyPage):
    def open_playground(self, which, width=1280, height=800, fragment=""):
        self.open(which, width, height, fragment=fragment)
        self.wait_for_library()
        self.browser.find_element(By.ID, "view-playground").click()
        self.settle()

    def slider(self, name):
        return self.browser.find_element(By.CSS_SELECTOR, f"#playground input[aria-label='{name}']")

    def scale_W_to_its_end(self):
        """W times 3, by one key on one slider."""
        self.slider("W").send_keys(Keys.END)
        self.settle()

    def assert_shows(self, facts):
        """All numbers against the library's; returns the largest deviation."""
        played = self.js("""app.study.nodes.filter(({ value }) => value).map((node) => { const count = Study.tensors.count(node.shape), { library } = app.playground;
            return [Array.from(library.value(node.id, count)), Array.from(library.cotangent(node.id, count))]; })""")
        self.assertEqual(len(played), len(facts["nodes"]))
        largest = 0
        for (value, cotangent), node in zip(played, facts["nodes"]):
            largest = max(largest, deviation(value, node["value"]), deviation(cotangent, node["cotangent"]))
        figures = self.js("app.playground.figures")
        [ledger] = figures["ledgers"]
        largest = max(largest, deviation(ledger["norms"], facts["norms"]), deviation(ledger["shares"], facts["shares"]))
        for step, expected in zip(figures["spectrum"]["steps"], facts["singular_values"], strict=True):
            largest = max(largest, deviation(step["singular_values"], expected))
        largest = max(largest, deviation(figures["spectrum"]["exponents"], facts["exponents"]))
        self.assertLess(largest, TOLERANCE)
        # And what is drawn is that.
        for drawn, node in zip(self.js(NORMS), facts["nodes"], strict=True):
            for norm, name in zip(drawn, ["value", "cotangent"]):
                self.assertAlmostEqual(norm, math.hypot(*node[name]), delta=1e-11 * max(norm, 1))
        cells = self.js("Array.from(app.study.ledgers[0].norms.values, (decades) => 10 ** decades)")
        self.assertLess(deviation(cells, facts["norms"]), TOLERANCE)
        return largest


    def test_what_happens_when_W_grows(self):
        """One slider tells: values, cotangents, ledger, spectrum and loss of the network with another W, and back."""
        for which in ["playground", "playground_elman"]:
            self.open_playground(which)
            before = self.js(NORMS)
            loss = self.text("#playground-loss")
            self.scale_W_to_its_end()
            self.assertEqual(self.js("[...document.querySelectorAll('.play-slider.moved > span')].map((one) => one.textContent)"), ["W"])
            self.assertEqual(self.js("app.playground.changes.size"), 1)
            self.assert_shows(self.facts[which]["grown"])
            self.assertNotEqual(self.text("#playground-loss"), loss)
            self.assertIn(self.js("Study.numbers.text(arguments[0])", self.facts[which]["grown"]["J"]), self.text("#playground-loss"))

            self.js("app.session.set({ view: 'plots' })")
            self.settle()
            exponent = self.js("Study.numbers.text(arguments[0])", self.facts[which]["grown"]["exponents"][0])
            self.assertIn(exponent, self.text(".card[data-name='products']"))

            self.browser.find_element(By.ID, "playground-back").click()
            self.settle()
            self.assertEqual(self.js(NORMS), before)
            self.assertEqual(self.text("#playground-loss"), loss)
            exponent = self.js("Study.numbers.text(arguments[0])", self.facts[which]["recorded"]["exponents"][0])
            self.assertIn(exponent, self.text(".card[data-name='products']"))
            self.assertEqual(self.slider("W").get_attribute("value"), "1")

    def test_the_recording_played_unchanged_is_the_recording(self):
        self.open_playground("playground")
        self.js("void app.playground.changes.set('none', { node: null, change: null }), app.playground.apply()")
        self.assert_shows(self.facts["playground"]["recorded"])

    def test_a_gate_and_an_element_of_the_input(self):
        """Each gate of a packed bias has a slider; the input's follows the selected step."""
        self.open_playground("playground")
        labels = self.js("[...document.querySelectorAll('#playground input[type=range]')].map((one) => one.getAttribute('aria-label'))")
        for gate in ["input", "forget", "candidate", "output"]:
            self.assertIn(f"b {gate}", labels)
        forget = lambda: self.js("app.study.saturation.find(({ gate }) => gate.includes('forget')).mean[3]")
        before = forget()
        self.slider("b forget").send_keys(Keys.END)
        self.settle()
        self.assertGreater(forget(), max(before, 0.9))
        node = self.js("app.study.nodes.find(({ time, op }) => time === 2 && op === 'tanh').place")
        self.js("app.select(arguments[0])", node)
        self.settle()
        self.assertEqual(self.js("app.playground.chosen.at.map(({ value }) => value)"), ["2", "0", "0"])
        self.slider("element of the input").send_keys(Keys.END)
        self.settle()
        self.assertEqual(self.js("app.playground.changes.size"), 2)
        x = self.js("app.study.nodes.find(({ name }) => name === 'x').id")
        self.assertEqual(self.js("app.playground.library.value(arguments[0], 18)[6]", x), 4)
        # A step of the run is one of the recording.
        self.js("app.goTo(3)")
        self.assertFalse(self.js("app.playground.playing"))
        self.assertEqual(forget(), before)

    def test_fits_all_screens(self):
        for width, height in SIZES:
            for language in ["en", "ko"]:
                self.open_playground("playground", width, height, fragment=f"#language={language}")
                self.scale_W_to_its_end()
                self.nothing_sticks_out()
                self.assertTrue(self.browser.find_element(By.ID, "playground-back").is_displayed())
                folder = pathlib.Path(self.arguments.screenshots)
                folder.mkdir(parents=True, exist_ok=True)
                self.browser.save_screenshot(str(folder / f"playground_{width}_{language}.png"))

    def test_no_page_without_it_has_it(self):
        self.open("short")
        self.assertFalse(self.js("Study.playground || document.getElementById('view-playground')"))
