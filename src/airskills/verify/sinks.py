"""Where keywords into `**kwargs` go: for a few callees whose keywords a type checker can't judge, the names they accept.

The names come from the pinned package's source; which callee sends its keywords where is the table `ROWS`. Each row was
tried against execution (`tests/test_verify_sinks.py`): what it calls dead raises, what it calls ignored changes nothing.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from airskills.verify.reader.source import Sources

_MODEL = re.compile(
    r"transformers\.(?:.*\.)?(?:Auto(?:Model|Backbone)\w*|_BaseAuto\w+|PreTrainedModel|\w+(?:Model|ForCausalLM|LMHeadModel|For[A-Z]\w+))\.from_pretrained"
)
_QUANTIZED = re.compile(
    r"transformers\.(?:.*\.)?(?:BitsAndBytes|Aqlm|EetQ|Gptq|GPTQ|Awq|Hqq|Quanto|TorchAo)Config"
)
_CONFIG = re.compile(r"transformers\.(?:.*\.)?\w+Config")
_TOKENIZER = re.compile(r"transformers\.(?:.*\.)?\w*(?:Tokenizer|Processor|Extractor)\w*\.from_pretrained")
_CALL = re.compile(r"transformers\.(?:.*\.)?\w*Tokeniz\w*\.(?:__call__|encode|batch_encode_plus)")
_GENERATE = re.compile(r"transformers\.(?:.*\.)?\w+\.generate")
_PIPELINE = re.compile(r"transformers\.(?:pipelines\.)?pipeline")
_LOAD = re.compile(r"datasets\.(?:load\.)?load_dataset")
READ = frozenset({"transformers", "datasets"})  # distributions that the table reads


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of a keyword.

    Attributes:
        state: `proven`, `dead` (it raises), `ignored` (it is taken and does nothing) or `unproven`.
        message: where it goes, or why that is not known.
        help: what to write instead.
    """

    state: Literal["proven", "dead", "ignored", "unproven"]
    message: str
    help: str = ""

    @property
    def code(self) -> str:
        """The code of the ledger; "" where it is proven."""
        return {"dead": "AV003", "ignored": "AV008", "unproven": "AV102"}.get(self.state, "")


class Sinks:
    """The table over one set of pinned packages.

    Args:
        sources: where their modules are searched for; `transformers` and `datasets` matter.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._settled: dict[tuple[str, str, str], Settled | None] = {}

    def settle(self, callee: str, keyword: str, first: str = "") -> Settled | None:
        """What becomes of a keyword that a callee has no parameter for.

        Args:
            callee: dotted name from its package on, `transformers.AutoModel.from_pretrained`.
            keyword: its name.
            first: the first argument, where it is a literal text: the task of a pipeline, the builder of a data set.

        Returns:
            None where the table has no row for the callee, or its package is not among the sources.
        """
        question = (callee, keyword, first)
        if question not in self._settled:
            self._settled[question] = self._settle(*question)
        return self._settled[question]

    def _settle(self, callee: str, keyword: str, first: str) -> Settled | None:
        for pattern, row in ROWS:
            if pattern.fullmatch(callee):
                return row(
                    self, callee.rpartition("from_pretrained")[0].rstrip(".") or callee, keyword, first
                )
        return None

    # --- models

    def model(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """Parameters of the loader, what it takes out of its keywords, and fields of the model's configuration."""
        loader = self._function("transformers.modeling_utils", "PreTrainedModel.from_pretrained")
        if loader is None:
            return None
        automatic = ".Auto" in callee
        auto = self._function("transformers.models.auto.auto_factory", "_BaseAutoModelClass.from_pretrained")
        taken = _taken(loader) | (_taken(auto) if automatic and auto else set())
        dropped = _dropped(loader)
        if keyword in dropped:
            return Settled(
                "ignored", f"`{keyword}` is taken for old callers' sake and does nothing", "Leave it out"
            )
        if keyword in taken - dropped:
            return Settled("proven", f"{callee} takes `{keyword}`")
        if keyword in self._base_fields:
            return Settled("proven", f"`{keyword}` is a field of every configuration")
        if self._mentions("transformers/models/*/configuration_*.py", keyword):
            return Settled(
                "unproven", f"`{keyword}` is a field of some models' configurations, and an error for others"
            )
        return _dead(f"{callee}.from_pretrained", keyword, taken | self._base_fields)

    @cached_property
    def _base_fields(self) -> frozenset[str]:
        """Fields that every configuration has."""
        tree = self.sources.tree("transformers.configuration_utils")
        classes = [n for n in ast.walk(tree or ast.Module([], [])) if isinstance(n, ast.ClassDef)]
        return frozenset(
            name for cls in classes if cls.name.lower() == "pretrainedconfig" for name in _declared(cls)
        )

    # --- configurations

    def configuration(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """A configuration keeps whatever it is given; what is no field of it changes nothing."""
        name = callee.rpartition(".")[2]
        known = self._base_fields | self._class_fields(name)
        if not self._base_fields or not self._class_fields(name):
            return None
        if keyword in known:
            return Settled("proven", f"{name} has a field `{keyword}`")
        near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.85)
        if near:
            return Settled("ignored", f"{name} keeps `{keyword}` and nothing reads it", f"Write {near[0]}")
        return Settled(
            "unproven",
            f"{name} has no field `{keyword}`; it keeps it, and whether anything reads it is not known",
        )

    def quantization(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """What is no parameter of a quantization's configuration is logged and dropped."""
        name = callee.rpartition(".")[2]
        known = self._class_fields(name, "transformers.utils.quantization_config")
        if not known:
            return None
        if keyword in known:
            return Settled("proven", f"{name} takes `{keyword}`")
        near = difflib.get_close_matches(keyword, known, n=1)
        hint = f"Write {near[0]}" if near else "Leave it out"
        return Settled("ignored", f"{name} takes no `{keyword}`; it is logged and dropped", hint)

    def _class_fields(self, name: str, module: str = "") -> frozenset[str]:
        """Fields and parameters of a class, wherever transformers defines it."""
        if name not in self._classes:
            trees = [self.sources.tree(module)] if module else self._trees_with(f"class {name}(")
            nodes = [node for tree in trees if tree for node in tree.body if isinstance(node, ast.ClassDef)]
            self._classes[name] = frozenset(
                field for node in nodes if node.name == name for field in _fields(node)
            )
        return self._classes[name]

    @cached_property
    def _classes(self) -> dict[str, frozenset[str]]:
        return {}

    # --- tokenizers

    def tokenizer(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """A tokenizer keeps what it is given, so a misspelt keyword is silent."""
        base = self._function(
            "transformers.tokenization_utils_base", "PreTrainedTokenizerBase.from_pretrained"
        )
        init = self._function("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.__init__")
        auto = self._function("transformers.models.auto.tokenization_auto", "AutoTokenizer.from_pretrained")
        if base is None or init is None or auto is None:
            return None
        known = _taken(base) | _taken(init) | _taken(auto)
        if keyword in known:
            return Settled("proven", f"{callee} takes `{keyword}`")
        near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.85)
        if near and not self._mentions("transformers/models/*/tokenization_*.py", keyword):
            return Settled("ignored", f"{callee} keeps `{keyword}` and nothing reads it", f"Write {near[0]}")
        return Settled(
            "unproven", f"{callee} keeps `{keyword}`; whether this tokenizer reads it is not known"
        )

    def tokenizing(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """A call of a tokenizer drops what it does not know."""
        call = self._function("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.__call__")
        encode = self._function("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.encode")
        if call is None or encode is None:
            return None
        known = _taken(call) | _taken(encode)
        if keyword in known:
            return Settled("proven", f"{callee} takes `{keyword}`")
        near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.85)
        if near:
            return Settled(
                "ignored", f"A tokenizer takes no `{keyword}` and does not say so", f"Write {near[0]}"
            )
        return Settled(
            "unproven", f"A tokenizer drops keywords it does not know; `{keyword}` is none of the common ones"
        )

    # --- generation

    def generation(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """Parameters of `generate`, fields of the generation configuration, and inputs of the model."""
        generate = self._function("transformers.generation.utils", "GenerationMixin.generate")
        tree = self.sources.tree("transformers.generation.configuration_utils")
        if generate is None or tree is None:
            return None
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "GenerationConfig"]
        known = _taken(generate) | {name for cls in classes for name in _fields(cls)}
        if keyword in known:
            return Settled("proven", f"{callee} takes `{keyword}`")
        if self._mentions("transformers/models/*/modeling_*.py", keyword) or self._mentions(
            "transformers/generation/*.py", keyword
        ):
            return Settled("unproven", f"`{keyword}` is an input of some models, and an error for others")
        return _dead(callee, keyword, known)

    # --- pipelines

    def pipeline(self, _callee: str, keyword: str, first: str) -> Settled | None:
        """Parameters of `pipeline`, then of the task's `_sanitize_parameters`; text generation hands on anything."""
        function = self._function("transformers.pipelines", "pipeline")
        base = self._function("transformers.pipelines.base", "Pipeline.__init__")
        if function is None or base is None:
            return None
        known = _taken(function) | _taken(base)
        if keyword in known:
            return Settled("proven", f"pipeline takes `{keyword}`")
        task = self._task(first)
        if task is None:
            return Settled("unproven", f"Which pipeline takes `{keyword}` shows when the task is known")
        known |= _taken(task)
        if keyword in known:
            return Settled("proven", f"The pipeline {first!r} takes `{keyword}`")
        if task.args.kwarg is not None:
            near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.85)
            hint = f"Did you mean {near[0]}?" if near else ""
            return Settled("unproven", f"The pipeline {first!r} hands `{keyword}` on to the model", hint)
        return _dead(f"The pipeline {first!r}", keyword, known)

    def _task(self, task: str) -> ast.FunctionDef | None:
        """`_sanitize_parameters` of a task's pipeline."""
        tree = self.sources.tree("transformers.pipelines")
        tables = {t.id: n.value for n in (tree.body if tree else ()) if isinstance(n, ast.Assign)
                  for t in n.targets if isinstance(t, ast.Name) and isinstance(n.value, ast.Dict)}  # fmt: skip
        aliases = _pairs(tables.get("TASK_ALIASES"))
        alias = aliases.get(task)
        name = alias.value if isinstance(alias, ast.Constant) else task
        entry = _pairs(tables.get("SUPPORTED_TASKS")).get(str(name))
        implementation = _pairs(entry).get("impl")
        cls = implementation.id if isinstance(implementation, ast.Name) else ""
        if isinstance(implementation, ast.Constant):
            cls = str(implementation.value).rpartition(".")[2]
        for found in self._trees_with(f"class {cls}(", "transformers/pipelines/*.py") if cls else ():
            method = _method(found, f"{cls}._sanitize_parameters")
            if method is not None:
                return method
        return None

    # --- data sets

    def data_set(self, _callee: str, keyword: str, first: str) -> Settled | None:
        """Parameters of `load_dataset`, then fields of the builder's configuration."""
        function = self._function("datasets.load", "load_dataset")
        if function is None:
            return None
        known = _taken(function)
        if keyword in known:
            return Settled("proven", f"load_dataset takes `{keyword}`")
        builders = self._builders
        every = set().union(*builders.values()) if builders else set()
        fields = builders.get(first)
        if fields is not None and keyword in fields:
            return Settled("proven", f"The builder {first!r} takes `{keyword}`")
        if fields is None and keyword in every:
            return Settled(
                "unproven",
                f"Some builders take `{keyword}`; which one reads {first[:40] or 'this'!r} shows when it runs",
            )
        name = f"The builder {first!r}" if fields is not None else "load_dataset"
        return _dead(name, keyword, known | (fields if fields is not None else every))

    @cached_property
    def _builders(self) -> dict[str, set[str]]:
        """Fields of the configuration of each packaged builder."""
        base = {
            name
            for cls in _classes(self.sources.tree("datasets.builder"), "BuilderConfig")
            for name in _fields(cls)
        }
        found: dict[str, set[str]] = {}
        for path in self.sources.glob("datasets/packaged_modules/*/*.py"):
            tree = self.sources.tree(f"datasets.packaged_modules.{path.parent.name}.{path.stem}")
            own = {name for cls in _classes(tree, "Config") for name in _fields(cls)}
            found.setdefault(path.parent.name, set(base)).update(own)
        shared = self.sources.tree("datasets.packaged_modules.folder_based_builder.folder_based_builder")
        folder = {name for cls in _classes(shared, "Config") for name in _fields(cls)}
        return {
            name: fields | (folder if name.endswith("folder") else set()) for name, fields in found.items()
        }

    # --- source

    def _function(self, module: str, name: str) -> ast.FunctionDef | None:
        tree = self.sources.tree(module)
        return _method(tree, name) if tree else None

    def _mentions(self, pattern: str, name: str) -> bool:
        """Whether some file declares a field, attribute or parameter of that name."""
        wanted = re.compile(
            rf"(?:^|[\s(,.]){re.escape(name)}\s*[:=]|['\"]{re.escape(name)}['\"]".encode(), re.MULTILINE
        )
        files = (path for path in self.sources.glob(pattern) if path.parent.name != "auto")
        return any(wanted.search(path.read_bytes()) for path in files)

    def _trees_with(
        self, text: str, pattern: str = "transformers/models/*/configuration_*.py"
    ) -> Iterator[ast.Module]:
        for path in self.sources.glob(pattern):
            if text.encode() in path.read_bytes():
                tree = self.sources.tree(".".join(path.with_suffix("").parts[-len(pattern.split("/")) :]))
                if tree is not None:
                    yield tree


_Row = Callable[[Sinks, str, str, str], Settled | None]
ROWS: tuple[tuple[re.Pattern[str], _Row], ...] = (
    (_TOKENIZER, Sinks.tokenizer),
    (_MODEL, Sinks.model),
    (_QUANTIZED, Sinks.quantization),
    (_CONFIG, Sinks.configuration),
    (_CALL, Sinks.tokenizing),
    (_GENERATE, Sinks.generation),
    (_PIPELINE, Sinks.pipeline),
    (_LOAD, Sinks.data_set),
)


def _dead(callee: str, keyword: str, known: Iterable[str]) -> Settled:
    near = difflib.get_close_matches(keyword, list(known), n=1, cutoff=0.7)
    hint = f"Did you mean {near[0]}?" if near else "Leave it out"
    return Settled("dead", f"{callee} takes no `{keyword}`", hint)


def _method(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """A function, or `Class.method`; the last of overloads."""
    body: list[ast.stmt] = tree.body
    owner, _, leaf = name.rpartition(".")
    if owner:
        body = [
            s for node in body if isinstance(node, ast.ClassDef) and node.name == owner for s in node.body
        ]
    found = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == leaf]
    return found[-1] if found else None


def _taken(function: ast.FunctionDef) -> set[str]:
    """Parameters of a function, and what it gets or pops out of its keywords."""
    spec = function.args
    names = {parameter.arg for parameter in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)} - {
        "self",
        "cls",
    }
    rest = spec.kwarg.arg if spec.kwarg else ""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"pop", "get"}
        ):
            names |= (
                _texts(node.args[:1])
                if isinstance(node.func.value, ast.Name) and node.func.value.id == rest
                else set()
            )
        elif (
            isinstance(node, ast.Compare)
            and isinstance(node.comparators[0], ast.Name)
            and node.comparators[0].id == rest
        ):
            names |= _texts([node.left])
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.List)
            and "kwargs" in ast.unparse(node.targets[0])
        ):
            names |= _texts(node.value.elts)
    return names | _dropped(function)


def _dropped(function: ast.FunctionDef) -> set[str]:
    """Names that a loop pops out of the keywords without looking at them."""
    loops = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple)
    ]
    popping = [
        loop for loop in loops if re.search(r"kwargs\.pop\(", ast.unparse(loop)) and len(loop.body) == 1
    ]
    return {name for loop in popping for name in _texts(loop.iter.elts)}  # type: ignore[attr-defined]  # a list or tuple


def _texts(nodes: Iterable[ast.expr]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _declared(cls: ast.ClassDef) -> Iterator[str]:
    """Annotated fields of a class, and the parameters of its `__init__` that it names."""
    for node in cls.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.FunctionDef) and node.name in {"num_labels", "use_return_dict"}:
            yield node.name  # properties with setters
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from (p.arg for p in (*node.args.args, *node.args.kwonlyargs) if p.arg != "self")


def _fields(cls: ast.ClassDef) -> Iterator[str]:
    """What is declared, and what the construction takes out of its keywords."""
    yield from _declared(cls)
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name in {"__init__", "__post_init__"}:
            yield from _taken(node)
        elif isinstance(node, ast.Assign) and any(
            t.id == "attribute_map" for t in node.targets if isinstance(t, ast.Name)
        ):
            yield from _pairs(node.value)


def _classes(tree: ast.Module | None, ending: str) -> list[ast.ClassDef]:
    return [
        node
        for node in (tree.body if tree else ())
        if isinstance(node, ast.ClassDef) and node.name.endswith(ending)
    ]


def _pairs(node: ast.expr | None) -> Mapping[str, ast.expr]:
    """Entries of a dictionary that is written out."""
    if not isinstance(node, ast.Dict):
        return {}
    pairs = zip(node.keys, node.values, strict=True)
    return {
        key.value: value
        for key, value in pairs
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
