"""What all tests of the study page share: pages of known networks, one browser, and what a reader does with them."""
import json
import math
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import browser as chromium

SIZES = [(1280, 800), (1920, 1080), (390, 844)]  # of a laptop, a large screen and a telephone


class StudyPage(unittest.TestCase):
    arguments = None  # of the command line

    @classmethod
    def begin(cls):
        """The pages and the browser, once for all tests."""
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([cls.arguments.pages, cls.folder.name], check=True)
        cls.facts = json.loads((pathlib.Path(cls.folder.name) / "facts.json").read_text())
        cls.browser = chromium.start(cls.arguments.chromium, cls.arguments.driver, cls.folder.name + "/profile")
        cls.browser.set_script_timeout(300)  # seconds, of a machine that does other things too

    @classmethod
    def end(cls):
        cls.browser.quit()
        cls.folder.cleanup()

    def open(self, which, width=1280, height=800, dark=False, fragment="", path="path"):
        chromium.resize(self.browser, width, height, dark)
        self.browser.get("about:blank")
        self.browser.get("file://" + self.facts[which][path] + fragment)
        self.settle()

    def seconds_to_open(self, which):
        """The best of three, as other programs may be busy."""
        seconds = []
        for _ in range(3):
            begin = time.monotonic()
            self.open(which)
            seconds.append(time.monotonic() - begin)
        return min(seconds)

    def tearDown(self):
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])

    def wait_for_library(self):
        """Until the playground of the page is there."""
        error = self.browser.execute_async_script("Study.playgroundReady.then(() => arguments[0](null), (error) => arguments[0](String(error)));")
        self.assertIsNone(error)

    # Reading the page

    def settle(self):
        """Waits until what was asked for is drawn."""
        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));")

    def js(self, text, *arguments):
        return self.browser.execute_script("const app = Study.current; return " + text, *arguments)

    def wait_for_address(self, part):
        deadline = time.monotonic() + 5
        while part not in self.browser.current_url and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertIn(part, self.browser.current_url)

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
            const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
            copy.drawImage(canvas, 0, 0);
            const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(pixels.buffer)).size; })()""")

    def drawn(self, action, selector):
        """What a script paints onto canvases: [canvas, "fillText" or "fillRect", colour, arguments], of the canvases that a selector
        finds, numbered from 0."""
        return self.js("""(() => {
            const { prototype } = CanvasRenderingContext2D, kept = {}, made = [], canvases = [];
            for (const name of ["fillText", "fillRect"]) {
                kept[name] = prototype[name];
                prototype[name] = function (...rest) { made.push([this.canvas, name, this.fillStyle, rest]); return kept[name].apply(this, rest); };
            }
            try { eval(arguments[0]); } finally { Object.assign(prototype, kept); }
            return made.filter(([canvas]) => canvas.matches(arguments[1])).map(([canvas, ...rest]) => {
                if (!canvases.includes(canvas)) canvases.push(canvas);
                return [canvases.indexOf(canvas), ...rest]; }); })()""", action, selector)

    def colours(self, name, places):
        """Those of a scale of colours at these places, as a canvas writes them."""
        return self.js("""(() => { const context = document.createElement("canvas").getContext("2d");
            return arguments[1].map((u) => ((context.fillStyle = Study.colours[arguments[0]](u)), context.fillStyle)); })()""", name, places)

    def curves(self, plot, log=True):
        """The curves of a line plot by name, as points [x, y], read off its axes."""
        [lines, ticks] = self.js("""(() => {
            const plot = document.querySelector(arguments[0]), svg = plot.querySelector("svg.plot");
            const names = [...plot.querySelectorAll(".series-legend button[aria-pressed=true]")].map((button) => button.textContent);
            const ticks = [...svg.querySelectorAll(".axis")].map((axis) => [...axis.querySelectorAll(".tick")].map((tick) => [tick.getAttribute("transform"), tick.textContent]));
            return [[...svg.querySelectorAll("path.series")].map((path, k) => [names[k], path.getAttribute("d")]), ticks]; })()""", plot)
        number = lambda text: float(text.replace("\u2212", "-").replace(",", ""))
        scale = lambda value, along: math.log10(value) if log and along == 1 else value
        axes = []
        for along in [0, 1]:
            # Ticks are drawn half a pixel beside where they are.
            known = [(number(where[10:-1].split(",")[along]) - 0.5, scale(number(text), along)) for where, text in ticks[along]]
            (p, u), (q, v) = known[0], known[-1]
            axes.append(lambda at, p=p, q=q, u=u, v=v: u + (at - p) * (v - u) / (q - p))
        points = lambda path: [[axes[0](x), 10 ** axes[1](y) if log else axes[1](y)]
                               for x, y in ([float(one) for one in pair.split(",")] for pair in re.split("[ML]", path) if pair)]
        return {name: points(path) for name, path in lines}

    def assert_curve(self, points, expected, tolerance=0.02, log=True):
        """That the points of a curve have these values of y: each within a share of itself, or of all where the axis is not logarithmic."""
        self.assertEqual(len(points), len(expected))
        size = max(abs(one) for one in expected)
        for (_, y), value in zip(points, expected):
            self.assertLess(abs(y - value), tolerance * (abs(value) if log else size), (points, expected))

    def assert_close(self, shown, expected, tolerance=0.01):
        """That a text says a number, to the three digits that a page shows."""
        value = float(shown.replace("\u2212", "-").replace("\u221e", "inf"))
        self.assertLessEqual(abs(value - expected), tolerance * abs(expected), (shown, expected))

    def nothing_sticks_out(self):
        """Nobody has to scroll sideways, and no control lies outside of the screen."""
        self.assertLessEqual(self.js("document.documentElement.scrollWidth"), self.js("window.innerWidth"))
        outside = self.js("""[...document.querySelectorAll("#top button, #run button, #run input, .tools button, #search")]
            .filter((one) => one.offsetParent !== null)
            .filter((one) => { const box = one.getBoundingClientRect(); return box.right > window.innerWidth + 1 || box.left < -1 || box.bottom > window.innerHeight + 1; })
            .map((one) => one.id)""")
        self.assertEqual(outside, [])

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
