"""Reading one file of a skill: what is refused, and that no string at all leads out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airskills import access
from airskills.errors import UnsafePathError

SECRET = b"outside"


@pytest.fixture(scope="module")
def skill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("base")
    folder = base / "x"
    (folder / "references").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("SKILL.md", "references/a.md", "references/b c.md", "c:d.md", "~"):
        (folder / name).write_bytes(b"inside " + name.encode())
    for secret in (base / "secret", folder / ".env", folder / ".git" / "config", base / "x-secret"):
        secret.write_bytes(SECRET)
    (folder / "out").symlink_to("../secret")
    (folder / "absolute").symlink_to(base / "secret")
    (folder / "up").symlink_to("..")
    (folder / "near").symlink_to("../x-secret")
    (folder / "self").symlink_to("self")
    (folder / "alias.md").symlink_to("references/a.md")
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    return folder


@pytest.mark.parametrize(
    "path", ["references/a.md", "./references//a.md", "references/./a.md", "alias.md", "references/a.md/"]
)
def test_plain_relative_paths_are_read(skill: Path, path: str) -> None:
    assert access.read_inside(str(skill), path) == b"inside references/a.md"


def test_a_skill_behind_a_link_is_read(skill: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(skill)

    assert access.read_inside(str(tmp_path / "link"), "SKILL.md") == b"inside SKILL.md"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        (".", "names no file"),
        ("./", "names no file"),
        ("..", "climbs"),
        ("../secret", "climbs"),
        ("references/../../secret", "climbs"),
        ("references/../SKILL.md", "climbs"),
        ("/etc/passwd", "absolute"),
        ("//etc/passwd", "absolute"),
        ("C:/x", "absolute"),
        ("c:d.md", "absolute"),
        ("~", "begins with ~"),
        ("~root/x", "begins with ~"),
        ("..\\secret", "backslash"),
        ("references\\a.md", "backslash"),
        ("SKILL.md\0", "NUL"),
        (".env", "hidden"),
        ("references/.a", "hidden"),
        (".git/config", "hidden"),
        ("...", "hidden"),
        ("out", "out of the skill through a link"),
        ("absolute", "out of the skill through a link"),
        ("near", "out of the skill through a link"),
        ("up/secret", "out of the skill through a link"),
        ("zero", "out of the skill through a link"),
        ("\ud800", "surrogate"),
        ("a/" * 2049, "longer than 4,096"),
    ],
)
def test_every_other_path_is_refused_with_its_reason(skill: Path, path: str, reason: str) -> None:
    with pytest.raises(UnsafePathError, match=reason) as caught:
        access.read_inside(str(skill), path)

    assert caught.value.path == path
    assert caught.value.help


@pytest.mark.parametrize(
    "path", ["references", "pipe", "self", "gone.md", "references/a.md/b", "a" * 300, "\udcff"]
)
def test_what_is_no_regular_file_is_no_file(skill: Path, path: str) -> None:
    assert access.read_inside(str(skill), path) is None


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.bin").open("wb") as stream:
        stream.truncate(access.MAX_FILE_BYTES + 1)
    with (tmp_path / "full.bin").open("wb") as stream:
        stream.truncate(access.MAX_FILE_BYTES)

    with pytest.raises(UnsafePathError, match="it has 16,777,217 bytes; the limit is 16,777,216"):
        access.read_inside(str(tmp_path), "large.bin")
    assert len(access.read_inside(str(tmp_path), "full.bin") or b"") == access.MAX_FILE_BYTES


_part = st.sampled_from(
    [
        *(
            "..",
            ".",
            "",
            "/",
            "\\",
            "x",
            "x-secret",
            "secret",
            "up",
            "out",
            "near",
            "absolute",
            "self",
            "zero",
        ),
        *(
            "references",
            "a.md",
            "SKILL.md",
            ".env",
            ".git",
            "config",
            "~",
            "c:",
            "\0",
            "pipe",
            "etc",
            "passwd",
        ),
        *("proc", "é", "\ud800"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    path=st.one_of(st.lists(_part, max_size=6).map("/".join), st.text(st.characters(exclude_categories=())))
)
def test_no_string_ever_reads_a_file_outside_the_skill(skill: Path, path: str) -> None:
    try:
        content = access.read_inside(str(skill), path)
    except UnsafePathError:
        content = None

    assert content is None or content.startswith(b"inside ")


@settings(max_examples=100, deadline=None)
@given(path=st.text(st.characters(exclude_categories=())))
def test_the_parts_of_an_accepted_path_can_only_go_down(path: str) -> None:
    try:
        parts = access.safe_parts(path)
    except UnsafePathError:
        return

    assert parts
    assert not any(part.startswith(".") or set(part) & set("/\\\0") for part in parts)
