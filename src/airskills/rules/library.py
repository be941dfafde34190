"""AS8xx: the library as a whole. A skill that another one shadows, resembles or pushes out of the listing is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from airskills.catalog import clients
from airskills.finding import Finding
from airskills.folder import Folder
from airskills.rules._base import LibraryRule, Rule
from airskills.rules.evals import twins
from airskills.rules.guarded import Guarded
from airskills.rules.profiles import CLIENTS, EVERYWHERE, client
from airskills.terms import stop_words, terms

_BOTH = ("standard", *CLIENTS)
BUNDLE = 15
MAX_COMPARED = 20_000_000  # requests times skills: about a minute
SAME = 0.7  # share of common words from which two descriptions cannot be told apart
_REWORD = "Put its words into the description, or take them out of the other's"
OTHER_LISTED = tuple(sorted({field for known in clients().values() for field in known["listed_fields"]}))


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

    def note(self, folder: Folder) -> Any:
        return folder.skill and [*_place(folder, "name"), folder.path]

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        first: dict[str, str] = {}
        for name, path, line, column, folder in notes:
            if first.setdefault(name, folder) != folder:
                message = f"The name {name!r} is taken by {first[name]}"
                yield self.finding(path, line, message, "Rename one of the two", column=column)


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

    def note(self, folder: Folder) -> Any:
        return folder.skill and [*_place(folder), sorted({*terms(folder.skill.description)} - stop_words())]

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        texts = [frozenset(stems) for *_, stems in notes]
        for later, earlier in twins(texts, SAME).items():
            name, path, line, column, _ = notes[later]
            other = notes[earlier][0]
            if name != other:
                message = f"The description says nearly the same as that of {other!r}"
                yield self.finding(path, line, message, "Say what only this skill does", column=column)


class AS807(LibraryRule):
    """Listing does not fit a client.

    Why: clients that run out of room drop descriptions without a word, and a skill without one is never chosen. Under a
    client's profile all skills are counted together; under `standard` each category is a bundle that must fit every client.
    """

    profiles = ("standard", *CLIENTS)
    bad = {f"s{n:02}/SKILL.md": _skill(f"s{n:02}", f"Use when {n} " + "x" * 600) for n in range(14)}
    good = {f"s{n:02}/SKILL.md": _skill(f"s{n:02}", f"Use when {n} " + "x" * 60) for n in range(14)}
    at = ("s12/SKILL.md", 3)

    def note(self, folder: Folder) -> Any:
        if folder.skill is None:
            return None
        texts = [folder.skill.fields.get(field) for field in ("description", *OTHER_LISTED)]
        lengths = [len(text) if isinstance(text, str) else 0 for text in texts]
        return [*_place(folder), folder.skill.category, lengths]

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        alone = self.settings.profile if self.settings.profile in CLIENTS else ""
        for who in [alone] if alone else CLIENTS:
            bundles: dict[str, list[Any]] = {}
            for note in notes:
                bundles.setdefault("" if alone else note[4], []).append(note)
            for category, members in bundles.items():
                yield from self._overflow(who, category, members)

    def _overflow(self, who: str, category: str, notes: Sequence[Any]) -> Iterator[Finding]:
        """The skill at which the listing is full."""
        known = clients()[who]
        limit, each = known["listing_characters"], known["skill_characters"]
        counted = [True, *(field in known["listed_fields"] for field in OTHER_LISTED)]
        total = 0
        for name, path, line, column, _, lengths in notes if limit else ():
            shown = sum(length for length, counts in zip(lengths, counted, strict=True) if counts)
            total += len(name) + min(shown, each) + known["overhead_characters"]
            if total > limit:
                what = f"The category {category!r}" if category else "The library"
                message = f"{what} does not fit the listing of {who} from here on: {limit:,} characters"
                yield self.finding(path, line, message, "Shorten descriptions, or split it", column=column)
                return


class AS811(Rule):
    """Description is cut by the client.

    Why: what stands behind the limit is never seen by the agent that decides, and "Use when ..." mostly stands there.
    """

    profiles = CLIENTS
    bad = _skill("demo", "Reads logs. Use when " + "x" * 1600)
    good = _skill("demo", "Reads logs. Use when " + "x" * 100)
    at = 3

    def check(self, folder: Folder) -> Iterator[Finding]:
        limit = client(self.settings.profile)["skill_characters"]
        length = len(folder.skill.description) if folder.skill else 0
        if length > limit:
            _, path, line, column = _place(folder)
            message = f"The description has {length:,} characters; {self.settings.profile} shows {limit:,}"
            yield self.finding(path, line, message, "Put what decides into the first words", column=column)


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
    _mention = Guarded(
        r"\bskills? `([a-z0-9]+(?:-[a-z0-9]+)*)`|`([a-z0-9]+(?:-[a-z0-9]+)*)` skill\b",
        *("skill `", "skills `", "` skill"),
    )

    def note(self, folder: Folder) -> Any:
        mentions = [
            [
                document.path,
                document.line_at(found.start()),
                found[1] or found[2],
            ]
            for document in folder.documents
            for found in self._mention.finditer(document.text)
        ]
        return [folder.name, mentions]

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        names = {name for name, _ in notes}
        for _, mentions in notes:
            for path, line, name in mentions:
                if name not in names:
                    message = f"The skill {name!r} is not in this library"
                    yield self.finding(path, line, message, "Name one that is, or name the tool itself")


class AS809(Rule):
    """Tag or category is not in the vocabulary.

    Why: `--tag` and the site's filters find only what is spelled alike.
    """

    profiles = ("standard",)
    bad = {
        "SKILL.md": _skill(
            "demo", "Reads logs. Use when a run fails.", "metadata:\n  airskills-category: Loging Tools\n"
        )
    }
    good = {
        "SKILL.md": _skill(
            "demo", "Reads logs. Use when a run fails.", "metadata:\n  airskills-category: logging\n"
        )
    }
    at = 5

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.skill is None:
            return
        for key, values, known in (
            ("airskills-category", (folder.skill.category,), self.settings.categories),
            ("airskills-tags", folder.skill.tags, self.settings.tags),
        ):
            line, column = folder.skill.positions.get(f"metadata.{key}", (1, 1))
            for value in filter(None, values):
                why = _why_not(value, known)
                if why:
                    message = f"The value {value[:40]!r} of {key} {why}"
                    help_ = "Choose one of the settings' list, or add it there"
                    yield self.finding(folder.skill.path, line, message, help_, column=column)


class AS810(LibraryRule):
    """Category has over 15 skills.

    Why: categories are the bundles that people install, and more than 15 skills at once are more than a client lists and
    an agent tells apart.
    """

    bad = {
        f"s{n:02}/SKILL.md": _skill(f"s{n:02}", "Reads logs.", "metadata:\n  airskills-category: logs\n")
        for n in range(BUNDLE + 1)
    }
    good = {
        f"s{n:02}/SKILL.md": _skill(f"s{n:02}", "Reads logs.", "metadata:\n  airskills-category: logs\n")
        for n in range(BUNDLE)
    }
    at = ("s15/SKILL.md", 5)

    def note(self, folder: Folder) -> Any:
        category = folder.skill.category if folder.skill else ""
        return [category, *_place(folder, "metadata.airskills-category")] if category else None

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        counts: Counter[str] = Counter()
        for category, _, path, line, column in notes:
            counts[category] += 1
            if counts[category] == BUNDLE + 1:
                message = f"The category {category!r} has over {BUNDLE} skills"
                yield self.finding(path, line, message, "Split it", column=column)


def _why_not(value: str, known: Sequence[str]) -> str:
    if re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value) is None:
        return "is not lower case with hyphens"
    return "is not in the vocabulary" if known and value not in known else ""


def _place(folder: Folder, key: str = "description") -> tuple[str, str, int, int]:
    """Name, file, line and column of a field of the frontmatter."""
    line, column = folder.skill.positions.get(key, (1, 1)) if folder.skill else (1, 1)
    return folder.name, folder.at("SKILL.md"), line, column
