import json
from typing import Any

import pytest
from torch.utils.flop_counter import FlopCounterMode

from airskills.grokking import cost, runner, tasks
from airskills.grokking.config import Method, RunSpec
from airskills.grokking.errors import GrokkingError
from airskills.grokking.train import Trainer

METHOD = Method(lr=0.03, weight_decay=1.0)


def specs(seeds: Any = (0, 1), **more: Any) -> Any:
    return [RunSpec(task="add-31", method=METHOD, seed=s, budget=20, **more) for s in seeds]


def test_records_come_back_in_order_and_are_on_disk(tmp_path: Any) -> None:
    records = runner.run_all(specs((3, 1)), tmp_path, workers=1)

    assert [r["seed"] for r in records] == [3, 1]
    assert sorted(r["seed"] for r in runner.read(tmp_path)) == [1, 3]
    assert all(r["steps_run"] == 20 and r["cpu_s"] > 0 for r in records)


def test_a_second_start_does_only_what_is_missing(tmp_path: Any) -> None:
    first = runner.run_all(specs((0,)), tmp_path, workers=1)
    done = []
    both = runner.run_all(specs((0, 1)), tmp_path, workers=1, on_done=lambda *n: done.append(n))

    assert both[0] == first[0]
    assert done == [(2, 2)]
    assert len(runner.read(tmp_path)) == 2


def test_a_line_cut_by_a_kill_is_left_out(tmp_path: Any) -> None:
    records = runner.run_all(specs((0, 1)), tmp_path, workers=1)
    path = tmp_path / "runs.jsonl"
    path.write_text(path.read_text()[:-40])

    assert runner.read(tmp_path) == records[:1]


def test_the_same_run_gives_the_same_record_but_for_its_time(tmp_path: Any) -> None:
    one, two = (runner.run_all(specs((0,)), tmp_path / name, workers=1)[0] for name in "ab")
    timeless = [{k: v for k, v in r.items() if not k.endswith("_s")} for r in (one, two)]

    assert timeless[0] == timeless[1]


def test_an_unwritable_folder_is_named(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(GrokkingError, match=r"runs\.jsonl: cannot write 1 runs .* start again"):
        runner.append(tmp_path / "file", [{"seed": 1}])
    with pytest.raises(GrokkingError, match="cannot write"):
        runner.write_json(tmp_path / "file" / "x.json", {})


def test_records_hold_no_nan(tmp_path: Any) -> None:
    wild = [RunSpec(task="add-31", method=Method(optimizer="sgd", lr=1e20), seed=0, budget=20)]
    (record,) = runner.run_all(wild, tmp_path, workers=1)

    assert record["status"] == "diverged"
    assert json.loads((tmp_path / "runs.jsonl").read_text()) == record


def test_batches_hold_one_task_and_respect_the_size() -> None:
    runs = [*specs(range(100)), RunSpec(task="random-31", method=METHOD, seed=0)]
    batches = runner.plan(runs, 2)

    assert all(len({s.task for s in batch}) == 1 for batch in batches)
    assert max(map(len, batches)) <= runner.batch_size("add-31") <= runner.MOST
    assert sum(map(len, batches)) == 101


def test_measured_sizes_go_before_the_cache_rule() -> None:
    assert [len(batch) for batch in runner.plan(specs(range(10)), 1, {"add-31": 5})] == [5, 5]


def test_few_runs_are_spread_over_the_workers() -> None:
    assert sorted(map(len, runner.plan(specs(range(4)), 2))) == [2, 2]


def test_flops_are_three_forward_passes_but_for_the_first_layer() -> None:
    # 735 train rows are 75 % of 31 * 31 pairs, drawn per group size: 2 * 349 + 23 = 721. Forward: two tables of
    # 2 * 31 * 32 * 64, head 2 * 721 * 64 * 31; backward the same twice.
    task = tasks.get("add-31")
    rows = len(task.make(0).train.targets)
    forward = 2 * (2 * 31 * 32 * 64) + 2 * rows * 64 * 31

    assert cost.flops_per_step(task, specs((0,))[0]) == 3 * forward


@pytest.mark.slow
@pytest.mark.parametrize("name", tasks.names())
def test_flops_equal_those_of_torch(name: Any) -> None:
    task = tasks.get(name)
    spec = RunSpec(task=name, method=Method(optimizer="muon"), seed=0)
    trainer = Trainer(task, [spec])
    with FlopCounterMode(display=False) as counter:
        trainer.advance()

    assert cost.flops_per_step(task, spec) == counter.get_total_flops()


def test_muon_costs_more_than_adamw() -> None:
    muon = RunSpec(task="add-31", method=Method(optimizer="muon"), seed=0)

    assert cost.flops_per_step(tasks.get("add-31"), muon) > cost.flops_per_step(
        tasks.get("add-31"), specs((0,))[0]
    )


def test_the_batch_size_can_be_measured() -> None:
    best, speeds = runner.measured_batch_size(tasks.get("add-31"), sizes=(1, 4), steps=2)

    assert best in speeds
    assert set(speeds) == {1, 4}


@pytest.mark.slow
def test_two_workers_give_the_records_of_one(tmp_path: Any) -> None:
    runs = specs(range(4))
    two = runner.run_all(runs, tmp_path / "two", workers=2)
    one = runner.run_all(runs, tmp_path / "one", workers=1)

    assert [r["t_mem"] for r in two] == [r["t_mem"] for r in one]
    assert [r["final_train"] for r in two] == pytest.approx([r["final_train"] for r in one], abs=0.02)
