"""Search over skills: candidates by BM25 from the store, weighed and explained, silent where nothing fits.

The index is made again from the skills whenever it is lost or damaged, and lives in memory where no file can be kept.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

from airskills.finding import Finding
from airskills.ranking import (
    Evidence,
    Field,
    Term,
    probability,
    read_request,
    vocabulary,
    vocabulary_forms,
    weigh,
)
from airskills.skill import Skill
from airskills.store import FIELDS, Changes, Source, Store, in_memory, open_store, retire
from airskills.terms import data, edits, forms, stop_words, terms

MAX_QUERY = 8_000  # characters of a request that are read: a pasted log is answered from its beginning
MIN_CORRECTED, MAX_CORRECTED = 4, 32  # letters of a word that may be misspelt
MAX_CORRECTIONS = 12  # unknown words of a request that are looked up
SQL_VARIABLES = 500  # of one statement; old SQLite allows 999
CANDIDATES = 30
CANDIDATE_ROWS = 2_000  # rows that candidate terms may touch; rarer terms go first
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

    def __init__(
        self,
        roots: Sequence[str],
        sources: Sequence[Source],
        hidden: Callable[[Skill], bool],
        cache: str | None,
    ) -> None:
        self._open = partial(open_store, roots, sources, hidden=hidden, cache=cache)
        self._in_memory = partial(in_memory, sources=sources, hidden=hidden)
        self._lock = threading.Lock()
        self._use(self._open())

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
        return cls(tuple(roots), tuple(sources), hidden, os.fspath(cache) if cache else None)

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
        with self._lock:
            path, count, fts = self._store.path, self._store.total(), int(self._store.fts)
        size = sum(os.path.getsize(part) for part in (path, f"{path}-wal") if os.path.exists(part))
        return {"path": path, "skills": count, "bytes": size, "fts5": fts}

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def search(
        self, query: str, *, limit: int = 5, category: str | None = None, tag: str | None = None
    ) -> list[Hit]:
        """See `Library.search`. A file that turns out to be damaged is replaced, and then by memory."""
        with self._lock:
            for repair in (self._replace_file, self._leave_file):
                try:
                    return self._answer(query, limit, category, tag)
                except sqlite3.DatabaseError as error:
                    repair(error)
            return self._answer(query, limit, category, tag)

    def _replace_file(self, error: sqlite3.DatabaseError) -> None:
        self._store.close()
        retire(self._store.path, error)
        self._use(self._open())

    def _leave_file(self, error: sqlite3.DatabaseError) -> None:
        self._store.close()
        self._use(self._in_memory(self._store.path, why=str(error)))

    def _use(self, store: Store) -> None:
        self._store = store
        self._frequencies = _Frequencies(store)

    def _answer(self, query: str, limit: int, category: str | None, tag: str | None) -> list[Hit]:
        text = query[:MAX_QUERY]
        guesses = self._guesses(text)
        text = " ".join([text, *(name for names in guesses.values() for name in names)])
        request = self._request(text, guesses)
        ranked = sorted(
            self._weighed(request, category, tag),
            key=lambda found: (-found[1].score, found[2], found[0]),
        )
        if not ranked or probability(ranked[0][1].features) < data("ranking")["threshold"]:
            return []
        floor = ranked[0][1].score * data("ranking")["tail"]
        spoken = _spoken(text)
        return [
            self._hit(id_, evidence, request, spoken)
            for id_, evidence, _ in ranked[: max(0, limit)]
            if evidence.score >= floor
        ]

    def _weighed(
        self, request: list[Term], category: str | None, tag: str | None
    ) -> Iterator[tuple[int, Evidence, float]]:
        for id_, bm25, *fields, body in self._candidates(request, category, tag):
            stems: dict[str, Field] = {
                name: frozenset(field.split()) for name, field in zip(FIELDS, fields, strict=False)
            }
            stems["body"] = _Body(body)
            yield id_, weigh(request, stems, self._frequencies.total), bm25

    def _candidates(
        self, request: list[Term], category: str | None, tag: str | None
    ) -> list[tuple[Any, ...]]:
        """Rows (id, BM25, fields...) of the skills that are worth weighing."""
        columns = ", ".join(f"docs.{name}" for name in FIELDS)
        where = "skills.visible = 1 AND (?1 IS NULL OR skills.category = ?1) AND (?2 IS NULL OR instr(' ' || skills.tags || ' ', ' ' || ?2 || ' '))"
        narrowed = (_storable(category), _storable(tag))
        if not self._store.fts:
            sql = f"SELECT skills.id, 0.0, {columns} FROM docs JOIN skills ON skills.id = docs.rowid WHERE {where}"
            return self._store.all(sql, narrowed)
        wanted = _rarest(
            {stem for term in request for stem in (term.stem, *(s for p in term.synonyms for s in p))},
            self._frequencies,
        )
        if not wanted:
            return []
        match = " OR ".join(f'"{stem}"' for stem in wanted)
        rank = f"bm25(docs, {', '.join(map(str, BM25_WEIGHTS))})"
        # Only shadowed skills are in docs without being visible: few, while a join would look at every row.
        out = "visible > 1" if narrowed == (None, None) else f"NOT ({where})"
        best = f"SELECT rowid AS id, {rank} AS score FROM docs WHERE docs MATCH ?3 AND rowid NOT IN (SELECT id FROM skills WHERE {out}) ORDER BY score LIMIT {CANDIDATES}"
        sql = f"SELECT best.id, best.score, {columns} FROM ({best}) AS best JOIN docs ON docs.rowid = best.id"
        return self._store.all(sql, (*narrowed, match))

    def _request(self, text: str, guesses: dict[str, list[str]]) -> list[Term]:
        """The terms of a request with the guesses in place of the misspelt words."""
        guessed = {stem for names in guesses.values() for name in names for stem in terms(name)}
        return [
            replace(term, guessed=term.stem in guessed)
            for term in read_request(text, self._frequencies, self._frequencies.total)
            if term.stem not in guesses
        ]

    def _guesses(self, query: str) -> dict[str, list[str]]:
        """For the stem of each unknown word that is one edit away from known names: these names."""
        unknown = {
            stem: form
            for form, stem in forms(query)
            if MIN_CORRECTED <= len(form) <= MAX_CORRECTED
            and stem not in vocabulary()
            and stem not in stop_words()
            and not self._frequencies(stem)
        }
        looked_up = list(unknown.items())[:MAX_CORRECTIONS]
        return {stem: names for stem, form in looked_up if (names := self._meant(form))}

    def _meant(self, form: str) -> list[str]:
        """Names one edit away, or else terms of the field; the first letter is seldom mistyped."""
        near = sorted({other for other in edits(form) if other[:1] == form[:1]})
        names: list[str] = []
        for start in range(0, len(near), SQL_VARIABLES):
            batch = near[start : start + SQL_VARIABLES]
            marks = ",".join("?" * len(batch))
            names += [
                row[0]
                for row in self._store.all(f"SELECT form FROM lexicon WHERE form IN ({marks})", tuple(batch))
            ]
        return (sorted(names) or sorted(vocabulary_forms().intersection(near)))[:2]

    def _hit(self, id_: int, evidence: Evidence, request: list[Term], spoken: dict[str, str]) -> Hit:
        name, description, category, path, tags = self._store.one(
            "SELECT name, description, category, path, tags FROM skills WHERE id = ?", (id_,)
        )
        snippets = {"name": name, "description": description, "tags": tags, "requests": "a request it is for"}
        matches = []
        for field in FIELDS:
            stems = tuple(term.stem for term in request if evidence.best.get(term.stem) == field)
            if stems:
                snippet = snippets.get(field) or self._best_section(id_, stems)
                words = tuple(spoken.get(stem, stem) for stem in stems)
                matches.append(Match(field, words, _shorten(snippet, stems)))
        why = "; ".join(
            f"{m.field}: {', '.join(m.words)}"
            + (f" ({m.snippet})" if m.field in {"headings", "body"} else "")
            for m in matches
        )
        return Hit(
            name, round(probability(evidence.features), 3), why, description, category, path, tuple(matches)
        )

    def _best_section(self, id_: int, stems: tuple[str, ...]) -> str:
        rows = self._store.all("SELECT heading, stems FROM sections WHERE skill = ?", (id_,))
        best = max(rows, key=lambda row: sum(f" {stem} " in row[1] for stem in stems), default=("", ""))
        return f"section {best[0]!r}" if best[0] else ""


class _Body:
    """The stems of a body, looked for in its text: splitting it costs more than the few stems that no field before had."""

    def __init__(self, text: str) -> None:
        self._text = f" {text} "

    def issuperset(self, stems: Iterable[str], /) -> bool:
        """Whether all of `stems` are there."""
        for stem in stems:  # noqa: SIM110 - `all` with a generator takes twice as long for the usual one stem
            if f" {stem} " not in self._text:
                return False
        return True


class _Frequencies:
    """Document frequencies of an open store, each asked for once: counting a common stem costs as much as a search."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ask = lru_cache(maxsize=50_000)(store.frequency)

    def __call__(self, stem_: str) -> int:
        return self._ask(stem_)

    @cached_property
    def total(self) -> int:
        """Number of skills that can be found."""
        return self._store.total()


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


def _shorten(text: str, stems: tuple[str, ...], width: int = 120) -> str:
    """About `width` characters of `text` around the first word that holds one of `stems`."""
    if len(text) <= width:
        return text
    pieces, wanted = text.split(" "), set(stems)
    first = next((number for number, piece in enumerate(pieces) if not wanted.isdisjoint(terms(piece))), 0)
    start = max(0, len(" ".join(pieces[:first])) - width // 3)
    cut = text[start : start + width].strip()
    return f"{'...' if start else ''}{cut}{'...' if start + width < len(text) else ''}"


def _storable(text: str | None) -> str | None:
    """A lone surrogate cannot be asked for; nothing in the index holds the sign that stands for it here."""
    return text.encode(errors="replace").decode() if text else text


def _spoken(text: str) -> dict[str, str]:
    """Word of the request for each stem, so that a reader sees what was asked and not its stem."""
    found: dict[str, str] = {}
    for form, stem in forms(text):
        found.setdefault(stem, form)
    return found
