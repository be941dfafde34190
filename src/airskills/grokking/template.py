"""New experiments from the Jinja2 template in `templates/experiment/`."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from airskills.grokking.config import TaskCard
from airskills.grokking.errors import GrokkingError

_HERE = Path(__file__).resolve()
_HOMES = (_HERE.parents[1] / "templates", _HERE.parents[3] / "templates")  # in a wheel; in the repository


def write(name: str, claim: str, card: TaskCard, out: Path) -> Path:
    """Write `out/<name>.py`, an experiment that runs as it stands.

    Raises:
        GrokkingError: for a name that is not eNN_claim, a claim of several lines, or a file that exists.
    """
    if not re.fullmatch(r"e\d\d_[a-z0-9_]+", name):
        raise GrokkingError(
            f"Experiment name {name!r} must be eNN_claim: e, two digits, then words with underscores"
        )
    if not claim.strip() or not claim.isprintable() or '"""' in claim or "\\" in claim:
        raise GrokkingError("The claim must be one line of text without backslashes and triple quotes")
    path = out / f"{name}.py"
    text = _environment().get_template("experiment.py.j2").render(name=name, claim=claim.strip(), card=card)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise GrokkingError(f"{path} exists: choose another name or folder") from error
    return path


def _environment() -> Environment:
    home = next((home for home in _HOMES if (home / "experiment").is_dir()), None)
    if home is None:
        raise GrokkingError(
            "The experiment template is missing from this installation: install airskills again"
        )
    # Python source, not HTML: nothing is to be escaped, and the claim is checked by `write`.
    loader = FileSystemLoader(home / "experiment")
    return Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701
