"""The files of the web chat and the diagrams: small, in two languages, readable, and asking no other host."""

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[1] / "api" / "static"
CHAT = sorted(STATIC.glob("chat*"))
FLOWS = sorted(STATIC.glob("flows*"))
PAGES = {"chat": CHAT, "flows": FLOWS}
OURS = [*CHAT, *FLOWS]
SCRIPTS = [path for path in OURS if path.suffix == ".js"]


def names(paths):
    return [path.name for path in paths]


class Tags(HTMLParser):
    """All tags of a page, and the text found inside <script> and <style>."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(page.read_text())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("script", "style"):
            self.inline += data.strip()


def words_of(page: str) -> dict[str, dict[str, str]]:
    file = STATIC / {"chat": "chat-words.js", "flows": "flows.js"}[page]
    return json.loads(re.search(r"const WORDS = (\{.*?\n\});", file.read_text(), re.DOTALL)[1])


def test_the_chat_page_weighs_less_than_40_kb():
    assert {path.suffix for path in CHAT} == {".html", ".css", ".js"}
    assert sum(path.stat().st_size for path in CHAT) < 40_000


@pytest.mark.parametrize("page", PAGES)
def test_no_script_or_style_is_written_into_the_page(page):
    seen = Tags(STATIC / f"{page}.html")
    assert seen.inline == ""
    for tag, attributes in seen.tags:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name == "style" or name.startswith("on")], (tag, attributes)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_the_page_asks_for_is_ours(page):
    seen = Tags(STATIC / f"{page}.html")
    asked = [value for _, attributes in seen.tags for name, value in attributes.items() if name in ("src", "href")]
    for address in filter(None, asked):
        if address.startswith("/static/"):
            assert (STATIC / address.removeprefix("/static/")).is_file(), address
        else:
            assert address in ("data:,", "tel:110"), address
    loaded = {address for address in asked if address and address.startswith("/static/")}
    assert {f"/static/{path.name}" for path in PAGES[page] if path.suffix != ".html"} <= loaded


@pytest.mark.parametrize("path", OURS, ids=names(OURS))
def test_no_file_names_another_host(path):
    text = path.read_text()
    assert not re.search(r"(?:https?:|wss?:|[\"'(])//\w", text)
    assert not re.search(r"@import|url\((?!#)", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=names(SCRIPTS))
def test_scripts_build_the_page_from_text_alone(path):
    dangerous = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\"style\"|javascript:"
    assert not re.search(dangerous, path.read_text())


@pytest.mark.parametrize("path", [path for path in CHAT if path.suffix == ".js"], ids=lambda path: path.name)
def test_chat_scripts_run_on_browsers_of_2017(path):
    newer = (
        r"\?\.[a-zA-Z(\[]|\?\?|\|\|=|&&=|catch \{|\{ ?\.\.\.|for await|\(\?<|\\p\{|\.replaceAll\(|\.flat(Map)?\("
        r"|fromEntries|allSettled|randomUUID\(|structuredClone|replaceChildren|^(import|export) "
    )
    assert not re.search(newer, path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_word_is_there_in_both_languages_and_used(page):
    words = words_of(page)
    assert list(words) == ["es", "en"]
    assert list(words["es"]) == list(words["en"])
    own_name = {"bot"}
    for name, spanish in words["es"].items():
        assert spanish.strip() and words["en"][name].strip(), name
        assert name in own_name or spanish != words["en"][name], f"{name} is not translated"
    text = "".join(path.read_text() for path in PAGES[page])
    rest = re.sub(r"const WORDS = \{.*?\n\};", "", text, flags=re.DOTALL)
    asked = set(re.findall(r"\b(?:say|tell)\(\"(\w+)\"\)|data-(?:word|label)=\"(\w+)\"", rest))
    assert {word for pair in asked for word in pair if word} <= set(words["es"])
    assert [name for name in words["es"] if f'"{name}"' not in rest] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_page_itself_gives_nobody_away(page):
    """A glance at a shared phone must not tell that its owner was returned; and nobody meets an "error"."""
    told = r"deport|retorn|return(ed|ee)|regres[óo]|migra|ilegal|indocument|\berror\b"
    for language, words in words_of(page).items():
        for name, text in words.items():
            assert not re.search(told, text, re.IGNORECASE), (language, name)


def shades(css: str) -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in blocks)
    assert light.keys() == dark.keys()
    return {"light": light, "dark": dark}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 (relative luminance of sRGB)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


PAIRS = {
    "chat": """text page, text bot, text me, text person, quiet page, quiet bot, quiet me, on-head head, act bot,
               on-act act, warn warn-page, link bot, link person""",
    "flows": "text page, text paper, quiet page, on-head head, act page, warn page, warn paper, link page",
}


@pytest.mark.parametrize("page", PAGES)
def test_every_text_has_the_contrast_of_wcag_aa(page):
    for scheme, colours in shades((STATIC / f"{page}.css").read_text()).items():
        for pair in PAIRS[page].split(","):
            ink, paper = pair.split()
            assert contrast(colours[ink], colours[paper]) >= 4.5, (scheme, pair)


@pytest.mark.parametrize("path", OURS, ids=names(OURS))
def test_each_file_is_short_and_says_what_it_is_for(path):
    text = path.read_text()
    assert len(text.splitlines()) < 400
    if path.suffix == ".js":
        assert re.match(r'"use strict";\n/\* [A-Z].*\. \*/\n', text)


def test_the_drawing_library_is_as_published_with_its_licences():
    library = (STATIC / "vendor" / "mermaid.tiny.js").read_bytes()
    licences = (STATIC / "vendor" / "mermaid.licenses.txt").read_text()
    assert hashlib.sha256(library).hexdigest() in licences
    assert "Copyright (c) 2014 - 2022 Knut Sveidqvist" in licences
    assert "Apache License" in licences and "Mike Bostock" in licences
    assert b"new Function" not in library  # the policy of the page forbids it
