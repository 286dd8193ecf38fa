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
            for name, fact in [("Elman", elman), ("LSTM", lstm)]:
                factor = re.search(name + r": of the gradient by the last state, a factor of (\S+) reaches the first, 9 steps before", said).group(1)
                self.assert_close(factor, fact["states"][0] / fact["states"][-1])
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
        [cell] = self.browser.find_elements(By.CSS_SELECTOR, ".compared tr[data-parameter='W'] .ratio")
        reach = max(0.3, *(abs(math.log10(clipped["gradients"][name] / unclipped["gradients"][name])) for name in "UWb"))
        expected = self.colours("signed", [math.log10(clipped["W"] / unclipped["W"]) / reach])
        self.assertEqual(self.js("((context) => ((context.fillStyle = arguments[0].style.background), [context.fillStyle]))(document.createElement('canvas').getContext('2d'))", cell), expected)
        self.assert_stripes([unclipped["states"], clipped["states"]])

    def test_both_are_on_one_scale(self):
        self.open("cells")
        for name in ["states", "norms", "step", "products", "ledger-W"]:
            self.assertTrue(self.browser.find_elements(By.CSS_SELECTOR, f"[data-name='compare-{name}']"), name)
        plot = "[data-name='compare-states'] .line-plot "
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, plot + ".series")), 2)
        legends = [legend.text for legend in self.browser.find_elements(By.CSS_SELECTOR, "[data-name='compare-ledger-W'] .legend")]
        self.assertEqual(legends[0], legends[1])
        self.assertIn("×", legends[2])
        # Both curves by one pair of axes, and both rows of the stripes by one scale of colours, with the ratio in a third.
        ratios = [self.facts["cells"][name]["states"] for name in ["Elman", "LSTM"]]
        curves = self.js("[...document.querySelectorAll(arguments[0] + '.series-legend button')].map((button) => button.textContent)", plot)
        self.assertEqual(curves, ["Elman", "LSTM"])
        for points, expected in zip(self.curves("[data-name='compare-states'] .line-plot").values(), ratios):
            self.assert_curve(points, expected)
        self.assert_stripes(ratios)
        canvas = self.browser.find_element(By.CSS_SELECTOR, ".stripes")
        self.js("arguments[0].dispatchEvent(new PointerEvent('pointermove', { clientX: arguments[0].getBoundingClientRect().left + 3, clientY: arguments[0].getBoundingClientRect().top + 3 }))", canvas)
        readout = self.text(".stripes-plot .readout")
        self.assertIn("t = 0: Elman", readout)
        self.assertAlmostEqual(float(readout.split("× ")[1].replace("−", "-")) / (ratios[1][0] / ratios[0][0]), 1, delta=0.01)

    def assert_stripes(self, norms):
        """The colours of the three rows of cells."""
        decades = [math.log10(norm) for row in norms for norm in row]
        low, high = max(min(decades), max(decades) - 12), max(decades)
        expected = [self.colours("size", [(math.log10(norm) - low) / (high - low) for norm in row]) for row in norms]
        ratio = [math.log10(b / a) for a, b in zip(*norms)]
        reach = max(0.3, *(abs(one) for one in ratio))
        expected.append(self.colours("signed", [one / reach for one in ratio]))
        painted = [(rest[2], rest[3]) for rest in self.drawn("app.comparison.show()", ".stripes") if rest[1] == "fillRect"]
        rows = sorted({y for _, [x, y, *_] in painted})
        for row, y in enumerate(rows):
            shown = [colour for colour, [x, top, *_] in sorted(painted, key=lambda one: one[1][0]) if top == y]
            self.assertEqual(shown, expected[row], row)

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
            self.assert_frame("training step", 40, self.facts["film"]["losses"][-1])
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "[data-name='film-loss'] .series").is_displayed())
            self.assertLessEqual(self.js("document.getElementById('frames').scrollWidth"), width)
        fact = self.facts["film"]
        points = self.curves("[data-name='film-loss'] .line-plot")["J"]
        self.assertEqual([round(x) for x, _ in points], list(range(0, 41, 5)))
        self.assert_curve(points, fact["losses"])
        gradients = self.curves("[data-name='film-gradients'] .line-plot")
        self.assertEqual(set(gradients), {"U", "W", "b"})
        for name, points in gradients.items():
            self.assert_curve(points, [frame[name] for frame in fact["gradients"]])
        self.assert_map("W", fact["norms of W"])
        for name in ["norms", "map", "gradients", "gates", "spectra"]:
            self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, f"[data-name='film-{name}']").is_displayed(), name)

    def assert_frame(self, axis, step, loss):
        shown = re.fullmatch(rf"{axis} (\d+), loss (\S+)", self.text("#frame-text"))
        self.assertEqual(int(shown.group(1)), step)
        self.assert_close(shown.group(2), loss)

    def assert_map(self, parameter, norms):
        """The frames' norms by time step as a matrix, the first frame on top."""
        self.browser.find_element(By.CSS_SELECTOR, f"[data-name='film-map'] option[value='{parameter}']").click()
        canvas = self.browser.find_element(By.CSS_SELECTOR, "[data-name='film-map'] .matrix")
        for frame in [0, len(norms) // 2, len(norms) - 1]:
            for t in [1, len(norms[0]) - 1]:
                shown = self.js("""(() => {
                    const [canvas, row, column, rows] = arguments, { left, top, width, height } = canvas.getBoundingClientRect();
                    const size = width / parseFloat(canvas.style.width) * Study.dom.baseSize() / 15, cell = (height - 24 * size - 1) / rows;
                    canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: left + 46 * size + (column + 0.5) * cell, clientY: top + (row + 0.5) * cell }));
                    return document.querySelector("[data-name='film-map'] .readout").textContent; })()""", canvas, frame, t, len(norms))
                self.assertIn(f", t={t}: ", shown)
                self.assert_close(shown.split(": ")[1], norms[frame][t])

    def test_the_slider_moves_through_it_on_axes_that_stay(self):
        self.open("film", fragment="#view=film")
        ticks = "[...document.querySelectorAll(\"[data-name='film-norms'] .grid text\")].map((text) => text.textContent)"
        drawn = "[...document.querySelectorAll(\"[data-name='film-norms'] .series\")].map((line) => line.getAttribute('d')).join()"
        by_step = self.facts["film"]["norms of W"]
        scale = "[...document.querySelectorAll(\"[data-name='film-spectra'] .line-plot\")].slice(0, 1).map((plot) => plot.querySelector('.axis.grid').textContent)"
        before = self.js(ticks), self.js(drawn), self.js(scale)
        self.assert_curve(self.curves("[data-name='film-norms'] .line-plot")["W"][-5:], by_step[-1][1:])
        slider = self.browser.find_element(By.ID, "frame")
        slider.send_keys(Keys.HOME)
        self.settle()
        self.assert_frame("training step", 0, self.facts["film"]["losses"][0])
        self.assertEqual((self.js(ticks), self.js(scale)), (before[0], before[2]))
        self.assert_curve(self.curves("[data-name='film-norms'] .line-plot")["W"][-5:], by_step[0][1:])
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
            fact = self.facts["growing"]
            steps, over_frames = (f"[data-name='film-spectra'] .line-plot:nth-of-type({k})" for k in [2, 3])  # behind the head of the card

            def assert_stretches(largest):
                [points] = self.curves(steps).values()
                self.assertGreaterEqual(len(points), 11)
                self.assert_curve(points, largest[-len(points):])
            assert_stretches(fact["largest"][-1])  # in this frame the steps differ
            self.assertGreater(max(fact["largest"][-1]) / min(fact["largest"][-1]), 1.2)
            self.browser.find_element(By.ID, "frame").send_keys(Keys.HOME)
            self.settle()
            self.assertTrue(self.text("#frame-text").startswith("size of W in percent 20, loss "))
            self.assertNotEqual(self.js(drawn), before)
            self.assertIn("size of W in percent", self.text("[data-name='film-loss']"))
            self.assertNotIn("training step", self.text("#film"))
            # The first frame: what each step contributes, and how much it stretches; over all frames the exponent.
            self.assert_curve(self.curves("[data-name='film-norms'] .line-plot")["W"][-11:], fact["norms of W"][0][1:])
            assert_stretches(fact["largest"][0])
            [drawn_exponents] = self.curves(over_frames, log=False).values()
            self.assertEqual([round(x) for x, _ in drawn_exponents], list(range(20, 201, 20)))
            self.assert_curve(drawn_exponents, exponents, log=False)

    def test_a_page_without_film_has_no_view_for_it(self):
        self.open("short")
        self.assertFalse(self.browser.find_element(By.ID, "view-film").is_displayed())
        self.assertFalse(self.browser.find_element(By.ID, "view-compare").is_displayed())
