"""One unit on its way through the back end: as it is checked, as it is asked, and as it is judged in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain

from airskills.pins import Pin
from airskills.verify import edits
from airskills.verify.backend import Diagnostic
from airskills.verify.cases import Scene
from airskills.verify.commons import Commons, Shared
from airskills.verify.edits import Point, Wrap
from airskills.verify.judge import Judged, judge
from airskills.verify.packages import Packages
from airskills.verify.questions import EVERYTHING, PROBE, Asked, Topic, ask
from airskills.verify.rewrites import PRELUDE_LINE, LiteralKeywords, OwnModules, Unpinned, WithoutNone
from airskills.verify.siblings import Siblings, module_name
from airskills.verify.units import Unit
from airskills.verify.uses import Use, Uses
from airskills.verify.wires import Foreign, Wires

_CALLED: frozenset[Topic] = frozenset({"type", "signature"})


class Exams:
    """The exams of units, one for each; a file that several import has one too.

    Args:
        packages: what the pins of a unit bring.
        siblings: the files of the skill that a unit belongs to.
        wired: whether the back end follows wires.
        first: number of the first unit; it names the files that units share.
    """

    def __init__(
        self,
        packages: Callable[[Unit], Packages],
        siblings: Callable[[Unit], Siblings],
        *,
        wired: bool,
        first: int = 0,
    ) -> None:
        self._packages = packages
        self._siblings = siblings
        self._wired = wired
        self._imported: dict[int, Exam] = {}
        self._commons: dict[tuple[int, tuple[Pin, ...]], Commons] = {}
        self._first = first

    def commons(self, exam: Exam) -> Commons:
        """The shared questions of the skill that a unit belongs to."""
        key = (id(exam.siblings), exam.unit.pins)
        if key not in self._commons:
            self._commons[key] = Commons(f"common{self._first:06}_{len(self._commons)}")
        return self._commons[key]

    @property
    def shared(self) -> dict[str, str]:
        """The files that units share."""
        return {commons.name: commons.source for commons in self._commons.values()}

    def of(self, unit: Unit, number: int) -> Exam:
        """The exam of a unit that is to be judged."""
        return Exam(unit, self._packages(unit), self._siblings(unit), self, wired=self._wired, number=number)

    def imported(self, unit: Unit, by: Exam) -> Exam:
        """The exam of a file that another of the skill imports."""
        if id(unit) not in self._imported:
            self._imported[id(unit)] = Exam(unit, by.packages, by.siblings, self, wired=self._wired)
        return self._imported[id(unit)]


class Exam:
    """One unit: a file that is checked, and is asked on the way.

    Args:
        unit: the unit.
        packages: what its pins bring.
        siblings: the files of its skill.
        exams: where those of the files that it imports are found.
        wired: whether the back end follows wires.
        number: names its file.
    """

    def __init__(
        self,
        unit: Unit,
        packages: Packages,
        siblings: Siblings,
        exams: Exams,
        *,
        wired: bool,
        number: int = 0,
    ) -> None:
        self.unit = unit
        self.packages = packages
        self.siblings = siblings
        self.uses = Uses(unit.source)
        self.name = f"check{number:06}"
        self._exams = exams
        self._wired = wired

    @cached_property
    def own(self) -> Mapping[str, Exam]:
        """The files of the skill that the unit imports, by the name that it uses."""
        modules = {use.module for use in self.uses.all if use.kind in {"import", "from"}}
        found = {name: self.siblings.find(self.unit, name) for name in sorted(modules) if "." not in name}
        return {
            name: self._exams.imported(unit, self)
            for name, unit in found.items()
            if unit is not None and self.packages.is_local(name)
        }

    @cached_property
    def _wires(self) -> Wires | None:
        return Wires(self.uses) if self._wired else None

    @cached_property
    def returns(self) -> Mapping[str, str]:
        """Its functions, each with the wire that it sets."""
        return self._wires.returns if self._wires else {}

    @cached_property
    def _wraps(self) -> tuple[Wrap, ...]:
        rewrites = (
            WithoutNone(),
            Unpinned(self._is_pinned),
            OwnModules({module: module_name(exam.unit) for module, exam in self.own.items()}),
            LiteralKeywords(),
        )
        found = chain.from_iterable(rewrite(self.uses) for rewrite in rewrites)
        return (*found, *(self._wires.wraps(dict(self._foreign())) if self._wires else ()))

    def prepare(self) -> None:
        """Do all that needs the syntax tree, and let the tree go: a library has thousands of units."""
        _ = self.own, self.returns, self._asked
        self._release()

    def read(self) -> str:
        """The file as others import it, with nothing asked; the tree goes as well."""
        text = f"{self.head}\n{edits.apply(self.unit.source, self._wraps).text}"
        _ = self.returns
        self._release()
        return text

    def _release(self) -> None:
        del self._wires, self._wraps
        self.uses.release()

    def _foreign(self) -> Iterator[tuple[str, Foreign]]:
        for use in self.uses.all:
            if use.kind in {"import", "from"} and use.module in self.own:
                exam = self.own[use.module]
                function = use.leaf if use.kind == "from" else ""
                returns = exam.returns
                yield use.root, Foreign(module_name(exam.unit), function, returns)

    def _is_pinned(self, use: Use) -> bool:
        packages, module = self.packages, use.module
        return packages.is_standard(module) or packages.is_local(module) or packages.owner(module) is not None

    @cached_property
    def _asked(self) -> Asked:
        """The unit with everything that makes a checker see more, and with the questions."""
        shared = Shared(self.uses, self.commons, self._is_shared)
        return ask(self.uses, self._wraps, shared, self._wanted)

    def _wanted(self, use: Use) -> Container[Topic]:
        """What the verdict on a use is built on (see `judge`): on nothing, where no pin brings what is used.

        Of the standard library's only calls are judged, by what is called.
        """
        modules = [use.module] if use.kind in {"import", "from"} else self._modules.get(use.root, [])
        if not modules or any(self.packages.owner(module) is not None for module in modules):
            return EVERYTHING
        return _CALLED if use.kind == "call" and all(map(self.packages.is_standard, modules)) else ()

    @cached_property
    def _modules(self) -> Mapping[str, list[str]]:
        """Local name to the modules of the imports that bind it."""
        found: dict[str, list[str]] = defaultdict(list)
        for use in self.uses.all:
            if use.kind in {"import", "from"}:
                found[use.root].append(use.module)
        return found

    @cached_property
    def commons(self) -> Commons:
        """What the units of its skill ask together."""
        return self._exams.commons(self)

    def _is_shared(self, use: Use) -> bool:
        return use.module not in self.own and self._is_pinned(use) and not self.packages.is_local(use.module)

    @property
    def file(self) -> str:
        """Its file, below the line that brings the helpers."""
        return f"{self.head}\n{self._asked.edited.text}"

    @property
    def head(self) -> str:
        """The first line of its files."""
        return "; import ".join(
            [PRELUDE_LINE, *sorted({module_name(exam.unit) for exam in self.own.values()})]
        )

    def judged(
        self,
        diagnostics: Sequence[Diagnostic],
        types: Mapping[Point, str],
        denied: Collection[Point],
        shared: Callable[[Point], tuple[str | None, bool]],
    ) -> Iterator[Judged]:
        """The verdicts; all arguments speak of the virtual files.

        Args:
            diagnostics: of its file.
            types: of its file.
            denied: points of it at which an attribute is said to be missing.
            shared: (type, whether it is said to be missing) at a point of the file that the skill's units share.
        """
        known = self._asked.answers(
            self.uses.all,
            {_up(point): text for point, text in types.items()},
            {_up(point) for point in denied},
            shared,
        )
        yield from judge(Scene(self.uses, known, list(self._written(diagnostics)), self.packages))

    def _written(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Complaints at the places that they are about, those about what was put in left out."""
        edited = self._asked.edited
        for said in diagnostics:
            if said.name == PROBE:  # by far the most
                continue
            start, end = edited.written(_up(said.start)), edited.written(_up(said.end))
            if start is not None and end is not None:
                yield replace(said, start=start, end=end)


def _up(point: Point) -> Point:
    """Without the line of the prelude."""
    return point[0] - 1, point[1]
