"""The page in docs/ as a visitor meets it: opened from its folder in Chromium, without a server or a network."""

import json
import shutil

import numpy as np
import pytest

pytest.importorskip(
    "playwright.sync_api", reason="Playwright is missing: make test-browser installs it", exc_type=ImportError
)
from playwright.sync_api import expect

from agnews_utils.commands.page import DOCS, STUDENTS
from agnews_utils.data import SAMPLE_DIR, read_folder
from agnews_utils.export.from_study import MODELS
from agnews_utils.export.student import load_student
from agnews_utils.settings import CLASS_NAMES, ROOT

ARTICLES = 200
AWKWARD = (
    "", " \n\t ", "?!... -- ,,,", "Ünïcode, naïve café, ÅNGSTRÖM & İstanbul ΟΔΟΣ", "e\u0301a\u0308\u0323 combining",
    "日本銀行が利上げ、株価は下落", "서울 증시 상승", "Привет, мир! Рубль вырос", "मुंबई में बारिश",
    "🚀🌕 Rocket 👩‍💻 launch ❤️",
    "Oil &lt;b&gt;prices&lt;/b&gt; rise #39;again#39; &quot;fast&quot; \\$5", "word " * 5000, "a" * 101,
    "a" * 100, "x," * 3000,
    "zero\u200bwidth soft\u00adhyphen bell\u0007 nul\u0000 bad\ufffd nbsp\u00a0end\u2028line\u0085next\x0bvt",
    "[CLS] [SEP] [UNK] ##ing [MASK]", "don't U.S.-led 3.5% $1bn €2m x²", "ﬁnance Ⅳ ½ ＦＵＬＬ ｗｉｄｔｈ",
    "\u1734 \u166d \u111c9 \u061d",
)  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
# every character that has a meaning: the other planes are empty, or for private use
CHARACTERS = [chr(code) for code in (*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE1000))]
ANSWERS = """([name, texts]) => {
    const student = AGNEWS.student(AGNEWS.data[name]);
    return texts.map((text) => {
        const { ids, probabilities } = student.answer(AGNEWS.Student.words(text));
        return [ids, probabilities];
    });
}"""


class Visit:
    """The page opened by a visitor; what it asked for and what the console said are kept."""

    def __init__(self, browser, folder=DOCS, **options):
        self.complaints, self.asked = [], []
        self.page = browser.new_page(**{"viewport": WIDE} | options)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto((folder / "index.html").as_uri())
        if folder == DOCS:
            expect(self.page.locator("#words .word").first).to_be_visible()

    def shoot(self, name):
        shots = ROOT / "output" / "browser"
        shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=shots / f"page_{name}.png", full_page=True, animations="disabled")


@pytest.fixture(scope="module")
def visit(chromium):
    visit = Visit(chromium)
    yield visit
    visit.page.close()


@pytest.fixture
def page(visit):
    return visit.page


@pytest.fixture(scope="module")
def sample():
    return read_folder(SAMPLE_DIR).test["text"].tolist()[:ARTICLES]


# the student


@pytest.mark.parametrize("name", STUDENTS)
def test_answers_are_those_of_python(page, sample, name):
    student, texts = load_student(MODELS / f"{name}.safetensors"), [*sample, *AWKWARD]
    assert len(sample) == ARTICLES
    answers = page.evaluate(ANSWERS, [name, texts])
    for text, (ids, _), expected_ids in zip(texts, answers, student.tokens(texts), strict=True):
        assert ids == expected_ids, text[:80]
    probabilities, expected = np.array([shares for _, shares in answers]), student.predict_proba(texts)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    assert probabilities.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()


def test_every_character_becomes_the_tokens_of_python(page):
    student = load_student(MODELS / f"{STUDENTS[0]}.safetensors")
    texts = [f"a{character}b" for character in CHARACTERS]
    tokens = page.evaluate(
        """([name, texts]) => {
            const student = AGNEWS.student(AGNEWS.data[name]);
            return texts.map((text) => AGNEWS.Student.words(text).flatMap((word) => student.piecesOf(word)).join(" "));
        }""",
        [STUDENTS[0], texts],
    )
    for start in range(0, len(texts), 20_000):
        wanted = student.tokens.tokenizer.encode_batch(texts[start : start + 20_000], add_special_tokens=False)
        for text, found, encoding in zip(texts[start:], tokens[start:], wanted, strict=False):
            assert found == " ".join(map(str, encoding.ids)), hex(ord(text[1]))


def test_temperature_divides_and_threshold_makes_unsure(chromium):
    visit = Visit(chromium)
    page = visit.page
    change = """(card) => {
        const make = AGNEWS.student;
        AGNEWS.student = (data) => { const student = make(data); Object.assign(student.card, card); return student; };
    }"""
    headline = "Shares fall after the bank reports a lower quarterly profit"
    student = load_student(MODELS / f"{STUDENTS[1]}.safetensors")
    logits = student.logits([headline])[0] / 3
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    page.evaluate(change, {"temperature": 3, "threshold": float(expected.max()) + 0.001})
    page.get_by_label("Student", exact=True).select_option(STUDENTS[1])
    page.locator("#text").fill(headline)
    best = f"{CLASS_NAMES[expected.argmax()]}, {100 * expected.max():.1f} %"
    expect(page.locator("#verdict")).to_have_text(f"Unsure. Best guess: {best}")
    shares = page.locator("#bars li > :last-child").all_inner_texts()
    assert [float(share.removesuffix(" %")) for share in shares] == pytest.approx(100 * expected, abs=0.06)
    page.close()


def test_answers_as_one_types(page, visit):
    text, verdict = page.get_by_label("Type or paste"), page.locator("#verdict")
    text.fill("")
    expect(verdict).to_have_text("Type a headline, and the student answers.")
    assert page.locator("#bars li").count() == page.locator("#words .word").count() == 0
    said = set()
    for word in ("Striker ", "scores ", "as ", "team ", "wins ", "the ", "title"):
        text.press_sequentially(word)
        said.add(verdict.inner_text())
    assert len(said) > 3  # no button was pressed
    expect(page.locator("#words .word")).to_have_count(7)
    student = load_student(MODELS / f"{page.get_by_label('Student', exact=True).input_value()}.safetensors")
    words = ["Striker", "scores", "as", "team", "wins", "the", "title"]
    shares = student.predict_proba([" ".join(words), *(" ".join(words[:i] + words[i + 1 :]) for i in range(7))])
    k = shares[0].argmax()
    expect(verdict).to_have_text(f"{CLASS_NAMES[k]}, {100 * shares[0, k]:.1f} %")
    drops = [float(n.replace("−", "-")) for n in page.locator("#words small").all_inner_texts()]
    lengths = page.locator("#bars .bar").evaluate_all(
        "all => all.map((bar) => bar.offsetWidth / bar.parentNode.offsetWidth)"
    )
    assert lengths == pytest.approx(shares[0].tolist(), abs=0.02)
    assert drops == pytest.approx(100 * (shares[0, k] - shares[1:, k]), abs=0.51)
    expect(page.locator("#classify-status")).to_contain_text("Words that mattered most: ")


def test_text_of_a_visitor_stays_text(page):
    page.locator("#text").fill("<img src=x onerror=alert(1)> <script>alert(2)</script>")
    expect(page.locator("#words .word")).to_have_count(4)
    assert page.locator("#classify img, #classify script").count() == 0
    expect(page.locator("#words")).to_contain_text("<img")


def test_what_is_not_read_or_not_known_is_said(page):
    page.locator("#text").fill("bank " * 300)
    expect(page.locator("#reading")).to_contain_text(" of 300 words: no more fit.")
    page.locator("#text").fill("🚀🌕")
    expect(page.locator("#reading")).to_contain_text("knows no word of this text")


def test_examples_and_the_smaller_student(page):
    buttons = page.locator("#examples button")
    verdicts = []
    for button in buttons.all():
        button.press("Enter")
        expect(page.get_by_label("Type or paste")).to_have_value(button.inner_text())
        verdicts.append(page.locator("#verdict").inner_text())
    assert len({verdict.partition(",")[0] for verdict in verdicts}) >= 3
    card = page.locator("#card").inner_text()
    page.get_by_label("Student", exact=True).select_option(STUDENTS[1])
    expect(page.locator("#card")).not_to_have_text(card)
    expect(page.locator("#verdict")).not_to_have_text(verdicts[-1])
    page.get_by_label("Student", exact=True).select_option(STUDENTS[0])


# the explorer


def test_losses_are_those_of_the_golden_cases(page):
    for case in json.loads((DOCS / "data" / "golden_losses.json").read_text(encoding="utf-8")):
        settings = {"tau": case["tau"], "beta": case["beta"], "gamma": case["gamma"]}
        settings |= {"ceWeight": case["ce_weight"], "scaleTau2": case["scale_tau2"]}
        found = page.evaluate(
            """({ student, teacher, labels, settings }) => {
                const { terms, total } = AGNEWS.dist(student, teacher, labels, settings);
                const gradient = student.map((_, i) => AGNEWS.distGradient(student, teacher, labels, settings, i));
                return { terms, total, gradient };
            }""",
            {name: case[name] for name in ("student", "teacher", "labels")} | {"settings": settings},
        )
        where = f"{case['name']}, tau {case['tau']}"
        assert found["terms"] == pytest.approx(case["terms"], abs=1e-7), where
        assert found["total"] == pytest.approx(case["total"], abs=1e-7), where
        if "constant row" not in where:  # there a correlation jumps, and a difference quotient means nothing
            np.testing.assert_allclose(found["gradient"], case["gradient"], rtol=1e-4, atol=1e-5, err_msg=where)


def golden(name):
    cases = json.loads((DOCS / "data" / "golden_losses.json").read_text(encoding="utf-8"))
    return next(case for case in cases if case["name"] == name and case["tau"] == 1)


def gives(page, term):
    """The number in the last column of a term's row."""
    row = page.locator("#terms tbody tr").filter(has=page.get_by_role("rowheader", name=term))
    return float(row.locator("td").last.inner_text())


@pytest.mark.parametrize("place", range(3))
def test_situations_show_the_golden_numbers(page, place):
    select = page.get_by_label("Situation")
    name = select.locator("option").nth(place).inner_text()
    select.select_option(label=name)
    case = golden(name)
    assert gives(page, "DIST, total") == pytest.approx(case["total"], abs=1e-4)
    assert gives(page, "KL, to compare") == pytest.approx(case["terms"]["kl"], abs=1e-4)
    for term, weight in (("cross-entropy", 1), ("inter", case["beta"]), ("intra", case["gamma"])):
        wanted = weight * case["terms"][term if term != "cross-entropy" else "ce"]
        assert gives(page, term) == pytest.approx(wanted, abs=1e-4)
    raises = [word in page.locator("#step").inner_text() for word in ("raises", "lowers")]
    assert raises == [min(case["gradient"][0]) < -5e-4, max(case["gradient"][0]) > 5e-4]


def test_sliders_move_by_keyboard(page):
    page.get_by_label("Situation").select_option(index=0)
    before = {term: gives(page, term) for term in ("inter", "intra", "cross-entropy", "DIST, total")}
    beta = page.get_by_label("Weight beta of inter")
    for _ in range(10):
        beta.press("ArrowRight")
    assert beta.input_value() == "3"
    assert gives(page, "inter") == pytest.approx(before["inter"] * 1.5, abs=1e-4)
    beta.press("Home")
    assert gives(page, "inter") == 0
    assert gives(page, "DIST, total") == pytest.approx(before["DIST, total"] - before["inter"], abs=2e-4)
    for label, name in (("Temperature tau", "inter"), ("Weight gamma of intra", "intra"), ("Weight of cross", "cross")):
        page.get_by_label("Weight beta of inter").fill("2")
        was = gives(page, name)
        page.get_by_label(label).press("ArrowLeft")
        assert gives(page, name) != was
    expect(page.locator("#explore-status")).to_contain_text(f"total {gives(page, 'DIST, total'):.4f}")
    for label, value in (("Temperature tau", "1"), ("gamma", "2"), ("cross-entropy", "1")):
        page.get_by_label(label).fill(value)
    assert gives(page, "DIST, total") == pytest.approx(before["DIST, total"], abs=1e-4)


def test_edited_logits_labels_and_tau_squared_count(page):
    page.get_by_label("Situation").select_option(index=0)
    page.get_by_label("Article to edit", exact=True).select_option(label="article 2")
    ce, kl = gives(page, "cross-entropy"), gives(page, "KL, to compare")
    page.get_by_role("group", name="The student's logits").get_by_label("World").press("End")
    assert gives(page, "cross-entropy") < ce
    assert page.get_by_label("Situation").locator("option:checked").inner_text() == "edited by hand"
    page.get_by_role("group", name="The teacher's logits").get_by_label("Sports").press("PageUp")
    assert gives(page, "KL, to compare") != kl
    page.get_by_label("Its true class").select_option(label="Sports")
    assert gives(page, "cross-entropy") > ce
    assert page.locator("#matrix tbody tr").nth(1).locator("td.truth").inner_text().startswith("student")
    page.get_by_label("Temperature tau").fill("3")
    inter = gives(page, "inter")
    page.get_by_label("Multiply inter and intra by tau²").check()
    assert gives(page, "inter") == pytest.approx(9 * inter, abs=1e-3)
    page.get_by_label("Multiply inter and intra by tau²").uncheck()
    page.get_by_label("Temperature tau").fill("1")


# the whole page


@pytest.mark.parametrize(
    ("missing", "part", "other"), [("student_*", "classify", "explore"), ("s*.js", "explore", None)]
)
def test_a_missing_file_is_one_sentence_and_the_rest_works(chromium, tmp_path, missing, part, other):
    shutil.copytree(DOCS, tmp_path / "docs")
    for path in (tmp_path / "docs" / "data").glob(missing):
        path.unlink()
    page = Visit(chromium, tmp_path / "docs").page
    expect(page.locator(f"#{part} [role=alert]")).to_contain_text("keep the folder whole.")
    if other:
        expect(page.locator("#matrix table")).to_be_visible()
        expect(page.locator(f"#{other} [role=alert]")).to_have_count(0)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_fits_and_is_accessible(chromium, scheme, viewport):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is missing: make test-browser gets it"
    )
    visit = Visit(chromium, viewport=viewport, color_scheme=scheme)
    page = visit.page
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.locator(".wide").evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")
    lightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (lightness > 128) == (scheme == "light")
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    visit.shoot(f"{'wide' if viewport is WIDE else 'narrow'}_{scheme}")
    page.close()


def test_focus_is_visible_and_reaches_every_control(chromium):
    visit = Visit(chromium)
    page, reached = visit.page, []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const { id, tagName, textContent } = document.activeElement;
                return [id || `${tagName} ${textContent}`, getComputedStyle(document.activeElement).outlineStyle];
            }"""
        )
        if focused[0] in reached:
            break
        reached.append(focused[0])
        assert focused[1] != "none" or focused[0].startswith("BODY"), focused
    controls = page.locator("textarea, select, input").evaluate_all("all => all.map((one) => one.id)")
    assert set(controls) <= set(reached)
    page.close()


def test_nothing_was_asked_of_a_network_and_nothing_went_wrong(visit):
    """Last: all that the tests above did made no request and no complaint."""
    assert visit.complaints == []
    assert [url for url in visit.asked if not url.startswith(("file:", "data:"))] == []
