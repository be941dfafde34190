"""AS806: whether each skill is found by the requests that its author says it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airskills.finding import Finding
from airskills.folder import Folder
from airskills.ranking import Stems, Term, read_request, weigh
from airskills.rules._base import LibraryRule
from airskills.rules.evals import QUERIES, _listed, lines_of
from airskills.terms import data, stems

MAX_COMPARED = 20_000_000  # requests times skills: about a minute
_REWORD = "Put its words into the description, or take them out of the other's"


def _skill(name: str, description: str) -> str:
    return f"---\nname: {name}\ndescription: {description}\n---\n# {name}\n"


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

    def note(self, folder: Folder) -> Any:
        if folder.skill is None:
            return None
        listed = _listed(folder)
        lines = lines_of(folder, QUERIES, [item["query"] for item in listed])
        asked = [
            [item["query"], line]
            for item, line in zip(listed, lines, strict=True)
            if item["should_trigger"] and item.get("split") == "validation"
        ]
        fields = {name: sorted(words) for name, words in fields_of(folder).items()}
        return [folder.name, folder.at(QUERIES), fields, asked]

    def judge(self, notes: Sequence[Any]) -> Iterator[Finding]:
        skills = Contest({name: fields for name, _, fields, _ in notes})
        left = MAX_COMPARED // max(1, len(notes))
        for name, path, _, asked in notes:
            left -= len(asked)
            if left < 0:
                message = f"Only requests before these were compared with {len(notes):,} skills"
                yield self.finding(path, 1, message, "Check the library in parts")
                return
            for query, line in asked:
                above = skills.above(query, name)
                if above:
                    message = f"The request {query[:70]!r} finds {above[0]!r} first; {len(above)} come before {name!r}"
                    yield self.finding(path, line, message, _REWORD)
                elif above is None:
                    yield self.finding(path, line, f"The request {query[:70]!r} finds nothing", _REWORD)


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
    return {name: stems(text) for name, text in texts.items()}


class Contest:
    """The skills of a library, of which each request finds one first."""

    def __init__(self, skills: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        """Take the stems of each field of each skill."""
        self._fields = {
            name: {field: frozenset(held) for field, held in fields.items()}
            for name, fields in skills.items()
        }
        self._called = _Holders({name: fields["name"] for name, fields in self._fields.items()})
        self._all = _Holders(
            {name: frozenset[str]().union(*fields.values()) for name, fields in self._fields.items()}
        )

    def above(self, query: str, name: str) -> list[str] | None:
        """The skills that come before `name`, first one first; None where nothing speaks for any skill."""
        request = read_request(query, self._all.count, len(self._fields))
        own = weigh(request, self._fields[name]).score
        rivals = [rival for rival, most in self._most(request).items() if rival != name and most >= own]
        scored = [(-weigh(request, self._fields[rival]).score, rival) for rival in rivals]
        better = sorted(place for place in scored if place < (-own, name) and place[0] < 0)
        return [rival for _, rival in better] or ([] if own > 0 else None)

    def _most(self, request: Iterable[Term]) -> dict[str, float]:
        """An upper bound of the score of every skill for which anything speaks, at a fraction of the cost."""
        weights = data("ranking")["fields"]
        in_name = weights["name"] + weights["bonus"]
        elsewhere = max(weights[field] for field in ("tags", "description", "requests"))
        best: dict[str, float] = {}
        for term in request:
            said = ((term.stem,), *term.synonyms)
            called = frozenset[str]().union(*map(self._called.of, said))
            for name in called:
                best[name] = best.get(name, 0.0) + term.weight * in_name
            for name in frozenset[str]().union(*map(self._all.of, said)) - called:
                best[name] = best.get(name, 0.0) + term.weight * elsewhere
        return best


class _Holders:
    """Which of some texts hold a stem, or all stems of a phrase."""

    def __init__(self, texts: Mapping[str, frozenset[str]]) -> None:
        """Take the stems of each text."""
        names: dict[str, list[str]] = {}
        for name, held in texts.items():
            for stem in held:
                names.setdefault(stem, []).append(name)
        self._names = {stem: frozenset(holders) for stem, holders in names.items()}
        self._phrases: dict[Stems, frozenset[str]] = {}

    def count(self, stem: str) -> int:
        """Number of texts that hold the stem."""
        return len(self._names.get(stem, ()))

    def of(self, phrase: Stems) -> frozenset[str]:
        """The texts that hold every stem of a phrase, worked out once for each phrase."""
        if phrase not in self._phrases:
            first, *others = (self._names.get(stem, frozenset()) for stem in phrase)
            self._phrases[phrase] = first.intersection(*others)
        return self._phrases[phrase]
