"""The weekly job runs what it says, with nothing it does not need."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parents[2] / ".github" / "workflows" / "drift.yml"
TEXT = FILE.read_text(encoding="utf-8")


def test_actions_are_pinned_by_hash_and_nothing_may_be_written() -> None:
    job = yaml.safe_load(TEXT)
    used = [step["uses"] for step in job["jobs"]["drift"]["steps"] if "uses" in step]
    assert job["permissions"] == {"contents": "read"}
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action) for action in used)


def test_the_job_is_a_workflow_and_runs_the_check() -> None:
    checker = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        str(FILE),
    ]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "airskills drift --check skills" in TEXT
