"""Where keywords into `**kwargs` go: for a few callees whose keywords a type checker can't judge, the names they accept.

The names come from the pinned package's source; which callee sends its keywords where is the table `ROWS`. Each row was
tried against execution (`tests/test_verify_sinks.py`): what it calls dead raises, what it calls ignored changes nothing.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from airskills.verify.keywords import Keywords, dropped, fields, taken
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
        self.known = Keywords(sources)
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
        loader = self.known.function("transformers.modeling_utils", "PreTrainedModel.from_pretrained")
        if loader is None:
            return None
        automatic = ".Auto" in callee
        auto = self.known.function(
            "transformers.models.auto.auto_factory", "_BaseAutoModelClass.from_pretrained"
        )
        known = taken(loader) | (taken(auto) if automatic and auto else set())
        idle = dropped(loader)
        if keyword in idle:
            return Settled(
                "ignored", f"`{keyword}` is taken for old callers' sake and does nothing", "Leave it out"
            )
        if keyword in known - idle:
            return Settled("proven", f"{callee} takes `{keyword}`")
        if keyword in self.known.base_fields:
            return Settled("proven", f"`{keyword}` is a field of every configuration")
        if self.known.mentions("transformers/models/*/configuration_*.py", keyword):
            return Settled(
                "unproven", f"`{keyword}` is a field of some models' configurations, and an error for others"
            )
        return _dead(f"{callee}.from_pretrained", keyword, known | self.known.base_fields)

    # --- configurations

    def configuration(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """A configuration keeps whatever it is given; what is no field of it changes nothing."""
        name = callee.rpartition(".")[2]
        known = self.known.base_fields | self.known.class_fields(name)
        if not self.known.base_fields or not self.known.class_fields(name):
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
        known = self.known.class_fields(name, "transformers.utils.quantization_config")
        if not known:
            return None
        if keyword in known:
            return Settled("proven", f"{name} takes `{keyword}`")
        near = difflib.get_close_matches(keyword, known, n=1)
        hint = f"Write {near[0]}" if near else "Leave it out"
        return Settled("ignored", f"{name} takes no `{keyword}`; it is logged and dropped", hint)

    # --- tokenizers

    def tokenizer(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """A tokenizer keeps what it is given, so a misspelt keyword is silent."""
        base = self.known.function(
            "transformers.tokenization_utils_base", "PreTrainedTokenizerBase.from_pretrained"
        )
        init = self.known.function("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.__init__")
        auto = self.known.function(
            "transformers.models.auto.tokenization_auto", "AutoTokenizer.from_pretrained"
        )
        if base is None or init is None or auto is None:
            return None
        known = taken(base) | taken(init) | taken(auto)
        if keyword in known:
            return Settled("proven", f"{callee} takes `{keyword}`")
        near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.85)
        if near and not self.known.mentions("transformers/models/*/tokenization_*.py", keyword):
            return Settled("ignored", f"{callee} keeps `{keyword}` and nothing reads it", f"Write {near[0]}")
        return Settled(
            "unproven", f"{callee} keeps `{keyword}`; whether this tokenizer reads it is not known"
        )

    def tokenizing(self, callee: str, keyword: str, _first: str) -> Settled | None:
        """A call of a tokenizer drops what it does not know."""
        call = self.known.function("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.__call__")
        encode = self.known.function("transformers.tokenization_utils_base", "PreTrainedTokenizerBase.encode")
        if call is None or encode is None:
            return None
        known = taken(call) | taken(encode)
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
        generate = self.known.function("transformers.generation.utils", "GenerationMixin.generate")
        tree = self.known.sources.tree("transformers.generation.configuration_utils")
        if generate is None or tree is None:
            return None
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "GenerationConfig"]
        known = taken(generate) | {name for cls in classes for name in fields(cls)}
        if keyword in known:
            return Settled("proven", f"{callee} takes `{keyword}`")
        if self.known.mentions("transformers/models/*/modeling_*.py", keyword) or self.known.mentions(
            "transformers/generation/*.py", keyword
        ):
            return Settled("unproven", f"`{keyword}` is an input of some models, and an error for others")
        return _dead(callee, keyword, known)

    # --- pipelines

    def pipeline(self, _callee: str, keyword: str, first: str) -> Settled | None:
        """Parameters of `pipeline`, then of the task's `_sanitize_parameters`; text generation hands on anything."""
        function = self.known.function("transformers.pipelines", "pipeline")
        base = self.known.function("transformers.pipelines.base", "Pipeline.__init__")
        if function is None or base is None:
            return None
        known = taken(function) | taken(base)
        if keyword in known:
            return Settled("proven", f"pipeline takes `{keyword}`")
        task = self.known.task(first)
        if task is None:
            return Settled("unproven", f"Which pipeline takes `{keyword}` shows when the task is known")
        known |= taken(task)
        if keyword in known:
            return Settled("proven", f"The pipeline {first!r} takes `{keyword}`")
        if task.args.kwarg is not None:
            near = difflib.get_close_matches(keyword, known, n=1, cutoff=0.85)
            hint = f"Did you mean {near[0]}?" if near else ""
            return Settled("unproven", f"The pipeline {first!r} hands `{keyword}` on to the model", hint)
        return _dead(f"The pipeline {first!r}", keyword, known)

    # --- data sets

    def data_set(self, _callee: str, keyword: str, first: str) -> Settled | None:
        """Parameters of `load_dataset`, then fields of the builder's configuration."""
        function = self.known.function("datasets.load", "load_dataset")
        if function is None:
            return None
        known = taken(function)
        if keyword in known:
            return Settled("proven", f"load_dataset takes `{keyword}`")
        builders = self.known.builders
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
