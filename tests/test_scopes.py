"""Where skills are looked for, in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airskills.scopes import KINDS, Scope, bundled_root, scopes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def test_explicit_then_environment_then_project_then_user_then_bundled(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRSKILLS_PATH", f"{tmp_path}/e1{os.pathsep}{os.pathsep}{tmp_path}/e2/SKILL.md")

    found = scopes([f"{tmp_path}/p"], KINDS, str(tmp_path / "work"))

    assert found == [
        Scope("explicit", f"{tmp_path}/p"),
        Scope("env", f"{tmp_path}/e1"),
        Scope("env", f"{tmp_path}/e2"),
        Scope("project", f"{tmp_path}/work/.agents/skills"),
        Scope("project", f"{tmp_path}/work/.claude/skills"),
        Scope("user", f"{home}/.agents/skills"),
        Scope("user", f"{home}/.claude/skills"),
        Scope("bundled", bundled_root()),
    ]


def test_kinds_are_searched_in_their_own_order_whatever_the_caller_s(tmp_path: Path, home: Path) -> None:
    found = scopes([], ["user", "project"], str(tmp_path))

    assert [scope.kind for scope in found] == ["project", "project", "user", "user"]
    assert home


def test_a_project_reaches_up_to_its_git_root_nearest_first(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    inner = tmp_path / "repo" / "a" / "b"
    inner.mkdir(parents=True)

    found = [scope.root for scope in scopes([], ["project"], str(inner))]

    assert found == [
        f"{folder}/{name}"
        for folder in (inner, inner.parent, tmp_path / "repo")
        for name in (".agents/skills", ".claude/skills")
    ]


def test_a_git_file_as_worktrees_have_it_is_a_git_root(tmp_path: Path) -> None:
    (tmp_path / "w" / "a").mkdir(parents=True)
    (tmp_path / "w" / ".git").write_text("gitdir: elsewhere\n")

    assert len(scopes([], ["project"], str(tmp_path / "w" / "a"))) == 4


def test_without_git_only_the_folder_itself_is_the_project(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    assert [scope.root for scope in scopes([], ["project"], str(tmp_path / "a"))] == [
        f"{tmp_path}/a/.agents/skills",
        f"{tmp_path}/a/.claude/skills",
    ]


def test_dots_in_the_project_name_no_other_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")

    assert scopes([], ["project"], "..") == scopes([], ["project"], str(tmp_path / "a"))
    assert scopes([], ["project"], "") == scopes([], ["project"], str(tmp_path / "a" / "b"))


@pytest.mark.parametrize("spelling", ["home", "link"])
def test_the_home_folder_is_never_a_project(home: Path, spelling: str) -> None:
    (home.parent / "link").symlink_to("home")
    (home / ".git").mkdir()
    (home / "work").mkdir()

    found = scopes([], ["project", "user"], str(home.parent / spelling / "work"))

    assert [scope.kind for scope in found] == ["project", "project", "user", "user"]
    assert all("work" in scope.root for scope in found if scope.kind == "project")


def test_a_folder_that_two_kinds_name_counts_where_it_is_highest(tmp_path: Path, home: Path) -> None:
    agents = home / ".agents" / "skills"
    agents.mkdir(parents=True)
    (home / ".claude").mkdir()
    (home / ".claude" / "skills").symlink_to("../.agents/skills")

    assert scopes([str(agents)], ["user"], str(tmp_path)) == [Scope("explicit", str(agents))]
    assert scopes([], ["user"], str(tmp_path)) == [Scope("user", str(agents))]


def test_without_a_home_there_are_no_user_skills_and_no_folder_called_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)

    assert scopes([], ["user"], str(tmp_path)) == []
    assert len(scopes([], ["project"], str(tmp_path))) == 2


def test_an_unknown_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match="No scope is called 'projects'; there are env, project, user, bundled"
    ):
        scopes([], ["projects"], str(tmp_path))  # type: ignore[list-item]  # that is what must fail


def test_the_bundled_skills_exist() -> None:
    assert (Path(bundled_root()) / "peft" / "SKILL.md").is_file()
