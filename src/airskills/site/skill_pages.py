"""The pages of one skill: its front page, a page for each other Markdown file, its code, and its proof unit by unit."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from airskills.catalog import one_line
from airskills.evals import trials
from airskills.export.manifests import purpose
from airskills.install.agents import agents
from airskills.run.facts import Fact, read_facts
from airskills.site.dialect import convert, without_title
from airskills.site.evidence import SAID, VERDICTS, Evidence, Row, shares
from airskills.site.render import render
from airskills.skill import FILE_NAME, Skill

# The agents whose commands a page shows; `airskills install --agent` knows all.
SHOWN = ("claude-code", "codex", "cursor", "gemini-cli", "github-copilot")
RAW = "SKILL.txt"  # the SKILL.md as it is; under its own name a builder would make a page of it
KIND_TITLES = {
    "blocks": "Code blocks",
    "facts": "Facts",
    "examples": "Examples",
    "scripts": "Scripts",
    "evals": "Answers of evals",
}
_CODE = re.compile(r"(?:examples|scripts)/[^.].*\.(?P<suffix>py|sh|bash|ya?ml|json|toml|txt|cfg|ini)")
_HIDDEN = re.compile(r"\.|.*/\.|evals/|proof\.json$|facts\.yaml$")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


Named = tuple[str, str]  # a skill: its name, and what it is for


@dataclass(frozen=True, slots=True)
class Reference:
    """A Markdown file of a skill besides its SKILL.md: its path in the skill, its title, and what it begins with."""

    path: str
    title: str
    lead: str


def pages(evidence: Evidence, related: Sequence[Named]) -> dict[str, str]:
    """The pages of a skill, by their paths below its folder."""
    listed = references(evidence)
    made = {"index.md": _front(evidence, listed, related), "proof.md": _proof(evidence)}
    if any(True for _ in _code_files(evidence)):
        made["code.md"] = _code(evidence)
    return made | {reference.path: _reference(evidence, reference) for reference in listed}


def files(evidence: Evidence) -> dict[str, bytes]:
    """The SKILL.md as it is, and what links may lead to and no page shows, by path below the folder of the skill."""
    folder, shown = evidence.folder, set(_code_files(evidence))
    paths = (file.path for file in folder.files if file.path not in shown and not file.path.endswith(".md"))
    return {RAW: folder.read(FILE_NAME)} | {
        path: folder.read(path) for path in paths if not _HIDDEN.match(path)
    }


def references(evidence: Evidence) -> list[Reference]:
    """The Markdown files that get pages of their own."""
    folder = evidence.folder
    paths = [
        f.path
        for f in folder.matching(".md")
        if f.path != FILE_NAME and not f.path.startswith(("evals/", "."))
    ]
    return [_described(path, folder.text(path)) for path in paths]


def related_to(skill: Skill, skills: Sequence[Skill]) -> list[Skill]:
    """Skills that it names, then others of its category, then others that share a tag; each once, six at most."""
    others = [other for other in skills if other.name != skill.name]
    named = [o for o in others if f"`{o.name}`" in skill.body]
    akin = [o for o in others if o.category and o.category == skill.category]
    tagged = [o for o in others if set(o.tags) & set(skill.tags)]
    return list({o.name: o for o in [*named, *akin, *tagged]}.values())[:6]


def anchor(path: str) -> str:
    """The anchor of a file on the page of code."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")


def _front(evidence: Evidence, listed: Sequence[Reference], related: Sequence[Named]) -> str:
    skill, tried = evidence.skill, trials.read_trials(evidence.folder)
    title, body, lower = without_title(skill.body)
    text = convert(
        body,
        resolve=_resolver(evidence, FILE_NAME),
        mark=_marker(evidence, FILE_NAME),
        first_line=skill.body_line + lower,
    )
    return render(
        "skill.md",
        skill=skill,
        title=title or skill.name,
        description=one_line(skill.description),
        purpose=purpose(skill),
        evidence=evidence,
        verdict=VERDICTS[evidence.verdict],
        said=SAID,
        kinds=KIND_TITLES,
        shares=list(shares(evidence.proof.static)) if evidence.proof.static else [],
        listed=[(row, _where(row)) for row in evidence.rows if row.unit.kind in {"blocks", "examples"}],
        agents=[agents()[name] for name in SHOWN],
        body=text,
        references=listed,
        related=related,
        has_code=any(True for _ in _code_files(evidence)),
        trials=[(trial, trials.counts(trial)) for trial in tried if trial.without or trial.with_],
        totals=trials.totals(tried),
    )


def _reference(evidence: Evidence, reference: Reference) -> str:
    _, body, lower = without_title(evidence.folder.text(reference.path))
    text = convert(
        body,
        resolve=_resolver(evidence, reference.path),
        mark=_marker(evidence, reference.path),
        first_line=1 + lower,
    )
    up = "../" * reference.path.count("/")
    return render("reference.md", skill=evidence.skill, reference=reference, body=text, up=up)


def _code(evidence: Evidence) -> str:
    files = [
        (
            path,
            anchor(path),
            path.rpartition(".")[2],
            evidence.folder.text(path).rstrip("\n"),
            _of_file(evidence, path),
        )
        for path in _code_files(evidence)
    ]
    return render("skill_code.md", skill=evidence.skill, files=files, evidence=evidence, said=SAID)


def _proof(evidence: Evidence) -> str:
    facts = read_facts(evidence.folder)[0]
    rows = {(row.unit.kind, row.unit.line): row for row in evidence.rows if row.unit.kind == "facts"}
    return render(
        "skill_proof.md",
        skill=evidence.skill,
        evidence=evidence,
        verdict=VERDICTS[evidence.verdict],
        said=SAID,
        kinds=KIND_TITLES,
        rows=[
            (kind, list(group))
            for kind, group in groupby(evidence.rows, key=lambda row: row.unit.kind)
            if kind != "facts"
        ],
        facts=[(fact, rows["facts", fact.old.line], _claim(fact)) for fact in facts],
        where=_where,
        shares=list(shares(evidence.proof.static)) if evidence.proof.static else [],
    )


def _claim(fact: Fact) -> str:
    words = {"fails": "fails with", "silent": "runs, and then holds", "warns": "warns"}
    return words[fact.claim]


def _where(row: Row) -> str:
    """The page and anchor at which a unit is shown, from the skill's front page."""
    unit = row.unit
    if unit.kind == "blocks":
        page = "" if unit.path == FILE_NAME else unit.path
        return f"{page}#line-{unit.line}"
    return f"code.md#{anchor(unit.path)}" if _CODE.fullmatch(unit.path) else ""


def _described(path: str, text: str) -> Reference:
    title, body, _ = without_title(text)
    stem = posixpath.basename(path).removesuffix(".md").replace("-", " ")
    paragraph = next((p for p in body.split("\n\n") if re.match(r"[A-Z`*]", p)), "")
    return Reference(path, title or stem.capitalize(), one_line(paragraph))


def _code_files(evidence: Evidence) -> Iterator[str]:
    return (f.path for f in evidence.folder.files if _CODE.fullmatch(f.path))


def _of_file(evidence: Evidence, path: str) -> Row | None:
    return next((row for row in evidence.rows if row.unit.path == path), None)


def _resolver(evidence: Evidence, page: str) -> Callable[[str], str]:
    """Where the links of one page of a skill lead on the site."""
    here = posixpath.dirname(page)

    def resolve(target: str) -> str:
        if _OUTSIDE.match(target):
            return target
        path, mark, fragment = target.partition("#")
        inside = posixpath.normpath(posixpath.join(here, path))
        if inside == "." or not evidence.folder.has(inside):
            return target
        return posixpath.relpath(_shown_at(inside), here or ".") + mark + fragment

    return resolve


def _shown_at(inside: str) -> str:
    """The page that shows a file of a skill, or the file itself, from the skill's folder."""
    if inside == FILE_NAME:
        return "index.md"
    if inside == "facts.yaml" or inside.startswith("evals/"):
        return "proof.md"
    return f"code.md#{anchor(inside)}" if _CODE.fullmatch(inside) else inside


def _marker(evidence: Evidence, path: str) -> Callable[[int], str]:
    """The line above a block of code that says what was proven of it."""

    def mark(line: int) -> str:
        row = evidence.at(path, line)
        if row is None:
            return ""
        said = SAID[row.state] + (f" {evidence.date}" if row.state == "ran" else "")
        note = f": {escape(row.note)}" if row.note else ""
        return f'<p class="unit {row.state}" id="line-{line}"><span>{said}{note}</span></p>'

    return mark


def summary(evidence: Evidence) -> Mapping[str, int]:
    """Units of a skill by state, all kinds together."""
    return {state: sum(states[state] for states in evidence.tally().values()) for state in SAID}
