"""Configurations by name: which package says what a file may hold, and where in its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from airskills.verify import follow
from airskills.verify.class_shapes import FromClasses
from airskills.verify.flags import Command
from airskills.verify.read_shapes import from_command, from_json_schema
from airskills.verify.reader.flow import Exhausted, Flow
from airskills.verify.reader.machine import Machine
from airskills.verify.reader.values import Arguments, Class, Module, Value
from airskills.verify.releases import Package
from airskills.verify.shapes import ANY, Schema, Shape, union
from airskills.verify.tools import Tools, sources

_Extra = Mapping[str, Shape]


@dataclass(frozen=True)
class Flags:
    """Keys are the flags of a program.

    Attributes:
        program: console script, or `python -m` module.
        path: its subcommand.
        extra: keys that only the file has.
        dashes: whether `-` and `_` in a key mean the same.
    """

    program: str
    path: tuple[str, ...] = ()
    extra: _Extra = field(default_factory=dict)
    dashes: bool = False

    def build(self, tools: Tools) -> Schema | str:
        """The schema, or why there is none."""
        command: Command | None = (tools.module if "." in self.program else tools.command)(self.program)
        for word in self.path:
            command = command.commands.get(word) if command else None
        if command is None:
            return f"no pinned package brings `{' '.join((self.program, *self.path))}`"
        return from_command(command, dashes=self.dashes, extra=self.extra)


@dataclass(frozen=True)
class Classes:
    """Keys are the fields of one of some classes.

    Attributes:
        package: the distribution that has them.
        classes: `module:name`, alternatives.
        extra: keys that the reader of the file takes besides.
        plugins: a package whose submodules `args` add keys: every class of theirs.
    """

    package: str
    classes: tuple[str, ...]
    extra: _Extra = field(default_factory=dict)
    plugins: str = ""

    def build(self, tools: Tools) -> Schema | str:
        """The schema, or why there is none."""
        package = tools.named(self.package)
        if package is None:
            return f"{self.package} is not pinned"
        return _read(tools, package, self._make)

    def _make(self, machine: Machine) -> Schema | str:
        maker = FromClasses(machine)
        found = [_value(machine, reference) for reference in self.classes]
        roots = [maker.record(cls) for cls in found if isinstance(cls, Class)]
        if not roots:
            return f"{self.classes[0]} is not in this release"
        added = dict(self.extra)
        for cls in _plugin_classes(machine, self.plugins) if self.plugins else ():
            added |= maker.records[maker.record(cls)].keys
        for root in roots:
            maker.records[root] = replace(maker.records[root], keys={**added, **maker.records[root].keys})
        return Schema(union(*(Shape("record", record=root) for root in roots)), maker.records)


@dataclass(frozen=True)
class Accelerate:
    """What `accelerate config` writes; the keys of its inner mappings are flags of `accelerate launch`."""

    classes: Classes

    def build(self, tools: Tools) -> Schema | str:
        """The schema, or why there is none."""
        made, launch = self.classes.build(tools), Flags("accelerate", ("launch",)).build(tools)
        if isinstance(made, str) or isinstance(launch, str):
            return made if isinstance(made, str) else str(launch)
        flags = launch.records[""]
        found = dict(made.records)
        for prefix in ("fsdp", "fp8", "deepspeed", "megatron_lm", "dynamo", "parallelism", "mpirun"):
            short = {
                key.removeprefix(f"{prefix}_"): shape
                for key, shape in flags.keys.items()
                if key.startswith(prefix)
            }
            found[prefix] = replace(flags, keys={**short, **flags.keys})
        for part in made.root.parts or (made.root,):
            record = found[part.record]
            inner = {
                key: Shape("record", record=key.removesuffix("_config"))
                for key in record.keys
                if key.endswith("_config")
            }
            known = {key: shape for key, shape in inner.items() if shape.record in found}
            found[part.record] = replace(record, keys={**record.keys, **known})
        return Schema(made.root, found)


@dataclass(frozen=True)
class JsonSchema:
    """A function gives a JSON schema; others give those of some of its keys."""

    package: str
    function: str
    inner: Mapping[str, str] = field(default_factory=dict)

    def build(self, tools: Tools) -> Schema | str:
        """The schema, or why there is none."""
        package = tools.named(self.package)
        if package is None:
            return f"{self.package} is not pinned"
        return _read(tools, package, self._make)

    def _make(self, machine: Machine) -> Schema | str:
        data = machine.call(_value(machine, self.function), Arguments())
        if isinstance(data, dict) and isinstance(data.get("properties"), dict):
            inner = {
                key: machine.call(_value(machine, name), Arguments()) for key, name in self.inner.items()
            }
            data = {**data, "properties": {**data["properties"], **inner}}
        return from_json_schema(data) if isinstance(data, dict) else f"{self.function} could not be read"


@dataclass(frozen=True)
class Recorded:
    """Only what was recorded of a release is known."""

    package: str

    def build(self, tools: Tools) -> Schema | str:
        """There is none but the recorded one."""
        return (
            f"no recording of this release of {self.package}"
            if tools.named(self.package)
            else f"{self.package} is not pinned"
        )


_ENVIRONMENT: _Extra = {"env": Shape("dict", (ANY,))}
_TRL = ("sft", "dpo", "grpo", "kto", "reward", "rloo", "distillation")
_LITGPT = (
    "finetune",
    "finetune_lora",
    "finetune_full",
    "finetune_adapter",
    "finetune_adapter_v2",
    "pretrain",
)

SCHEMAS: dict[str, Flags | Classes | Accelerate | JsonSchema | Recorded] = {
    "accelerate": Accelerate(
        Classes(
            "accelerate",
            (
                "accelerate.commands.config.config_args:ClusterConfig",
                "accelerate.commands.config.config_args:SageMakerConfig",
            ),
            {"fp16": ANY, "dynamo_backend": ANY},
        )
    ),
    "axolotl": Classes(
        "axolotl", ("axolotl.utils.schemas.config:AxolotlInputConfig",), plugins="axolotl.integrations"
    ),
    "deepspeed": Recorded("deepspeed"),
    "llama-factory": Flags("llamafactory-cli", ("train",)),
    "llama-factory-export": Flags("llamafactory-cli", ("export",)),
    "llama-factory-chat": Flags("llamafactory-cli", ("chat",)),
    "lm-eval": Flags("lm_eval", ("run",)),
    "lm-eval-task": Classes(
        "lm-eval",
        (
            "lm_eval.config.task:TaskConfig",
            "lm_eval.config.group:GroupConfig",
            "lm_eval.api.task:TaskConfig",
            "lm_eval.api.group:GroupConfig",
        ),
        {"include": ANY},
    ),
    "mergekit": Classes("mergekit", ("mergekit.config:MergeConfiguration",)),
    "mergekit-moe": Classes("mergekit", ("mergekit.moe.config:MoEMergeConfig",)),
    "nemoguardrails": Classes("nemoguardrails", ("nemoguardrails.rails.llm.config:RailsConfig",)),
    "peft-lora": Classes("peft", ("peft.tuners.lora.config:LoraConfig",)),
    "ray-cluster": Recorded("ray"),
    "ray-serve": Classes("ray", ("ray.serve.schema:ServeDeploySchema",)),
    "sglang": Flags("sglang.launch_server", dashes=True),
    "skypilot": JsonSchema(
        "skypilot",
        "sky.utils.schemas:get_task_schema",
        {
            "resources": "sky.utils.schemas:get_resources_schema",
            "service": "sky.utils.schemas:get_service_schema",
        },
    ),
    "training-arguments": Classes("transformers", ("transformers.training_args:TrainingArguments",)),
    "vllm": Flags("vllm", ("serve",), dashes=True),
    **{f"trl-{name}": Flags("trl", (name,), _ENVIRONMENT) for name in _TRL},
    **{f"litgpt-{name.replace('_', '-')}": Flags("litgpt", (name,)) for name in _LITGPT},
}


def schema(name: str, tools: Tools) -> Schema | str:
    """What a configuration of that name may hold with these packages, or why that is not known."""
    source = SCHEMAS.get(name)
    if source is None:
        return f"no schema is called {name[:60]!r}"
    recorded = tools.recorded_schema(name)
    return recorded if recorded is not None else tools.remember_schema(name, lambda: source.build(tools))


def _read(tools: Tools, package: Package, make: object) -> Schema | str:
    """Build with everything the package asks for, and with the package alone where that is too much."""
    for scope in (tools.scope(package), (package,)):
        try:
            return make(Machine(sources(scope), follow.MODELS))  # type: ignore[operator, no-any-return]
        except (Exhausted, Flow, RecursionError):
            continue
    return "the program is too large to be read"


def _value(machine: Machine, reference: str) -> Value:
    module, _, name = reference.partition(":")
    found = machine.module(module)
    return machine.attribute(found, name) if found is not None else None


def _plugin_classes(machine: Machine, package: str) -> Sequence[Class]:
    """Classes of `package.*.args`."""
    folder = machine.sources.path(package)
    names = sorted(path.parent.name for path in folder.parent.glob("*/args.py")) if folder else []
    modules = [machine.module(f"{package}.{name}.args") for name in names]
    return [
        value
        for module in modules
        if isinstance(module, Module)
        for value in module.names.values()
        if isinstance(value, Class) and value.scope.module is module
    ]
