"""The scripts of the skill skypilot: planted traps are named with their line, sound files are not; costs by hand."""

from __future__ import annotations

import json
import math
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skill_module import SKILLS, skill_module

SKILL = SKILLS / "skypilot"
check_task = skill_module("skypilot", "check_task")
spot_cost = skill_module("skypilot", "spot_cost")


def codes(text: str) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in check_task.check(text)]


SOUND = """
name: tune
resources:
  infra: aws
  accelerators: {A100: 8, H100: 8}
  use_spot: true
  autostop: {idle_minutes: 30, down: true}
  job_recovery: {strategy: failover, max_restarts_on_errors: 3}
  any_of: [{infra: aws/us-east-1}, {infra: aws/us-west-2}]
  max_hourly_cost: 30
envs: {REVISION: '1.10', RATE: 1e-4, COUNT: 8}
secrets: {HF_TOKEN: }
file_mounts:
  /data: s3://our-data
  /ckpt: {name: our-ckpts, mode: MOUNT_CACHED, config: {mount_cached: {transfers: 8}}}
volumes: {/vol: {name: v, sub_path: runs}}
config: {kubernetes: {pod_config: {spec: {anything: goes}}}, hooks: [{run: ./save.sh, events: [stop]}]}
run: python train.py
"""
# What skypilot-org/skypilot PR #9051 is about: --autostop is no flag, and people fall back to the file.
THREAD = "resources:\n  autostop: true\nrun: python dev.py\n"


def test_a_sound_file_is_passed_over() -> None:
    assert codes(SOUND) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (THREAD, [(2, "autostop-at-once")]),
        ("runs: echo", [(1, "unknown-key")]),
        ("resources:\n  job_recovery: {max_restart_on_errors: 3}", [(2, "unknown-key")]),
        ("resources:\n  any_of:\n  - job_recovery:\n      retries: 3", [(4, "unknown-key")]),
        ("config:\n  kubernetis: {}", [(2, "unknown-key")]),
        ("config:\n  hooks:\n  - run: x\n    event: [stop]", [(4, "unknown-key")]),
        ("resources: {job_recovery: FAIL_OVER}", [(1, "strategy")]),
        ("resources: {job_recovery: {strategy: eager_next_region}}", []),
        ("resources: {job_recovery: none}", [(1, "recovery-none")]),
        (
            "resources:\n  any_of:\n  - {infra: aws, job_recovery: FAILOVER}\n  - {infra: gcp}",
            [(3, "recovery-candidates")],
        ),
        ("resources: {autostop: {down: true}}", [(1, "autostop-at-once")]),
        ("resources: {autostop: 30}", [(1, "stop-not-down")]),
        ("resources: {autostop: false}", []),
        (
            "resources: {autostop: {idle_minutes: 5, hook: x}}",
            [(1, "autostop-hook"), (1, "stop-not-down")],
        ),
        ("resources: {ephemeral_storage: 100}", [(1, "dropped")]),
        ("resources: {infra: k8s/ctx, disk_size: 256}", [(1, "disk-256")]),
        ("resources: {infra: aws, disk_size: 256}", []),
        ("resources: {image_id: 'ubuntu:22.04'}", [(1, "image")]),
        ("resources: {image_id: 'docker:ubuntu:22.04'}", []),
        ("resources: {infra: aws, region: us-east-1}", [(1, "infra-twice")]),
        ("resources: {max_hourly_cost: 2}", [(1, "price-cap")]),
        ("resources: {infra: aws/us-east-1, max_hourly_cost: 2}", []),
        (
            "resources:\n  labels: {a: b}\n  any_of: [{infra: aws, labels: {c: d}}, {infra: gcp}]",
            [(2, "labels-leak")],
        ),
        ("envs:\n  A: 1.10\n  B: no\n  C: 0010\n  D: 7", [(2, "env-text"), (3, "env-text"), (4, "env-text")]),
        ("file_mounts: {./data: /etc}", [(1, "mount-target")]),
        ("file_mounts:\n  /c: {name: n, config: {mount_cache: {}}}", [(2, "unknown-key")]),
        ("volumes: {data: v}", [(1, "volume-target")]),
        ("volumes: {/data: {name: v, subpath: x}}", [(1, "unknown-key")]),
        ("resources: {use_spot: true}", [(1, "spot-forgets")]),
        ("resources: {use_spot: true}\nvolumes: {/data: v}", []),
        ("resources:\n  cpus: 2\n  cpus: 4", [(3, "duplicate-key")]),
        ("name: g\nexecution: parallel\nprimary_task: [a]\n---\nname: a\nrun: x", [(3, "unknown-header")]),
        ("name: p\n---\nname: a\nruns: x", [(4, "unknown-key")]),
        ("resources: {<<: &r {cpus: 8}, cpus: 4}", []),
        ("resources: {<<: {autostop: true, cpu: 8}}", [(1, "autostop-at-once"), (1, "unknown-key")]),
        ("resources: {<<: {autostop: true}, autostop: false}", []),
        ("", []),
        ("- a\n- b", []),
    ],
)
def test_traps_are_named_with_their_line(text: str, expected: list[tuple[int, str]]) -> None:
    assert codes(text) == expected


def test_a_near_key_is_proposed() -> None:
    (finding,) = check_task.check("resources: {job_recovery: {max_restart_on_errors: 3}}")

    assert finding.cure == "write max_restarts_on_errors"


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(check_task.KNOWN)) | st.text(), inner)))  # fmt: skip
def test_any_json_is_read_without_a_crash(value: object) -> None:
    check_task.check(json.dumps(value))


def test_the_program_reports_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    (tmp_path / "trap.yaml").write_text("resources: {autostop: true}", encoding="utf-8")
    names = [str(tmp_path / name) for name in ("trap.yaml", "bad.yaml", "none.yaml")]

    done = subprocess.run(
        [sys.executable, SKILL / "scripts" / "check_task.py", "--json", *names], capture_output=True, text=True, check=False
    )  # fmt: skip

    said = json.loads(done.stdout)
    assert done.returncode == 2
    assert [finding["code"] for finding in said["findings"]] == ["autostop-at-once"]
    assert len(said["errors"]) == 2


def test_the_quick_start_has_no_trap() -> None:
    text = (SKILL / "SKILL.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml[^\n]*\n(.*?)```", text, re.DOTALL)

    assert codes(block) == []


def job(**other: float) -> object:
    return spot_cost.Job(
        **{"hours": 10, "spot": 1, "on_demand": 3, "rate": 0, "recovery": 0.5, "write": 0} | other
    )


def test_without_preemptions_only_writing_is_added() -> None:
    assert spot_cost.spot_hours(job(write=0.1), 1.0) == pytest.approx(11.0)


def test_hours_by_hand() -> None:
    # One segment of 1 h at one preemption an hour: (1 + 0.5)(e - 1).
    assert spot_cost.spot_hours(job(hours=1, rate=1), 1.0) == pytest.approx(1.5 * (math.e - 1))
    assert spot_cost.spot_hours(job(hours=2, rate=0.5, nodes=2), 1.0) == pytest.approx(3 * (math.e - 1))


@pytest.mark.parametrize("seed", range(3))
def test_simulated_runs_take_the_expected_hours(seed: int) -> None:
    dice = random.Random(seed)
    clocks = []
    for _ in range(20_000):
        clock = 0.0
        while (lost := dice.expovariate(0.8)) < 1.2:
            clock += lost + 0.5
        clocks.append(clock + 1.2)

    assert sum(clocks) / len(clocks) == pytest.approx(
        spot_cost.spot_hours(job(hours=1, rate=0.8, write=0.2), 1.0), rel=0.02
    )


def test_best_interval_beats_its_neighbors_and_is_near_youngs() -> None:
    asked = job(rate=0.1, write=0.02)
    best = spot_cost.best_interval(asked)

    assert spot_cost.spot_hours(asked, best) <= min(
        spot_cost.spot_hours(asked, best * by) for by in (0.9, 1.1)
    )
    assert best == pytest.approx(math.sqrt(2 * 0.02 / 0.1), rel=0.1)


def test_the_program_says_which_is_cheaper() -> None:
    words = ["--hours", "24", "--spot", "9.6", "--on-demand", "32", "--preemptions-per-day", "4", "--json"]

    assert spot_cost.main([*words, "--checkpoint-minutes", "30"]) == 0
    assert spot_cost.main([*words, "--checkpoint-minutes", "1440"]) == 1
    assert spot_cost.estimate(job(hours=2000, rate=1), 2000)["spot_usd"] is None
