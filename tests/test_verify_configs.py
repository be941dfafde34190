"""Configurations in blocks against the classes, flags and JSON schemas of packages."""

import json
import re
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airskills.markdown import Markdown
from airskills.pins import Pin
from airskills.verify import configs, read_shapes, schemas, shapes
from airskills.verify.documents import DocumentError, Node, read
from airskills.verify.ledger import Entry
from airskills.verify.releases import Package, of_wheels
from airskills.verify.shapes import Record, Schema, Shape
from airskills.verify.tools import Tools
from clock import cpu_seconds

# --- documents


def plain(node: Node) -> object:
    if node.pairs is not None:
        return {key.value: plain(value) for key, value in node.pairs}
    return [plain(item) for item in node.value] if isinstance(node.value, list) else node.value


def lines(node: Node) -> dict[object, int]:
    return {key.value: key.line for key, _ in node.pairs or ()}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("yaml", "a: 1\nb:\n  - x: true\n  - 2.5\nc: null\n"),
        ("json", '{"a": 1,\n\t"b": [{"x": true},\n 2.5], "c": null}'),
        ("toml", "a = 1\nc.d = 'x'\n[b]\nx = true\n[[e]]\ny = 2\n"),
    ],
)
def test_a_document_holds_what_its_own_parser_reads(language: str, text: str) -> None:
    (node,) = read(language, text)
    wanted: object = {"a": 1, "b": [{"x": True}, 2.5], "c": None}
    if language == "toml":
        wanted = {"a": 1, "c": {"d": "x"}, "b": {"x": True}, "e": [{"y": 2}]}
    assert plain(node) == wanted


def test_keys_know_their_lines() -> None:
    assert lines(read("yaml", "# c\na: 1\n\nb:\n  c: 2\n")[0]) == {"a": 2, "b": 4}
    assert lines(read("json", '{\n "a": "\\/",\n "b": 2}')[0]) == {"a": 2, "b": 3}
    assert lines(read("toml", "a = 1\n\n[b]\nc = 2\n")[0]) == {"a": 1, "b": 3}


def test_tags_and_aliases_are_not_known() -> None:
    (node,) = read("yaml", "a: !function x.y\nb: &t [1]\nc: *t\n")
    assert [value.known for _, value in node.pairs or ()] == [False, True, False]


@pytest.mark.parametrize(
    ("language", "text", "message"),
    [
        ("yaml", "[" * 1000, "nests more than 60 deep"),
        ("yaml", "a: &a [" + "x," * 200_000 + "]", "more than 100,000 parts"),
        ("yaml", "a: 1\n b: 2", "mapping values"),
        ("yaml", "x" * 1_000_001, "larger than"),
        ("json", "[" * 100_000, "nest|Expecting"),
        ("toml", "a = " + "[" * 5_000, "nest|Invalid|Unclosed|Expected"),
        ("toml", "a = ", "Invalid value"),
    ],
)
def test_hostile_documents_are_refused(language: str, text: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        read(language, text)


def test_billion_laughs_are_looked_at_once() -> None:
    text = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    (node,) = read("yaml", text)
    assert len(node.pairs or ()) == 21


@given(
    st.sampled_from(["yaml", "json", "toml"]),
    st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"\n #=.1,\t\\"), max_size=80),
)
def test_any_text_is_read_or_refused(language: str, text: str) -> None:
    with suppress(DocumentError):
        for document in read(language, text):
            list(configs.judge("x", SCHEMA, document))


def test_a_large_document_takes_linear_time() -> None:
    def seconds(rows: int) -> float:
        text = "a:\n" + "  - {x: 1, y: [1, 2], z: 'abc'}\n" * rows
        return cpu_seconds(lambda: list(configs.judge("x", SCHEMA, read("yaml", text)[0])))

    seconds(10)
    assert seconds(6_000) < 30 * max(seconds(600), 0.005)


# --- shapes

INNER = Record({"path": Shape("text"), "size": Shape("int")})
SCHEMA = Schema(
    Shape("record", record="top"),
    {
        "top": Record(
            {
                "name": Shape("text"),
                "count": shapes.union(Shape("int"), shapes.NONE),
                "rate": Shape("float"),
                "fast": Shape("bool"),
                "mode": Shape("literal", (), ("slow", "quick")),
                "tags": Shape("list", (Shape("text"),)),
                "sets": shapes.union(
                    Shape("list", (Shape("record", record="inner"),)), Shape("record", record="inner")
                ),
                "free": Shape("dict", (Shape("int"),)),
                "any": shapes.ANY,
            }
        ),
        "inner": INNER,
        "loose": Record({}, open="it allows other keys"),
    },
)


def said(text: str, schema: Schema = SCHEMA) -> list[tuple[str, int, str, str]]:
    (node,) = read("yaml", text)
    return [(s.state, s.node.line, s.message, s.help) for s in configs.judge("tool", schema, node)]


def test_right_keys_and_values_are_proven() -> None:
    text = """\
name: x
count: ~
rate: 2e-5
fast: yes
mode: slow
tags: [a, 1]
sets: [{path: x, size: 1}]
free: {x: 1}
any: [{}]
"""
    assert {state for state, *_ in said(text)} == {"proven"}
    assert len(said(text)) == 11


@pytest.mark.parametrize(
    ("text", "line", "message", "help"),
    [
        ("nam: x", 1, "tool has no key 'nam'", "Did you mean name?"),
        ("name: x\ncount: two", 2, "tool: count takes a whole number, not 'two'", ""),
        ("count: 1.5", 1, "tool: count takes a whole number, not 1.5", ""),
        ("rate: fast", 1, "tool: rate takes a number, not 'fast'", ""),
        ("fast: perhaps", 1, "tool: fast takes true or false, not 'perhaps'", ""),
        ("mode: slo", 1, "tool: mode takes one of its choices, not 'slo'", "Write slow"),
        ("tags: a", 1, "tool: tags takes a list, not 'a'", ""),
        ("name: [a]", 1, "tool: name takes text, not a list", ""),
        ("sets:\n  - path: x\n    siz: 1", 3, "tool has no key 'siz' in 'sets[]'", "Did you mean size?"),
        ("sets:\n  siz: 1", 2, "tool has no key 'siz' in 'sets'", "Did you mean size?"),
        ("free:\n  x: y", 2, "tool: free.x takes a whole number, not 'y'", ""),
        ("name: a\nname: b", 2, "tool: 'name' stands twice; the first is lost", "Remove one of them"),
        ("- a", 1, "tool: the document takes a mapping, not a list", ""),
    ],
)
def test_wrong_keys_and_values_are_dead(text: str, line: int, message: str, help: str) -> None:
    (dead,) = [row for row in said(text) if row[0] == "dead"]
    assert dead[1:] == (line, message, help)


def test_an_open_record_leaves_unknown_keys_unproven() -> None:
    schema = Schema(Shape("record", record="loose"), SCHEMA.records)
    assert said("x: 1", schema) == [("unproven", 1, "tool may have a key 'x': it allows other keys", "")]


def test_a_schema_survives_json() -> None:
    assert shapes.from_json(json.loads(json.dumps(shapes.to_json(SCHEMA)))) == SCHEMA


def test_a_json_schema_is_read_as_far_as_keys_and_kinds_go() -> None:
    schema = read_shapes.from_json_schema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "kind": {"enum": ["a", "b"]},
                "tags": {"type": "array", "items": {"type": ["string", "null"]}},
                "more": {"type": "object", "properties": {"x": {"type": "number"}}},
            },
        }
    )
    assert (
        said("size: 1\nkind: a\ntags: [x, ~]\nmore: {x: 1.5}\nmor: 1", schema)[-1][2]
        == "tool has no key 'mor'"
    )
    assert said("more: {y: 1}", schema)[-1][0] == "unproven"


# --- blocks against packages

MODEL = """
from dataclasses import dataclass, field
from typing import Annotated, Literal
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

class Data(BaseModel):
    path: str
    kind: Literal["a", "b"] | None = None
    ref: "Reference | None" = None

class Reference(BaseModel):
    repo: str

    @model_validator(mode="before")
    @classmethod
    def text(cls, value):
        return {"repo": value} if isinstance(value, str) else value

class Base(BaseModel):
    seed: int | None = 42

class Config(Base):
    model_config = {"extra": "ignore"}
    data: list[Data] = Field(alias="datasets")
    steps: Annotated[int | None, Field(ge=1)] = None
    sizes: list[int] = []

    @field_validator("sizes", mode="before")
    @classmethod
    def one(cls, value):
        return [value] if isinstance(value, int) else value

    @model_validator(mode="before")
    @classmethod
    def old(cls, data):
        if data.get("max_steps"):
            data["steps"] = data.pop("max_steps")
        return data

class Nested(BaseModel):
    rows: list[Data] | None = None
    inner: Reference | None = None

    @field_validator("rows", mode="before")
    @classmethod
    def retired(cls, rows):
        for row in rows:
            if row.get("kind") == "z":
                raise ValueError("z is gone")
        return rows

    @model_validator(mode="before")
    @classmethod
    def late(cls, data):
        data = dict(data)
        copied = data.copy()
        inner = data.get("inner") or {}
        if inner.get("branch") and copied.pop("older", None):
            copied["rows"] = [{"path": data["oldest"]}]
        return copied

class Loose(BaseModel):
    model_config = ConfigDict(extra="allow")
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "config.py").write_text(MODEL)
    (tmp_path / "pack" / "cli.py").write_text(
        dedent("""
            import argparse
            def main():
                parser = argparse.ArgumentParser()
                parser.add_argument("--batch-size", type=int)
                parser.add_argument("--mode", choices=["a", "b"])
                parser.add_argument("--quick", action="store_true")
                parser.add_argument("--train.lr", type=float)
                parser.parse_args()
        """)
    )
    made = {
        "model": schemas.Classes("pack", ("pack.config:Gone", "pack.config:Config"), {"include": shapes.ANY}),
        "nested": schemas.Classes("pack", ("pack.config:Nested",)),
        "loose": schemas.Classes("pack", ("pack.config:Loose",)),
        "flags": schemas.Flags("pack", dashes=True),
        "gone": schemas.Classes("pack", ("pack.config:Gone",)),
        "other": schemas.Classes("other", ("other:Config",)),
    }
    monkeypatch.setattr(schemas, "SCHEMAS", made)
    monkeypatch.setattr(configs, "SCHEMAS", made)
    return Tools([Package("pack", "1.0", tmp_path, ("pack",), {"pack": "pack.cli:main"}, "")])


def check(block: str, tools: Tools) -> list[Entry]:
    return configs.check_configs("SKILL.md", Markdown(f"# A\n\n{block}\n", "SKILL.md").blocks, tools)


def dead(block: str, tools: Tools) -> list[str]:
    return [f"{e.line}:{e.column} {e.message}" for e in check(block, tools) if e.state == "dead"]


def test_models_are_read_with_aliases_bases_and_validators(tools: Tools) -> None:
    right = '```yaml {schema="model"}\nseed: 1\nsteps: 2\nsizes: 3\nmax_steps: 4\ninclude: x\ndatasets:\n  - path: x\n    kind: a\n    ref: text\n```'
    assert dead(right, tools) == []
    wrong = '```yaml {schema="model"}\nsed: 1\nsteps: x\ndatasets:\n  - path: x\n    kind: c\n    ref: {rep: x}\n```'
    assert dead(wrong, tools) == [
        "4:1 model has no key 'sed'",
        "5:8 model: steps takes a whole number, not 'x'",
        "8:11 model: datasets[].kind takes one of its choices, not 'c'",
        "9:11 model has no key 'rep' in 'datasets[].ref'",
    ]


def test_a_validator_of_a_list_does_not_hide_the_keys_of_its_rows(tools: Tools) -> None:
    assert dead('```yaml {schema="nested"}\nrows:\n  - path: x\n    kind: a\n```', tools) == []
    assert dead('```yaml {schema="nested"}\nrows:\n  - path: x\n    knd: a\n```', tools) == [
        "6:5 nested has no key 'knd' in 'rows[]'"
    ]


def test_keys_that_a_validator_reads_in_parts_of_a_document_are_none_of_the_document(tools: Tools) -> None:
    assert dead('```yaml {schema="nested"}\nolder: 1\noldest: 2\n```', tools) == []
    assert dead('```yaml {schema="nested"}\nbranch: main\nkind: a\n```', tools) == [
        "4:1 nested has no key 'branch'",
        "5:1 nested has no key 'kind'",
    ]


def test_a_model_that_allows_other_keys_leaves_them_unproven(tools: Tools) -> None:
    (entry,) = check('```yaml {schema="loose"}\nx: 1\n```', tools)
    assert (entry.state, entry.code) == ("unproven", "AV203")


def test_flags_are_keys_of_files(tools: Tools) -> None:
    assert dead('```toml {schema="flags"}\nbatch_size = 1\nquick = true\n[train]\nlr = 0.1\n```', tools) == []
    assert dead(
        '```json {schema="flags"}\n{"batch-size": "x",\n "mod": "a", "train": {"l": 1}}\n```', tools
    ) == [
        "4:16 flags: batch-size takes a whole number, not 'x'",
        "5:2 flags has no key 'mod'",
        "5:24 flags has no key 'l' in 'train'",
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("modle", "no schema is called 'modle'"),
        ("gone", "pack.config:Gone is not in this release"),
        ("other", "other is not pinned"),
    ],
)
def test_what_has_no_schema_is_unproven_with_the_reason(name: str, reason: str, tools: Tools) -> None:
    (entry,) = check(f'```yaml {{schema="{name}"}}\nx: 1\n```', tools)
    assert entry.state == "unproven"
    assert entry.message == f"The configuration is not proven: {reason}"


def test_blocks_without_a_schema_are_passed_over(tools: Tools) -> None:
    assert check("```yaml\nsed: 1\n```", tools) == []
    assert check('```yaml {schema="model" proof="skip: a sketch"}\nsed: 1\n```', tools) == []
    (entry,) = check('```yaml {schema="model"}\na: [\n```', tools)
    assert "is not read" in entry.message


def test_a_recorded_schema_stands_for_a_package_without_a_wheel() -> None:
    tools = Tools(of_wheels([], [Pin("deepspeed", "0.19.8")]))
    block = """```json {schema="deepspeed"}
{"train_batch_size": "auto",
 "zero_optimization": {"stage": 2, "offload_optimiser": {"device": "cpu"}},
 "bf16": {"enabled": true},
 "gradient_clip": 1.0}
```"""
    assert dead(block, tools) == [
        "5:36 deepspeed has no key 'offload_optimiser' in 'zero_optimization'",
        "7:2 deepspeed has no key 'gradient_clip'",
    ]


def test_the_page_lists_every_schema() -> None:
    page = Path(__file__).parent.parent / "docs" / "reference" / "commands-and-configurations.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert listed - {"AV201", "AV203"} == set(schemas.SCHEMAS)
