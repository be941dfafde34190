"""The SQLite file behind the search index: its tables, its one writer at a time, and how skills become rows.

Tables: `skills` (one row each), `docs` (FTS5, the stems of every field), `sections` (stems under each heading, for
saying where a hit matched), `lexicon` (words of names and tags, for misspelt ones), `state`. A skill is read again
only when the time or size of its SKILL.md or of its `evals/eval_queries.json` changed, and written again only when
its content did. Writers queue (WAL, `BEGIN IMMEDIATE`); a killed one loses its last batch and nothing else.

A damaged file is never repaired: the next number of its name takes its place, so that processes which still have
the old one open can do no harm to the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airskills import access
from airskills.errors import SkillSyntaxError, UnsafePathError
from airskills.finding import Finding
from airskills.skill import MAX_BYTES, Skill, parse
from airskills.terms import forms, stop_words, terms

FIELDS = ("name", "description", "tags", "requests", "headings", "body")
SCHEMA = 2
MEMORY = ":memory:"
SUFFIX = ".sqlite3"
BUSY_SECONDS = 15
BATCH = 500  # skills per transaction: a killed build loses at most this much work
ATTEMPTS = 3  # fresh files that are tried in place of a damaged one
FILE_NAME = "SKILL.md"
QUERIES = "evals/eval_queries.json"
STALE_SECONDS = 90 * 24 * 3600

_TABLES = """
CREATE TABLE skills (
  id INTEGER PRIMARY KEY, path TEXT UNIQUE, stamp TEXT, digest TEXT, rank INTEGER, visible INTEGER,
  name TEXT, description TEXT, category TEXT, tags TEXT
);
CREATE TABLE sections (skill INTEGER, heading TEXT, stems TEXT);
CREATE INDEX sections_skill ON sections (skill);
CREATE INDEX skills_visible ON skills (visible);
CREATE TABLE lexicon (form TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE state (settled INTEGER);
INSERT INTO state VALUES (1)
"""
# Values of `skills.visible`: neither hidden nor unreadable skills are in any other table.
_HIDDEN, _VISIBLE, _SHADOWED = 0, 1, 2
COLUMNS = ", ".join(FIELDS)
_FTS = f'CREATE VIRTUAL TABLE docs USING fts5({COLUMNS}, tokenize="unicode61 remove_diacritics 0")'
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
    """An open index file. Threads that share one object must take turns.

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
        self._hidden = hidden
        self._database = _connect(path)
        self.close = weakref.finalize(self, self._database.close)  # at the latest with the last reference
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

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

    def total(self) -> int:
        """Number of skills that can be found, shadowed ones included."""
        return int(self.one("SELECT count(*) FROM skills WHERE visible > 0")[0])

    def refresh(self, sources: Iterable[Source]) -> Changes:
        """Make the index equal to `sources`; only what changed is read. Of a path named twice the first counts.

        Raises:
            sqlite3.DatabaseError: the file is damaged, locked for too long, or cannot be written.
        """
        known = {path: held for path, *held in self.all("SELECT path, stamp, rank FROM skills")}
        self.changes = Changes()
        pending: list[tuple[Source, str]] = []
        for source in self._distinct(sources):
            stamp = _stamp(source)
            if known.pop(source.path, None) == [stamp, source.rank]:
                self.changes.unchanged += 1
            else:
                pending.append((source, stamp))
        for start in range(0, len(pending), BATCH):
            with self._transaction():
                for source, stamp in pending[start : start + BATCH]:
                    self._update(source, stamp)
        if known or not self._settled():
            with self._transaction():
                self.changes.removed = sum(self._remove(path) for path in known)
                self._settle()
        return self.changes

    def _distinct(self, sources: Iterable[Source]) -> Iterator[Source]:
        """Each path once; one that is not UTF-8 cannot be kept in the index, and a finding says so."""
        seen: set[str] = set()
        for source in sources:
            if source.path in seen:
                continue
            seen.add(source.path)
            try:
                source.path.encode()
            except UnicodeEncodeError:
                message = "The path is not UTF-8, so search leaves the skill out"
                self.findings.append(Finding(source.path, 1, 1, "AS804", message, "Rename the folder"))
            else:
                yield source

    def _update(self, source: Source, stamp: str) -> None:
        """Bring one row up to date; content that the index already holds is not written again."""
        content, queries = _contents(source.path)
        digest = hashlib.sha256(b"%d\0%s%s" % (len(content), content, queries)).hexdigest()
        row = self.one("SELECT digest, rank FROM skills WHERE path = ?", (source.path,))
        if row and row[0] == digest:
            self._database.execute(
                "UPDATE skills SET stamp = ?, rank = ? WHERE path = ?", (stamp, source.rank, source.path)
            )
            if row[1] != source.rank:
                self._unsettle()
            self.changes.unchanged += 1
            return
        self._remove(source.path)
        try:
            skill = parse(content, source.path)
        except SkillSyntaxError:
            skill = None
        self._unsettle()
        if skill is None or self._hidden(skill):
            self._insert_hidden(source, stamp, digest)
        else:
            self._insert(skill, source, stamp, digest, _requests(queries))
            self.changes.written += 1

    def _insert_hidden(self, source: Source, stamp: str, digest: str) -> None:
        """Remember that this content is not to be found, so that it is not read again."""
        self._database.execute(
            "INSERT INTO skills (path, stamp, digest, rank, visible) VALUES (?,?,?,?,?)",
            (source.path, stamp, digest, source.rank, _HIDDEN),
        )

    def _insert(self, skill: Skill, source: Source, stamp: str, digest: str, requests: list[str]) -> None:
        cursor = self._database.execute(
            "INSERT INTO skills (path, stamp, digest, rank, visible, name, description, category, tags) VALUES (?,?,?,?,?,?,?,?,?)",
            (
                source.path,
                stamp,
                digest,
                source.rank,
                _VISIBLE,
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
            [
                (form,)
                for form, stem_ in forms(" ".join([skill.name, *skill.tags, skill.category]))
                if stem_ not in stop_words()
            ],
        )

    def _remove(self, path: str) -> bool:
        """Forget a skill; False where another process has done so before."""
        row = self.one("SELECT id FROM skills WHERE path = ?", (path,))
        if row is None:
            return False
        self._unsettle()
        self._database.execute("DELETE FROM docs WHERE rowid = ?", row)
        self._database.execute("DELETE FROM skills WHERE id = ?", row)
        self._database.execute("DELETE FROM sections WHERE skill = ?", row)
        return True

    def _settled(self) -> bool:
        """Whether precedence has been worked out since the last change, which a killed writer may have left undone."""
        return bool(self.one("SELECT settled FROM state")[0])

    def _unsettle(self) -> None:
        self._database.execute("UPDATE state SET settled = 0 WHERE settled")

    def _settle(self) -> None:
        """Of skills with one name only the first in precedence is shown; a folder of that name goes before others."""
        own = f"'/' || name || '/{FILE_NAME}'"
        self._database.execute(f"UPDATE skills SET visible = {_VISIBLE} WHERE visible = {_SHADOWED}")
        self._database.execute(
            f"""UPDATE skills SET visible = {_SHADOWED} WHERE id IN (
                SELECT id FROM (SELECT id, row_number() OVER (
                    PARTITION BY name ORDER BY rank, substr(path, -length({own})) != {own}, path) AS place
                FROM skills WHERE visible = {_VISIBLE}) WHERE place > 1)"""
        )
        self._database.execute("UPDATE state SET settled = 1")

    def _prepare(self) -> None:
        """Create the tables, or find those of this schema."""
        if self._version() == 0:
            with self._transaction():
                if self._version() == 0:
                    self._create()
            if self.path != MEMORY:
                remove_stale(Path(self.path).parent)
        if self._version() != SCHEMA or self.one("SELECT sql FROM sqlite_master WHERE name = 'docs'") is None:
            raise sqlite3.DatabaseError(f"index schema {self._version()}, not {SCHEMA}")
        self.fts = has_fts5(self._database)
        if not self.fts:
            message = "SQLite has no FTS5: every search reads all skills"
            help_ = "Use a Python whose SQLite has FTS5"
            self.findings.append(Finding(self.path, 1, 1, "AS804", message, help_))

    def _version(self) -> int:
        return int(self.one("PRAGMA user_version")[0])

    def _create(self) -> None:
        for statement in _TABLES.split(";"):
            self._database.execute(statement)
        if has_fts5(self._database):
            self._database.execute(_FTS)
            self._database.execute(_VOCABULARY)
        else:
            self._database.execute(f"CREATE TABLE docs ({COLUMNS})")
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
    family = _family(roots, cache)
    for _ in range(ATTEMPTS):
        path = _newest(family)
        try:
            return _filled(path, listed, hidden)
        except (sqlite3.DatabaseError, OSError) as error:
            failure = error
            if not retire(path, error):
                break
    return in_memory(path, listed, hidden, str(failure))


def retire(path: str, error: Exception) -> bool:
    """Give up a damaged file, so that the next opening starts a new one; False where that would not help."""
    if path == MEMORY or not _is_damage(error):
        return False
    family, _, number = path.removesuffix(SUFFIX).rpartition("-")
    with suppress(OSError):
        Path(_numbered(family, int(number) + 1)).touch()
        _delete(path)
    return True


def _filled(path: str, sources: Iterable[Source], hidden: Callable[[Skill], bool]) -> Store:
    store = Store(path, hidden=hidden)
    try:
        store.refresh(sources)
    except BaseException:
        store.close()
        raise
    return store


def in_memory(path: str, sources: Iterable[Source], hidden: Callable[[Skill], bool], why: str) -> Store:
    """A store that no file backs, in place of the one at `path`; a finding says `why`."""
    store = _filled(MEMORY, sources, hidden)
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
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
    return (
        isinstance(error, sqlite3.DatabaseError)
        and not isinstance(error, sqlite3.ProgrammingError)  # closed by another thread
        and code not in blocked
        and not isinstance(error.__cause__, OSError)
    )


def _connect(path: str) -> sqlite3.Connection:
    if path != MEMORY:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from error
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if database.execute("PRAGMA journal_mode").fetchone() == ("delete",):
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


def _family(roots: Sequence[str], cache: str | os.PathLike[str] | None) -> str:
    """What the files of one library begin with: another schema, or a SQLite without FTS5, has its own."""
    override = cache or os.environ.get("AIRSKILLS_CACHE_DIR")
    if override:
        folder = Path(override)
    else:
        import platformdirs

        folder = platformdirs.user_cache_path("airskills")
    with closing(sqlite3.connect(MEMORY)) as database:
        key = json.dumps([SCHEMA, has_fts5(database), *roots])
    return str(folder / f"index-{hashlib.sha256(key.encode()).hexdigest()[:16]}")


def _numbered(family: str, number: int) -> str:
    return f"{family}-{number}{SUFFIX}"


def _newest(family: str) -> str:
    """The file of the highest number, or the first where there is none."""
    found = (
        path.stem.rpartition("-")[2] for path in Path(family).parent.glob(f"{Path(family).name}-*{SUFFIX}")
    )
    return _numbered(family, max((int(number) for number in found if number.isdecimal()), default=1))


def _delete(path: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)


def remove_stale(folder: str | os.PathLike[str], *, now: float | None = None) -> int:
    """Delete index files that no library has opened for 90 days; returns how many."""
    limit = (time.time() if now is None else now) - STALE_SECONDS
    removed = 0
    for path in Path(folder).glob(f"index-*{SUFFIX}"):
        with suppress(OSError):
            if path.stat().st_atime < limit and path.stat().st_mtime < limit:
                _delete(str(path))
                removed += 1
    return removed


def _stamp(source: Source) -> str:
    mtime, size = source.stamp
    try:
        status = os.stat(f"{source.path.removesuffix(FILE_NAME)}{QUERIES}")
    except OSError:
        return f"{mtime} {size}"
    return f"{mtime} {size} {status.st_mtime_ns} {status.st_size}"


def _contents(path: str) -> tuple[bytes, bytes]:
    """Bytes of the SKILL.md and of its requests; what cannot or may not be read counts as empty."""
    content, queries = b"", None
    with suppress(OSError), open(path, "rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    with suppress(UnsafePathError):
        queries = access.read_inside(path.removesuffix(f"/{FILE_NAME}"), QUERIES)
    return content, queries or b""


def _requests(content: bytes) -> list[str]:
    """The training requests that should trigger the skill; validation requests stay unseen."""
    try:
        listed = json.loads(content or b"[]")
    except (ValueError, RecursionError):
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
