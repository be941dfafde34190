"""The built site: nothing dead in it, nothing from elsewhere, fast, accessible, and it works in a real browser."""

from __future__ import annotations

import gzip
import json
import re
import struct
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from airskills.rules import RULES

pytestmark = pytest.mark.full
REPOSITORY = Path(__file__).resolve().parents[2]
SKILLS = sorted(path.parent.name for path in REPOSITORY.glob("skills/*/SKILL.md"))
BUDGET = 300_000  # bytes of a skill's page with all it loads, as a host sends them (gzip), without fonts
SEEN = ("", "skills/", "skills/faiss/", "reference/rules/AS301/", "reference/commands/check/")
AXE = {"light": "axe.run()", "dark": "axe.run({runOnly: ['color-contrast']})"}  # the rest has no color
SERIOUS = ("serious", "critical")


class Page(HTMLParser):
    """The anchors of a page, and what it links to or loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids and targets."""
        given = dict(attrs)
        self.anchors |= {given[key] or "" for key in ("id", "name") if key in given}
        self.links += [(tag, given[key] or "") for key in ("href", "src") if key in given]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {
        path: Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"
    }


def dead(pages: dict[Path, Page]) -> Iterator[str]:
    for path, page in pages.items():
        for _, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = there / "index.html" if there.is_dir() else there
            anchor = unquote(parts.fragment)
            if not there.is_file():
                yield f"{path}: {link}"
            elif anchor and there in pages and anchor not in pages[there].anchors:
                yield f"{path}: {link} (no such anchor)"


def test_every_link_and_anchor_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert list(dead(pages)) == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    loaded = [
        link
        for page in pages.values()
        for tag, link in page.links
        if tag in {"script", "img", "iframe", "source"}
    ]
    loaded += re.findall(
        r"url\((?:\"|')?(https?:[^)]*)\)",
        " ".join(p.read_text() for p in REPOSITORY.glob("docs/assets/*.css")),
    )

    assert [link for link in loaded if urlsplit(link).netloc] == []


def test_there_is_a_page_for_every_skill_and_rule(site: Path) -> None:
    assert sorted(path.parent.name for path in site.glob("skills/*/index.html")) == SKILLS
    assert all((site / "reference" / "rules" / code / "index.html").is_file() for code in RULES)


def test_the_builder_that_will_follow_makes_the_same_pages(site: Path, canary: Path) -> None:
    made, expected = (
        {path.relative_to(root).as_posix() for path in root.rglob("index.html")} for root in (canary, site)
    )

    assert made == expected


def test_what_clients_and_search_engines_look_for_is_there(site: Path) -> None:
    index = json.loads((site / ".well-known" / "agent-skills" / "index.json").read_text())
    places = ET.parse(site / "sitemap.xml").iterfind(".//{*}loc")

    assert sorted(entry["name"] for entry in index["skills"]) == SKILLS
    assert all((site / ".well-known" / "skills" / name / "SKILL.md").is_file() for name in SKILLS)
    assert sum("/skills/peft/" in (place.text or "") for place in places) > 1
    assert all((site / name).is_file() for name in ("llms.txt", "llms-full.txt", ".nojekyll", "404.html"))
    head = (site / "skills" / "peft" / "index.html").read_text()
    assert all(f'property="og:{name}"' in head for name in ("title", "description", "url", "type", "image"))
    image = re.findall(r'property="og:image" content="([^"]+)"', head)[0]
    assert image.startswith("https://")
    assert (site / image.partition("/airskills/")[2]).read_bytes()[16:24] == struct.pack(">II", 1200, 630)


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Any]:
    """A page of the browser which, at its end, must have said nothing and asked nobody else."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(60_000)  # a busy machine, not a slow page
    yield page
    context.close()
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def shown(tab: Any) -> list[str]:
    return [name.strip() for name in tab.locator("#catalogue > li:visible h2").all_inner_texts()]


def test_the_filters_of_the_catalogue_narrow_at_once_and_stand_in_the_address(tab: Any, address: str) -> None:
    files = {name: REPOSITORY / "skills" / name / "SKILL.md" for name in SKILLS}
    tuning = [name for name, file in files.items() if "airskills-category: fine-tuning" in file.read_text()]
    tab.goto(f"{address}skills/")
    assert shown(tab) == SKILLS

    tab.select_option("[name=category]", "fine-tuning")
    assert shown(tab) == tuning
    assert tab.locator("#count").inner_text() == f"{len(tuning)} of {len(SKILLS)}"

    tab.reload()
    assert shown(tab) == tuning

    tab.fill("[name=q]", "zzz")
    assert tab.locator("#nothing").is_visible()
    tab.click("#clear")
    assert shown(tab) == SKILLS


@pytest.mark.parametrize("name", ["category", "tool", "tag", "needs", "proof"])
def test_every_choice_of_a_filter_shows_the_skills_that_have_it(tab: Any, address: str, name: str) -> None:
    tab.goto(f"{address}skills/")
    rows = tab.evaluate(
        "name => [...document.querySelectorAll('#catalogue > li')].map("
        "row => [row.querySelector('h2').textContent.trim(), row.dataset[name].split(' ')])",
        name,
    )
    choices = tab.evaluate(
        "name => [...document.forms.filters.elements[name].options].map(o => o.value)", name
    )

    assert choices[0] == ""
    assert len(choices) > 1
    for choice in choices[1:]:
        tab.select_option(f"[name={name}]", choice)
        expected = [skill for skill, values in rows if choice in values]
        assert shown(tab) == expected != [], choice


def test_a_tag_on_the_page_of_a_skill_leads_to_the_filtered_catalogue(tab: Any, address: str) -> None:
    tab.goto(f"{address}skills/faiss/")
    tab.click(".chip >> text=hnsw")
    tab.wait_for_url("**/skills/?tag=hnsw")

    assert shown(tab) == ["faiss"]


def test_the_search_finds_a_skill(tab: Any, address: str) -> None:
    tab.goto(address)
    tab.click(".md-search__input")
    tab.keyboard.type("faiss recall")
    link = tab.locator(".md-search-result__link").first
    link.wait_for()

    assert "/skills/faiss/" in link.get_attribute("href")


def test_the_copy_button_copies_the_command(tab: Any, address: str) -> None:
    tab.goto(f"{address}skills/peft/")
    block = tab.locator(".tabbed-block").first
    block.hover()
    block.locator("[data-clipboard-target], .md-code__button, .md-clipboard").first.click()
    tab.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('airskills'))")

    assert (
        tab.evaluate("navigator.clipboard.readText()").strip() == "airskills install peft --agent claude-code"
    )


def test_the_tabs_show_the_command_of_each_agent(tab: Any, address: str) -> None:
    tab.goto(f"{address}skills/peft/")
    tab.click(".tabbed-labels >> text=Cursor")

    assert "--agent cursor" in tab.locator(".tabbed-block:visible").first.inner_text()


def test_the_dark_scheme_is_one_click_away_and_stays(tab: Any, address: str) -> None:
    tab.goto(address)
    assert tab.locator("body").get_attribute("data-md-color-scheme") == "default"

    tab.click("label[title=Dark]")
    tab.goto(f"{address}skills/")
    assert tab.locator("body").get_attribute("data-md-color-scheme") == "slate"


def test_a_page_of_a_skill_is_light_and_leaves_the_search_index_for_later(
    tab: Any, address: str, site: Path
) -> None:
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"{address}skills/peft/", wait_until="networkidle")
    paths = {url.removeprefix(address).partition("?")[0] for url in asked}
    files = [site / path / "index.html" if (site / path).is_dir() else site / path for path in paths]

    assert not any("search_index" in path for path in paths)
    assert sum(len(gzip.compress(path.read_bytes(), 6)) for path in files) < BUDGET


def test_a_missing_page_says_where_to_go(site: Path) -> None:
    assert "The catalogue" in (site / "404.html").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility_or_is_wider_than_a_phone(
    browser: Any, address: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text()
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)
    faults = []
    for path in SEEN:
        page.goto(f"{address}{path}", wait_until="networkidle")
        page.evaluate(script)
        for fault in page.evaluate(AXE[scheme])["violations"]:
            faults += [
                f"{path} {fault['id']}: {node['html'][:200]}"
                for node in fault["nodes"]
                if fault["impact"] in SERIOUS
            ]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{path} is wider than the screen")
    context.close()

    assert faults == []
