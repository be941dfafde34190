"""What the source of a pinned package says of keywords: parameters, fields, and what is taken out of `**kwargs`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from airskills.verify.reader.source import Sources


class Keywords:
    """What transformers and datasets declare, read when it is asked for.

    Args:
        sources: where their modules are searched for.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources

    @cached_property
    def base_fields(self) -> frozenset[str]:
        """Fields that every configuration has."""
        tree = self.sources.tree("transformers.configuration_utils")
        classes = [n for n in ast.walk(tree or ast.Module([], [])) if isinstance(n, ast.ClassDef)]
        return frozenset(
            name for cls in classes if cls.name.lower() == "pretrainedconfig" for name in _declared(cls)
        )

    def class_fields(self, name: str, module: str = "") -> frozenset[str]:
        """Fields and parameters of a class, wherever transformers defines it."""
        if name not in self._classes:
            trees = [self.sources.tree(module)] if module else self._trees_with(f"class {name}(")
            nodes = [node for tree in trees if tree for node in tree.body if isinstance(node, ast.ClassDef)]
            self._classes[name] = frozenset(
                field for node in nodes if node.name == name for field in fields(node)
            )
        return self._classes[name]

    @cached_property
    def _classes(self) -> dict[str, frozenset[str]]:
        return {}

    def task(self, task: str) -> ast.FunctionDef | None:
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

    @cached_property
    def builders(self) -> dict[str, set[str]]:
        """Fields of the configuration of each packaged builder."""
        base = {
            name
            for cls in _classes(self.sources.tree("datasets.builder"), "BuilderConfig")
            for name in fields(cls)
        }
        found: dict[str, set[str]] = {}
        for path in self.sources.glob("datasets/packaged_modules/*/*.py"):
            tree = self.sources.tree(f"datasets.packaged_modules.{path.parent.name}.{path.stem}")
            own = {name for cls in _classes(tree, "Config") for name in fields(cls)}
            found.setdefault(path.parent.name, set(base)).update(own)
        shared = self.sources.tree("datasets.packaged_modules.folder_based_builder.folder_based_builder")
        folder = {name for cls in _classes(shared, "Config") for name in fields(cls)}
        return {
            name: fields | (folder if name.endswith("folder") else set()) for name, fields in found.items()
        }

    def function(self, module: str, name: str) -> ast.FunctionDef | None:
        """A function, or `Class.method`, of a module."""
        tree = self.sources.tree(module)
        return _method(tree, name) if tree else None

    def mentions(self, pattern: str, name: str) -> bool:
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


@lru_cache(maxsize=512)
def taken(function: ast.FunctionDef) -> frozenset[str]:
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
    return frozenset(names | dropped(function))


@lru_cache(maxsize=512)
def dropped(function: ast.FunctionDef) -> frozenset[str]:
    """Names that a loop pops out of the keywords without looking at them."""
    loops = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.For) and isinstance(node.iter, ast.List | ast.Tuple)
    ]
    popping = [
        loop for loop in loops if re.search(r"kwargs\.pop\(", ast.unparse(loop)) and len(loop.body) == 1
    ]
    return frozenset(name for loop in popping for name in _texts(loop.iter.elts))  # type: ignore[attr-defined]  # a list or tuple


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


def fields(cls: ast.ClassDef) -> Iterator[str]:
    """What is declared, and what the construction takes out of its keywords."""
    yield from _declared(cls)
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name in {"__init__", "__post_init__"}:
            yield from taken(node)
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
