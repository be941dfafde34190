"""The command `cache`: what the tool keeps on disk, and room again."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import click

from airskills.cli_help import Command

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class _Bytes(click.ParamType[int]):
    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", str(value).strip(), re.IGNORECASE)
        if found is None:
            self.fail(f"{value!r} is not a size such as 500MB or 20G", param, ctx)
        return int(float(found[1]) * _UNITS[found[2].upper()])


@click.command(cls=Command)
@click.option("--prune", is_flag=True, help="Remove what was not used for --days, and more down to --size.")
@click.option(
    "--days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Days without use after which --prune removes an entry.",
)
@click.option("--size", type=_Bytes(), help="Room that --prune leaves to it all, such as 20GB.")
@click.option("--dry-run", "-n", is_flag=True, help="Say what --prune would remove, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def cache(prune: bool, days: float, size: int | None, dry_run: bool, as_json: bool) -> None:
    """Show what environments, unpacked wheels, stand-ins and results take on disk; --prune removes what is not used.

    Everything in the cache can be made again; what was used within the last hour stays. Files that are links to uv's own
    cache take no room here: `uv cache prune` is for those.

    Examples:
      airskills cache
      airskills cache --prune --days 14
      airskills cache --prune --size 5GB --dry-run
    """
    from airskills import cache as kept
    from airskills.wheels import cache_folder

    folder = cache_folder()
    found = list(kept.entries(folder))
    if not prune:
        _show(str(folder), found, list(kept.KINDS), as_json=as_json)
        return
    gone = kept.stale(found, seconds=days * 86400, size=size)
    if not dry_run:
        kept.remove(gone)
    freed = sum(entry.size for entry in gone)
    if as_json:
        rows = [{"kind": entry.kind, "path": str(entry.path), "bytes": entry.size} for entry in gone]
        click.echo(json.dumps({"removed": not dry_run, "bytes": freed, "entries": rows}, indent=2))
    else:
        click.echo(f"{'Would remove' if dry_run else 'Removed'} {len(gone):,} entries, {_said(freed)}.")


def _show(folder: str, found: list[Any], kinds: list[str], *, as_json: bool) -> None:
    counts, sizes = Counter(entry.kind for entry in found), Counter[str]()
    for entry in found:
        sizes[entry.kind] += entry.size
    if as_json:
        rows = {kind: {"entries": counts[kind], "bytes": sizes[kind]} for kind in kinds}
        click.echo(json.dumps({"folder": folder, **rows}, indent=2))
        return
    for kind in kinds:
        click.echo(f"{kind:14}{counts[kind]:7,}  {_said(sizes[kind]):>9}")
    click.echo(f"{folder}: {_said(sizes.total())}")


def _said(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
