"""Frozen records for the modules that `airskills load` imports: what frozen dataclasses are, at no cost at start.

Importing `dataclasses` brings `inspect`, `ast` and `dis` and compiles every class anew in each process; that is more
work than to find, read and print a skill.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in every module of the load path: `typing` is a seventh of a cold start
if TYPE_CHECKING:
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_options: object) -> object:
        """Tells type checkers that subclasses are dataclasses; nothing at run time."""
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Record:
    """Base of a record: its annotated names are the fields, in order; a value in the class body is a default.

    Two records are equal when they are of one class and their fields are, except those that the class names as
    `uncompared`.
    """

    __fields: tuple[str, ...] = ()
    __required: frozenset[str] = frozenset()
    __compared: tuple[str, ...] = ()

    def __init_subclass__(cls, *, uncompared: tuple[str, ...] = ()) -> None:
        cls.__fields = tuple(cls.__annotations__)
        cls.__compared = tuple(name for name in cls.__fields if name not in uncompared)
        cls.__required = frozenset(name for name in cls.__fields if not hasattr(cls, name))

    def __init__(self, *args: Any, **named: Any) -> None:
        values = self.__dict__
        values.update(zip(self.__fields, args, strict=False), **named)
        if len(args) == len(self.__fields) and not named:
            return
        complete = self.__required <= values.keys() and len(args) + len(named) == len(values)
        if not complete or not values.keys() <= set(self.__fields):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.__fields)}")

    def replace(self, **changes: Any) -> Self:
        """A copy with other values in some fields."""
        return type(self)(**{name: getattr(self, name) for name in self.__fields} | changes)

    def __setattr__(self, name: str, value: object) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__key() == other.__key()

    def __hash__(self) -> int:
        return hash(self.__key())

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__fields)})"
        )

    def __key(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__compared)
