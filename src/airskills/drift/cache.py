"""What was read from files, kept by their content in one SQLite file; losing it costs time, nothing else."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_BATCH = 500  # question marks in one statement
_WAIT = 30.0  # seconds for another process to finish writing


class Cache:
    """JSON values by key, compressed.

    A file that is damaged or cannot be opened is replaced or done without: nothing raises.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """The values of those keys that are known."""
        found: dict[str, Any] = {}
        wanted = sorted(set(keys))
        with suppress(sqlite3.Error, OSError, zlib.error, ValueError):
            database = self._open()
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                rows = database.execute(f"SELECT key, value FROM kept WHERE key IN ({marks})", batch)  # noqa: S608 - question marks
                found |= {key: json.loads(zlib.decompress(value)) for key, value in rows}
        return found

    def put(self, values: Mapping[str, Any]) -> None:
        """Keep values; an older one of the same key goes."""
        rows = [(key, zlib.compress(json.dumps(value).encode(), 1)) for key, value in values.items()]
        try:
            self._write(rows)
        except (sqlite3.Error, OSError):
            self.close()
            with suppress(OSError, sqlite3.Error):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                self._write(rows)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _write(self, rows: list[tuple[str, bytes]]) -> None:
        with self._open() as database:
            database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            database = sqlite3.connect(self._path, timeout=_WAIT)
            try:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute(
                    "CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID"
                )
            except sqlite3.Error:
                database.close()
                raise
            self._database = database
        return self._database
