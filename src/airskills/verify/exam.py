"""One unit on its way through the back end: as it is checked, as it is asked, and as it is judged in the end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain

from airskills.pins import Pin
from airskills.verify import edits
from airskills.verify.backend import Diagnostic
from airskills.verify.cases import Scene
from airskills.verify.commons import Commons, Shared
from airskills.verify.edits import Edited, Point, Wrap
from airskills.verify.judge import Judged, judge
from airskills.verify.packages import Packages
from airskills.verify.questions import Asked, ask
from airskills.verify.rewrites import PRELUDE_LINE, LiteralKeywords, OwnModules, Unpinned, WithoutNone
from airskills.verify.siblings import Siblings, module_name
from airskills.verify.units import Unit
from airskills.verify.uses import Use, Uses
from airskills.verify.wires import Foreign, Wires


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
    """One unit: a file that is checked, and one that asks.

    Args:
        unit: the unit.
        packages: what its pins bring.
        siblings: the files of its skill.
        exams: where those of the files that it imports are found.
        wired: whether the back end follows wires.
        number: names its files.
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
        self.names = (f"check{number:06}", f"ask{number:06}")
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
        _ = self.own, self.returns, self.checked, self._asked
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
    def checked(self) -> Edited:
        """The unit with everything that makes a checker see more."""
        return edits.apply(self.unit.source, self._wraps)

    @cached_property
    def _asked(self) -> Asked:
        return ask(self.uses, self._wraps, Shared(self.uses, self.commons, self._is_shared))

    @cached_property
    def commons(self) -> Commons:
        """What the units of its skill ask together."""
        return self._exams.commons(self)

    def _is_shared(self, use: Use) -> bool:
        return use.module not in self.own and self._is_pinned(use) and not self.packages.is_local(use.module)

    @property
    def checks(self) -> dict[str, str]:
        """The file that is checked, by its name, below the line that brings the helpers."""
        return {self.names[0]: f"{self.head}\n{self.checked.text}"}

    @property
    def asks(self) -> dict[str, str]:
        """The file that asks."""
        return {self.names[1]: f"{self.head}\n{self._asked.source}"}

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
            diagnostics: of the file that is checked.
            types: of the file that asks.
            denied: points of that file at which an attribute is said to be missing.
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
        for said in diagnostics:
            start, end = self.checked.written(_up(said.start)), self.checked.written(_up(said.end))
            if start is not None and end is not None:
                yield replace(said, start=start, end=end)


def _up(point: Point) -> Point:
    """Without the line of the prelude."""
    return point[0] - 1, point[1]
