"""Finding skill folders: everything under the root, nothing outside it, and an end to every walk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airskills import scan

MakeSkill = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def found(root: Path, **limits: Any) -> list[str]:
    return [os.path.relpath(folder.path, root) for folder in scan.scan(str(root), **limits).folders]


def told(root: Path, **limits: Any) -> list[tuple[str, str]]:
    return [(f.code, os.path.relpath(f.path, root)) for f in scan.scan(str(root), **limits).findings]


def test_folders_come_in_path_order_and_a_skill_is_not_searched_for_more(
    root: Path, make_skill: MakeSkill
) -> None:
    for folder in ("b", "a/z", "a/b", "a-b", "b/inner"):
        make_skill(root, "x", folder=folder)

    assert found(root) == ["a-b", "a/b", "a/z", "b"]
    assert told(root) == []


def test_the_root_itself_may_be_the_skill(root: Path, make_skill: MakeSkill) -> None:
    skill = make_skill(root, "x")

    assert found(skill) == ["."]
    assert scan.scan(str(skill)).folders[0].file == f"{skill}/SKILL.md"


@pytest.mark.parametrize("name", ["missing", "file.txt", "a\0b", "\ud800"])
def test_what_is_no_folder_holds_no_skills(root: Path, name: str) -> None:
    (root / "file.txt").write_text("x")

    assert scan.scan(f"{root}/{name}").folders == []


def test_hidden_and_generated_folders_are_passed_over(root: Path, make_skill: MakeSkill) -> None:
    for folder in (".git/x", ".hidden", "node_modules/x", "__pycache__", "a/.b/x", "a/node_modules", "kept"):
        make_skill(root, "x", folder=folder)

    assert found(root) == ["kept"]


def test_a_hidden_root_is_searched_because_it_was_asked_for(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / ".agents" / "skills", "x")

    assert found(tmp_path / ".agents" / "skills") == ["x"]


def test_depth_is_bounded_and_what_lies_deeper_is_told_once(root: Path, make_skill: MakeSkill) -> None:
    make_skill(root, "x", folder="1/2/3")
    make_skill(root, "y", folder="1/2/3b/4")
    make_skill(root, "z", folder="1/2/3c/4")

    assert found(root, max_depth=3) == ["1/2/3"]
    assert told(root, max_depth=3) == [("AS402", "1/2/3b/4")]
    assert found(root, max_depth=4) == ["1/2/3", "1/2/3b/4", "1/2/3c/4"]
    assert told(root, max_depth=4) == []


def test_the_number_of_folders_is_bounded_and_told(root: Path, make_skill: MakeSkill) -> None:
    for number in range(5):
        make_skill(root, f"s{number}")

    assert found(root, max_folders=4) == ["s0", "s1", "s2"]  # the root is the first of the four
    assert told(root, max_folders=4) == [("AS402", ".")]
    assert told(root, max_folders=6) == []


def test_links_are_followed_inside_the_root_and_never_out_of_it(
    root: Path, tmp_path: Path, make_skill: MakeSkill
) -> None:
    outside = make_skill(tmp_path / "outside", "out")
    make_skill(root, "in", folder=".store/in")
    (root / "linked").symlink_to(".store/in")
    (root / "escape").symlink_to(outside)
    (root / "escape-all").symlink_to(tmp_path)
    (root / "nowhere").symlink_to("gone")
    (root / "file").mkdir()
    (root / "file" / "SKILL.md").symlink_to(outside / "SKILL.md")

    assert found(root) == ["linked"]
    assert told(root) == [("AS401", "escape"), ("AS401", "escape-all"), ("AS401", "file/SKILL.md")]


def test_a_root_whose_name_begins_another_is_no_way_out(tmp_path: Path, make_skill: MakeSkill) -> None:
    (tmp_path / "root").mkdir()
    make_skill(tmp_path / "root-secret", "x")
    (tmp_path / "root" / "x").symlink_to(tmp_path / "root-secret" / "x")

    assert found(tmp_path / "root") == []


def test_loops_end_and_show_each_skill_once_by_its_own_path(root: Path, make_skill: MakeSkill) -> None:
    make_skill(root, "x", folder="a/x")
    (root / "0-alias").symlink_to("a/x")
    (root / "a" / "up").symlink_to("..")
    (root / "a" / "self").symlink_to("self")
    (root / "b").symlink_to("a")
    (root / "c").symlink_to("c2")
    (root / "c2").symlink_to("c")

    assert found(root) == ["a/x"]
    assert told(root) == []


def test_a_root_behind_a_link_is_searched_where_it_leads(tmp_path: Path, make_skill: MakeSkill) -> None:
    make_skill(tmp_path / "real", "x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "alias").symlink_to("x")

    assert found(tmp_path / "link") == ["x"]


@pytest.mark.parametrize("name", ["skill.md", "Skill.md", "SKILL.MD"])
def test_a_misspelt_file_name_is_told_and_not_read(root: Path, make_skill: MakeSkill, name: str) -> None:
    folder = make_skill(root, "x")
    (folder / "SKILL.md").rename(folder / name)

    assert found(root) == []
    assert told(root) == [("AS120", f"x/{name}")]


def test_a_skill_md_that_is_no_file_is_no_skill(root: Path) -> None:
    (root / "folder" / "SKILL.md").mkdir(parents=True)
    (root / "pipe").mkdir()
    os.mkfifo(root / "pipe" / "SKILL.md")
    (root / "dangling").mkdir()
    (root / "dangling" / "SKILL.md").symlink_to("gone.md")

    assert found(root) == []


def test_what_the_system_refuses_to_read_is_told(
    root: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests may run as root, to whom nothing is refused.
    make_skill(root, "file")
    (root / "folder").mkdir()
    lstat, scandir = os.lstat, os.scandir

    def refusing_lstat(path: str) -> os.stat_result:
        if path.endswith("/file/SKILL.md"):
            raise PermissionError(13, "Permission denied", path)
        return lstat(path)

    def refusing_scandir(path: str) -> object:
        if path.endswith(("/folder", "/file")):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("airskills.scan.os.lstat", refusing_lstat)
    monkeypatch.setattr("airskills.scan.os.scandir", refusing_scandir)

    assert told(root) == [("AS403", "file/SKILL.md"), ("AS403", "file"), ("AS403", "folder")]


def test_the_stamp_changes_with_the_file(root: Path, make_skill: MakeSkill) -> None:
    folder = make_skill(root, "x")
    before = scan.scan(str(root)).folders[0].stamp
    os.utime(folder / "SKILL.md", ns=(1, 1))

    assert before != scan.scan(str(root)).folders[0].stamp == (1, (folder / "SKILL.md").stat().st_size)


def test_names_that_are_no_utf_8_are_found(root: Path, make_skill: MakeSkill) -> None:
    make_skill(root, "x", folder=os.fsdecode(b"\xff"))

    assert found(root) == ["\udcff"]


# -- files of a skill ---------------------------------------------------------------------------------------------


def test_files_are_listed_with_the_skill_first_and_without_what_is_not_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    for name in (
        "scripts/a.py",
        "SKILL.md",
        "references/r.md",
        "A.md",
        ".hidden",
        ".git/x",
        "node_modules/y",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (tmp_path / "secret").write_text("x")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "out-folder").symlink_to(tmp_path)
    (folder / "alias.md").symlink_to("A.md")
    (folder / "up").symlink_to(".")
    (folder / "self").symlink_to("self")
    (folder / "scripts" / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")

    assert scan.files(str(folder)) == (
        ["SKILL.md", "A.md", "alias.md", "references/r.md", "scripts/a.py"],
        False,
    )


@pytest.mark.parametrize(("count", "cut"), [(3, False), (4, True)])
def test_the_list_of_files_is_bounded_and_says_so(tmp_path: Path, count: int, *, cut: bool) -> None:
    for number in range(count):
        (tmp_path / f"{number}.md").write_text("x")

    assert scan.files(str(tmp_path), limit=3) == (["0.md", "1.md", "2.md"], cut)


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    assert scan.files(str(tmp_path / "gone")) == ([], False)
