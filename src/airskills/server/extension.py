"""The Skills extension of MCP, `io.modelcontextprotocol/skills`: `skills/list`, `skills/get`, `resources/directory/read`.

Source: SEP-2640 in its final form (2026-09-13), for protocol revision 2026-07-28 and later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
from fastmcp.server.extensions import MethodBinding, ServerExtension
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from airskills.server.live import Live
from airskills.server.served import DIRECTORY, Catalogue, Entry, File

PAGE = 100  # entries of one answer; an entry of a usual skill has about 3 KB
TTL_MS = 60_000
_CURSOR = "after:"
_CACHE = {"resultType": "complete", "ttlMs": TTL_MS, "cacheScope": "private"}


class GetSkillParams(RequestParams):
    """What `skills/get` takes: the address of a SKILL.md."""

    uri: str


class ReadDirectoryParams(PaginatedRequestParams):
    """What `resources/directory/read` takes: the address of a folder, without a slash at its end."""

    uri: str


class SkillsExtension(ServerExtension):
    """The three methods over the catalogue of the moment."""

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self, live: Live) -> None:
        self._live = live

    def settings(self) -> dict[str, Any]:
        """What the server says of itself under this extension."""
        return {"directoryRead": True}

    def methods(self) -> Sequence[MethodBinding]:
        """The methods, at the protocol revisions that can carry them."""
        bound = (
            ("skills/list", PaginatedRequestParams, self._list),
            ("skills/get", GetSkillParams, self._get),
            ("resources/directory/read", ReadDirectoryParams, self._read_directory),
        )
        versions = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [MethodBinding(name, takes, handler, versions) for name, takes, handler in bound]

    async def _list(
        self, _context: ServerRequestContext[Any, Any], params: PaginatedRequestParams
    ) -> dict[str, Any]:
        after = _position(params.cursor)
        entries, following = await anyio.to_thread.run_sync(self._live.catalogue.page, after, PAGE)
        return {"skills": [entry.wire for entry in entries], **_continued(following), **_CACHE}

    async def _get(self, _context: ServerRequestContext[Any, Any], params: GetSkillParams) -> dict[str, Any]:
        entry = await anyio.to_thread.run_sync(_current, self._live.catalogue, params.uri)
        if entry is None:
            raise MCPError(INVALID_PARAMS, f"No skill is served at {params.uri[:200]}")
        return {"skill": entry.wire, **_CACHE}

    async def _read_directory(
        self, _context: ServerRequestContext[Any, Any], params: ReadDirectoryParams
    ) -> dict[str, Any]:
        after = _position(params.cursor)
        children = await anyio.to_thread.run_sync(_children, self._live.catalogue, params.uri)
        if children is None:
            raise MCPError(INVALID_PARAMS, f"No directory is served at {params.uri[:200]}")
        rest = [child for child in children if child["uri"] > after]
        following = rest[PAGE - 1]["uri"] if len(rest) > PAGE else None
        return {"resources": rest[:PAGE], **_continued(following), "resultType": "complete"}


def _current(catalogue: Catalogue, uri: str) -> Entry | None:
    entry = catalogue.at(uri)
    return catalogue.fresh(entry.skill.name) if entry is not None and entry.uri == uri else None


def _children(catalogue: Catalogue, uri: str) -> list[dict[str, Any]] | None:
    """Direct children of a folder as it is now, sorted by address."""
    entry = catalogue.at(uri)
    entry = catalogue.fresh(entry.skill.name) if entry else None
    if entry is None or uri not in entry.folders:
        return None
    found = [_folder(c) if isinstance(c, str) else _file(c, entry) for c in entry.folders[uri]]
    return sorted(found, key=lambda child: str(child["uri"]))


def _folder(uri: str) -> dict[str, Any]:
    return {"uri": uri, "name": uri.rpartition("/")[2], "mimeType": DIRECTORY}


def _file(file: File, entry: Entry) -> dict[str, Any]:
    """The metadata of a resource; a SKILL.md speaks for its skill."""
    said = {
        "uri": file.uri,
        "name": file.path.rpartition("/")[2],
        "mimeType": file.mime_type,
        "size": file.size,
    }
    if file.uri == entry.uri:
        said |= {"name": entry.skill.name, "description": str(entry.skill.fields["description"])}
    return said


def _position(cursor: str | None) -> str:
    if cursor is None:
        return ""
    if not cursor.startswith(_CURSOR):
        raise MCPError(INVALID_PARAMS, f"The cursor {cursor[:80]!r} was not given out by this server")
    return cursor.removeprefix(_CURSOR)


def _continued(following: str | None) -> dict[str, str]:
    return {} if following is None else {"nextCursor": f"{_CURSOR}{following}"}
