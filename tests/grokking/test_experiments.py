import ast
import json
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from click.testing import CliRunner

from airskills.grokking import experiment, experiments, tasks, template
from airskills.grokking.cli import group
from airskills.grokking.errors import GrokkingError
from airskills.grokking.stats import Interval

BELOW, ABOVE, ACROSS = Interval(0.5, 0.4, 0.6), Interval(2, 1.0, 3), Interval(0.9, 0.7, 1.1)


@pytest.mark.parametrize("name", experiments.names())
def test_an_experiment_runs_at_smoke_size_and_repeats_itself(name: Any) -> None:
    module = experiments.load(name)

    assert module.run(module.SMOKE) == module.run(module.SMOKE)


@pytest.mark.parametrize("name", experiments.names())
def test_an_experiment_says_in_its_first_ten_lines_what_it_claims(name: Any) -> None:
    source = str(experiments.load(name).__file__)
    with open(source) as file:  # noqa: PTH123 - a path from the module system
        lines = file.read().splitlines()
    head = "\n".join(lines[:10])

    assert all(word in head for word in ("Claim", "Source", "Refuted", "Cost"))
    assert lines[0].startswith(f'"""{name[:3].upper()}: ')
    assert ast.get_docstring(ast.parse("\n".join(lines)))


@pytest.mark.parametrize(
    ("intervals", "verdict"),
    [([BELOW], "held"), ([BELOW, ABOVE], "refuted"), ([BELOW, ACROSS], "undecided"), ([ABOVE], "refuted")],
)
def test_verdicts_by_interval(intervals: Any, verdict: Any) -> None:
    assert experiment.below_one(intervals) == verdict


def test_the_command_writes_the_finding_with_config_and_versions(tmp_path: Any) -> None:
    outcome = CliRunner().invoke(group, ["run", "e01", "--smoke", "--out", str(tmp_path)])
    (path,) = tmp_path.glob("e01_weight_decay-*.json")
    content = json.loads(path.read_text())

    assert outcome.exit_code == 0, outcome.output
    assert "means nothing" in outcome.output
    assert content["config"]["budget"] == 30
    assert content["hardware"]["versions"]["torch"]


def test_an_unknown_experiment_is_named(tmp_path: Any) -> None:
    outcome = CliRunner().invoke(group, ["run", "e99", "--out", str(tmp_path)])

    assert outcome.exit_code == 2
    assert "there are: e01_weight_decay" in outcome.output


def test_a_new_experiment_runs_as_it_stands(tmp_path: Any) -> None:
    options = [
        "new",
        "e77_slow_gradients",
        "--claim",
        'Grokfast is "sooner" on addition.',
        "--out",
        str(tmp_path),
    ]
    outcome = CliRunner().invoke(group, options)
    place: Any = spec_from_file_location("e77", tmp_path / "e77_slow_gradients.py")
    module = module_from_spec(place)
    place.loader.exec_module(module)

    assert outcome.exit_code == 0, outcome.output
    assert module.run(module.SMOKE).verdict in ("held", "refuted", "undecided")
    assert CliRunner().invoke(group, options).exit_code == 2  # it does not overwrite


@pytest.mark.parametrize(
    ("name", "claim", "said"),
    [
        ("my_test", "x", "must be eNN_claim"),
        ("e01_a", 'x"""\nimport os', "one line"),
        ("e01_a", "", "one line"),
    ],
)
def test_a_template_cannot_be_broken_out_of(tmp_path: Any, name: Any, claim: Any, said: Any) -> None:
    with pytest.raises(GrokkingError, match=said):
        template.write(name, claim, tasks.get("add-31").card, tmp_path)
