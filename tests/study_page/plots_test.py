"""The plots of the study page."""
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By

from study_page import StudyPage


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
