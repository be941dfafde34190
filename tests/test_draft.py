"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from airskills.draft import write_whole


def test_what_was_there_is_replaced_and_no_draft_is_left(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_text("old", encoding="utf-8")

    write_whole(path, "näher\n")

    assert path.read_bytes() == "näher\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_text_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half \ud800")

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "gone" / "note.json", "x")

    assert not (tmp_path / "gone").exists()
