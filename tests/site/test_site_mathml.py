"""Formulas are shown as MathML; what only looks like one stays text."""

from __future__ import annotations

import pytest
from markdown import Markdown

pytest.importorskip("latex2mathml", reason="needs the group docs")


def built(text: str) -> str:
    return str(Markdown(extensions=["airskills.site.mathml"]).convert(text))


@pytest.mark.parametrize(
    "latex", [r"\hat A_i = (r_i - \bar r) / (\sigma + \epsilon)", r"\text{clip}(\rho, 1-\epsilon_{low})", "H"]
)
def test_a_formula_is_mathml(latex: str) -> None:
    made = built(f"With ${latex}$, so.")

    assert made.count("<math") == 1
    assert "$" not in made
    assert made.endswith(", so.</p>")


def test_a_formula_between_two_dollars_stands_by_itself() -> None:
    assert 'display="block"' in built(r"$$\frac{1}{2}$$")


def test_a_formula_may_go_over_the_end_of_a_line() -> None:
    assert "<math" in built("$a +\nb$")


@pytest.mark.parametrize(
    "text",
    [
        "It costs $2 to $3.",
        "`$x$` and `$HOME`",
        "between $ and $ nothing",
        r"\$x\$ is escaped",
        "$2.50 a day, $30 a month",
    ],
)
def test_what_only_looks_like_a_formula_stays_text(text: str) -> None:
    assert "<math" not in built(text)
