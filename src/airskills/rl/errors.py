"""Every error `airskills.rl` raises on purpose: the message says what and where, `help` says what to do."""

from __future__ import annotations


class RlError(Exception):
    """Base of all of them.

    Attributes:
        help: one imperative sentence, or an empty string.
    """

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(f"{message}. {help}" if help else message)
        self.help = help


class TokenBatchError(RlError, ValueError):
    """Rows that are not token ids."""


class BackendUnavailableError(RlError, RuntimeError):
    """A backend was asked for by name and cannot be used here."""


class RewardParameterError(RlError, ValueError):
    """A reward was constructed with a parameter outside its range."""


class RewardColumnError(RlError, ValueError):
    """A reward did not get the dataset column it reads, or got one of another length."""


class MissingPackageError(RlError, ImportError):
    """An optional package that a reward needs is not installed.

    Attributes:
        package: name to install.
    """

    def __init__(self, package: str, needed_by: str) -> None:
        super().__init__(f"{needed_by} needs the package {package!r}", help=f"Run `pip install {package}`")
        self.package = package


class SpecError(RlError, ValueError):
    """A configuration that cannot be used.

    Attributes:
        path: the file, as it was given.
        line: 1-based line of the fault.
        message: what is wrong, without place and help.
    """

    def __init__(self, path: str, line: int, message: str, *, help: str = "") -> None:
        super().__init__(f"{path}:{line}: {message}", help=help)
        self.path = path
        self.line = line
        self.message = message
