# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Find what SkyPilot 0.14.1 takes without a word, or drops, in task files: unknown keys at every depth, and traps.

Files are parsed, never launched; neither SkyPilot nor a network is needed. Several documents in a file are a pipeline
or a job group.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

EXAMPLE = """example:
  python check_task.py task.yaml
  python check_task.py --json jobs/*.yaml

exit status: 0 nothing found, 1 something found, 2 a file cannot be read or parsed.
"""
# The keys of the schemas of SkyPilot 0.14.1 (a fact of the skill compares them); nothing in brackets: any value.
AUTOSTOP = "autostop(down hook hook_timeout idle_minutes wait_for)"
CANDIDATE = (
    f"accelerator_args(gcp_queued_resource runtime_version tpu_name tpu_vm) accelerators {AUTOSTOP} cloud cpus disk_size "
    "disk_tier ephemeral_storage image_id infra instance_type job_recovery(max_restarts_on_errors recover_on_exit_codes "
    "strategy) labels local_disk max_hourly_cost memory network_tier ports priority priority_class region use_spot "
    "volumes(attach_mode auto_delete disk_size disk_tier name path storage_type) zone"
)
CONFIG = (
    "active_workspace azure(remote_identity vpc_name) docker(run_options) gcp(enable_gpu_direct enable_gvnic "
    "managed_instance_group(provision_timeout run_duration) placement_policy subnet_names vpc_name) "
    "hooks(events run timeout) kubernetes(custom_metadata dws(enabled max_run_duration) enable_docker(cache_volume mode) "
    "kueue(admission_timeout local_queue_name) pod_config provision_timeout quota(*) remote_identity "
    "set_pod_resource_limits) nvidia_gpus(disable_ecc) slurm(cpu_partition quota(*) sbatch_options) "
    "ssh(custom_metadata pod_config provision_timeout) vast(create_instance_kwargs datacenter_only)"
)
MOUNT = (
    "config(attach_mode disk_size disk_tier mount(hf_mount_args read_only) mount_cached(buffer_size read_only transfers "
    "vfs_cache_max_age vfs_cache_max_size vfs_read_ahead vfs_read_chunk_size vfs_read_chunk_streams vfs_write_back) "
    "storage_type) mode name persistent source store type"
)
POOL = "downscale_delay_seconds max_workers min_workers queue_length_threshold upscale_delay_seconds workers"
SERVICE = (
    f"load_balancer(stream_timeout_seconds) load_balancing_policy pool({POOL}) ports readiness_probe("
    "consecutive_failure_threshold_timeout endpoint_probe_interval_seconds headers initial_delay_seconds path post_data "
    "timeout_seconds) replica_policy(base_ondemand_fallback_replicas downscale_delay_seconds dynamic_ondemand_fallback "
    "max_replicas min_replicas num_overprovision spot_placer target_qps_per_replica upscale_delay_seconds) replicas "
    "tls(certfile keyfile) workers"
)
TASK = (
    f"api_server_access config({CONFIG}) envs event_callback file_mounts file_mounts_mapping inputs managed_secrets name "
    f"num_nodes outputs pool({POOL}) resources({CANDIDATE} any_of({CANDIDATE}) ordered({CANDIDATE})) run secrets "
    f"service({SERVICE}) setup volume_mounts(is_ephemeral path sub_path volume_config(cloud region zone) volume_name) volumes workdir(ref url)"
)
VOLUME = "config host_path labels mode name size sub_path type"
ALIASES = {"gpus": "accelerators"}  # taken by the parser besides its schema
HEADER = {"name", "execution", "primary_tasks", "termination_delay", "inter_connection"}
STRATEGIES = {"FAILOVER", "EAGER_NEXT_REGION", "NONE"}

Found = tuple[yaml.Node, str, str, str]


@dataclass(frozen=True)
class Finding:
    """What stands at a line, what becomes of it, and what to write."""

    path: str
    line: int
    code: str
    what: str
    cure: str


def keys_of(text: str) -> dict[str, dict[str, Any]]:
    """A tree of known keys from `a b(c d)`."""
    tree: dict[str, Any] = {}
    stack = [tree]
    name = ""
    for word in re.findall(r"[\w*]+|[()]", text):
        if word == "(":
            stack.append(stack[-1][name])
        elif word == ")":
            stack.pop()
        else:
            name = word
            stack[-1].setdefault(name, {})
    return tree


KNOWN = keys_of(TASK)


def pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """Keys and values as they are written; nothing of what is no mapping."""
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def items(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """Key, its node and its value's node, of a mapping; those that `<<` merges in come last."""
    for key, value in pairs(node):
        if key.value != "<<":
            yield str(key.value), key, value
    for key, value in pairs(node):
        for merged in members(value) if key.value == "<<" else ():
            yield from items(merged)


def at(node: yaml.Node | None, *names: str) -> yaml.Node | None:
    """The value below these keys, or None."""
    for name in names:
        node = next((value for key, _, value in items(node) if key == name), None)
    return node


def line_of(node: yaml.Node) -> int:
    """Where it begins, from 1."""
    return 1 + getattr(node.start_mark, "line", 0)


def members(node: yaml.Node | None) -> list[yaml.Node]:
    """What a list holds; a thing that is no list is its own only member."""
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    return [] if node is None else [node]


def value(node: yaml.Node | None) -> Any:
    """The Python value of a scalar; None of anything else."""
    return SafeConstructor().construct_object(node) if isinstance(node, yaml.ScalarNode) else None


def unknown(node: yaml.Node, known: dict[str, Any], where: str) -> Iterator[Found]:
    """Keys that no schema names, at every depth."""
    if "*" in known:
        return
    for member in members(node):
        for name, key, below in items(member):
            if name in known:
                if known[name]:
                    yield from unknown(below, known[name], f"{where}{name}.")
            elif name not in ALIASES and not name.startswith("_"):
                near = difflib.get_close_matches(name, known, 1, 0.6)
                cure = f"write {near[0]}" if near else f"known here: {', '.join(sorted(known))}"
                yield key, "unknown-key", f"`{where}{name}` is no key of SkyPilot 0.14.1", cure


def mounts(task: yaml.Node) -> Iterator[Found]:
    """file_mounts and volumes: their direction, and keys below them."""
    for target, key, source in items(at(task, "file_mounts")):
        if not target.startswith(("/", "~", "$", "s3:", "gs:")) or "://" in target:
            yield (
                key,
                "mount-target",
                f"`{target}` stands where the remote path belongs",
                "remote path: source",
            )
        yield from unknown(source, keys_of(MOUNT), f"file_mounts[{target}].")
    for target, key, source in items(at(task, "volumes")):
        if not target.startswith(("/", "~")):
            yield (
                key,
                "volume-target",
                f"`{target}` is refused at launch, not when loaded",
                "an absolute path",
            )
        yield from unknown(source, keys_of(VOLUME), f"volumes[{target}].")


def texts(task: yaml.Node) -> Iterator[Found]:
    """Values of envs that YAML does not read as they are written."""
    for section in ("envs", "secrets"):
        for name, _, node in items(at(task, section)):
            loaded = value(node)
            if isinstance(node, yaml.ScalarNode) and loaded is not None and str(loaded) != node.value:
                yield node, "env-text", f"{name} becomes {str(loaded)!r}, not {node.value!r}", "quote it"


def recovery(candidates: list[yaml.Node], base: yaml.Node | None) -> Iterator[Found]:
    """job_recovery: unknown strategies, `none`, and candidates that differ."""
    for holder in [base, *candidates]:
        given = at(holder, "job_recovery")
        named = given if isinstance(given, yaml.ScalarNode) else at(given, "strategy")
        strategy = str(value(named)).upper() if value(named) is not None else ""
        if strategy and strategy not in STRATEGIES:
            yield (
                named,
                "strategy",
                f"{strategy} is no strategy; the client takes it",
                "FAILOVER or EAGER_NEXT_REGION",
            )
        if strategy == "NONE":
            yield (
                named,
                "recovery-none",
                "none means the default strategy: it does recover",
                "sky launch recovers nothing",
            )
        if given is not None and holder is not base and len(candidates) > 1:
            yield (
                given,
                "recovery-candidates",
                "all candidates must have the same",
                "put it above the candidates",
            )


def stopping(base: yaml.Node | None) -> Iterator[Found]:
    """autostop: no idle time, stop instead of down, the old hook."""
    given = at(base, "autostop")
    loaded = value(given)
    at_once = loaded is True or (isinstance(given, yaml.MappingNode) and at(given, "idle_minutes") is None)
    if at_once:
        yield given, "autostop-at-once", "0 idle minutes: the end of the last job ends it", "idle_minutes: 30"
    elif given is not None and loaded is not False and value(at(given, "down")) is not True:
        yield (
            given,
            "stop-not-down",
            "the cluster is stopped, its disks are billed on",
            "{idle_minutes: 30, down: true}",
        )
    if at(given, "hook") is not None:
        yield given, "autostop-hook", "deprecated; not run on a preemption", "config: {hooks: [{run: ...}]}"


def resources(task: yaml.Node) -> Iterator[Found]:
    """Everything below resources but unknown keys."""
    base = at(task, "resources")
    lists = [node for name in ("any_of", "ordered") for node in members(at(base, name))]
    yield from recovery(lists, base)
    yield from stopping(base)
    for holder in [base, *lists]:
        yield from candidate(holder)
    if sum(at(one, "labels") is not None for one in lists) and (at(base, "labels") is not None):
        yield (
            at(base, "labels"),
            "labels-leak",
            "every candidate gets the labels of all",
            "labels in the candidates only",
        )
    price, regions = at(base, "max_hourly_cost"), [at(one, "infra") for one in [base, *lists]]
    if price is not None and not any(str(value(infra)).count("/") for infra in regions if infra is not None):
        yield (
            price,
            "price-cap",
            "per node, and a failover takes a dearer region",
            "list regions: infra: aws/us-east-1",
        )


def candidate(holder: yaml.Node | None) -> Iterator[Found]:
    """Single keys of resources or of one of its candidates."""
    storage, disk, image = (at(holder, name) for name in ("ephemeral_storage", "disk_size", "image_id"))
    if storage is not None:
        yield storage, "dropped", "ephemeral_storage sets nothing since 0.14", "disk_size"
    infra = str(value(at(holder, "infra")) or value(at(holder, "cloud")) or "")
    if str(value(disk)) in {"256", "256GB"} and infra.lower().startswith(("k8s", "kubernetes")):
        yield disk, "disk-256", "256 is taken as not given on Kubernetes", "any other size"
    name = value(image)
    if (
        isinstance(name, str)
        and re.search(r"[/:]", name)
        and not re.match(r"(docker|skypilot|projects|ami-)|.*/images/", name)
    ):
        yield image, "image", f"{name} is looked for among the VM images", f"docker:{name}"
    for old in ("cloud", "region", "zone"):
        if at(holder, old) is not None and at(holder, "infra") is not None:
            yield (
                at(holder, old),
                "infra-twice",
                f"{old} beside infra is an error",
                "infra: cloud/region/zone",
            )


def spot(task: yaml.Node) -> Iterator[Found]:
    """A spot job that has nowhere to keep its checkpoints."""
    base = at(task, "resources")
    wanted = [
        at(one, "use_spot") for one in [base, *members(at(base, "any_of")), *members(at(base, "ordered"))]
    ]
    kept = any(isinstance(node, yaml.MappingNode) for _, _, node in items(at(task, "file_mounts")))
    on = next((node for node in wanted if value(node) is True), None)
    if on is not None and not kept and at(task, "volumes") is None:
        yield (
            on,
            "spot-forgets",
            "no bucket or volume: each recovery starts from the beginning",
            "mode: MOUNT_CACHED",
        )


def twice(node: yaml.Node) -> Iterator[Found]:
    """Keys that stand twice in one mapping, at every depth."""
    seen: set[str] = set()
    for key, below in pairs(node):
        name = str(key.value)
        if name in seen:
            yield key, "duplicate-key", f"`{name}` stands twice: an error since 0.12.3", "leave one"
        seen.add(name)
        yield from twice(below)
    for member in node.value if isinstance(node, yaml.SequenceNode) else ():
        yield from twice(member)


def header(node: yaml.Node) -> Iterator[Found]:
    """Keys of a job group's header that are ignored."""
    for name, key, _ in items(node):
        if name not in HEADER:
            near = difflib.get_close_matches(name, HEADER, 1, 0.6)
            yield (
                key,
                "unknown-header",
                f"`{name}` in the header of a group is ignored",
                f"write {(near or ['a known key'])[0]}",
            )


RULES = (lambda task: unknown(task, KNOWN, ""), mounts, texts, resources, spot)


def check(text: str, path: str = "task.yaml") -> list[Finding]:
    """Findings of one file, by line.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    documents = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    grouped = len(documents) > 1 and at(documents[0], "execution") is not None
    found: list[Found] = [one for node in documents for one in twice(node)]
    if grouped:
        found += header(documents.pop(0))
    found += [one for node in documents for rule in RULES for one in rule(node)]
    findings = {Finding(path, line_of(node), code, what, cure) for node, code, what, cure in found}
    return sorted(findings, key=lambda one: (one.line, one.code, one.what))


def main(words: list[str] | None = None) -> int:
    """Print the findings of files."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, help="task YAML files")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    given = parser.parse_args(words)
    files: list[Path] = given.files
    findings: list[Finding] = []
    errors: list[str] = []
    for path in files:
        try:
            findings += check(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
            errors.append(f"{path}: {error or 'nested too deep'}")
    if given.json:
        print(json.dumps({"findings": [asdict(one) for one in findings], "errors": errors}))
    else:
        print(
            "\n".join(
                f"{one.path}:{one.line}: {one.code} {one.what}\n    help: {one.cure}" for one in findings
            )
        )
    for error in errors:
        print(error, file=sys.stderr)
    return 2 if errors else int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
