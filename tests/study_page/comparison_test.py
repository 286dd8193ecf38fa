"""Pages that compare two studies, and pages with a training as a film."""
import math
import re

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from study_page import SIZES, StudyPage


class Comparison(StudyPage):
    def row(self, parameter):
        return [cell.text for cell in self.browser.find_elements(By.CSS_SELECTOR, f".compared tr[data-parameter='{parameter}'] td")]

    def test_what_the_lstm_does_better(self):
        """No click: both on one scale, and how much of the gradient reaches the first step."""
        elman, lstm = (self.facts["cells"][name] for name in ["Elman", "LSTM"])
        for width, height in SIZES:
            self.open("cells", width, height)
            self.assertTrue(self.browser.find_element(By.ID, "compare").is_displayed())
            said = self.text("[data-name='compare-summary']")
            self.assertRegex(said, r"Elman: of the gradient by the last state, a factor of [\d.e−-]+ reaches the first, 9 steps before")
            self.assertIn("LSTM: of the gradient by the last state", said)
            self.assertLessEqual(self.js("document.getElementById('compare').scrollWidth"), width)
        self.assertAlmostEqual(float(self.row("W")[0].split()[0].replace("−", "-")) / elman["W"], 1, delta=0.01)
        self.assertAlmostEqual(float(self.row("W")[1].split()[0].replace("−", "-")) / lstm["W"], 1, delta=0.01)
        self.assertAlmostEqual(float(self.row("W")[2].split()[1].replace("−", "-")) / (lstm["W"] / elman["W"]), 1, delta=0.01)

    def test_what_clipping_changed(self):
        """No click: the same network after the same steps of training with and without clipping: J, the norms and their ratios, and
        the stripes of the gradient through time lie in sight."""
        unclipped, clipped = (self.facts["clipping"][name] for name in ["unclipped", "clipped"])
        self.assertGreater(self.facts["clipping"]["largest_norm"], 1)  # there was something to clip
        number = lambda text: float(text.replace("−", "-").replace("∞", "inf"))
        for width, height in SIZES:
            self.open("clipping", width, height)
            shown = self.js("""[...document.querySelectorAll("#compare .said li, #compare .compared td, #compare .stripes")]
                .filter((one) => { const { top, bottom } = one.getBoundingClientRect(); return top >= 0 && bottom <= window.innerHeight && one.offsetParent; }).map((one) => one.tagName)""")
            self.assertEqual({"LI", "TD", "CANVAS"} - set(shown), set(), (width, height))
        said = re.search(r"J is (\S+) with unclipped, (\S+) with clipped", self.text("[data-name='compare-summary']"))
        for shown, expected in zip(said.groups(), [unclipped["J"], clipped["J"]]):
            self.assertAlmostEqual(number(shown.rstrip(".")) / expected, 1, delta=0.01)
        row = self.row("W")
        for shown, expected in zip([row[0].split()[0], row[1].split()[0], row[2].split()[1]], [unclipped["W"], clipped["W"], clipped["W"] / unclipped["W"]]):
            self.assertAlmostEqual(number(shown) / expected, 1, delta=0.01)
        self.assertGreater(abs(math.log10(clipped["W"] / unclipped["W"])), 0.3)  # a difference to be seen

    def test_both_are_on_one_scale(self):
        self.open("cells")
        for name in ["states", "norms", "step", "products", "ledger-W"]:
            self.assertTrue(self.browser.find_elements(By.CSS_SELECTOR, f"[data-name='compare-{name}']"), name)
        plot = "[data-name='compare-states'] .line-plot "
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, plot + ".series")), 2)
        legends = [legend.text for legend in self.browser.find_elements(By.CSS_SELECTOR, "[data-name='compare-ledger-W'] .legend")]
        self.assertEqual(legends[0], legends[1])
        self.assertIn("×", legends[2])
        ratios = self.js("app.comparison.states.map((list) => list.map(([, norm]) => norm))")
        canvas = self.browser.find_element(By.CSS_SELECTOR, ".stripes")
        self.js("arguments[0].dispatchEvent(new PointerEvent('pointermove', { clientX: arguments[0].getBoundingClientRect().left + 3, clientY: arguments[0].getBoundingClientRect().top + 3 }))", canvas)
        readout = self.text(".stripes-plot .readout")
        self.assertIn("t = 0: Elman", readout)
        self.assertAlmostEqual(float(readout.split("× ")[1].replace("−", "-")) / (ratios[1][0] / ratios[0][0]), 1, delta=0.01)

    def test_each_study_is_a_click_away(self):
        self.open("cells")
        self.browser.find_elements(By.CSS_SELECTOR, "#studies button")[1].click()
        self.settle()
        self.settle()
        self.assertEqual(self.js("app.index"), 1)
        self.assertTrue(self.browser.find_element(By.ID, "network").is_displayed())
        self.assertIn("sigmoid", self.js("app.study.nodes.map((node) => node.op)"))
        self.assertFalse(self.browser.find_element(By.CSS_SELECTOR, "#colouring [value='difference']").is_enabled())
        self.browser.find_element(By.ID, "view-compare").click()
        self.settle()
        self.assertTrue(self.browser.find_element(By.ID, "compare").is_displayed())
        self.wait_for_address("study=2")

    def test_before_and_after_a_training(self):
        """Of one network the nodes themselves are compared, in colour."""
        self.open("cells", path="training", fragment="#view=network&colour=difference")
        self.assertEqual(self.js("app.session.get('colouring')"), "difference")
        worst = self.js("""(() => {
            const [a, b] = app.comparison.studies, metric = app.metrics.difference;
            return Math.max(...a.nodes.filter((node) => node.cotangent && node.cotangent.norm > 0).map((node) =>
                Math.abs(metric.ofNode(node.place) * metric.reach - Math.log10(b.nodes[node.place].cotangent.norm / node.cotangent.norm)))); })()""")
        self.assertLess(worst, 1e-9)
        self.assertTrue(self.text("#colour-low").startswith("×"))
        self.assertGreater(self.colours_drawn(), 50)
        for key in ["2", "1", "c", "d"]:
            self.press(key)

    def test_dark_and_large(self):
        self.open("cells", dark=True)
        self.press("l")
        self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, ".stripes").is_displayed())


class Film(StudyPage):
    def test_how_it_went_over_the_training(self):
        """One click, then a slider."""
        for width, height in SIZES:
            self.open("film", width, height)
            self.browser.find_element(By.ID, "view-film").click()
            self.settle()
            self.assertTrue(self.browser.find_element(By.ID, "frame").is_displayed())
            self.assertTrue(self.text("#frame-text").startswith("training step 40, loss "))
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "[data-name='film-loss'] .series").is_displayed())
            self.assertLessEqual(self.js("document.getElementById('frames').scrollWidth"), width)
        losses = self.js("app.study.film.map((frame) => frame.loss)")
        self.assertEqual(len(losses), 9)
        for shown, expected in zip(losses, self.facts["film"]["losses"]):
            self.assertLess(abs(shown - expected), 1e-3 * expected)
        for name in ["norms", "map", "gradients", "gates", "spectra"]:
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, f"[data-name='film-{name}']").is_displayed(), name)

    def test_the_slider_moves_through_it_on_axes_that_stay(self):
        self.open("film", fragment="#view=film")
        ticks = "[...document.querySelectorAll(\"[data-name='film-norms'] .grid text\")].map((text) => text.textContent)"
        drawn = "[...document.querySelectorAll(\"[data-name='film-norms'] .series\")].map((line) => line.getAttribute('d')).join()"
        before = self.js(ticks), self.js(drawn)
        slider = self.browser.find_element(By.ID, "frame")
        slider.send_keys(Keys.HOME)
        self.settle()
        self.assertTrue(self.text("#frame-text").startswith("training step 0, loss "))
        self.assertEqual(self.js(ticks), before[0])
        self.assertNotEqual(self.js(drawn), before[1])
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "[data-name='film-loss'] .at")), 1)
        slider.send_keys(Keys.ARROW_RIGHT)
        self.assertTrue(self.text("#frame-text").startswith("training step 5, loss "))
        self.wait_for_address("frame=5")
        self.open("film", fragment="#view=film&frame=20")
        self.assertTrue(self.text("#frame-text").startswith("training step 20, loss "))
        self.browser.find_element(By.ID, "play-film").click()
        deadline = 100
        while not self.text("#frame-text").startswith("training step 40") and deadline:
            self.settle()
            deadline -= 1
        self.assertTrue(self.text("#frame-text").startswith("training step 40"))

    def test_what_happens_when_W_grows(self):
        """One slider: the gradient of the first step, and the exponent, which says whether it vanishes."""
        exponents = self.facts["growing"]["exponents"]
        self.assertLess(exponents[0], 0)
        for width, height in SIZES:
            self.open("growing", width, height, fragment="#view=film")
            self.assertTrue(self.text("#frame-text").startswith("size of W in percent 200, loss "))
            first = "app.study.film.map((frame) => frame.norms.find(({ parameter }) => parameter === 'W').by_step.map(Number)[1])"
            reach = self.js(first)
            self.assertEqual(len(reach), len(exponents))
            self.assertGreater(reach[-1], 100 * reach[0])
            drawn = "[...document.querySelectorAll(\"[data-name='film-norms'] .series\")].map((line) => line.getAttribute('d')).join()"
            before = self.js(drawn)
            self.browser.find_element(By.ID, "frame").send_keys(Keys.HOME)
            self.settle()
            self.assertTrue(self.text("#frame-text").startswith("size of W in percent 20, loss "))
            self.assertNotEqual(self.js(drawn), before)
            self.assertIn("size of W in percent", self.text("[data-name='film-loss']"))
            self.assertNotIn("training step", self.text("#film"))
        shown = self.js("app.study.film.map((frame) => Number(frame.spectrum.exponents[0]))")
        for one, expected in zip(shown, exponents):
            self.assertLess(abs(one - expected), 1e-3 * max(1, abs(expected)))

    def test_a_page_without_film_has_no_view_for_it(self):
        self.open("short")
        self.assertFalse(self.browser.find_element(By.ID, "view-film").is_displayed())
        self.assertFalse(self.browser.find_element(By.ID, "view-compare").is_displayed())
