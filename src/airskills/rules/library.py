"""AS8xx: the library as a whole. A skill that another one shadows, resembles or pushes out of the listing is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from airskills.catalog import client_budget
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.ranking import read_request, weigh
from airskills.rules._base import LibraryRule
from airskills.rules.evals import QUERIES, _line, _listed
from airskills.rules.profiles import CLIENTS, EVERYWHERE
from airskills.terms import stop_words, terms

_BOTH = ("standard", *CLIENTS)
BUNDLE = 15
LISTING_OVERHEAD = 4  # characters between name and description in a listing


def _skill(name: str, description: str, extra: str = "") -> str:
    return f"---\nname: {name}\ndescription: {description}\n{extra}---\n# {name}\n"


class AS801(LibraryRule):
    """Two skills have one name.

    Why: clients show one of them, and which one depends on the client.
    """

    severity = "warning"
    profiles = EVERYWHERE
    bad = {
        "a/SKILL.md": _skill("a", "Reads logs. Use when a run fails."),
        "x/a/SKILL.md": _skill("a", "Writes reports. Use when it is done."),
    }
    good = {
        "a/SKILL.md": _skill("a", "Reads logs. Use when a run fails."),
        "b/SKILL.md": _skill("b", "Writes reports. Use when it is done."),
    }
    at = ("x/a/SKILL.md", 2)

    def check_all(self, folders: Sequence[Folder]) -> Iterator[Finding]:
        seen: dict[str, Folder] = {}
        for folder in folders:
            if folder.skill is None:
                continue
            first = seen.setdefault(folder.skill.name, folder)
            if first is not folder:
                line = folder.skill.positions.get("name", (1, 1))[0]
                yield self.finding(
                    folder.skill.path,
                    line,
                    f"The name {folder.skill.name!r} is taken by {first.path}",
                    "Rename one of the two",
                )


class AS805(LibraryRule):
    """Two descriptions say the same.

    Why: an agent cannot tell the skills apart and takes either.
    """

    profiles = _BOTH
    bad = {
        "a/SKILL.md": _skill("a", "Reads training logs and names the fault. Use when a training run fails."),
        "b/SKILL.md": _skill(
            "b", "Reads training logs and names every fault. Use when the training run fails."
        ),
    }
    good = {
        "a/SKILL.md": _skill("a", "Reads training logs and names the fault. Use when a training run fails."),
        "b/SKILL.md": _skill("b", "Searches vectors in an index on disk. Use when neighbors are slow."),
    }
    at = ("b/SKILL.md", 3)

    def check_all(self, folders: Sequence[Folder]) -> Iterator[Finding]:
        stems = [
            (folder, frozenset(terms(folder.skill.description)) - stop_words())
            for folder in folders
            if folder.skill
        ]
        for (first, one), (second, other) in combinations(stems, 2):
            if one and len(one & other) >= 0.7 * len(one | other) and first.name != second.name:
                yield _at_description(
                    self,
                    second,
                    f"The description says nearly the same as that of {first.name!r}",
                    "Say what only this skill does",
                )


class AS806(LibraryRule):
    """Validation request finds another skill.

    Why: the request is one that the skill's author says should trigger it. If the library's own search ranks another
    skill above it, descriptions overlap, and an agent confuses the two as well.
    """

    profiles = ("standard",)
    bad = {
        "a/SKILL.md": _skill("a", "Merges adapters into base weights. Use when logits differ after a merge."),
        "b/SKILL.md": _skill("b", "Finds nearest neighbors of vectors. Use when recall of an index is low."),
        f"a/{QUERIES}": '[\n{"query": "low recall of my vector index", "should_trigger": true, "split": "validation"}]',
    }
    good = {
        **bad,
        f"a/{QUERIES}": '[\n{"query": "logits differ after I merge the adapter", "should_trigger": true, "split": "validation"}]',
    }
    at = (f"a/{QUERIES}", 2)

    def check_all(self, folders: Sequence[Folder]) -> Iterator[Finding]:
        stems = {folder.name: fields_of(folder) for folder in folders if folder.skill}
        counts = Counter(stem for fields in stems.values() for stem in frozenset().union(*fields.values()))
        for folder in folders:
            for item in _listed(folder) if folder.skill else []:
                if not item["should_trigger"] or item.get("split") != "validation":
                    continue
                first = best(item["query"], stems, counts)
                if first != folder.name:
                    line = _line(folder, item["query"])
                    message = (
                        f"The request {item['query'][:70]!r} finds {first!r} first"
                        if first
                        else f"The request {item['query'][:70]!r} finds nothing"
                    )
                    yield self.finding(
                        folder.at(QUERIES),
                        line,
                        message,
                        "Put its words into the description, or take them out of the other's",
                    )


class AS807(LibraryRule):
    """Catalogue does not fit a client's listing.

    Why: clients that run out of room drop descriptions without a word, and a skill without one is never chosen.
    """

    profiles = CLIENTS
    bad = {f"s{n:02}/SKILL.md": _skill(f"s{n:02}", f"Use when {n} " + "x" * 600) for n in range(14)}
    good = {f"s{n:02}/SKILL.md": _skill(f"s{n:02}", f"Use when {n} " + "x" * 60) for n in range(14)}
    at = ("s12/SKILL.md", 3)

    def check_all(self, folders: Sequence[Folder]) -> Iterator[Finding]:
        client = self.settings.profile if self.settings.profile in CLIENTS else "claude-code"
        budget = client_budget(client)
        total = 0
        for folder in folders:
            if folder.skill is None or budget.characters is None:
                continue
            before = total
            shown = min(
                len(folder.skill.description), budget.skill_characters or len(folder.skill.description)
            )
            total += len(folder.skill.name) + shown + LISTING_OVERHEAD
            if before <= budget.characters < total:
                message = f"The listing of {client} ends here: {total:,} characters with this skill, {budget.characters:,} allowed"
                yield _at_description(
                    self, folder, message, f"Shorten descriptions, or offer bundles of at most {BUNDLE}"
                )


class AS808(LibraryRule):
    """Skill names another that is not there.

    Why: the agent is sent to a skill it cannot load.
    """

    profiles = ("standard",)
    bad = {"a/SKILL.md": _skill("a", "Reads logs. Use when a run fails.") + "\nSee the skill `log-writer`.\n"}
    good = {
        "a/SKILL.md": _skill("a", "Reads logs. Use when a run fails.") + "\nSee the skill `log-writer`.\n",
        "log-writer/SKILL.md": _skill("log-writer", "Writes reports. Use when it is done."),
    }
    at = ("a/SKILL.md", 7)
    _mention = re.compile(r"\bskills? `([a-z0-9]+(?:-[a-z0-9]+)*)`|`([a-z0-9]+(?:-[a-z0-9]+)*)` skill\b")

    def check_all(self, folders: Sequence[Folder]) -> Iterator[Finding]:
        names = {folder.name for folder in folders}
        for folder in folders:
            for document in folder.documents:
                for number, line in enumerate(document.text.split("\n"), document.first_line):
                    for found in self._mention.finditer(line):
                        name = found[1] or found[2]
                        if name not in names:
                            yield self.finding(
                                document.path,
                                number,
                                f"The skill {name!r} is not in this library",
                                "Name one that is, or name the tool itself",
                            )


class AS809(LibraryRule):
    """Tag or category is not in the vocabulary.

    Why: `--tag` and the site's filters find only what is spelled alike.
    """

    profiles = ("standard",)
    bad = {
        "a/SKILL.md": _skill(
            "a", "Reads logs. Use when a run fails.", "metadata:\n  airskills-category: Loging Tools\n"
        )
    }
    good = {
        "a/SKILL.md": _skill(
            "a", "Reads logs. Use when a run fails.", "metadata:\n  airskills-category: logging\n"
        )
    }
    at = ("a/SKILL.md", 5)

    def check_all(self, folders: Sequence[Folder]) -> Iterator[Finding]:
        for folder in folders:
            if folder.skill is None:
                continue
            for key, values, known in (
                ("airskills-category", (folder.skill.category,), self.settings.categories),
                ("airskills-tags", folder.skill.tags, self.settings.tags),
            ):
                for value in values:
                    malformed = value and re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value) is None
                    if malformed or (value and known and value not in known):
                        line = folder.skill.positions.get(f"metadata.{key}", (1, 1))[0]
                        why = "is not lower case with hyphens" if malformed else "is not in the vocabulary"
                        yield self.finding(
                            folder.skill.path,
                            line,
                            f"The value {value[:40]!r} of {key} {why}",
                            "Choose one of the settings' list, or add it there",
                        )


def fields_of(folder: Folder) -> dict[str, frozenset[str]]:
    """Stems of every searchable field, as the index holds them."""
    skill = folder.skill
    if skill is None:
        return {}
    train = [
        item["query"]
        for item in _listed(folder)
        if item["should_trigger"] and item.get("split", "train") == "train"
    ]
    texts: Mapping[str, str] = {
        "name": skill.name,
        "description": skill.description,
        "tags": " ".join([*skill.tags, skill.category]),
        "requests": "\n".join(train),
        "headings": "\n".join(heading.text for heading in skill.headings),
        "body": skill.body,
    }
    return {name: frozenset(terms(text)) for name, text in texts.items()}


def best(query: str, stems: Mapping[str, Mapping[str, frozenset[str]]], counts: Mapping[str, int]) -> str:
    """Name of the skill that the evidence puts first; "" where there is none."""
    request = read_request(query, lambda stem: counts.get(stem, 0), len(stems))
    scored = sorted(((-weigh(request, fields).score, name) for name, fields in stems.items()))
    return scored[0][1] if scored and scored[0][0] < 0 else ""


def _at_description(rule: LibraryRule, folder: Folder, message: str, help_: str) -> Finding:
    position: Any = folder.skill.positions.get("description", (1, 1)) if folder.skill else (1, 1)
    return rule.finding(folder.at("SKILL.md"), position[0], message, help_, column=position[1])
