from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

PAGES = [
    p
    for p in sorted((Path(__file__).parents[2] / "docs" / "experiments").glob("*.md"))
    if p.stem not in {"log", "evals"}  # results, no tutorials
]


def blocks(path: Path) -> list[str]:
    return [
        t.content for t in MarkdownIt().parse(path.read_text()) if t.type == "fence" and t.info == "python"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_block_of_a_tutorial_runs_in_order(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "tutorial"}
    for number, block in enumerate(blocks(path), 1):
        exec(compile(block, f"{path.stem} block {number}", "exec"), names)

    assert len(blocks(path)) >= 2


def test_there_are_three_tutorials() -> None:
    assert len(PAGES) == 3
