"""The plots of the study page."""
import io
import math
import xml.etree.ElementTree

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from study_page import StudyPage

try:
    import numpy
except ImportError:
    numpy = None


class Plots(StudyPage):
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
        steps, norms = fact["time_steps"], fact["ledger"]["norms"]
        left, below = (self.js(f"parseFloat(getComputedStyle(document.documentElement).fontSize) / 15 * {margin}") for margin in [46, 24])
        side = (canvas.size["width"] - left - 1) / steps

        def read_all():
            for loss in range(steps):
                for use in range(steps):
                    x = left + (use + 0.5) * side - canvas.size["width"] / 2
                    y = (loss + 0.5) * side - canvas.size["height"] / 2
                    ActionChains(self.browser, duration=0).move_to_element_with_offset(canvas, int(x), int(y)).perform()
                    where, shown = self.text("#plots .matrix-plot .readout").split(": ")
                    self.assertEqual(where, f"loss at t={loss}, use at k={use}")
                    yield loss, use, shown
        for loss, use, shown in read_all():
            self.assert_close(shown, norms[loss][use])
            self.assertEqual(use > loss or use == 0, norms[loss][use] == 0)  # nothing reaches the future, and h is 0 at first

        # The same in what is drawn: numbers and colours, each where it belongs.
        painted = [rest for number, *rest in self.drawn("Study.plots.show(app)", "#plots .matrix") if number == 0]
        cells = [(colour, [round((x - left) / side), round(y / side)]) for what, colour, [x, y, *_] in painted if what == "fillRect"]
        texts = {(round((x - left) / side - 0.5), round(y / side - 0.5)): text for what, _, [text, x, y, *_] in painted if what == "fillText" and x > left and y < steps * side}
        self.assertEqual(sorted(where for _, where in cells), sorted([use, loss] for loss in range(steps) for use in range(1, loss + 1)))
        decades = [math.log10(norm) for row in norms for norm in row if norm > 0]
        for colour, [use, loss] in cells:
            self.assert_close(texts[use, loss], norms[loss][use])
            self.assertEqual([colour], self.colours("size", [(math.log10(norms[loss][use]) - min(decades)) / (max(decades) - min(decades))]))

        # Shares of the gradient, with their signs.
        Select(self.browser.find_element(By.ID, "ledger-measure")).select_by_value("shares")
        canvas = self.browser.find_element(By.CSS_SELECTOR, "#plots .matrix")
        shares = fact["ledger"]["shares"]
        self.assertTrue(any(share < 0 for row in shares for share in row))
        for loss, use, shown in read_all():
            self.assertAlmostEqual(float(shown.split()[0].replace("−", "-")) / 100, shares[loss][use], delta=0.005 * abs(shares[loss][use]) + 1e-6)
        shown = self.js("Study.tensors.norm(app.study.nodes[arguments[0]].cotangent)", self.place(fact["W"]["id"]))
        self.assertAlmostEqual(shown, fact["ledger_total"], places=12)

    def test_a_gate_says_whether_it_is_open_or_shut(self):
        self.open("short")
        self.press("2")
        gates = {one["gate"]: one for one in self.js("app.study.saturation")}
        fact = self.facts["short"]["forget"]
        self.assertAlmostEqual(gates["forget"]["mean"][2], sum(fact["value"]) / len(fact["value"]), places=12)
        cards = {gate.find_element(By.TAG_NAME, "h3").text.split()[0]: gate for gate in self.browser.find_elements(By.CSS_SELECTOR, "#plots .gate")}
        self.assertIn("Open, the state and its gradient pass as they are", cards["forget"].text)
        self.assertIn("Scales what enters the state", cards["input"].text)
        self.assertIn("Scales what leaves the state", cards["output"].text)
        self.assertNotIn("Open", cards["candidate"].text)
        plot = cards["forget"].find_element(By.TAG_NAME, "svg")
        ActionChains(self.browser).move_to_element(plot).perform()
        self.assertRegex(cards["forget"].find_element(By.CSS_SELECTOR, ".readout").text, r"^t = 2: mean 0\.\d+, open [\d.]+ %, shut [\d.]+ %$")

    def test_the_shares_of_a_ledger_add_up(self):
        self.open("short")
        self.press("2")
        before = self.text("[data-name='ledger'] .legend")
        Select(self.browser.find_element(By.ID, "ledger-measure")).select_by_value("shares")
        self.assertIn("%", self.text("[data-name='ledger'] .legend"))
        self.assertNotEqual(self.text("[data-name='ledger'] .legend"), before)
        shares = self.js("[...app.study.ledgers[0].shares.values]")
        self.assertAlmostEqual(sum(shares), 1, places=5)
        self.assertIn("add up to the gradient, of norm", self.text("[data-name='ledger'] .ledger-sum"))

    def test_what_a_step_looks_at(self):
        self.open("attention", fragment="#panel=attention")
        canvas = self.browser.find_element(By.CSS_SELECTOR, "[data-name='attention'] .matrix")
        weights = self.facts["attention"]["weights"]
        left, below = (self.js(f"parseFloat(getComputedStyle(document.documentElement).fontSize) / 15 * {margin}") for margin in [46, 24])
        side = (canvas.size["width"] - left - 1) / 4
        for t in range(3):
            for s in range(4):
                ActionChains(self.browser, duration=0).move_to_element_with_offset(
                    canvas, int(left + (s + 0.5) * side - canvas.size["width"] / 2), int((t + 0.5) * side - canvas.size["height"] / 2)).perform()
                where, shown = self.text("[data-name='attention'] .readout").split(": ")
                self.assertEqual(where, f"t={t}, s={s}")
                self.assertAlmostEqual(float(shown.split()[0]) / 100, weights[t][s], places=2)

    def test_curves_can_be_switched_off(self):
        self.open("short")
        self.press("2")
        plot = "[data-name='step'] "
        count = lambda: len(self.browser.find_elements(By.CSS_SELECTOR, plot + ".series"))
        scale = lambda: self.js("[...document.querySelectorAll(arguments[0] + '.grid text')].map((text) => text.textContent)", plot)
        before, range_before = count(), scale()
        smallest = self.browser.find_elements(By.CSS_SELECTOR, plot + ".series-legend button")[2]
        self.assertEqual(smallest.text, "smallest")
        smallest.click()
        self.assertEqual(count(), before - 1)
        self.assertEqual(smallest.get_attribute("aria-pressed"), "false")
        self.assertNotEqual(scale(), range_before)
        smallest.click()
        self.assertEqual((count(), scale()), (before, range_before))

    def test_sixteen_lines_do_not_start_in_one_plot(self):
        self.open("short")
        shown = self.js("""(() => {
            const series = [...Array(16).keys()].map((k) => ({ name: `${k}`, points: [[0, k], [1, k]] }));
            const plot = Study.linePlot.plot(series, { most: 6 });
            return [plot.querySelectorAll(".series").length, plot.querySelectorAll("button").length]; })()""")
        self.assertEqual(shown, [6, 16])

    def test_what_cannot_be_drawn_is_said(self):
        """No axes without a value: of zeros on a logarithmic axis, of NaN, of nothing."""
        self.open("dead")
        self.press("2")
        norms = self.text("[data-name='norms']")
        self.assertIn("Nothing to draw: all 4 values are 0, which a logarithmic axis does not have.", norms)
        self.assertEqual(self.browser.find_elements(By.CSS_SELECTOR, "[data-name='norms'] .plot"), [])
        self.assertIn("Nothing to draw: every entry is exactly 0.", self.text("[data-name='ledger']"))
        plot = "Study.linePlot.plot(arguments[0].map((points) => ({ name: 'x', points: points.map((y, x) => [x, y === 'nan' ? NaN : y]) })), { log: true }).textContent"
        self.assertIn("Nothing to draw: all 2 values are NaN.", self.js(plot, [["nan", "nan"]]))
        self.assertIn("Nothing to draw: there are no values.", self.js(plot, [[]]))
        self.assertIn("Not drawn: 1 is NaN, 1 is 0, which a logarithmic axis does not have.", self.js(plot, [["nan", 0, 2, 3]]))
        self.press("1", "c")
        self.assertNotIn("1", self.text("#colour-legend") if self.js("app.metrics.value.empty") else "")

    def test_ticks_differ(self):
        self.open("short")
        for log in [True, False]:
            for values in [[1.00001, 1.00002, 1.00003], [2.5, 2.6, 2.7], [3e-9, 3.00001e-9], [1e5, 1.0000001e5], [0.02, 0.3]]:
                ticks = self.js("""(() => {
                    const plot = Study.linePlot.plot([{ name: "x", points: arguments[0].map((y, x) => [x, y]) }], { log: arguments[1] });
                    return [...plot.querySelectorAll(".grid text")].map((text) => text.textContent); })()""", values, log)
                self.assertGreater(len(ticks), 1)
                self.assertEqual(len(set(ticks)), len(ticks), ticks)

    def saved(self, name, kind):
        """The bytes of the file that a button of a plot gives."""
        return self.browser.execute_async_script("""const [name, kind, done] = arguments;
            let made = null;
            const [create, click] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
            URL.createObjectURL = (blob) => ((made = blob), "#");
            HTMLAnchorElement.prototype.click = () => {};
            [...document.querySelectorAll(`[data-name=${name}] .save`)].find((button) => button.textContent === kind).click();
            URL.createObjectURL = create;
            HTMLAnchorElement.prototype.click = click;
            made.arrayBuffer().then((bytes) => done([...new Uint8Array(bytes)]));""", name, kind)

    def test_a_plot_leaves_the_page_as_svg_png_csv_and_npy(self):
        self.open("tokens")
        self.press("2")
        for name in ["norms", "ledger", "step", "products", "gates"]:
            svg = self.js("Study.exporting.svgOf(document.querySelector(`[data-name=${arguments[0]}]`))", name)
            root = xml.etree.ElementTree.fromstring(svg)
            self.assertTrue(root.tag.endswith("svg"))
            self.assertIn(self.text(f"[data-name={name}] h2"), "".join(root.itertext()))
        png = self.browser.execute_async_script("""const done = arguments[0];
            Study.exporting.pngOf(document.querySelector("[data-name=ledger]")).then((blob) => blob.arrayBuffer())
                .then((bytes) => done([...new Uint8Array(bytes.slice(0, 8)), bytes.byteLength]))""")
        self.assertEqual(png[1:4], [ord(letter) for letter in "PNG"])
        self.assertGreater(png[8], 5000)
        csv = bytes(self.saved("ledger", "CSV")).decode()
        lines = csv.strip().split("\n")
        self.assertEqual(lines[0], "loss,t=0,t=1,t=2,t=3,t=4")
        self.assertEqual(len(lines), 6)
        largest = max(float(cell) for line in lines[1:] for cell in line.split(",")[1:])
        self.assertAlmostEqual(largest / self.facts["tokens"]["largest_pair"], 1, places=4)
        # NumPy reads the same numbers, all digits of them, and NaN for those that are not there.
        for name in ["norms", "ledger", "step", "products", "gates"]:
            lines = [line.split(",") for line in bytes(self.saved(name, "CSV")).decode().strip().split("\n")]
            begin = 1 if name == "ledger" else 0  # its lines have names
            expected = [[float(cell or "nan") for cell in line[begin:]] for line in lines[1:]]
            if numpy is None:
                continue
            array = numpy.load(io.BytesIO(bytes(self.saved(name, "NPY"))))
            self.assertEqual((array.dtype, array.shape), (numpy.float64, (len(expected), len(expected[0]))), name)
            numpy.testing.assert_array_equal(array, expected, name)

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
