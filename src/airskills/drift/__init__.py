"""`airskills drift`: what changed between released wheels, as a user of their public names meets it.

    shelf = Shelf("trl")
    found = shelf.compare("1.12.0", "1.16.0")
    changes = list(dated(shelf, between("trl", "1.12.0", "1.16.0"), found))

The way of the data: `extract` reads a file into `names`, `tree` a wheel, `world` resolves paths over wheels, `classes`
what is inherited, `surface` what is public; `compare` puts two surfaces side by side, `history` finds the releases,
`hits` the lines of a skill.
"""

from airskills.drift.change import Change
from airskills.drift.compare import Comparison, compare
from airskills.drift.history import dated, step_by_step
from airskills.drift.shelf import Shelf, between, newest

__all__ = ["Change", "Comparison", "Shelf", "between", "compare", "dated", "newest", "step_by_step"]
