"""The real `npx skills` and this tool read each other: its lock, our repository, our site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airskills.export import project as projects
from airskills.export import site, write
from airskills.install import state, work
from airskills.install.content import computed_hash, read
from airskills.install.source import parse
from web import site_of

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = Path(sys.prefix) / "node" / "node_modules"
NODE = MODULES / ".bin" / "node"

pytestmark = pytest.mark.skipif(
    not NODE.exists(), reason="`make test` installs npx skills where there is npm"
)


def npx_skills(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [NODE, MODULES / "skills" / "bin" / "cli.mjs", *arguments],
        cwd=folder,
        env={**os.environ, "DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("agents", [["codex"], ["claude-code"], ["codex", "claude-code"]])
def test_what_it_adds_from_this_repository_has_our_hashes_and_no_drift(
    tmp_path: Path, agents: list[str]
) -> None:
    flags = [part for agent in agents for part in ("--agent", agent)]
    npx_skills(tmp_path, "add", str(REPOSITORY), "--skill", "peft", "--skill", "faiss", "-y", *flags)
    written = json.loads((tmp_path / "skills-lock.json").read_text(encoding="utf-8"))["skills"]

    assert sorted(written) == ["faiss", "peft"]
    for name, entry in written.items():
        assert entry["computedHash"] == computed_hash(read(str(REPOSITORY / "skills" / name)))
    assert [row["state"] for row in state.installed(state.Target(tmp_path))] == ["ok", "ok"]
    assert state.verify(state.Target(tmp_path)) == []


def test_it_adds_from_our_site_and_lists(tmp_path: Path) -> None:
    files = site.site(projects.read(REPOSITORY))
    write.write(files, tmp_path / "site")
    folder = tmp_path / "project"
    folder.mkdir()
    with site_of(tmp_path / "site") as address:
        npx_skills(folder, "add", address, "--skill", "faiss", "-y", "--agent", "codex")

    assert read(str(folder / ".agents/skills/faiss")).files == read(str(REPOSITORY / "skills/faiss")).files
    assert "faiss" in npx_skills(folder, "list")
    assert state.verify(state.Target(folder)) == []


def test_it_reads_what_we_installed_and_our_lock(tmp_path: Path) -> None:
    work.install(state.Target(tmp_path), parse(str(REPOSITORY)), work.How(), globs=["faiss"])
    listed = npx_skills(tmp_path, "list")
    npx_skills(tmp_path, "remove", "faiss", "-y")

    assert "faiss" in listed
    assert json.loads((tmp_path / "skills-lock.json").read_text(encoding="utf-8"))["skills"] == {}
