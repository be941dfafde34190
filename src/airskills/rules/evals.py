"""AS6xx: evals, in both dialects: `assertions` (agentskills.io) and `expectations` (skill-creator)."""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from airskills.finding import Finding
from airskills.folder import Folder
from airskills.rules._base import Rule
from airskills.rules.profiles import CLIENTS

_HEAD = "---\nname: demo\ndescription: Reads logs. Use when a run fails.\n---\n# Demo\n"
_BOTH = ("standard", *CLIENTS)
TASKS = "evals/evals.json"
QUERIES = "evals/eval_queries.json"
MIN_TASKS = 4
SAME = 0.8  # share of common words from which two requests are one
MAX_HOLDERS = 50  # texts with one rare word in common that are compared
_TASK = '{"skill_name": "demo", "evals": [{"id": 1, "prompt": "Read it.", "expected_output": "The fault.", "assertions": ["names it"]}]}'


def _queries(count: int = 10, *, leak: str = "") -> str:
    topics = ["loss", "rank", "index", "graph", "cache", "queue", "token", "shard", "batch", "merge"]
    verbs = {True: "explain why my {} is broken today", False: "write a poem on some {} in spring"}
    listed = [
        {
            "query": verbs[trigger].format(topics[n]) + leak,
            "should_trigger": trigger,
            "split": "train" if n < 6 else "validation",
        }
        for trigger in (True, False)
        for n in range(count)
    ]
    return json.dumps(listed, indent=0)


class AS601(Rule):
    """Evals are missing.

    Why: without tasks nobody knows whether the skill helps; without requests nobody knows whether it is found.
    """

    bad = {"SKILL.md": _HEAD, TASKS: _TASK}
    good = {"SKILL.md": _HEAD, TASKS: _TASK, QUERIES: _queries()}

    def check(self, folder: Folder) -> Iterator[Finding]:
        for path in (TASKS, QUERIES):
            if folder.skill and not folder.has(path):
                yield self.finding(folder.skill.path, 1, f"The file {path} is missing", "Add it")


class AS602(Rule):
    """Evals do not have the shape of either dialect.

    Why: runners skip what they cannot read, and the skill counts as never tested.
    """

    severity = "error"
    profiles = _BOTH
    bad = {"SKILL.md": _HEAD, TASKS: '{"skill_name": "demo",\n"evals": [{"id": 1}]}'}
    good = {"SKILL.md": _HEAD, TASKS: _TASK.replace("assertions", "expectations")}
    at = (TASKS, 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        if folder.has(TASKS):
            for message, help_ in _task_problems(_load(folder, TASKS), folder):
                yield self.finding(folder.at(TASKS), 1, message, help_)
        if folder.has(QUERIES):
            for message, help_ in _query_problems(_load(folder, QUERIES)):
                yield self.finding(folder.at(QUERIES), 1, message, help_)


class AS603(Rule):
    """Requests are too few, or not split 60 to 40.

    Why: ten that trigger and ten near misses, of which four each stay unseen while the description is tuned, are the
    least from which a rate can be told.
    """

    bad = {"SKILL.md": _HEAD, QUERIES: _queries(5)}
    good = {"SKILL.md": _HEAD, QUERIES: _queries()}
    at = (QUERIES, 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        listed = _listed(folder)
        if not listed:
            return
        counts = Counter((item["should_trigger"], item.get("split", "train")) for item in listed)
        for trigger, word in ((True, "should trigger"), (False, "should not")):
            train, validation = counts[trigger, "train"], counts[trigger, "validation"]
            if train < 6 or validation < 4:
                message = (
                    f"{train} training and {validation} validation requests {word}; 6 and 4 are asked for"
                )
                yield self.finding(folder.at(QUERIES), 1, message, "Write more, as people ask")


class AS604(Rule):
    """Validation request resembles a training request.

    Why: a description tuned on one passes the other without being better.
    """

    bad = {
        "SKILL.md": _HEAD,
        QUERIES: '[\n{"query": "why is my loss flat today", "should_trigger": true, "split": "train"},\n{"query": "why is my loss so flat today", "should_trigger": true, "split": "validation"}]',
    }
    good = {"SKILL.md": _HEAD, QUERIES: _queries()}
    at = (QUERIES, 3)

    def check(self, folder: Folder) -> Iterator[Finding]:
        listed = _listed(folder)
        lines = lines_of(folder, QUERIES, [item["query"] for item in listed])
        placed = [(item["query"], line, item.get("split")) for item, line in zip(listed, lines, strict=True)]
        train = [place for place in placed if place[2] != "validation"]
        held = [place for place in placed if place[2] == "validation"]
        texts = [_words(query) for query, _, _ in [*train, *held]]
        for number in twins(texts, SAME, len(train)):
            query, line, _ = held[number - len(train)]
            message = f"The validation request {query[:60]!r} resembles a training request"
            yield self.finding(folder.at(QUERIES), line, message, "Ask for something else")


class AS605(Rule):
    """Requests lean on the skill's name.

    Why: people describe a problem; a request that names the skill is found by any search and shows nothing.
    """

    bad = {"SKILL.md": _HEAD, QUERIES: _queries(leak=" with demo")}
    good = {"SKILL.md": _HEAD, QUERIES: _queries()}
    at = (QUERIES, 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        named = [item for item in _listed(folder) if folder.name.lower() in item["query"].lower()]
        if len(named) > 3:
            message = f"{len(named)} requests name {folder.name!r}; at most 3 may"
            yield self.finding(folder.at(QUERIES), 1, message, "Ask as somebody who does not know the skill")


class AS606(Rule):
    """File of an eval does not exist.

    Why: the task cannot be set up, so it is skipped.
    """

    severity = "error"
    profiles = _BOTH
    bad = {"SKILL.md": _HEAD, TASKS: _TASK.replace('"assertions"', '"files": ["evals/a.csv"], "assertions"')}
    good = {"SKILL.md": _HEAD, TASKS: _TASK}
    at = (TASKS, 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        named = [path for task in _tasks(folder) for path in _files(task)]
        for path, line in zip(named, lines_of(folder, TASKS, named), strict=True):
            if not folder.has(path) and not folder.has(f"evals/{path}"):
                message = f"The file {path[:80]!r} does not exist"
                yield self.finding(folder.at(TASKS), line, message, "Add it, or correct the path")


class AS607(Rule):
    """Tasks are too few.

    Why: one lucky answer among three tasks is a third of the result.
    """

    bad = {"SKILL.md": _HEAD, TASKS: _TASK}
    good = {
        "SKILL.md": _HEAD,
        TASKS: json.dumps(
            {
                "skill_name": "demo",
                "evals": [
                    {"id": n, "prompt": "Read it.", "expected_output": "", "assertions": ["names it"]}
                    for n in range(4)
                ],
            }
        ),
    }
    at = (TASKS, 1)

    def check(self, folder: Folder) -> Iterator[Finding]:
        tasks = _tasks(folder)
        if folder.has(TASKS) and len(tasks) < MIN_TASKS:
            message = f"There are {len(tasks)} tasks; at least {MIN_TASKS} are asked for"
            yield self.finding(folder.at(TASKS), 1, message, "Write more, each with a checker")


def twins(texts: Sequence[frozenset[str]], least: float, known: int | None = None) -> dict[int, int]:
    """For each text that has one, an earlier text with which it shares at least the part `least` of all their members.

    Two such sets share a member among the rarest few of each (prefix filtering; Bayardo, Ma and Srikant 2007), so that
    nothing is compared with everything.

    Args:
        texts: sets of words.
        least: 0 to 1.
        known: texts from this number on are compared with those before it only; None compares each with all before.
    """
    counts = Counter(member for text in texts for member in text)
    holders: dict[str, list[int]] = {}
    found: dict[int, int] = {}
    for number, text in enumerate(texts):
        rarest = sorted(text, key=lambda member: (counts[member], member))
        rarest = rarest[: len(text) - math.ceil(least * len(text)) + 1]
        if known is None or number >= known:
            near = (other for member in rarest for other in holders.get(member, ())[:MAX_HOLDERS])
            twin = next((n for n in near if len(text & texts[n]) >= least * len(text | texts[n])), None)
            found |= {} if twin is None else {number: twin}
        if known is None or number < known:
            for member in rarest:
                holders.setdefault(member, []).append(number)
    return found


def _tasks(folder: Folder) -> list[Any]:
    """The tasks of the eval file, whatever they are; none where it holds no list of them."""
    loaded = _load(folder, TASKS) if folder.has(TASKS) else None
    tasks = loaded.get("evals") if isinstance(loaded, dict) else None
    return tasks if isinstance(tasks, list) else []


def _load(folder: Folder, path: str) -> Any:
    return _loaded(folder.text(path))


@lru_cache(maxsize=4)
def _loaded(text: str) -> Any:
    """What a JSON text says, or why it says nothing; every rule here asks for the same two files."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return error


def _listed(folder: Folder) -> list[dict[str, Any]]:
    """Requests that have the right shape."""
    found = _load(folder, QUERIES) if folder.has(QUERIES) else []
    return [
        item
        for item in (found if isinstance(found, list) else [])
        if isinstance(item, dict)
        and isinstance(item.get("query"), str)
        and isinstance(item.get("should_trigger"), bool)
        and isinstance(item.get("split", ""), str)
    ]


def _task_problems(tasks: Any, folder: Folder) -> Iterator[tuple[str, str]]:
    if isinstance(tasks, Exception):
        yield f"The file is not JSON: {tasks}", "Correct it"
        return
    if not isinstance(tasks, dict) or not isinstance(tasks.get("evals"), list):
        yield "The file is not an object with a list 'evals'", 'Write {"skill_name": ..., "evals": [...]}'
        return
    if tasks.get("skill_name") != folder.name:
        yield f"'skill_name' is {tasks.get('skill_name')!r}, the skill is {folder.name!r}", "Make them equal"
    seen: set[str] = set()
    for number, task in enumerate(tasks["evals"], 1):
        if (
            not isinstance(task, dict)
            or not isinstance(task.get("prompt"), str)
            or not task["prompt"].strip()
        ):
            yield f"Eval {number} has no prompt", "Write what a user would ask"
            continue
        checks = task.get("assertions", task.get("expectations"))
        if not isinstance(checks, list) or not all(isinstance(check, str) for check in checks) or not checks:
            yield (
                f"Eval {number} has neither assertions nor expectations",
                "Write a list of sentences that can be checked",
            )
        if str(task.get("id")) in seen:
            yield f"Two evals have the id {task.get('id')!r}", "Number them"
        seen.add(str(task.get("id")))


def _query_problems(queries: Any) -> Iterator[tuple[str, str]]:
    if isinstance(queries, Exception):
        yield f"The file is not JSON: {queries}", "Correct it"
    elif not isinstance(queries, list):
        yield "The file is not a list", 'Write [{"query": ..., "should_trigger": true}, ...]'
    else:
        for number, item in enumerate(queries, 1):
            if (
                not isinstance(item, dict)
                or not isinstance(item.get("query"), str)
                or not isinstance(item.get("should_trigger"), bool)
            ):
                yield f"Request {number} has no 'query' or no true/false 'should_trigger'", "Give it both"
            elif item.get("split", "train") not in (
                "train",
                "validation",
            ):  # may be a list, which no set takes
                yield f"Request {number} has the split {item['split']!r}", "Write train or validation"


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


def _files(task: Any) -> list[str]:
    named = task.get("files") if isinstance(task, dict) else None
    return [path for path in named if isinstance(path, str)] if isinstance(named, list) else []


def lines_of(folder: Folder, path: str, needles: Iterable[str]) -> list[int]:
    """1-based line on which each of these JSON strings stands, looking on from the one before; 1 where it does not."""
    text = folder.text(path)
    starts = [match.end() for match in re.finditer("\n", text)]
    found, at = [], 0
    for needle in needles:
        forms = (json.dumps(needle, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True))
        place = next((place for form in forms if (place := text.find(form, at)) >= 0), -1)
        at = max(place, at)
        found.append(bisect_right(starts, place) + 1 if place >= 0 else 1)
    return found
