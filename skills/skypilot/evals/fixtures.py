"""A price catalogue of a few rows, clouds enabled without keys, and the optimizer on them: nothing here can launch anything."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["SKYPILOT_DISABLE_USAGE_COLLECTION"] = "1"
warnings.simplefilter("ignore")

import sky  # noqa: E402
from sky import check, global_user_state  # noqa: E402
from sky.catalog import common  # noqa: E402
from sky.clouds.cloud import CloudCapability  # noqa: E402
from sky.optimizer import Optimizer  # noqa: E402
from sky.server import plugins  # noqa: E402
from sky.utils import dag_utils, schemas  # noqa: E402

TABLE = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo"
ROWS = {
    "common/accelerators.csv": "AcceleratorName,Clouds\nA100,['AWS']\nA10G,['AWS']\nA10,['Lambda']\n",
    "aws/vms.csv": f"""{TABLE},SpotPrice,AvailabilityZone,Arch
m6i.2xlarge,,,8,32,0.40,us-east-1,,0.16,use1-az1,x86_64
g5.xlarge,A10G,1,4,16,1.00,us-east-1,,0.30,use1-az1,x86_64
g5.xlarge,A10G,1,4,16,1.30,us-west-2,,0.25,usw2-az1,x86_64
p4d.24xlarge,A100,8,96,1152,32.00,us-east-1,,9.60,use1-az1,x86_64
""",
    "lambda/vms.csv": f"{TABLE}\ngpu_1x_a10,A10,1,30,200,0.75,us-east-1,\n",
}


def catalogue(*clouds: str) -> None:
    """Put the rows where the package looks for its catalogue, and enable clouds as `sky check` would."""
    for name, text in ROWS.items():
        path = Path(common.get_catalog_path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    global_user_state.set_allowed_clouds(check._get_workspace_allowed_clouds("default"), "default")  # noqa: SLF001
    global_user_state.set_enabled_clouds(list(clouds or ["AWS"]), CloudCapability.COMPUTE, "default")


def load(text: str) -> sky.Task:
    """A task from the text of its YAML."""
    return sky.Task.from_yaml_str(text)


def only(text: str) -> sky.Resources:
    """The one candidate of a task."""
    (resources,) = load(text).resources
    return resources


def plan(text: str, *, blocked: list[sky.Resources] | None = None) -> list[tuple[str, str, float]]:
    """Cloud, region and USD an hour of one node, of each task, as the package's optimizer chooses them."""
    dag = dag_utils.load_dag_from_yaml_str(text)
    choose = Optimizer.optimize_job_group if dag.is_job_group() else Optimizer.optimize
    choose(dag, quiet=True, blocked_resources=blocked)
    best = [task.best_resources for task in dag.tasks]
    return [(str(chosen.cloud), chosen.region, round(chosen.get_cost(3600), 4)) for chosen in best]


@contextlib.contextmanager
def refused(part: str) -> Iterator[None]:
    """What is run inside raises an error that says `part`."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever the package raises
        said = str(error)
    else:
        said = "accepted"
    assert part in said, said


@contextlib.contextmanager
def server() -> Iterator[None]:
    """The schemas as an API server without plugins has them."""
    os.environ["IS_SKYPILOT_SERVER"] = "true"
    plugins._plugins_loaded = True  # noqa: SLF001 - what loading no plugins does
    try:
        yield
    finally:
        plugins._plugins_loaded = False  # noqa: SLF001
        del os.environ["IS_SKYPILOT_SERVER"]


def help_of(*words: str) -> Any:
    """Exit status and text of `sky WORDS`, in this process."""
    from click.testing import CliRunner
    from sky.client.cli.command import cli

    done = CliRunner().invoke(cli, list(words))
    return done.exit_code, done.output


def keys_of_schemas() -> dict[str, Any]:
    """The tree of keys that the package's schemas name, in the shape of scripts/check_task.py's table."""
    tree = named(schemas.get_task_schema())
    tree["resources"] = named(schemas.get_resources_schema())
    tree["service"] = named(schemas.get_service_schema())
    tree["pool"] = tree["service"]["pool"]
    return tree


def named(schema: Any) -> dict[str, Any]:
    """Properties of a schema, of its alternatives or of its items, without those of the package's own."""
    if not isinstance(schema, dict):
        return {}
    ways = [schema, *schema.get("anyOf", []), *schema.get("oneOf", [])]
    found = {
        name: named(below)
        for way in ways
        for name, below in way.get("properties", {}).items()
        if name[0] != "_"
    }
    return found or next((tree for way in ways if (tree := named(way.get("items")))), {})


def script(name: str) -> Any:
    """A script of the skill, as a module."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
    return importlib.import_module(name)


def differences(ours: dict[str, Any], theirs: dict[str, Any], where: str = "") -> list[str]:
    """Paths of keys that only one of two trees has; below `*` anything goes."""
    if "*" in ours:
        return []
    lone = [where + name for name in set(ours) ^ set(theirs)]
    return lone + [
        path
        for name in set(ours) & set(theirs)
        for path in differences(ours[name], theirs[name], f"{where}{name}.")
    ]
