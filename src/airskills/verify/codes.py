"""AV codes: what `airskills verify` can say of a use. The severity belongs to the code."""

from __future__ import annotations

from airskills.codes import Code, describe

_CODES = {
    "AV001": Code(
        "Import that the pinned package does not have",
        "error",
        "The module or the name is not in the wheel of the pinned release. It was renamed, moved or removed, or it never "
        "was there. `airskills drift PACKAGE OLD NEW` says where a name went.",
    ),
    "AV002": Code(
        "Attribute that does not exist",
        "error",
        "Neither the class, nor its bases, nor what their `__getattr__` can answer has it; or what is called there "
        "cannot be called.",
    ),
    "AV003": Code(
        "Keyword that the callee does not take",
        "error",
        "The signature in the pinned release has no such parameter and collects no others. The help names the nearest "
        "parameter there is.",
    ),
    "AV004": Code(
        "Required argument is missing",
        "error",
        "A parameter without a default is not given. Where dots stand for arguments nothing is said to be missing.",
    ),
    "AV005": Code(
        "Too many positional arguments",
        "error",
        "The callee takes fewer arguments by place, or one of them is given by name as well. Parameters became "
        "keyword-only in many libraries: name them.",
    ),
    "AV006": Code(
        "No overload takes these arguments",
        "error",
        "The callee has several signatures and the call fits none of them, each for another reason.",
    ),
    "AV007": Code(
        "Deprecated",
        "warning",
        "The release itself marks it so. It works, and a later release will remove it.",
    ),
    "AV008": Code(
        "Keyword that is accepted and ignored",
        "warning",
        "It raises nothing and does nothing: a misspelt or removed setting that silently has no effect.",
    ),
    "AV009": Code(
        "Block that must fail does not fail so",
        "error",
        'The fence says `proof="fails: keyword"` (or import, attribute, missing, arity, overload), and no such use is '
        "dead in the block. What it shows is not true any more.",
    ),
    "AV101": Code(
        "Type is not known",
        "note",
        "The checker does not know what this is: a name that the block takes from its context, a parameter without a "
        "type, or a library that says too little. Annotate it, or let `airskills test` run the block.",
    ),
    "AV102": Code(
        "Keyword goes into **kwargs",
        "note",
        "The callee collects keywords, and where they end cannot be read. A run proves it, `--live` does not.",
    ),
    "AV103": Code(
        "Attribute is looked up at run time",
        "note",
        "The owner's `__getattr__` answers any name, so that it answers proves nothing.",
    ),
    "AV104": Code(
        "Package is not pinned, or its wheel is not to be had",
        "note",
        "No pin, no proof: add the distribution to `airskills-tested-with`. A package without a wheel is not built here.",
    ),
    "AV105": Code(
        "Import is optional",
        "note",
        "It stands in a `try` whose handler expects it to fail, and it would fail.",
    ),
    "AV106": Code(
        "Block cannot be read, or is left out by its author",
        "note",
        'It does not parse, or its fence says `proof="skip: reason"`. It is counted, never passed.',
    ),
    "AV201": Code(
        "Flag that the command does not have",
        "error",
        "The program of the pinned package takes no such flag, subcommand or value. Abbreviations are errors too: the "
        "next release may have two flags that begin so.",
    ),
    "AV202": Code(
        "Key that the configuration does not have",
        "error",
        'The tool named in the fence (`{schema="NAME"}`) knows no such key, even if it would silently ignore it.',
    ),
    "AV203": Code(
        "Command or configuration is not proven",
        "note",
        "Its flags or keys are computed when it runs, or its package is not pinned.",
    ),
    "AV900": Code(
        "Back end failed",
        "error",
        "The type checker crashed or said something that this version of airskills does not know. That is our bug.",
    ),
    "AV901": Code(
        "Pins cannot be read",
        "error",
        "`airskills-tested-with` or a script's own block holds something else than `name==version`.",
    ),
}
describe(
    {"AV0": "Dead use", "AV1": "Not proven", "AV2": "Command or configuration", "AV9": "Back end"}, _CODES
)
