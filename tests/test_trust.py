"""Trust in a folder: given for what it holds, gone with the first changed byte."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from airskills import trust

MakeSkill = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, make_skill: MakeSkill) -> Path:
    made = make_skill(tmp_path / "root", "x")
    (made / "scripts").mkdir()
    (made / "scripts" / "run.py").write_bytes(b"print(1)")
    (made / ".hidden").write_bytes(b"a")
    (made / "link").symlink_to("scripts")
    (made / "file-link").symlink_to("scripts/run.py")
    return made


def test_nothing_is_trusted_until_it_is_said(folder: Path) -> None:
    assert not trust.is_trusted(str(folder))

    trust.remember(str(folder))

    assert trust.is_trusted(str(folder))
    assert not trust.is_trusted(str(folder.parent))


def test_trust_can_be_taken_back_twice(folder: Path) -> None:
    trust.remember(str(folder))
    trust.forget(str(folder))
    trust.forget(str(folder))

    assert not trust.is_trusted(str(folder))


def _write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _relink(folder: Path) -> None:
    (folder / "link").unlink()
    (folder / "link").symlink_to("..")


def _replace_link_by_copy(folder: Path) -> None:
    (folder / "file-link").unlink()
    (folder / "file-link").write_bytes(b"scripts/run.py")


def _replace_file_by_pipe(folder: Path) -> None:
    (folder / ".hidden").unlink()
    os.mkfifo(folder / ".hidden")


CHANGES: dict[str, Callable[[Path], object]] = {
    "one byte of a script": _write("scripts/run.py", b"print(2)"),
    "one byte of a hidden file": _write(".hidden", b"b"),
    "an added file": _write("added", b""),
    "an added hidden file": _write("scripts/.added", b""),
    "a removed file": lambda folder: (folder / ".hidden").unlink(),
    "a renamed file": lambda folder: (folder / ".hidden").rename(folder / ".hidden2"),
    "a link that leads elsewhere": _relink,
    "a link made a file of its target": _replace_link_by_copy,
    "a file made a pipe": _replace_file_by_pipe,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_trust_ends_with_any_change(folder: Path, change: Callable[[Path], object]) -> None:
    trust.remember(str(folder))
    change(folder)

    assert not trust.is_trusted(str(folder))


def test_moving_bytes_from_one_file_to_the_next_is_a_change(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "b").write_bytes(b"3")
    before = trust.digest(str(tmp_path))
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"23")

    assert trust.digest(str(tmp_path)) != before


def test_time_and_path_do_not_count_but_the_folder_does(folder: Path, tmp_path: Path) -> None:
    trust.remember(str(folder))
    os.utime(folder / "SKILL.md", ns=(1, 1))
    (tmp_path / "link").symlink_to(folder)

    assert trust.is_trusted(str(folder))
    assert trust.is_trusted(str(tmp_path / "link"))

    folder.rename(folder.parent / "y")

    assert not trust.is_trusted(str(folder.parent / "y"))


def test_a_linked_skill_md_is_trusted_for_the_text_it_leads_to(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "x"
    folder.mkdir(parents=True)
    (tmp_path / "root" / "text.md").write_text("one")
    (folder / "SKILL.md").symlink_to("../text.md")
    trust.remember(str(folder))

    assert trust.is_trusted(str(folder))

    (tmp_path / "root" / "text.md").write_text("two")

    assert not trust.is_trusted(str(folder))


def test_what_other_links_lead_to_is_never_read(folder: Path, tmp_path: Path) -> None:
    (folder / "endless").symlink_to("/dev/zero")
    (folder / "up").symlink_to("..")
    (folder / "gone").symlink_to("nowhere")
    trust.remember(str(folder))
    (tmp_path / "root" / "beside").write_text("x")

    assert trust.is_trusted(str(folder))


@pytest.mark.parametrize("record", [b"", b"\xff", b"0" * 64])
def test_a_damaged_record_is_no_trust(folder: Path, record: bytes) -> None:
    trust.remember(str(folder))
    (kept,) = trust.store().iterdir()
    kept.write_bytes(record)

    assert not trust.is_trusted(str(folder))


def test_records_lie_in_the_platform_s_state_folder_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert trust.store() == Path(os.environ["AIRSKILLS_STATE_DIR"]) / "trust"

    monkeypatch.delenv("AIRSKILLS_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert trust.store() == tmp_path / "airskills" / "trust"
