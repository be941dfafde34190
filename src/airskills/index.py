"""Search over skills: candidates by BM25 from the store, weighed and explained, silent where nothing fits.

The index is made again from the skills whenever it is lost or damaged, and lives in memory where no file can be kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airskills.finding import Finding
from airskills.ranking import Evidence, Term, probability, read_request, vocabulary, weigh
from airskills.skill import Skill
from airskills.store import FIELDS, Changes, Source, Store, open_store
from airskills.terms import data, edits, stem, stop_words, terms

CANDIDATES = 60
CANDIDATE_ROWS = 4_000  # rows that candidate terms may touch; rarer terms go first
BM25_WEIGHTS = (8.0, 4.0, 5.0, 3.0, 2.0, 1.0)  # in the order of FIELDS


@dataclass(frozen=True, slots=True)
class Match:
    """One piece of evidence: the `field` of the skill, the words of the request found there, a `snippet` of it."""

    field: str
    words: tuple[str, ...]
    snippet: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A skill that answers a request.

    Attributes:
        name: the skill.
        score: calibrated probability, 0 to 1, that a skill with this evidence answers the request.
        why: one line that says which words matched where.
        description: the skill's own.
        category: `airskills-category`, or "".
        path: its SKILL.md.
        matches: the evidence behind `why`, strongest field first.
    """

    name: str
    score: float
    why: str
    description: str
    category: str
    path: str
    matches: tuple[Match, ...]


class Index:
    """An open index; one object may be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(
        cls,
        roots: Sequence[str],
        sources: Iterable[Source],
        *,
        hidden: Callable[[Skill], bool] = lambda skill: skill.hidden,
        cache: str | os.PathLike[str] | None = None,
    ) -> Index:
        """Open the index of these roots and bring it up to date with `sources`; see `airskills.store.open_store`."""
        return cls(open_store(roots, sources, hidden=hidden, cache=cache))

    @property
    def findings(self) -> list[Finding]:
        """What is worth telling about the index: that it lives in memory, or has no FTS5."""
        return self._store.findings

    @property
    def changes(self) -> Changes:
        """What the last refresh did."""
        return self._store.changes

    @property
    def state(self) -> dict[str, str | int]:
        """Where it lies, how many skills and bytes it holds, and whether FTS5 is in use."""
        path = Path(self._store.path)
        with self._store.lock:
            (count,) = self._store.one("SELECT count(*) FROM skills")
        size = path.stat().st_size if path.exists() else 0
        return {"path": self._store.path, "skills": count, "bytes": size, "fts5": int(self._store.fts)}

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def search(
        self, query: str, *, limit: int = 5, category: str | None = None, tag: str | None = None
    ) -> list[Hit]:
        """See `Library.search`."""
        with self._store.lock:
            (total,) = self._store.one("SELECT count(*) FROM skills")
            frequencies = _Frequencies(self._store.frequency)
            request = read_request(self._correct(query, frequencies), frequencies, total)
            ranked = sorted(
                self._weighed(request, frequencies, category, tag),
                key=lambda found: (-found[1].score, found[2], found[0]),
            )
            threshold = data("ranking")["threshold"]
            if not ranked or probability(ranked[0][1].features) < threshold:
                return []
            floor = ranked[0][1].score * data("ranking")["tail"]
            return [
                self._hit(id_, evidence, request)
                for id_, evidence, _ in ranked[: max(0, limit)]
                if evidence.score >= floor
            ]

    def _weighed(
        self, request: list[Term], frequencies: _Frequencies, category: str | None, tag: str | None
    ) -> Iterator[tuple[int, Evidence, float]]:
        for id_, bm25, *fields in self._candidates(request, frequencies, category, tag):
            stems = {name: frozenset(field.split()) for name, field in zip(FIELDS, fields, strict=True)}
            yield id_, weigh(request, stems), bm25

    def _candidates(
        self, request: list[Term], frequencies: _Frequencies, category: str | None, tag: str | None
    ) -> list[tuple[Any, ...]]:
        """Rows (id, BM25, fields...) of the skills that are worth weighing."""
        columns = ", ".join(f"docs.{name}" for name in FIELDS)
        where = "skills.visible = 1 AND (?1 IS NULL OR skills.category = ?1) AND (?2 IS NULL OR ' ' || skills.tags || ' ' LIKE '% ' || ?2 || ' %')"
        if not self._store.fts:
            sql = f"SELECT skills.id, 0.0, {columns} FROM docs JOIN skills ON skills.id = docs.rowid WHERE {where}"
            return self._store.all(sql, (category, tag))
        wanted = _rarest(
            {stem for term in request for stem in (term.stem, *(s for p in term.synonyms for s in p))},
            frequencies,
        )
        if not wanted:
            return []
        match = " OR ".join(f'"{stem}"' for stem in wanted)
        rank = f"bm25(docs, {', '.join(map(str, BM25_WEIGHTS))})"
        sql = f"SELECT skills.id, {rank} AS score, {columns} FROM docs JOIN skills ON skills.id = docs.rowid WHERE docs MATCH ?3 AND {where} ORDER BY score LIMIT {CANDIDATES}"
        return self._store.all(sql, (category, tag, match))

    def _correct(self, query: str, frequencies: _Frequencies) -> str:
        """The query with the likely meant name after each unknown word that is one edit away from it."""
        added = []
        for word in dict.fromkeys(query.casefold().split()):
            plain = word.strip(".,;:!?()[]{}\"'`")
            known = (
                len(plain) < 4
                or not plain.isalnum()
                or stem(plain) in vocabulary()
                or stem(plain) in stop_words()
            )
            if not known and not frequencies(stem(plain)):
                added += self._meant(plain)
        return " ".join([query, *added])

    def _meant(self, word: str) -> list[str]:
        """Known stems one edit away from the word or its stem; the first letter is seldom mistyped."""
        near = {other for form in (word, stem(word)) for other in edits(form) if other[:1] == word[:1]}
        known = sorted(near & vocabulary())
        listed = sorted(near)
        for start in range(0, len(listed), 500):
            batch = listed[start : start + 500]
            marks = ",".join("?" * len(batch))
            known += [
                row[0]
                for row in self._store.all(f"SELECT stem FROM lexicon WHERE stem IN ({marks})", tuple(batch))
            ]
        return list(dict.fromkeys(known))[:2]

    def _hit(self, id_: int, evidence: Evidence, request: list[Term]) -> Hit:
        name, description, category, path, tags = self._store.one(
            "SELECT name, description, category, path, tags FROM skills WHERE id = ?", (id_,)
        )
        snippets = {"name": name, "description": description, "tags": tags, "requests": "a request it is for"}
        matches = []
        for field in FIELDS:
            words = tuple(term.stem for term in request if evidence.best.get(term.stem) == field)
            if words:
                snippet = snippets.get(field) or self._best_section(id_, words)
                matches.append(Match(field, words, _shorten(snippet, words)))
        why = "; ".join(
            f"{m.field}: {', '.join(m.words)}"
            + (f" ({m.snippet})" if m.field in {"headings", "body"} else "")
            for m in matches
        )
        return Hit(
            name, round(probability(evidence.features), 3), why, description, category, path, tuple(matches)
        )

    def _best_section(self, id_: int, words: tuple[str, ...]) -> str:
        rows = self._store.all("SELECT heading, stems FROM sections WHERE skill = ?", (id_,))
        best = max(rows, key=lambda row: sum(f" {word} " in row[1] for word in words), default=("", ""))
        return f"section {best[0]!r}" if best[0] else ""


class _Frequencies:
    """Document frequencies of one search, each asked for once."""

    def __init__(self, ask: Callable[[str], int]) -> None:
        self._ask = ask
        self._known: dict[str, int] = {}

    def __call__(self, stem_: str) -> int:
        if stem_ not in self._known:
            self._known[stem_] = self._ask(stem_)
        return self._known[stem_]


def _rarest(stems: Iterable[str], frequencies: _Frequencies) -> list[str]:
    """Known stems, rarest first, until together they touch CANDIDATE_ROWS rows."""
    counted = sorted((count, stem_) for stem_ in stems if (count := frequencies(stem_)))
    chosen: list[str] = []
    rows = 0
    for count, stem_ in counted:
        if chosen and rows + count > CANDIDATE_ROWS:
            break
        chosen.append(stem_)
        rows += count
    return chosen


def _shorten(text: str, words: tuple[str, ...], width: int = 120) -> str:
    """About `width` characters of `text` around the first word whose stem is in `words`."""
    if len(text) <= width:
        return text
    pieces = text.split(" ")
    first = next((number for number, piece in enumerate(pieces) if set(terms(piece)) & set(words)), 0)
    start = max(0, len(" ".join(pieces[:first])) - width // 3)
    cut = text[start : start + width].strip()
    return f"{'...' if start else ''}{cut}{'...' if start + width < len(text) else ''}"
