"""Stand-ins for what a block names and a test cannot fetch: hub models and datasets by kind, and a skill's own.

What the tool knows by kind lies in `data/standins.json`: patterns of model ids with architecture and tokenizer, and
datasets with their columns. The libraries find the stand-ins where they keep their downloads, so the code that runs is
the code that is written. A skill's `evals/fixtures.py` may have a function `prepare(root)`: it writes files below `root`,
the folder in which each unit then begins, and returns texts with what to write in their place. Its imports, and before
them what it puts into the environment as constants (`os.environ |= {...}`), are done once, in the parent of all units.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from airskills.cache import touch
from airskills.folder import Folder
from airskills.run import isolation
from airskills.run.keepers import Keeper

OWN = "evals/fixtures.py"
SECONDS = 300.0  # for making one
_HERE = "\0work\0"  # the folder of a unit, in stored replacements
_ID = re.compile(r"""["']([\w.-]+(?:/[\w.-]+)?)["']""")
_BUILDER = Path(__file__).with_name("standins.py")


class StandInError(Exception):
    """A stand-in could not be made: one sentence."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """One thing to make.

    Attributes:
        name: hub id.
        function: the one of `standins.py` that makes it.
        place: folder below `HF_HOME` to make it in.
        arguments: of the function, after the folder; JSON.
    """

    name: str
    function: str
    place: str
    arguments: tuple[Any, ...]


def wanted(sources: Iterable[str]) -> tuple[StandIn, ...]:
    """Stand-ins for the hub ids of known kind among the quoted texts of some code, by name."""
    found = sorted({name for source in sources for name in _ID.findall(source)})
    return tuple(standin for name in found if (standin := _by_kind(name)) is not None)


def _by_kind(name: str) -> StandIn | None:
    known = _known()
    if name in known["datasets"]:
        return StandIn(name, "dataset", "datasets", (name, known["datasets"][name]))
    for row in known["models"]:
        if re.fullmatch(row["id"], name):
            recipe = {**row, "tokenizer": known["tokenizers"][row["tokenizer"]]}
            return StandIn(name, "model", f"hub/models--{name.replace('/', '--')}", (recipe,))
    return None


@cache
def _known() -> dict[str, Any]:
    path = Path(__file__).parent.parent / "data" / "standins.json"
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a skill's own `prepare` left.

    Attributes:
        files: folder with what it wrote: `work` for the unit's folder, `hf` for `HF_HOME`; None where there is none.
        replacements: texts and what to write in their place, the unit's folder written as a mark.
    """

    files: Path | None = None
    replacements: Mapping[str, str] | None = None

    def furnish(self, root: Path) -> None:
        """Copy the files to the folders of the next job."""
        if self.files is not None:
            shutil.copytree(self.files, root, dirs_exist_ok=True, symlinks=True)

    def rewrite(self, source: str, root: Path) -> str:
        """`source` with every text replaced."""
        for text, replacement in (self.replacements or {}).items():
            source = source.replace(text, replacement.replace(_HERE, str(root / "work")))
        return source


@dataclass(frozen=True, slots=True)
class Stock:
    """What was made before, below `folder`: each entry is named by a hash of all that it depends on.

    Attributes:
        folder: where it is kept.
        installed: hash of the environment that makes and uses it.
        memory: bytes that making one may take.
    """

    folder: Path
    installed: str
    memory: int

    def make(self, keeper: Keeper, standin: StandIn) -> Path:
        """The folder that holds a stand-in as it belongs below `HF_HOME`.

        Raises:
            StandInError: it cannot be made in this environment.
        """
        home = self._home("standins", _BUILDER.read_text(encoding="utf-8"), repr(standin))
        touch(home)
        if not home.is_dir():
            isolation.fresh(keeper.root)
            with _draft(home) as draft:
                self._call(keeper, _BUILDER, standin.function, draft / standin.place, *standin.arguments)
        return home

    def prepare(self, keeper: Keeper, folder: Folder) -> Prepared:
        """What the skill's own `prepare` makes, made once.

        Raises:
            StandInError: it raises, or does not return a mapping of texts.
        """
        if not folder.has(OWN) or "def prepare(" not in folder.text(OWN):
            return Prepared()
        texts = [folder.text(file.path) for file in folder.matching(".py", under="evals")]
        home = self._home("prepared", folder.path, *texts)
        touch(home)
        if not home.is_dir():
            with _draft(home) as draft:
                self._run_prepare(keeper, folder, draft)
        replacements = json.loads((home / "replacements.json").read_text(encoding="utf-8"))
        return Prepared(home / "files", replacements)

    def _run_prepare(self, keeper: Keeper, folder: Folder, draft: Path) -> None:
        isolation.fresh(keeper.root)
        work = keeper.root / "work"
        value = self._call(keeper, Path(folder.at(OWN)), "prepare", work)
        texts = value.items() if isinstance(value, dict) else [(value, value)]
        if not all(isinstance(text, str) for pair in texts for text in pair):
            raise StandInError(f"prepare of {OWN} returned {type(value).__name__}, not a mapping of texts")
        stored = {text: replacement.replace(str(work), _HERE) for text, replacement in value.items()}
        for name in ("work", "hf"):
            shutil.copytree(keeper.root / name, draft / "files" / name, symlinks=True)
        (draft / "replacements.json").write_text(json.dumps(stored), encoding="utf-8")

    def _call(self, keeper: Keeper, path: Path, function: str, target: Path, *arguments: Any) -> Any:
        """What a function of a Python file returns in the keeper's environment."""
        call = {"path": str(path), "function": function, "target": str(target), "arguments": arguments}
        job = {"call": call, "skill": str(path.parent), "timeout": SECONDS, "memory": self.memory}
        answer = keeper.run(job)
        if not answer.results:
            raise StandInError(f"{function} of {path.name}: {answer.end}: {answer.output[-500:]}")
        raised = answer.results[0].raised
        if raised:
            line = f", line {raised.line}" if raised.line else ""
            raise StandInError(f"{function} of {path.name}{line}: {raised.type}: {raised.text[-500:]}")
        return answer.results[0].value

    def _home(self, kind: str, *parts: str) -> Path:
        text = json.dumps([self.installed, *parts])
        return self.folder / kind / hashlib.sha256(text.encode()).hexdigest()[:24]


@contextmanager
def _draft(home: Path) -> Iterator[Path]:
    """A folder that becomes `home` when all went well, unless another process was faster."""
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=home.parent))
    try:
        yield draft
        try:
            draft.rename(home)
        except OSError:
            if not home.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
