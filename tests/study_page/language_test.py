"""The study page in Korean: by the link, by the page's writer, by the browser; and that nothing is left in English."""
import collections
import pathlib
import re

from selenium.webdriver.common.by import By

from study_page import SIZES, StudyPage

WEB = pathlib.Path(__file__).resolve().parents[2] / "autograd/study/page/web"

# What is seen of the page but for what comes from the recorded network: names, labels and equations.
TEXTS_IN_SIGHT = """(() => {
    const foreign = "script, pre, code, math, kbd, #title, #panel-title, #panel-equation, .node-link";
    const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const { parentElement: parent, data } = walker.currentNode;
        if (data.trim() !== "" && !parent.closest(foreign) && parent.getClientRects().length > 0) texts.push(data.trim());
    }
    for (const name of ["title", "aria-label", "placeholder"])
        for (const one of document.querySelectorAll(`[${name}]`)) if (!one.closest(foreign)) texts.push(one.getAttribute(name));
    const { prototype } = CanvasRenderingContext2D, write = prototype.fillText;
    prototype.fillText = function (text, ...rest) { texts.push(text); return write.call(this, text, ...rest); };
    app.network.draw();
    app.cells.draw();
    prototype.fillText = write;
    return texts; })()"""

# Texts wider than what they stand in.
CUT_OFF = """[...document.querySelectorAll("button:not(.node-link), label, select, summary, h2, h3, th, dt, p.hint, p.readout")]
    .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1 && !one.closest(".typeset")).map((one) => one.id || one.textContent)"""


def said_in(source):
    """The English texts of a script, as `say` looks them up: say("..."), each text of say(a ? "..." : "..."), and
    say`...${value}...` with {} for its values."""
    texts = set()
    for begin in (match.end() for match in re.finditer(r"\bsay\(", source)):
        depth, at = 1, begin
        while depth:
            depth += {"(": 1, ")": -1}.get(source[at], 0) if source[at] not in "\"`" else 0
            if source[at] == '"':
                end = source.index('"', at + 1)
                texts.add(source[at + 1:end])
                at = end
            at += 1
    for begin in (match.end() for match in re.finditer(r"\bsay`", source)):
        text, depth, at = "", 0, begin
        while source[at] != "`" or depth:
            if source.startswith("${", at):
                text += "" if depth else "{}"
                depth, at = depth + 1, at + 1
            elif depth:
                depth += {"{": 1, "}": -1}.get(source[at], 0)
            else:
                text += source[at]
            at += 1
        texts.add(text)
    return texts


def written_in(source):
    """The string literals of a C++ source, those that stand behind each other as one, with {} for their values."""
    whole = (re.findall(r'"((?:[^"\\]|\\.)*)"', match) for match in re.findall(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', source))
    return {re.sub(r"\{:[^}]*\}", "{}", "".join(parts)) for parts in whole}


class Language(StudyPage):
    def known_english(self):
        """What tells that a text is English still: all of it, or a sentence that it has."""
        return [english for english, korean in self.js("Object.entries(Study.korean)") if english != korean and re.search("[a-z]{3}", english.lower())]

    def assert_korean(self, where):
        texts = self.js(TEXTS_IN_SIGHT)
        self.assertGreater(len(texts), 20, where)
        self.assertTrue(any(re.search("[가-힣]", text) for text in texts), where)
        for english in self.english:
            pattern = re.compile("".join("(.+)" if part == "{}" else re.escape(part) for part in re.split(r"({})", english)))
            whole = english.count(" ") < 4 or "{}" in english
            left = [text for text in texts if (pattern.fullmatch(text.strip()) if whole else pattern.search(text))]
            if re.search("[a-z]{3}", english.replace("{}", "").lower()):
                self.assertEqual(left, [], (where, english))

    def assert_nothing_cut_off(self, where):
        # Without a Korean font its signs are narrower than they are: a dash is as wide as its type is high, as they are.
        self.js("""(() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) if (walker.currentNode.parentElement.tagName !== "SCRIPT") walker.currentNode.data = walker.currentNode.data.replace(/[가-힣]/g, "—"); })()""")
        self.settle()
        self.nothing_sticks_out()
        self.assertEqual(self.js(CUT_OFF), [], where)

    def test_every_text_has_its_translation(self):
        """And no translation is left over of a text that is no more."""
        scripts = [*WEB.glob("*.js"), *WEB.glob("language/*.js"), *WEB.glob("plots/*.js"), WEB / "playground/play.js"]
        source = {path.name: path.read_text() for path in scripts if path.name != "libraries.js"}
        said = set().union(*(said_in(text) for name, text in source.items() if name not in ["korean.js", "korean_reasons.js", "language.js", "reasons.js"]))
        page = (WEB / "page.html").read_text()
        said |= set(re.findall(r'(?:title|aria-label|placeholder)="([^"{]+)"', page))
        said |= {text.strip() for text in re.findall(r">([^<>{}]*[A-Za-z]{2}[^<>{}]*)<", page.split("<body>")[1])}
        keys = {match.group(1) or match.group(2) for match in re.finditer(r'^    (?:"([^"]+)"|(\w+)): "', source["korean.js"], re.M)}
        # Of a node and of a gradient, words from the data; and keys, which keys.js has in a table.
        words = {"operation", "parameter", "constant", "result", "detached", "not finite", "zero", "vanishing", "huge", "usual",
                 "exploding", "neither vanishing nor exploding", "value", "cotangent"}
        words |= {text for row in re.findall(r'\], "([^"]+)", "([^"]+)", \(', source["keys.js"]) for text in row}
        signs = {text for text in said | words if not re.search("[A-Za-z]{2}", text.replace("{}", ""))} | {"Home", "End", "Esc", "A", "1/s"}
        unchanged = {text for text in said if re.fullmatch(r"\d+/s|A|Home|End|Esc", text)}
        self.assertEqual((said | words) - signs - unchanged - keys, set())
        self.assertEqual(keys - said - words, set())

    def test_explain_has_a_pattern_for_each_of_its_sentences(self):
        """And no pattern is left over of a sentence that is no more: they are those of the C++ sources, to the letter."""
        explain, operations = WEB.parents[1] / "explain", WEB.parents[2] / "ops"
        sentences = set().union(*(written_in((explain / f"{name}.cpp").read_text()) for name in ["answer", "explainer", "hop_symptoms", "size_culprits", "closed_ways", "lost_cotangents"]))
        names = written_in((explain / "explain_text.cpp").read_text().split("name_of(Cause cause)")[1].split("name_of(GradientSize")[0])
        stops = set().union(*(set(re.findall(r'\.stops = "([^"]+)"', path.read_text())) for path in operations.rglob("*.hpp")))
        # "10^3" and "end" are the page's own, as are signs.
        sentences = {text for text in sentences if re.search("[a-z]{3}", text) and text not in ["end", "explain"]} | names | stops
        self.open("leaves")
        patterns = set(self.js("Object.keys(Study.koreanReasons)"))
        self.assertEqual(patterns - sentences, {"{} or {}"})
        self.assertEqual({text for text in sentences if re.search("[a-z]{3}", text)} - patterns, set())

    def test_what_explain_says_in_korean(self):
        """Of every answer of these pages nothing is English but names, and all of its numbers are there."""
        for which in ["short", "shut", "dead", "skips", "attention", "hessian", "translator", "trouble", "long"]:
            self.open(which, fragment="#language=ko")
            pairs = self.js("[...app.study.why.answers.values()].flatMap(({ sentence, rows }) => [sentence, ...rows.map(({ text }) => text)]).map((text) => [text, Study.reasons.say(text)])")
            self.assertGreater(len(pairs), 20, which)
            names = set(self.js("app.study.nodes.flatMap((node) => [node.op, node.name])")) | {"Watch", "Paused", "NaN", "fuse", "false", "map"}
            for english, korean in pairs:
                self.assertRegex(korean, "[가-힣]", english)
                rest = re.sub(r"\((?:[^()]|\([^()]*\))*\)|'[^']*'", "", korean)
                self.assertEqual(set(re.findall(r"[A-Za-z_]{3,}", rest)) - names, set(), (english, korean))
                numbers = lambda text: collections.Counter(re.findall(r"\d[\d.e+-]*", text.replace(", ", " ")))
                self.assertEqual(numbers(english) - numbers(korean), collections.Counter(), (english, korean))
        # In a page: the sentence and the reasons; in English they are as they come.
        node = self.facts["shut"]["answers"]["state at 3"]["node"]
        self.open("shut", fragment=f"#language=ko&node={node}")
        self.assertRegex(self.text("#why-sentence"), "기울기")
        self.assertTrue(all(re.search("[가-힣]", row.text) for row in self.browser.find_elements(By.CSS_SELECTOR, "#why-rows .reason")))

    def test_nothing_is_left_in_english_and_nothing_is_cut_off(self):
        """The network with and without a node, in the middle of the run and at its end; plots, film and comparison."""
        self.open("short", fragment="#language=ko")
        self.english = self.known_english()
        node = self.facts["short"]["output"]["id"]
        for width, height in SIZES:
            for which, fragments in [("short", ["", f"&node={node}", f"&node={node}&at=5", "&view=plots"]), ("attention", ["&view=plots"]),
                                     ("film", ["&view=film"]), ("cells", ["&view=compare"])]:
                for fragment in fragments:
                    self.open(which, width, height, fragment="#language=ko" + fragment)
                    self.assert_korean((which, width, fragment))
                    self.assert_nothing_cut_off((which, width, fragment))
            # The same in English.
            self.open("short", width, height, fragment=f"#language=en&node={node}")
            self.assert_nothing_cut_off(("short", width, "en"))

    def test_the_playground_in_korean(self):
        for width, height in SIZES:
            self.open("playground", width, height, fragment="#language=ko")
            self.english = self.known_english()
            self.wait_for_library()
            self.js("document.getElementById('view-playground').click()")
            self.assert_korean(("playground", width))
            self.assert_nothing_cut_off(("playground", width))

    def test_every_moment_of_a_run_in_korean(self):
        self.open("short", fragment="#language=ko")
        moments = self.js("[...Array(app.run.last + 1).keys()].map((at) => (app.goTo(at), document.getElementById('moment').textContent))")
        for moment in moments:
            self.assertRegex(moment, "[가-힣]")
            self.assertNotRegex(moment, "computed|contribution|backward|norm")
        for place in self.js("app.study.nodes.map(({ place }) => place)"):
            self.js("(app.select(arguments[0]), app.panel.show())", place)

    def test_who_chooses_the_language(self):
        """The link before the writer, the writer before the browser."""
        language = lambda: (self.js("document.documentElement.lang"), self.text("#view-plots"))
        self.open("leaves")
        self.assertEqual(language(), ("en", "Plots"))
        self.browser.find_element(By.ID, "language").click()
        self.settle()
        self.wait_for_address("language=ko")
        self.assertEqual(language(), ("ko", "그래프"))
        self.browser.find_element(By.ID, "language").click()
        self.settle()
        self.assertEqual(language(), ("en", "Plots"))
        self.open("korean")
        self.assertEqual(language(), ("ko", "그래프"))
        self.open("korean", fragment="#language=en")
        self.assertEqual(language(), ("en", "Plots"))
        agent = self.js("navigator.userAgent")
        self.browser.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "fr,ko-KR,en"})
        try:
            self.open("leaves")
            self.assertEqual(language(), ("ko", "그래프"))
        finally:
            self.browser.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": "en-US,en"})
