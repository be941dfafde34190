"""Read a YAML file into a pydantic model; every problem has its line, and an unknown key a suggestion."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from airskills.rl.errors import SpecError

Location = tuple[int | str, ...]
ModelType = TypeVar("ModelType", bound=BaseModel)


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class Document:
    """A parsed YAML file: plain data, and the line of each place in it.

    Attributes:
        path: the file, as it was given.
        data: mappings, lists and scalars.
    """

    def __init__(self, text: str, path: str) -> None:
        """Parse the text.

        Raises:
            SpecError: if it is not YAML, not a mapping, or has a key twice.
        """
        self.path = path
        self._lines: dict[Location, int] = {(): 1}
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            self._walk(node, ())
            self.data = loader.construct_document(node) if node else {}
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise SpecError(path, line, f"This is not YAML: {error.problem}") from error
        if not isinstance(self.data, dict):
            raise SpecError(path, 1, f"The file holds a {type(self.data).__name__}; it must be a mapping")

    def line(self, location: Location) -> int:
        """1-based line of the place, or of the nearest place around it."""
        while location not in self._lines:
            location = location[:-1]
        return self._lines[location]

    def _walk(self, node: yaml.Node | None, location: Location) -> None:
        if isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                self._lines[*location, i] = item.start_mark.line + 1
                self._walk(item, (*location, i))
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*location, key.value)
                if here in self._lines:
                    raise SpecError(
                        self.path, key.start_mark.line + 1, f"The key {key.value!r} is given twice"
                    )
                self._lines[here] = key.start_mark.line + 1
                self._walk(value, here)


def read(path: str | Path) -> Document:
    """Parse a file.

    Raises:
        SpecError: as `Document`, and if the file cannot be read.
    """
    try:
        return Document(Path(path).read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(str(path), 1, f"The file cannot be read: {error}") from error


def build(model: type[ModelType], document: Document) -> ModelType:
    """Make the model.

    Raises:
        SpecError: for the first problem.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise problems(model, document, error)[0] from error


def problems(model: type[BaseModel], document: Document, error: ValidationError) -> list[SpecError]:
    """Every problem of a failed validation, in the order of the file."""
    found = [_problem(model, document, detail) for detail in error.errors()]
    return sorted(found, key=lambda problem: problem.line)


def suggestion(word: str, known: list[str]) -> str:
    """`Did you mean ...?`, or the list of what there is."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Choose from {', '.join(sorted(known))}"


def _problem(model: type[BaseModel], document: Document, detail: Any) -> SpecError:
    location: Location = detail["loc"]
    line = document.line(location)
    where = ".".join(map(str, location)) or "the file"
    if detail["type"] == "extra_forbidden":
        known = _keys(model, location[:-1])
        return SpecError(
            document.path, line, f"Unknown key {where!r}", help=suggestion(str(location[-1]), known)
        )
    message = str(detail["ctx"]["error"]) if "error" in detail.get("ctx", {}) else detail["msg"]
    value = "" if detail["type"] in {"missing", "value_error"} else f" (it is {detail['input']!r:.60})"
    return SpecError(document.path, line, f"{where}: {message}{value}")


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """Names that the model at this place accepts."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_within(model.model_fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_model_within(argument) for argument in getattr(annotation, "__args__", ())]
    return next((found for found in inner if found), None)
