"""A walk through the run as a file that plays by itself."""
import pathlib
import time
import xml.etree.ElementTree

from selenium.webdriver.common.by import By

from study_page import SIZES, StudyPage

SVG = "{http://www.w3.org/2000/svg}"


class Walk(StudyPage):
    def saved(self):
        """The file that the button gives."""
        made = self.browser.execute_async_script("""const done = arguments[0];
            let blob = null;
            const [create, click] = [URL.createObjectURL, HTMLAnchorElement.prototype.click];
            URL.createObjectURL = (one) => ((blob = one), "#");
            HTMLAnchorElement.prototype.click = () => {};
            document.getElementById("walk").click();
            URL.createObjectURL = create;
            HTMLAnchorElement.prototype.click = click;
            blob.text().then(done);""")
        path = pathlib.Path(self.folder.name) / "walk.svg"
        path.write_text(made)
        return path, made

    def frames_of(self, made):
        """The time and the two lines of each frame."""
        root = xml.etree.ElementTree.fromstring(made)
        frames = [one for one in root.iter(SVG + "g") if one.get("class") == "frame"]
        begin = lambda one: float(one.find(SVG + "set").get("begin")[len("w.begin+"):-1])
        return [(begin(one), *(line.text for line in one.findall(SVG + "text"))) for one in frames]

    def open_file(self, path, at=None):
        self.browser.get("about:blank")
        self.browser.get(f"file://{path}")
        self.assertEqual(self.browser.execute_script("return document.documentElement.tagName"), "svg")
        if at is not None:
            self.browser.execute_script("document.documentElement.pauseAnimations(); document.documentElement.setCurrentTime(arguments[0]);", at)
            self.settle()

    def shown(self):
        """The frames that are seen, and how many of what is drawn is pale."""
        return self.browser.execute_script("""return [[...document.querySelectorAll(".frame")].filter((one) => getComputedStyle(one).visibility === "visible").map((one) => one.lastElementChild.textContent),
            [...document.querySelectorAll("g[opacity]")].filter((one) => Number(getComputedStyle(one).opacity) < 0.4).length,
            [...document.querySelectorAll("path")].filter((one) => getComputedStyle(one).strokeWidth === "4.5px").length]""")

    def test_a_file_that_needs_nothing(self):
        for which in ["short", "shut", "translator", "skips", "trouble"]:
            self.open(which)
            _, made = self.saved()
            root = xml.etree.ElementTree.fromstring(made)
            self.assertEqual(root.tag, SVG + "svg")
            for one in root.iter():
                self.assertNotIn(one.tag, [SVG + name for name in ["script", "image", "foreignObject", "a", "use"]])
                for name, value in one.attrib.items():
                    self.assertFalse(name.startswith("on") or "href" in name or "http" in value, (name, value))
            self.assertNotIn("NaN", made.replace("NaN &amp;", "").replace("norm NaN", "").replace("NaN →", "").replace("→ NaN", ""))
            self.assertNotIn("undefined", made)

    def test_a_frame_for_each_step(self):
        """Every forward operation, the start of the wave, and what the rules of each operation hand on, in the order of the run."""
        self.open("short")
        forward = self.js("app.study.nodes.filter((node) => !node.leaf && node.kind !== 'result').length")
        workers = self.js("app.study.contributions.map(({ node }) => node)")
        backward = sum(1 for k, node in enumerate(workers) if k == 0 or node != workers[k - 1])
        path, made = self.saved()
        frames = self.frames_of(made)
        self.assertEqual(len(frames), forward + 1 + backward)
        begins = [begin for begin, _, _ in frames]
        self.assertEqual(begins, sorted(begins))
        self.assertGreaterEqual(min(b - a for a, b in zip(begins, begins[1:])), 0.69)  # seconds to read it
        self.assertEqual([count for _, count, _ in frames[:2]], [f"forward {k} / {forward}" for k in [1, 2]])
        self.assertEqual(frames[-1][1], f"backward {len(workers) + 1} / {len(workers) + 1}")
        self.assertIn("The backward wave starts at J", frames[forward][2])
        output = self.facts["short"]["output"]["id"]
        said = [text for _, _, text in frames if text.startswith(f"multiply #{output}, t=2 is computed")]
        self.assertEqual(len(said), 1)

    def test_it_plays_in_a_browser(self):
        self.open("short")
        sources = self.js("app.network.scene.tiles.flatMap((tile) => app.network.scene.items.get(tile)).filter(({ place }) => !app.study.nodes[place].leaf).map(({ place }) => app.run.computedAt[place])")
        path, made = self.saved()
        frames = self.frames_of(made)
        forward = next(k for k, (_, _, text) in enumerate(frames) if text.startswith("The backward wave"))
        looks = []
        for frame in [0, forward // 2, forward, len(frames) - 1]:
            begin, count, text = frames[frame]
            self.open_file(path, begin + 0.3)
            seen, pale, lit = self.shown()
            self.assertEqual(seen, [text])
            done = frame + 1
            self.assertEqual(pale, sum(1 for at in sources if at > done), frame)
            self.assertEqual(lit > 0, frame != forward)
            looks.append(self.browser.get_screenshot_as_base64())
        self.assertEqual(len(set(looks)), 4)
        # By itself, and again from the start.
        self.open_file(path)
        seen = set()
        deadline = time.monotonic() + 20
        while len(seen) < 3 and time.monotonic() < deadline:
            seen.update(self.shown()[0])
            time.sleep(0.1)
        self.assertGreaterEqual(len(seen), 3)
        last = frames[-1][0] + 0.7 + 4
        self.open_file(path, last + 1 + 0.3)
        self.assertEqual(self.shown()[0], [frames[0][2]])

    def test_folded_steps_take_the_colours_of_their_gradients(self):
        self.open("shut")
        steps = self.js("app.structure.tiles.filter((tile) => tile.time !== null).map((tile) => app.metrics.cotangent.colour(app.metrics.cotangent.ofTile(tile)))")
        path, made = self.saved()
        frames = self.frames_of(made)
        colours = """return [...document.querySelectorAll("rect[rx='12']")].filter((one) => /^t = /.test(one.nextElementSibling?.textContent)).map((one) => getComputedStyle(one).fill)"""
        self.open_file(path, frames[0][0])
        self.assertEqual(len(set(self.browser.execute_script(colours))), 1)
        self.open_file(path, frames[-1][0] + 0.3)
        expected = self.browser.execute_script("""return arguments[0].map((colour) => { const one = document.createElementNS("http://www.w3.org/2000/svg", "rect");
            one.setAttribute("fill", colour); document.documentElement.append(one); return getComputedStyle(one).fill; })""", steps)
        self.assertEqual(self.browser.execute_script(colours), expected)

    def test_its_size_is_bounded(self):
        for which, action, frames in [("short", "0", 300), ("long", "0", 400), ("long", "app.network.scaleBy(0.02)", 400), ("long", "(app.toggleFold(), app.network.scaleBy(0.01))", 400), ("small", "0", 20)]:
            self.open(which)
            self.js(action)
            self.settle()
            _, made = self.saved()
            self.assertLess(len(made), 1_000_000, (which, action))
            self.assertLessEqual(len(self.frames_of(made)), frames + 1)
            self.assertGreater(len(self.frames_of(made)), 3)

    def test_in_korean(self):
        for which in ["short", "shut"]:
            self.open(which, fragment="#language=ko")
            path, made = self.saved()
            for _, count, text in self.frames_of(made):
                self.assertRegex(count, "순전파|역전파")
                self.assertRegex(text, "[가-힣]")
                self.assertNotRegex(count + text, "computed|forward|backward|contribution|norm ")
            self.assertRegex(made.split("</title>")[0], "[가-힣]")
        self.assertTrue(any(title in made for title in ["앞", "뒤", "이전", "이후"]))

    def test_its_button_is_in_reach(self):
        for width, height in SIZES:
            self.open("short", width, height)
            self.assertTrue(self.browser.find_element(By.ID, "walk").is_displayed())
            self.nothing_sticks_out()
