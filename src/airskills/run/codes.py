"""AR codes: what `airskills test` can say of a unit. The severity belongs to the code."""

from __future__ import annotations

from airskills.codes import Code, describe

_CODES = {
    "AR101": Code(
        "Code raises, or a command ends with the wrong status",
        "error",
        "The text of the error is in the message; the line is the one in the Markdown, YAML or Python file from which "
        "the error came. Before a unit counts as failed it is run again in a cold process, with nothing imported "
        "beforehand, so a failure is never an artefact of the warm parent.",
    ),
    "AR102": Code(
        "Code runs longer than the limit",
        "error",
        "A reader who copies it waits as long. The process group was killed; the line is where it stood. Time for which "
        "it was ready and other programs had the processors does not count, up to three times the limit. `--timeout` "
        "raises the limit for all units, no skill can raise it for itself.",
    ),
    "AR103": Code(
        "Code needs more memory than the limit",
        "error",
        "The limit holds for the data of each process (RLIMIT_DATA). Examples use tiny models; `--memory` raises it.",
    ),
    "AR104": Code(
        "Process ends before its code does",
        "error",
        "It was killed by a signal, called os._exit, or killed the process that runs it. Nothing after that point ran.",
    ),
    "AR105": Code(
        "Code writes more than 16 MiB",
        "error",
        "Output of that size is a loop, and an agent that runs the code pays for each line.",
    ),
    "AR106": Code(
        "Fact or block does not fail as stated",
        "error",
        "What `fails` names did not happen: the old code passes, or fails with something else. Then the row of the "
        "table is not true on the pinned release.",
    ),
    "AR107": Code(
        "Silent fault is not there",
        "error",
        "The old code must run and the expression after `silent` must then be true. It was false, or it raised.",
    ),
    "AR108": Code(
        "Old code does not warn as stated",
        "error",
        "Neither a warning nor the output matches the expression after `warns`.",
    ),
    "AR109": Code(
        "Checker rejects the reference answer",
        "error",
        "A task whose own reference fails measures nothing. The checker must exit with 0.",
    ),
    "AR110": Code(
        "Checker accepts the wrong answer, or breaks on it",
        "error",
        "A checker that passes everything measures nothing. It must exit with 1 on the wrong answer.",
    ),
    "AR111": Code(
        "Stand-ins cannot be made",
        "error",
        "`prepare` of evals/fixtures.py raised or did not return a mapping of texts, or a tiny model could not be "
        "built in the environment of the skill.",
    ),
    "AR112": Code(
        "Unit is malformed",
        "error",
        "A fact without `old`, `new` or exactly one of `fails`, `silent` and `warns`; an eval without answers; pins "
        "that are not exact.",
    ),
    "AR113": Code(
        "Code uses what is deprecated",
        "warning",
        "A DeprecationWarning or FutureWarning came from a line of the skill itself. It works today and teaches what "
        "will break.",
    ),
    "AR114": Code(
        "Code leaves processes running",
        "warning",
        "They were killed. Where a reader runs the code they stay, and hold memory or a port.",
    ),
    "AR115": Code(
        "Environment does not start",
        "error",
        "Its Python ended before it could run anything; the message holds what it said.",
    ),
    "AR201": Code(
        "Block is only proven statically",
        "note",
        'Its fence says `proof="static: why"`, or it is a shell block, whose flags `airskills verify` checks.',
    ),
    "AR202": Code("Block is skipped", "note", 'Its fence says `proof="skip: why"`.'),
    "AR203": Code(
        "Block did not run because an earlier one of its section failed",
        "note",
        "Blocks of a level-2 section share their names; what stands after a failure has no state to run in.",
    ),
    "AR204": Code(
        "Requirement is not met here",
        "note",
        'The PEP 723 block says `requires = ["cuda"]`, `"network"` or `"api-key"`. Keys and the network are never '
        "given to a test; a GPU is used where there is one.",
    ),
    "AR205": Code(
        "Environment is not to be had",
        "note",
        "A pin is not installed and cannot be fetched: no network, no wheel for this platform, or pins that contradict "
        "each other. uv's own words are in the message.",
    ),
    "AR207": Code(
        "Block needs a notebook",
        "note",
        "It holds magics (`%time`, `!pip`), which only IPython understands; what is left without them is not what is "
        "written. Write Python, or a shell block beside it.",
    ),
    "AR206": Code(
        "Unit was not reached",
        "note",
        "`--fail-fast` stopped the run before it.",
    ),
}

describe({"AR1": "what ran and failed", "AR2": "what did not run"}, _CODES)
