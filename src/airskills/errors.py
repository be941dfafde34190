"""Every error the tool raises on purpose. Anything else that escapes is a bug of ours and shows its traceback."""

from __future__ import annotations


class AirskillsError(Exception):
    """Base of all of them: the message says what is wrong, `help` says what to do about it.

    Attributes:
        help: one imperative sentence, or an empty string.
    """

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.help = help

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by parts, so that an error crosses from one process to another."""
        return type(self).__new__, (type(self),), {**self.__dict__, "args": self.args}


class SkillSyntaxError(AirskillsError):
    """A file that cannot be read as a skill, even leniently.

    Attributes:
        path: the file, as it was given.
        line: 1-based line of the fault.
        column: 1-based column of the fault.
        code: the `AS1xx` code of the finding it stands for.
    """

    def __init__(self, path: str, line: int, column: int, code: str, message: str, *, help: str = "") -> None:
        super().__init__(f"{path}:{line}:{column}: {code} {message}", help=help)
        self.path = path
        self.line = line
        self.column = column
        self.code = code
        self.message = message


class UnknownSkillError(AirskillsError, KeyError):
    """No skill of that name is visible.

    Attributes:
        name: the name that was asked for.
        suggestions: names that look alike, best first.
    """

    def __init__(self, name: str, suggestions: list[str], *, note: str = "") -> None:
        self.name = name
        self.suggestions = suggestions
        meant = (
            f"Did you mean {', '.join(suggestions)}?" if suggestions else "`airskills list` shows every name."
        )
        AirskillsError.__init__(self, f"No skill is called {name[:200]!r}{note}", help=meant)

    def __str__(self) -> str:
        return Exception.__str__(self)


class UnsafePathError(AirskillsError, ValueError):
    """A path that points out of a skill, or is not a plain relative path inside it.

    Attributes:
        path: the path that was asked for.
        reason: why it was refused.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"Refused to read {path[:200]!r}: {reason}",
            help="Give a path relative to the skill, such as references/x.md",
        )
        self.path = path
        self.reason = reason


class SkillFileNotFoundError(AirskillsError, FileNotFoundError):
    """A well-formed path that names no file of the skill.

    Attributes:
        skill: name of the skill.
        path: the path that was asked for.
    """

    def __init__(self, skill: str, path: str, suggestions: list[str]) -> None:
        meant = (
            f"Did you mean {', '.join(suggestions)}?"
            if suggestions
            else f"`airskills load {skill} --wrap` lists its files."
        )
        super().__init__(f"Skill {skill!r} has no file {path!r}", help=meant)
        self.skill = skill
        self.path = path

    def __str__(self) -> str:
        return Exception.__str__(self)


class IndexUnavailableError(AirskillsError):
    """The search index cannot be used here (no FTS5, unwritable cache); a plain scan takes its place."""
