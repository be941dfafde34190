"""The SQLite file behind the search index: its tables, its one writer at a time, and how skills become rows.

Tables: `skills` (one row each), `docs` (FTS5, the stems of every field), `sections` (stems under each heading, for
saying where a hit matched), `lexicon` (stems of names and tags, for misspelt words). A skill is read again only when
the time or size of its SKILL.md or of its `evals/eval_queries.json` changed, and written again only when its content
did. Writers queue (WAL, `BEGIN IMMEDIATE`); a killed one loses its last batch and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airskills.errors import SkillSyntaxError
from airskills.finding import Finding
from airskills.skill import MAX_BYTES, Skill, parse
from airskills.terms import stop_words, terms

FIELDS = ("name", "description", "tags", "requests", "headings", "body")
SCHEMA = 1
BUSY_SECONDS = 15
BATCH = 500  # skills per transaction: a killed build loses at most this much work
QUERIES = "evals/eval_queries.json"
STALE_SECONDS = 90 * 24 * 3600

_TABLES = """
CREATE TABLE skills (
  id INTEGER PRIMARY KEY, path TEXT UNIQUE, stamp TEXT, digest TEXT, rank INTEGER, visible INTEGER,
  name TEXT, description TEXT, category TEXT, tags TEXT
);
CREATE TABLE sections (skill INTEGER, heading TEXT, stems TEXT);
CREATE INDEX sections_skill ON sections (skill);
CREATE TABLE lexicon (stem TEXT PRIMARY KEY) WITHOUT ROWID;
"""
COLUMNS = ", ".join(FIELDS)
_FTS = f'CREATE VIRTUAL TABLE docs USING fts5({COLUMNS}, detail=column, tokenize="unicode61 remove_diacritics 0")'
_VOCABULARY = "CREATE VIRTUAL TABLE vocabulary USING fts5vocab(docs, row)"


@dataclass(frozen=True, slots=True)
class Source:
    """A SKILL.md to index: its path, its (mtime in ns, size), and the rank of its scope (0 wins)."""

    path: str
    stamp: tuple[int, int]
    rank: int


@dataclass(slots=True)
class Changes:
    """What a refresh did: numbers of skills added or changed, removed, and left as they were."""

    written: int = 0
    removed: int = 0
    unchanged: int = 0


class Store:
    """An open index file. One object may be shared by threads that take `lock` around what they do.

    Attributes:
        path: the file, or ":memory:".
        fts: whether FTS5 is in use.
        findings: what is worth telling about it.

    Raises:
        sqlite3.DatabaseError: the file is damaged, locked for too long, or cannot be made.
    """

    def __init__(self, path: str, *, hidden: Callable[[Skill], bool]) -> None:
        self.path = path
        self.findings: list[Finding] = []
        self.changes = Changes()
        self.lock = threading.RLock()
        self._hidden = hidden
        self._database = _connect(path)
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def all(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Every row of a query."""
        return self._database.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row of a query, or None."""
        return self._database.execute(sql, parameters).fetchone()

    def frequency(self, stem_: str) -> int:
        """Number of skills that hold a stem."""
        if self.fts:
            row = self._database.execute("SELECT doc FROM vocabulary WHERE term = ?", (stem_,)).fetchone()
            return int(row[0]) if row else 0
        any_field = " OR ".join(f"' ' || {name} || ' ' LIKE ?1" for name in FIELDS)
        return int(
            self._database.execute(
                f"SELECT count(*) FROM docs WHERE {any_field}", (f"% {stem_} %",)
            ).fetchone()[0]
        )

    def refresh(self, sources: Iterable[Source]) -> Changes:
        """Make the index equal to `sources`; only what changed is read.

        Raises:
            sqlite3.DatabaseError: the file is damaged, locked for too long, or cannot be written.
        """
        with self.lock:
            known = {
                path: (id_, stamp, rank)
                for id_, path, stamp, rank in self.all("SELECT id, path, stamp, rank FROM skills")
            }
            pending: list[tuple[Source, str]] = []
            self.changes = Changes()
            for source in sources:
                stamp = _stamp(source)
                if known.pop(source.path, (0, "", -1))[1:] == (stamp, source.rank):
                    self.changes.unchanged += 1
                else:
                    pending.append((source, stamp))
            for start in range(0, len(pending), BATCH):
                with self._transaction():
                    self.changes.written += sum(
                        self._update(*item) for item in pending[start : start + BATCH]
                    )
            if known:
                with self._transaction():
                    for id_, *_ in known.values():
                        self._remove(id_)
                self.changes.removed = len(known)
            if pending or known:
                with self._transaction():
                    self._mark_visible()
        return self.changes

    def _update(self, source: Source, stamp: str) -> bool:
        """Bring one row up to date; False where the content is what the index already holds."""
        row = self._database.execute(
            "SELECT id, digest FROM skills WHERE path = ?", (source.path,)
        ).fetchone()
        content, queries = _contents(source.path)
        digest = hashlib.sha256(content + b"\0" + queries).hexdigest()
        if row and row[1] == digest:
            self._database.execute(
                "UPDATE skills SET stamp = ?, rank = ? WHERE id = ?", (stamp, source.rank, row[0])
            )
            return False
        if row:
            self._remove(row[0])
        try:
            skill = parse(content, source.path)
        except SkillSyntaxError:
            return False
        self._insert(skill, source, stamp, digest, _requests(queries))
        return True

    def _insert(self, skill: Skill, source: Source, stamp: str, digest: str, requests: list[str]) -> None:
        cursor = self._database.execute(
            "INSERT INTO skills (path, stamp, digest, rank, visible, name, description, category, tags) VALUES (?,?,?,?,?,?,?,?,?)",
            (
                source.path,
                stamp,
                digest,
                source.rank,
                int(not self._hidden(skill)),
                skill.name,
                skill.description,
                skill.category,
                " ".join(skill.tags),
            ),
        )
        sections = [(heading, terms(f"{heading}\n{text}")) for heading, text in _sections(skill)]
        fields = (
            terms(skill.name),
            terms(skill.description),
            terms(" ".join([*skill.tags, skill.category])),
            [term for request in requests for term in terms(request)],
            [term for heading, _ in sections for term in terms(heading)],
            [term for _, found in sections for term in found],
        )
        self._database.execute(
            f"INSERT INTO docs (rowid, {COLUMNS}) VALUES (?,?,?,?,?,?,?)",
            (cursor.lastrowid, *(" ".join(field) for field in fields)),
        )
        self._database.executemany(
            "INSERT INTO sections VALUES (?,?,?)",
            [(cursor.lastrowid, heading, _spaced(found)) for heading, found in sections if heading],
        )
        self._database.executemany(
            "INSERT OR IGNORE INTO lexicon VALUES (?)",
            [(term,) for term in {*fields[0], *fields[2]} - stop_words()],
        )

    def _remove(self, id_: int) -> None:
        self._database.execute("DELETE FROM docs WHERE rowid = ?", (id_,))
        self._database.execute("DELETE FROM skills WHERE id = ?", (id_,))
        self._database.execute("DELETE FROM sections WHERE skill = ?", (id_,))

    def _mark_visible(self) -> None:
        """Of skills with one name only the first in precedence is shown; hidden ones carry visible = 0 already."""
        self._database.execute("UPDATE skills SET visible = 1 WHERE visible = 2")
        self._database.execute(
            """UPDATE skills SET visible = 2 WHERE visible = 1 AND id NOT IN (
                 SELECT id FROM (SELECT id, row_number() OVER (
                   PARTITION BY name ORDER BY rank, path NOT LIKE '%/' || name || '/SKILL.md', path) AS place
                 FROM skills WHERE visible = 1) WHERE place = 1)"""
        )

    def _prepare(self) -> None:
        """Create the tables, or find those of this schema; another schema is thrown away."""
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version not in (0, SCHEMA):
            raise sqlite3.DatabaseError(f"index schema {version}, not {SCHEMA}")
        if version == 0:
            with self._transaction():
                (version,) = self._database.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    self._create()
            remove_stale(Path(self.path).parent)
        (kind,) = self._database.execute("SELECT sql FROM sqlite_master WHERE name = 'docs'").fetchone()
        self.fts = "fts5" in kind.lower()
        if self.fts and not has_fts5(self._database):
            raise sqlite3.DatabaseError("the index was made with FTS5, which this Python lacks")

    def _create(self) -> None:
        for statement in _TABLES.split(";"):
            self._database.execute(statement)
        if has_fts5(self._database):
            self._database.execute(_FTS)
            self._database.execute(_VOCABULARY)
        else:
            self._database.execute(f"CREATE TABLE docs ({COLUMNS})")
            self.findings.append(
                Finding(
                    self.path,
                    1,
                    1,
                    "AS804",
                    "SQLite has no FTS5: every search reads all skills",
                    "Use a Python whose SQLite has FTS5",
                )
            )
        self._database.execute(f"PRAGMA user_version = {SCHEMA}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """`BEGIN IMMEDIATE` takes the write lock first, so that two writers queue instead of failing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def open_store(
    roots: Sequence[str],
    sources: Iterable[Source],
    *,
    hidden: Callable[[Skill], bool] = lambda skill: skill.hidden,
    cache: str | os.PathLike[str] | None = None,
) -> Store:
    """Open the store of these roots and bring it up to date with `sources`.

    A damaged file is replaced; where no file can be written the store lives in memory and a finding says so.

    Args:
        roots: what makes two libraries the same.
        sources: every skill the library may show.
        hidden: skills that are never found.
        cache: folder for the file; `AIRSKILLS_CACHE_DIR` or the platform's cache folder when None.
    """
    listed = list(sources)
    path = _location(roots, cache)
    for attempt in range(2):
        try:
            return _filled(path, listed, hidden)
        except (sqlite3.DatabaseError, OSError) as error:
            if attempt or not _is_damage(error):
                return _in_memory(path, listed, hidden, str(error))
            with suppress(OSError):
                _delete(path)
    raise AssertionError("unreachable: the second attempt returns")


def _filled(path: str, sources: list[Source], hidden: Callable[[Skill], bool]) -> Store:
    store = Store(path, hidden=hidden)
    try:
        store.refresh(sources)
    except BaseException:
        store.close()
        raise
    return store


def _in_memory(path: str, sources: list[Source], hidden: Callable[[Skill], bool], why: str) -> Store:
    store = _filled(":memory:", sources, hidden)
    help_ = "Set AIRSKILLS_CACHE_DIR to a writable folder"
    store.findings.append(Finding(path, 1, 1, "AS804", f"The index is kept in memory: {why}", help_))
    return store


def _is_damage(error: Exception) -> bool:
    """Whether a fresh file would help: not where the disk, its permissions or another writer are in the way."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    blocked = {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
    return (
        isinstance(error, sqlite3.DatabaseError)
        and code not in blocked
        and not isinstance(error.__cause__, OSError)
    )


def _connect(path: str) -> sqlite3.Connection:
    if path != ":memory:":
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def has_fts5(database: sqlite3.Connection) -> bool:
    """Whether this SQLite was built with FTS5."""
    with closing(database.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")) as rows:
        return rows.fetchone() is not None


def _location(roots: Sequence[str], cache: str | os.PathLike[str] | None) -> str:
    override = cache or os.environ.get("AIRSKILLS_CACHE_DIR")
    if override:
        folder = Path(override)
    else:
        import platformdirs

        folder = platformdirs.user_cache_path("airskills")
    return str(folder / f"index-{hashlib.sha256(json.dumps(list(roots)).encode()).hexdigest()[:16]}.sqlite3")


def _delete(path: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)


def remove_stale(folder: str | os.PathLike[str], *, now: float | None = None) -> int:
    """Delete index files that no library has opened for 90 days; returns how many."""
    limit = (time.time() if now is None else now) - STALE_SECONDS
    removed = 0
    for path in Path(folder).glob("index-*.sqlite3"):
        with suppress(OSError):
            if path.stat().st_atime < limit and path.stat().st_mtime < limit:
                _delete(str(path))
                removed += 1
    return removed


def _stamp(source: Source) -> str:
    mtime, size = source.stamp
    try:
        status = os.stat(f"{source.path[: -len('SKILL.md')]}{QUERIES}")
    except OSError:
        return f"{mtime} {size}"
    return f"{mtime} {size} {status.st_mtime_ns} {status.st_size}"


def _contents(path: str) -> tuple[bytes, bytes]:
    """Bytes of the SKILL.md and of its requests; what cannot be read counts as empty."""
    out = []
    for name in (path, f"{path[: -len('SKILL.md')]}{QUERIES}"):
        content = b""
        with suppress(OSError), open(name, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        out.append(content)
    return out[0], out[1]


def _requests(content: bytes) -> list[str]:
    """The training requests that should trigger the skill; validation requests stay unseen."""
    try:
        listed = json.loads(content or b"[]")
    except ValueError:
        return []
    return [
        str(item.get("query", ""))
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
        and item.get("should_trigger") is True
        and item.get("split", "train") == "train"
    ]


def _sections(skill: Skill) -> Iterator[tuple[str, str]]:
    """(heading, text) pairs of the body; headings are found by lines, as indexing needs no more."""
    heading, fenced = "", ""
    lines: list[str] = []
    for line in skill.body.split("\n"):
        mark = line.lstrip()[:3]
        if mark in {"```", "~~~"} and fenced in {"", mark}:
            fenced = "" if fenced else mark
        if not fenced and line.startswith("#") and line.lstrip("#").startswith(" "):
            yield heading, "\n".join(lines)
            heading, lines = line.lstrip("#").strip(" #"), []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def _spaced(stems: Iterable[str]) -> str:
    return f" {' '.join(dict.fromkeys(stems))} "
