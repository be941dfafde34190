"""Skill folders as they lie on a disk, made by people who mean harm: nothing hangs, nothing is read outside, nothing is passed over in silence."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airskills import check, disk, folder, report
from airskills.finding import Finding
from airskills.settings import Settings

MakeSkill = Callable[..., Path]


def found(path: Path) -> list[tuple[str, str]]:
    """(code, file below `path`) of everything that is wrong."""
    findings = check.run([path], settings=Settings())
    return [(finding.code, os.path.relpath(finding.path, path)) for finding in findings]


def test_pipe_and_socket_are_named_and_never_opened(
    tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
) -> None:
    skill = make_skill(tmp_path, "demo")
    os.mkfifo(skill / "pipe.md")
    listener = socket.socket(socket.AF_UNIX)
    try:
        monkeypatch.chdir(skill)  # a socket's path may have 108 characters
        listener.bind("socket.py")
    finally:
        listener.close()

    assert found(tmp_path) == [("AS403", "demo/pipe.md"), ("AS403", "demo/socket.py")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
def test_device_is_named_and_never_opened(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    try:
        os.mknod(skill / "zero.md", 0o020644, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container may make no devices")

    assert found(tmp_path) == [("AS403", "demo/zero.md")]


def test_pipe_in_place_of_the_skill_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    os.mkfifo(tmp_path / "demo" / "SKILL.md")

    assert found(tmp_path) == [("AS403", "demo/SKILL.md")]


def test_skill_file_that_is_a_link_out_is_not_followed(tmp_path: Path, make_skill: MakeSkill) -> None:
    outside = make_skill(tmp_path / "outside", "demo", extra="version: 1\n")
    (tmp_path / "root" / "demo").mkdir(parents=True)
    (tmp_path / "root" / "demo" / "SKILL.md").symlink_to(outside / "SKILL.md")

    assert found(tmp_path / "root") == [("AS401", "demo/SKILL.md")]
    opened = folder.open_folder(str(tmp_path / "root" / "demo"))
    assert (opened.skill, opened.read("SKILL.md")) == (None, b"")


def test_skill_file_may_be_a_link_to_a_file_of_the_skill(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    (skill / "SKILL.md").rename(skill / "real.md")
    (skill / "SKILL.md").symlink_to("real.md")

    assert found(tmp_path) == []


def test_loops_of_links_end(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path / "lib", "demo")
    (skill / "a.md").symlink_to("b.md")
    (skill / "b.md").symlink_to("a.md")
    (skill / "self").symlink_to(".")
    (tmp_path / "lib" / "up").symlink_to("..")
    (tmp_path / "lib" / "around").symlink_to("../lib")

    codes = found(tmp_path / "lib")

    assert set(codes) == {
        ("AS401", "up"),
        ("AS403", "demo/a.md"),
        ("AS403", "demo/b.md"),
        ("AS403", "demo/self"),
    }


def test_linked_file_is_read_through_its_link_only_inside_the_skill(
    tmp_path: Path, make_skill: MakeSkill
) -> None:
    skill = make_skill(tmp_path, "demo")
    (tmp_path / "secret.md").write_text("secret")
    (skill / "out.md").symlink_to("../secret.md")
    (skill / "in.md").symlink_to("SKILL.md")
    opened = folder.open_folder(str(skill))

    assert opened.read("out.md") == b""
    assert opened.read("in.md") == (skill / "SKILL.md").read_bytes()
    assert opened.read("../secret.md") == opened.read("/etc/passwd") == b""


@contextmanager
def nobody() -> Iterator[None]:
    """As an account without rights, where the tests run as root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions are a matter of POSIX")
def test_what_may_not_be_read_is_named(tmp_path: Path, make_skill: MakeSkill) -> None:
    for part in (tmp_path, *tmp_path.parents):
        if part.is_relative_to(tempfile.gettempdir()) and part != Path(tempfile.gettempdir()):
            part.chmod(0o755)
    one, two = make_skill(tmp_path, "one"), make_skill(tmp_path, "two")
    (one / "references").mkdir(mode=0o000)
    (one / "notes.md").write_text("x")
    (one / "notes.md").chmod(0)
    (two / "SKILL.md").chmod(0)
    (tmp_path / "closed").mkdir(mode=0o000)
    found(tmp_path)  # what is imported lazily may lie where only root may read
    with nobody():
        listed = found(tmp_path)

    assert listed == [
        ("AS403", "closed"),
        ("AS403", "closed/SKILL.md"),
        ("AS403", "one/notes.md"),
        ("AS403", "one/references"),
        ("AS403", "two/SKILL.md"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "line\nend.md",
        "bell\a.md",
        "\x1b[31mred.md",
        "bidi\u202e.md",
        "half\udc80.md",
        " .md",
        "-rf.md",
        "a" * 250 + ".md",
    ],
)
def test_names_that_are_no_words_are_files_as_any_other(
    tmp_path: Path, make_skill: MakeSkill, name: str
) -> None:
    skill = make_skill(tmp_path, "demo")
    (skill / name).write_text("# Title\n")
    opened = folder.open_folder(str(skill))

    assert opened.text(name) == "# Title\n"
    assert opened.digest
    assert found(tmp_path) == []


def test_huge_files_are_read_in_part_and_named(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    with (skill / "huge.md").open("wb") as stream:
        stream.truncate(1 << 40)  # a terabyte of holes
    start = time.process_time()

    assert found(tmp_path) == [("AS411", "demo/huge.md"), ("AS412", "demo/huge.md")]
    assert time.process_time() - start < 20


def test_huge_skill_file_is_refused(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    with (skill / "SKILL.md").open("ab") as stream:
        stream.truncate(1 << 40)

    assert ("AS110", "demo/SKILL.md") in found(tmp_path)


def test_skill_over_the_limits_is_said_to_be_checked_in_part(
    tmp_path: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "MAX_FILES", 10)
    many, large = make_skill(tmp_path, "many"), make_skill(tmp_path, "large")
    for number in range(20):
        (many / f"{number}").mkdir()
    monkeypatch.setattr(disk, "MAX_TOTAL", 1_000)
    (large / "a.txt").write_bytes(b"a" * 600)
    (large / "b.txt").write_bytes(b"\0" * 600)
    (large / "c.txt").write_bytes(b"\0")

    assert found(tmp_path) == [
        ("AS402", "large/SKILL.md"),
        ("AS403", "large/b.txt"),
        ("AS403", "large/c.txt"),
        ("AS402", "many/SKILL.md"),
    ]


def test_folder_of_a_hundred_thousand_files_takes_seconds(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    for number in range(100_000):
        os.mknod(skill / f"{number}.txt")
    start = time.process_time()
    codes = [code for code, _ in found(tmp_path)]

    assert codes == ["AS402", "AS415"]
    assert time.process_time() - start < 10


def test_folders_deeper_than_any_path_are_no_obstacle(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    before, deeper = Path.cwd(), Path("d" * 200)
    try:
        os.chdir(skill)
        for _ in range(40):  # 40 * 201 characters; a path may have 4,096
            deeper.mkdir()
            os.chdir(deeper)
    finally:
        os.chdir(before)

    codes = found(tmp_path)

    assert [code for code, _ in codes] == ["AS403"]


def test_digest_changes_with_everything_a_rule_can_see(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    seen = {folder.open_folder(str(skill)).digest}
    (skill / "a.txt").write_text("1")
    seen.add(folder.open_folder(str(skill)).digest)
    status = (skill / "a.txt").stat()
    (skill / "a.txt").write_text("2")
    os.utime(
        skill / "a.txt", ns=(status.st_atime_ns, status.st_mtime_ns)
    )  # same size, same time, other content
    seen.add(folder.open_folder(str(skill)).digest)
    (skill / "a.txt").chmod(0o755)
    seen.add(folder.open_folder(str(skill)).digest)
    (skill / "a.txt").rename(skill / "b.txt")
    seen.add(folder.open_folder(str(skill)).digest)
    again = folder.open_folder(str(skill)).digest

    assert len(seen) == 5
    assert again in seen


def test_time_of_a_file_is_nothing_a_rule_can_see(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    before = folder.open_folder(str(skill)).digest
    os.utime(skill / "SKILL.md", (1, 1))

    assert folder.open_folder(str(skill)).digest == before


def test_finding_of_a_strange_name_prints_on_one_line(tmp_path: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(tmp_path, "demo")
    os.mkfifo(skill / "a\n\x1b[2Jb\udcff.md")
    (finding,) = check.run([tmp_path], settings=Settings())

    assert isinstance(finding, Finding)
    assert report.render([finding], "text").count("\n") == 2
    for form in report.FORMATS:
        assert report.render([finding], form).encode("utf-8", "surrogateescape")
