"""Archives and sites that strangers made."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airskills.errors import AirskillsError
from airskills.install.archive import unpack
from airskills.install.fetch import SCHEMA, fetch
from airskills.install.source import Source
from web import site_of

SKILL = b"---\nname: alpha\ndescription: Tools. Use when testing.\n---\n\n# Alpha\n"
Member = tuple[str, bytes, int]  # path, content, kind as in a mode


def zipped(*members: Member) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content, kind in members:
            info = zipfile.ZipInfo(path)
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, content)
    return held.getvalue()


def tarred(*members: Member) -> bytes:
    types = {
        stat.S_IFREG: tarfile.REGTYPE,
        stat.S_IFLNK: tarfile.SYMTYPE,
        stat.S_IFCHR: tarfile.CHRTYPE,
        stat.S_IFIFO: tarfile.FIFOTYPE,
    }
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for path, content, kind in members:
            info = tarfile.TarInfo(path)
            info.type = types[kind]
            info.size = len(content) if kind == stat.S_IFREG else 0
            info.linkname = content.decode() if kind == stat.S_IFLNK else ""
            archive.addfile(info, io.BytesIO(content))
    return held.getvalue()


PACKERS = pytest.mark.parametrize("pack", [zipped, tarred])
Pack = Callable[..., bytes]


@PACKERS
def test_a_plain_archive_is_unpacked(tmp_path: Path, pack: Pack) -> None:
    unpack(pack(("SKILL.md", SKILL, stat.S_IFREG), ("a/b.txt", b"b", stat.S_IFREG)), "x", tmp_path)

    assert (tmp_path / "SKILL.md").read_bytes() == SKILL
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"b"


@PACKERS
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("../evil", stat.S_IFREG),
        ("a/../../evil", stat.S_IFREG),
        ("/evil", stat.S_IFREG),
        ("a\\..\\evil", stat.S_IFREG),
        ("C:evil", stat.S_IFREG),
        ("link", stat.S_IFLNK),
        ("device", stat.S_IFCHR),
        ("pipe", stat.S_IFIFO),
        ("skill.MD", stat.S_IFREG),  # the same file on some systems
        ("SKILL.md/x", stat.S_IFREG),
    ],
)
def test_an_archive_that_reaches_out_is_refused(tmp_path: Path, pack: Pack, path: str, kind: int) -> None:
    target = tmp_path / "deep" / "target"
    target.mkdir(parents=True)
    with pytest.raises(AirskillsError):
        unpack(pack(("SKILL.md", SKILL, stat.S_IFREG), (path, b"/etc/passwd", kind)), "x", target)

    assert [p for p in tmp_path.rglob("*evil*") if p.is_file()] == []
    assert all(not p.is_symlink() for p in tmp_path.rglob("*"))


@PACKERS
def test_an_archive_that_grows_over_the_limit_is_refused(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(AirskillsError, match="more than 26,214,400 bytes"):
        unpack(pack(("bomb", bytes(26 * 1024 * 1024), stat.S_IFREG)), "x", tmp_path)


@PACKERS
def test_an_archive_of_too_many_files_is_refused(tmp_path: Path, pack: Pack) -> None:
    with pytest.raises(AirskillsError, match="more than 1,000 files"):
        unpack(pack(*((str(number), b"", stat.S_IFREG) for number in range(1001))), "x", tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), cut=st.integers(0, 200), flip=st.integers(0, 200))
def test_bytes_of_any_kind_are_unpacked_inside_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, flip: int
) -> None:
    root = tmp_path_factory.mktemp("any")
    good = bytearray(zipped(("SKILL.md", SKILL, stat.S_IFREG)))
    good[flip % len(good)] ^= 0xFF
    for number, attempt in enumerate(
        (data, bytes(good), bytes(good)[:cut], tarred(("a", data, stat.S_IFREG))[:cut])
    ):
        target = root / str(number) / "in"
        target.mkdir(parents=True)
        with suppress(AirskillsError):
            unpack(attempt, "x", target)
        assert [p.name for p in (root / str(number)).iterdir()] == ["in"]


# -- sites -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """(Address, folder) of a site on this machine, below a path as on a project's page."""
    folder = tmp_path / "site"
    (folder / "docs" / ".well-known").mkdir(parents=True)
    with site_of(folder) as address:
        yield f"{address}/docs", folder / "docs" / ".well-known"


def index_2(folder: Path, *entries: dict[str, str], schema: str = SCHEMA) -> None:
    (folder / "agent-skills").mkdir()
    text = json.dumps({"$schema": schema, "skills": entries})
    (folder / "agent-skills" / "index.json").write_text(text, encoding="utf-8")


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_site_gives_archives_and_single_files_by_digest(site: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = site
    other = SKILL.replace(b"alpha", b"beta")
    packed = tarred(("SKILL.md", SKILL, stat.S_IFREG), ("references/a.md", b"a", stat.S_IFREG))
    index_2(
        folder,
        {
            "name": "alpha",
            "type": "archive",
            "description": "d",
            "url": "alpha.tar.gz",
            "digest": digest(packed),
        },
        {
            "name": "beta",
            "type": "skill-md",
            "description": "d",
            "url": "beta/SKILL.md",
            "digest": digest(other),
        },
        {"name": "new", "type": "of-the-future", "url": "x", "digest": "y"},
    )
    (folder / "agent-skills" / "alpha.tar.gz").write_bytes(packed)
    (folder / "agent-skills" / "beta").mkdir()
    (folder / "agent-skills" / "beta" / "SKILL.md").write_bytes(other)
    into = tmp_path / "into"
    into.mkdir()
    found = fetch(Source("well-known", address), into)

    assert [one.skill.name for one in found] == ["alpha", "beta"]
    assert found[0].content.files["references/a.md"] == b"a"
    assert found[0].place["sourceUrl"] == address
    assert found[0].place["wellKnownDigest"] == digest(packed)


@pytest.mark.parametrize(
    ("entry", "schema", "why"),
    [
        ({"url": "alpha.md", "digest": digest(b"other")}, SCHEMA, "does not have the digest"),
        ({"url": "alpha.md"}, SCHEMA, "does not have the digest"),
        ({"url": "none.md", "digest": digest(SKILL)}, SCHEMA, "answers 404"),
        ({"url": "http://example.org/x", "digest": digest(SKILL)}, SCHEMA, "is no source of skills"),
        ({"url": "file:///etc/passwd", "digest": digest(SKILL)}, SCHEMA, "does not have the digest"),
        ({"url": "alpha.md", "digest": digest(SKILL)}, "https://example.org/9", "a schema that is not known"),
    ],
)
def test_a_site_that_is_wrong_is_refused(
    site: tuple[str, Path], tmp_path: Path, entry: dict[str, str], schema: str, why: str
) -> None:
    address, folder = site
    index_2(folder, {"name": "alpha", "type": "skill-md", **entry}, schema=schema)
    (folder / "agent-skills" / "alpha.md").write_bytes(SKILL)
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(AirskillsError, match=why):
        fetch(Source("well-known", address), into)


def test_the_older_index_is_read_where_there_is_no_newer_one(site: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = site
    (folder / "skills" / "alpha" / "references").mkdir(parents=True)
    (folder / "skills" / "alpha" / "SKILL.md").write_bytes(SKILL)
    (folder / "skills" / "alpha" / "references" / "a.md").write_bytes(b"a")
    files = ["SKILL.md", "references/a.md"]
    index = folder / "skills" / "index.json"
    index.write_text(
        json.dumps({"skills": [{"name": "alpha", "description": "d", "files": files}]}), encoding="utf-8"
    )
    into = tmp_path / "into"
    into.mkdir()

    assert sorted(fetch(Source("well-known", address), into)[0].content.files) == files
    index.write_text(json.dumps({"skills": [{"name": "alpha", "files": ["../../x"]}]}), encoding="utf-8")
    with pytest.raises(AirskillsError, match="climbs"):
        fetch(Source("well-known", address), tmp_path / "into")
