"""The study page on screens of all sizes, on paper, and as a link."""
import base64
import re

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import browser as chromium
from study_page import StudyPage


class Screens(StudyPage):
    def size_of(self, id):
        return self.js("(({ width, height }) => [width, height])(document.getElementById(arguments[0]).getBoundingClientRect())", id)

    def cell_is_whole(self):
        """Returns whether all of the cell's nodes lie on its canvas."""
        return self.js("""app.cells.scene.tiles.every((tile) => app.cells.scene.items.get(tile).every((item) => {
            const { x, y, k } = app.cells.canvas.__zoom;
            const { width, height } = app.cells.size;
            return item.x * k + x >= 0 && item.x * k + x <= width && item.y * k + y >= 0 && item.y * k + y <= height; }))""")

    def test_phone(self):
        for which in ["short", "long", "translator", "directions"]:
            self.open(which, 390, 844)
            width, height = self.size_of("network-canvas")
            self.assertGreater(width, 350, which)
            self.assertGreater(height, 350, which)
            self.nothing_sticks_out()
        self.open("short", 390, 844)
        for pane, canvas in [("pane-cell", "cell-canvas"), ("pane-panel", "panel"), ("pane-network", "network-canvas")]:
            self.browser.find_element(By.ID, pane).click()
            self.settle()
            self.assertGreater(self.size_of(canvas)[0], 350)
            shown = [name for name in ["cell-pane", "network-pane", "panel"] if self.browser.find_element(By.ID, name).is_displayed()]
            self.assertEqual(len(shown), 1)
        self.browser.find_element(By.ID, "view-plots").click()
        self.settle()
        self.assertLessEqual(self.js("Math.max(...[...document.querySelectorAll('#plots .plot, #plots canvas')].map((one) => one.getBoundingClientRect().right))"), 390)

    def test_twice_the_size(self):
        """200 % zoom of 1280 by 800."""
        self.open("short", 640, 400)
        chromium.resize(self.browser, 640, 400, scale=2)
        self.settle()
        width, height = self.size_of("network-canvas")
        self.assertGreater(width, 600)
        self.assertGreater(height, 120)
        self.nothing_sticks_out()

    def test_five_steps_are_seen_at_once(self):
        self.open("short", 1280, 800)
        seen = self.js("""app.network.scene.tiles.filter((tile) => tile.time !== null).filter((tile) => {
            const { x, width } = app.network.scene.placed.get(tile);
            const [left, right] = [x, x + width].map((at) => at * app.network.canvas.__zoom.k + app.network.canvas.__zoom.x);
            return left >= 0 && right <= app.network.size.width; }).length""")
        self.assertEqual(seen, 5)

    def test_the_cell_stays_whole_when_the_window_changes(self):
        self.open("short", 1600, 1000)
        self.assertTrue(self.cell_is_whole())
        for width, height in [(1000, 620), (1920, 1080), (1280, 800)]:
            chromium.resize(self.browser, width, height)
            self.settle()
            self.settle()
            self.assertTrue(self.cell_is_whole(), (width, height))
        # What somebody has moved to stays in the middle.
        self.js("app.network.transformTo(300, 100, 0.7)")
        chromium.resize(self.browser, 1100, 900)
        self.settle()
        self.settle()
        k, x, y = self.js("app.network.centre()")
        self.assertAlmostEqual(k, 0.7)
        self.assertAlmostEqual(x, 300)
        self.assertAlmostEqual(y, 100)

    def test_panes_hide_and_borders_move(self):
        self.open("short")
        before = self.size_of("network-canvas")[0]
        self.browser.find_element(By.ID, "pane-cell").click()
        self.settle()
        hidden = self.size_of("network-canvas")[0]
        self.assertGreater(hidden, before + 200)
        self.press("5")
        self.assertFalse(self.browser.find_element(By.ID, "panel").is_displayed())
        self.press("4")
        self.assertTrue(self.browser.find_element(By.ID, "network-pane").is_displayed(), "the last pane stays")
        self.press("3", "5")
        border = self.browser.find_element(By.ID, "split-cell")
        cell = self.size_of("cell-pane")[0]
        ActionChains(self.browser).drag_and_drop_by_offset(border, 60, 0).perform()
        self.settle()
        self.assertAlmostEqual(self.size_of("cell-pane")[0], cell + 60, delta=3)
        self.js("document.getElementById('split-panel').focus()")
        panel = self.size_of("panel")[0]
        self.press(Keys.ARROW_LEFT)
        self.assertAlmostEqual(self.size_of("panel")[0], panel + 24, delta=2)

    def test_a_link_works_on_an_open_page(self):
        self.open("short")
        node = self.facts["short"]["forget"]["id"]
        self.js(f"void (window.location.hash = 'node={node}&at=40')")
        self.settle()
        self.assertEqual((self.selected_id(), self.position()), (node, 40))
        self.js("void (window.location.hash = 'view=plots')")
        self.settle()
        self.assertTrue(self.browser.find_element(By.ID, "plots").is_displayed())
        self.assertIsNone(self.selected_id())
        self.assertEqual(self.position(), self.js("app.run.last"))

    def test_a_link_has_folds_colours_theme_type_and_zoom(self):
        self.open("long")
        self.click_node(self.facts["long"]["forget"]["id"])  # opens its step
        self.press("c", "d", "l")
        self.js("app.network.transformTo(1234, 50, 0.625)")
        self.wait_for_address("zoom=0.625")  # the step that was opened has moved it before
        for part in ["open=0.2", "colour=operation", "theme=dark", "type=large"]:
            self.wait_for_address(part)
        fragment = "#" + self.browser.current_url.split("#")[1]
        state = """[[...app.folded].length, app.session.get("colouring"), app.session.get("theme"), app.session.get("type"), app.network.centre().map((value) => Math.round(1000 * value))]"""
        shown = self.js(state)
        self.open("long")
        self.assertNotEqual(self.js(state), shown)
        self.open("long", fragment=fragment)
        self.assertEqual(self.js(state), shown)
        self.open("long", fragment="#fold=none")
        self.assertEqual(self.js("app.folded.size"), 0)

    def test_one_plot_by_a_link(self):
        self.open("short", fragment="#panel=ledger")
        shown = [card.get_attribute("data-name") for card in self.browser.find_elements(By.CSS_SELECTOR, "#plots .card") if card.is_displayed()]
        self.assertEqual(shown, ["ledger"])
        [button] = [one for one in self.browser.find_elements(By.CSS_SELECTOR, "[data-name='ledger'] .save") if one.text == "All"]
        button.click()
        self.settle()
        self.assertGreater(len([card for card in self.browser.find_elements(By.CSS_SELECTOR, "#plots .card") if card.is_displayed()]), 3)
        self.wait_for_address("view=plots")

    def test_paper(self):
        """All plots are printed, beside the network and the node, on pages that go on."""
        self.open("short", dark=True, fragment=f"#node={self.facts['short']['forget']['id']}")
        pdf = base64.b64decode(self.browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
        self.assertGreaterEqual(len(re.findall(rb"/Type\s*/Page[^s]", pdf)), 3)
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": dark})
        self.settle()
        self.settle()
        try:
            for part in ["#cell-canvas", "#network-canvas", "#panel", *(f"[data-name='{name}']" for name in ["norms", "ledger", "step", "products", "gates"])]:
                self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, part).is_displayed(), part)
            for part in ["#run", "#find", "#panes", ".save"]:
                self.assertFalse(self.browser.find_element(By.CSS_SELECTOR, part).is_displayed(), part)
            self.assertEqual(self.js("document.documentElement.dataset.theme"), "light")
            self.assertGreater(self.js("document.body.scrollHeight"), 2000)
        finally:
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": dark})
        self.settle()
        self.assertEqual(self.js("document.documentElement.dataset.theme"), "dark")
        self.assertFalse(self.browser.find_element(By.ID, "plots").is_displayed())
