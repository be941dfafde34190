"""The catalogue of the moment: it follows the folders on the disk, and tells whoever is connected.

Hosts of the revisions before 2026-07-28 are told on their connection, later ones on a `subscriptions/listen` stream.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import watchfiles
from mcp.server.connection import Connection
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.subscriptions import PromptsListChanged, ResourcesListChanged, ServerEvent, ToolsListChanged

from airskills import trust
from airskills.finding import Finding
from airskills.library import Library
from airskills.server.served import Catalogue, open_catalogue

SETTLE_MS = 200  # a change is looked at once nothing more has changed for so long
LOOK_AGAIN_MS = 2_000  # folders that did not exist are looked for so often
POLL_MS = 2_000  # where the system has no watches left
_LEGACY = {
    ToolsListChanged: "notifications/tools/list_changed",
    PromptsListChanged: "notifications/prompts/list_changed",
    ResourcesListChanged: "notifications/resources/list_changed",
}


class Live:
    """The catalogue and everybody who wants to know of its changes.

    Args:
        opened: opens the library anew.
        tell: is given each finding about a skill that is not served, once.
        watch: whether to follow changes.

    Attributes:
        catalogue: as the folders were when they last changed.
        listen: serves `subscriptions/listen`.
        connections: of hosts that are told on their connection.
    """

    def __init__(
        self, opened: Callable[[], Library], *, tell: Callable[[Finding], None], watch: bool = True
    ) -> None:
        self._opened = opened
        self._tell = tell
        self._told: set[Finding] = set()
        self._watch = watch
        self._bus = InMemorySubscriptionBus()
        self.catalogue: Catalogue = open_catalogue(opened)
        self.listen = ListenHandler(self._bus)
        self.connections: set[Connection] = set()
        self.changed: list[Callable[[Catalogue], None]] = []

    @asynccontextmanager
    async def running(self, _server: object = None) -> AsyncGenerator[None]:
        """Follow the folders while the context is open."""
        work = [self._report(), *([self._follow()] if self._watch else [])]
        tasks = [asyncio.create_task(one) for one in work]
        for task in tasks:
            task.add_done_callback(_show_failure)
        try:
            yield
        finally:
            self.listen.close()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def reload(self) -> None:
        """Look at the folders again and tell what changed."""
        before = self.catalogue
        after = await anyio.to_thread.run_sync(open_catalogue, self._opened, before)
        events = _events(before, after)
        self.catalogue = after
        for act in self.changed:
            act(after)
        for event in events:
            await self._bus.publish(event)
            for connection in tuple(self.connections):
                await connection.notify(_LEGACY[type(event)], None)
        await self._report()

    async def _report(self) -> None:
        for finding in await anyio.to_thread.run_sync(self.catalogue.findings):
            if finding not in self._told:
                self._told.add(finding)
                self._tell(finding)

    async def _follow(self) -> None:
        """Wait for changes; the folders to watch are chosen anew whenever one of them comes or goes."""
        polling = False
        while True:
            roots = self._roots()
            try:
                await self._watch_while_same(roots, polling=polling)
            except OSError:  # no watches left in the system
                if polling:
                    raise
                polling = True
            else:
                await self.reload()

    async def _watch_while_same(self, roots: list[str], *, polling: bool) -> None:
        """Reload on changes below `roots`, as long as these are the folders to watch."""
        if not roots:
            await anyio.sleep(LOOK_AGAIN_MS / 1000)
            return
        changes = watchfiles.awatch(
            *roots,
            debounce=SETTLE_MS,
            step=50,
            rust_timeout=LOOK_AGAIN_MS,
            yield_on_timeout=True,
            force_polling=polling or None,
            poll_delay_ms=POLL_MS,
        )
        begun = False
        async for changed in changes:
            if self._roots() != roots:
                return
            if changed or not begun:  # what changed before the watch began is seen at its first pause
                begun = True
                await self.reload()

    def _roots(self) -> list[str]:
        """Folders that exist: of skills, and of what is trusted."""
        roots = [*(scope.root for scope in self.catalogue.library.scopes), str(trust.store())]
        return [root for root in dict.fromkeys(roots) if os.path.isdir(root)]


def _show_failure(task: asyncio.Task[None]) -> None:
    """Say at once what a task died of; else nobody would know before the end."""
    if not task.cancelled() and (error := task.exception()) is not None:
        told = {"message": "Following the folders failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(told)


def _events(before: Catalogue, after: Catalogue) -> list[ServerEvent]:
    """What hosts have to ask for again; files that nobody asked for yet cannot have changed for anybody."""
    events: list[ServerEvent] = []
    if before.skills != after.skills or before.entries.keys() != after.entries.keys():
        events.append(ResourcesListChanged())
    if _shown(before) != _shown(after):
        events += [ToolsListChanged(), PromptsListChanged()]
    return events


def _shown(catalogue: Catalogue) -> dict[str, str]:
    """What tools and prompts show of the skills."""
    return {name: skill.description for name, skill in catalogue.skills.items()}
