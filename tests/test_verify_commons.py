"""What means the same in all units of a skill is asked once; what may differ is asked where it stands."""

from __future__ import annotations

import pytest

from airskills.verify.commons import Commons, Shared
from airskills.verify.questions import ask
from airskills.verify.uses import Uses


def asked(commons: Commons, *texts: str) -> str:
    """What the units of these texts ask for themselves."""
    sources = []
    for text in texts:
        uses = Uses(text)
        sources.append(ask(uses, [], Shared(uses, commons, lambda use: use.module == "lab")).edited.text)
    return "\n".join(sources)


def test_what_an_import_brings_and_what_is_called_of_its_class_is_asked_once() -> None:
    commons = Commons("common")
    text = "from lab import Model\nModel.load(1)\nModel(2)\n"
    assert asked(commons, text, f"# another\n{text}") == f"{text}\n# another\n{text}"
    assert commons.source.count("from lab import Model as") == 1
    revealed = [line for line in commons.source.split("\n") if line.startswith("reveal_type(k0_")]
    assert len(revealed) == len(set(revealed))
    assert {"reveal_type(k0_)", "reveal_type(k0_.load)", "reveal_type(k0_.__init__)"} <= set(revealed)


@pytest.mark.parametrize(
    "text",
    [
        "import lab\nlab.run(1)\n",  # a module: what it shows depends on what is imported
        "from lab import models\nmodels.run(1)\n",
        "from lab import Model\nModel = Model\nModel.run(1)\n",  # bound twice
        "if x:\n    from lab import Model\nModel.run(1)\n",  # perhaps not bound
        "Model.run(1)\nfrom lab import Model\n",  # not bound yet
        "from lab import Model\nModel(1).run(1)\n",  # of an object
        "from other import Model\nModel.run(1)\n",  # not pinned, or a file of the skill
    ],
)
def test_what_may_differ_is_asked_where_it_stands(text: str) -> None:
    commons = Commons("common")
    line = next(line for line in asked(commons, text).split("\n") if ".run" in line)
    assert line.count("reveal_type(") >= 2
    assert ".run" not in commons.source
