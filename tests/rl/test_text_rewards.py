"""Text rewards: gold answers score full, known hacks score nothing, and every reward survives a pickle round trip."""

import json
import pickle
import socket
import threading
from dataclasses import FrozenInstanceError
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from airskills.rl import rewards
from airskills.rl.errors import MissingPackageError, RewardColumnError, RewardParameterError
from airskills.rl.rewards import (
    CodeTests,
    FormatMatch,
    JsonSchema,
    MathAnswer,
    Readability,
    Sentiment,
    Similarity,
    TagFormat,
    ToxicWords,
    execution,
    formats,
    unproven,
)
from airskills.rl.rewards.language import reading_grade
from airskills.rl.rewards.text import load

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
ADD = {"tests": [{"call": "add(1, 2)", "expected": 3}, {"call": "add(-1, 1)", "expected": 0}]}
ECHO = {"tests": [{"input": "4\n", "output": "8"}, {"input": "5\n", "output": "10\n"}]}
HALF = {"solution": r"$\frac{1}{2}$"}

# reward, columns of one row, completions that must score 1
GOLD: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "format": (FormatMatch(r"Answer: \d+"), {}, ["Answer: 42"]),
    "tags": (
        TagFormat(),
        {},
        ["<think>a\nb</think><answer>4</answer>", " <think>x</think>\n<answer>y</answer>\n"],
    ),
    "json": (JsonSchema(SCHEMA), {}, ['{"n": 3}', '```json\n{"n": 3}\n```', ' {"n": -1} ']),
    "math": (
        MathAnswer(),
        HALF,
        [r"So \boxed{\frac{1}{2}}", r"\boxed{0.5}", r"no \boxed{3}, it is \boxed{\frac{2}{4}}"],
    ),
    "copied": (
        MathAnswer(),
        {"solution": "391"},
        [r"17 + 23 is no help: \boxed{391}", r"\boxed{x = 391} as 2 \times 2 is 4", r"\boxed{391^\circ}"],
    ),
    "call": (
        CodeTests("limits"),
        ADD,
        ["def add(a, b):\n    return a + b", "Sure:\n```python\nadd = lambda a, b: a + b\n```"],
    ),
    "program": (
        CodeTests("limits"),
        ECHO,
        ["print(2 * int(input()))", "import sys\nprint(2 * int(sys.stdin.read()))\nsys.exit(0)"],
    ),
}
# completions that must score 0: what a policy finds when the reward can be fooled
HACKS = {
    "format": ["Answer: 42 or Answer: 43", "xAnswer: 42", "Answer: 42\n", ""],
    "tags": [
        "<think>a</think><think>b</think><answer>4</answer>",
        "<think><answer>4</answer></think>",
        "<answer>4</answer><think>a</think>",
        "<think></think><answer>4</answer>",
        "<think>a</think><answer>4</answer> and more",
        "<think>a<answer>4</answer>",
        "",
    ],
    "copied": [
        r"\boxed{17\times 23}",
        r"\boxed{17 * 23}",
        r"\boxed{390 + 1}",
        r"\boxed{392-1}",
        r"\boxed{\sqrt{152881}}",
        r"\boxed{391^1}",
        r"\boxed{17 \cdot 23",
    ],
    "json": [
        "{}",
        '{"n": 3} {"n": 3}',
        '{"n": "3"}',
        '{"n": 3, "m": 4}',
        '{"n": NaN}',
        "[" * 100_000,
        "",
        "```json\n```",
    ],
    "math": [
        "1/2",
        r"\boxed{1/2} \boxed{3}",
        r"\boxed{}",
        r"\boxed{0.5, 3}",
        r"\boxed{x}",
        "",
        r"\boxed{\frac{1}{2}"[:8],
    ],
    "call": [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "class Always:\n    def __eq__(self, other): return True\ndef add(a, b): return Always()",
        "def add(a, b):\n    print(3)\n    print(0)",
        "import json\njson.dumps = lambda *a, **k: 'true'\ndef add(a, b): return 9",
        "def add(a, b): return str(a + b)",
        "def add(a, b): return float(a + b)",
        "def add(a, b):\n    while True: pass",
        "def add(a, b): return 'x' * 10**10",
        "def add(a, b): return [0] * 10**9",
        "this is not Python",
        "",
    ],
    "program": [
        "",
        "print('8\\n10')",
        "while True: print('8')",
        "raise SystemExit(0)",
        "print(2 * int(input())); 1 / 0",
    ],
}


@pytest.mark.parametrize("name", GOLD)
def test_gold_answers_score_full(name: Any) -> None:
    reward, columns, gold = GOLD[name]

    assert unproven(reward, gold, {key: [value] * len(gold) for key, value in columns.items()}) == []


@pytest.mark.parametrize(
    ("name", "hack"),
    [(name, hack) for name in HACKS for hack in HACKS[name]],
    ids=lambda text: repr(text[:30]),
)
def test_hacks_score_nothing(name: Any, hack: Any) -> None:
    reward, columns, _ = GOLD[name]
    quick = CodeTests("limits", timeout_s=1.0) if isinstance(reward, CodeTests) else reward

    assert quick(completions=[hack], **{key: [value] for key, value in columns.items()}) == [0.0]


@pytest.mark.parametrize("level", ["unshare", "bwrap"])
def test_isolated_code_has_no_network_and_still_runs(level: Any) -> None:
    reason = execution.isolation_levels()[level]
    if reason:
        pytest.skip(reason)
    connect = "import socket\ndef add(a, b):\n    socket.create_connection(('127.0.0.1', {port}), timeout=1)\n    return a + b"
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = connect.format(port=server.getsockname()[1])

        assert CodeTests(level)([code], tests=[ADD["tests"]]) == [0.0]
        assert CodeTests("limits")([code], tests=[ADD["tests"]]) == [1.0]  # so it is not called a sandbox
    assert CodeTests(level)(GOLD["call"][2], tests=[ADD["tests"]] * 2) == [1.0, 1.0]


def test_bubblewrap_hides_files(tmp_path: Path) -> None:
    reason = execution.isolation_levels()["bwrap"]
    if reason:
        pytest.skip(reason)
    secret = tmp_path / "secret"
    secret.write_text("7")
    code = f"def read(): return open({str(secret)!r}).read()"
    tests = [[{"call": "read()", "expected": "7"}]]

    assert CodeTests("bwrap")([code], tests=tests) == [0.0]
    assert CodeTests("limits")([code], tests=tests) == [1.0]


def test_half_of_the_tests_is_half_the_reward() -> None:
    code = ["def add(a, b): return 3"]

    assert CodeTests("limits")(code, tests=[ADD["tests"]]) == [0.5]
    assert CodeTests("limits", all_or_nothing=True)(code, tests=[ADD["tests"]]) == [0.0]
    assert CodeTests("limits")(code, tests=[[]]) == [None]


def test_tests_of_two_kinds_survive_a_dataset() -> None:
    rows = [{"tests": [{"call": "add(1, 2)", "expected": "3"}]}, {"tests": [{"input": "4", "output": "8"}]}]
    column = import_module("datasets").Dataset.from_list(rows)["tests"]  # each test has all four keys now
    codes = ["def add(a, b): return str(a + b)", "print(2 * int(input()))"]

    assert set(column[0][0]) == {"call", "expected", "input", "output"}
    assert CodeTests("limits")(codes, tests=list(column)) == [1.0, 1.0]


def test_a_child_left_behind_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    code = (
        "import os, time\ndef add(a, b):\n    if os.fork() == 0:\n        time.sleep(0.5)\n"
        f"        open({str(mark)!r}, 'w').close()\n        os._exit(0)\n    return a + b"
    )
    rewarded = CodeTests("limits")([code], tests=[ADD["tests"][:1]])
    threading.Event().wait(0.8)

    assert rewarded == [1.0]
    assert not mark.exists()


def test_math_is_graded_from_many_threads() -> None:
    cases = [(rf"\boxed{{{n}}}", f"${m}$") for n in range(5) for m in range(5)]
    answers: list[list[float | None]] = []

    def grade() -> None:
        answers.append(MathAnswer()([got for got, _ in cases], solution=[gold for _, gold in cases]))

    threads = [threading.Thread(target=grade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [[float(n == m) for n in range(5) for m in range(5)]] * 4


def test_an_answer_that_never_ends_scores_nothing_and_the_next_is_graded() -> None:
    hostile, right = r"\boxed{9^{9^{9^{9^{9}}}} + x}", r"\boxed{2}"

    assert MathAnswer(timeout_s=1.0)([hostile, right], solution=["$3$", "$2$"]) == [0.0, 1.0]


def test_an_expression_counts_where_it_may() -> None:
    product, answer = [r"\boxed{17\times 23}"], {"solution": ["391"]}

    assert MathAnswer(evaluated=False)(product, **answer) == [1.0]
    assert MathAnswer()([r"\boxed{2\sqrt{3}}"], solution=[r"$2\sqrt{3}$"]) == [1.0]
    assert MathAnswer()([r"\boxed{-7}"], solution=["-7"]) == [1.0]


def test_math_does_not_apply_without_a_gold_answer() -> None:
    assert MathAnswer()([r"\boxed{2}", r"\boxed{2}"], solution=[None, "words only"]) == [None, None]


@pytest.mark.parametrize(
    ("reward", "texts", "columns", "expected"),
    [
        (
            Sentiment(),
            ["I love this, it is wonderful!", "This is terrible.", "123 !"],
            {},
            [True, False, None],
        ),
        (Sentiment(sign=-1.0), ["I love this!", "This is terrible."], {}, [False, True]),
        (Sentiment(scorer=len), ["abc"], {}, [True]),
        (Sentiment(scorer=lambda _: float("nan")), ["abc"], {}, [None]),
    ],
)
def test_sentiment_has_the_right_sign(reward: Any, texts: Any, columns: Any, expected: Any) -> None:
    assert [None if score is None else score > 0 for score in reward(texts, **columns)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Class", 0.0),
        ("an ASS!", -0.5),
        ("ass ass ass", -1.0),
        ("assassin", 0.0),
        ("ass_ass", -1.0),
        ("You heck no you", -0.5),
        ("heck  no", 0.0),
        ("STRASSE", -0.5),
        ("", 0.0),
    ],
)
def test_listed_words_are_found_on_word_borders(text: Any, expected: Any) -> None:
    assert ToxicWords(("ass", "heck no", "straße"), penalty=-0.5, at_most=2)([text]) == [expected]


def test_words_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("# mild\ndarn\n\n")

    assert ToxicWords.from_file(tmp_path / "words.txt")(["oh darn"]) == [-1.0]


def test_reading_grade_is_the_formula() -> None:
    # 2 sentences, 6 words, 7 syllables (hap-py): 0.39*3 + 11.8*7/6 - 15.59
    grade = reading_grade("The cat sat. The happy dog.")

    assert grade == pytest.approx(0.39 * 3 + 11.8 * 7 / 6 - 15.59)


def test_readability_falls_with_distance_from_the_target() -> None:
    text = "The cat sat. The happy dog."
    grade = reading_grade(text)
    assert grade is not None

    scores = Readability(grade + 2, tolerance=4)([text, "...", ""])

    assert scores[0] == pytest.approx(-0.5)
    assert scores[1:] == [None, None]


def test_similarity_counts_edits() -> None:
    # "abc" to "abd": one deletion and one insertion over 6 characters
    assert Similarity()(["abc", [{"content": "same"}], "x"], reference=["abd", "same", None]) == [
        1 - 2 / 6,
        1.0,
        None,
    ]


ALL = [
    rewards.RepetitionPenalty(2),
    rewards.DistinctN(1),
    rewards.TokenEntropy(),
    rewards.PatternMatch([[1, 2]]),
    rewards.SelfBleu(2),
    rewards.LengthTarget(2, 2),
    rewards.LengthDistribution(2, 1),
    rewards.SoftOverlong(4, 2),
    Sentiment(),
    ToxicWords(("darn",)),
    Readability(5),
    Similarity(column="solution"),
    *(reward for reward, _, _ in GOLD.values()),
]


def test_every_reward_of_the_package_is_tested_here() -> None:
    classes = {getattr(rewards, name) for name in rewards.__all__ if name[0].isupper()}

    assert classes == {type(reward) for reward in ALL}


@pytest.mark.parametrize("reward", ALL, ids=[f"{reward.__name__}{i}" for i, reward in enumerate(ALL)])
def test_reward_is_a_frozen_picklable_value_with_a_name_and_takes_what_trl_passes(reward: Any) -> None:
    row = {"solution": "1", "tests": ADD["tests"], "prompts": "p", "trainer_state": None}
    call = {
        "completions": [[{"role": "assistant", "content": "1"}], "two words"],
        "completion_ids": [[1, 2, 3], [4]],
        "log_extra": print,
        "log_metric": print,
        **{key: [value] * 2 for key, value in row.items()},
    }
    again = pickle.loads(pickle.dumps(reward))

    assert again == reward
    assert reward.__name__.isidentifier()
    scores = again(**call)
    assert len(scores) == 2
    assert all(score is None or isinstance(score, float) for score in scores)
    with pytest.raises(FrozenInstanceError):
        reward.anything = 1


@pytest.mark.parametrize("reward", ALL, ids=[f"{reward.__name__}{i}" for i, reward in enumerate(ALL)])
def test_an_empty_batch_gives_an_empty_list(reward: Any) -> None:
    assert reward(completions=[], completion_ids=[], solution=[], tests=[]) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: MathAnswer()(["x"]),
            "MathAnswer reads the column 'solution'; it got none. Add it to the dataset",
        ),
        (lambda: MathAnswer()(["x"], solution=["1", "2"]), "'solution' has 2 values for 1 completions"),
        (
            lambda: Similarity()(["4"], reference=[4]),
            r"reference\[0\] is 4; Similarity compares text. Make it a string",
        ),
        (lambda: FormatMatch("a")([{"role": "user"}]), "neither text nor a list of messages"),
        (lambda: FormatMatch("a")([[]]), r"A completion is \[\], neither"),
    ],
    ids=["no column", "too many values", "no text", "no role", "no message"],
)
def test_wrong_columns_are_named(call: Any, message: Any) -> None:
    with pytest.raises(RewardColumnError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FormatMatch("("), "is not a regular expression"),
        (lambda: TagFormat(()), "one or more words"),
        (lambda: JsonSchema("{"), "schema is not a JSON schema"),
        (lambda: JsonSchema({"type": "objec"}), "schema is not a JSON schema: .*objec"),
        (lambda: MathAnswer(timeout_s=0), "timeout_s is 0; it must be positive"),
        (
            lambda: CodeTests("sandbox"),
            "isolation 'sandbox' cannot be used: unknown; choose from limits, unshare, bwrap",
        ),
        (lambda: CodeTests("limits", workers=0), "workers is 0; it must be positive"),
        (
            lambda: CodeTests("limits")(["x"], tests=[[{"in": 1}]]),
            "it needs call and expected, or input and output",
        ),
        (lambda: ToxicWords(()), "one or more words or phrases"),
        (lambda: ToxicWords(("a",), at_most=0), "at_most is 0; it must be 1 or more"),
        (lambda: Readability(5, tolerance=0), "tolerance is 0; it must be positive"),
        (
            lambda: Readability(5, language="xx")(["word"]),
            "'xx' has no hyphenation dictionary. Use one such as en_US",
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_wrong_parameters_are_refused(call: Any, message: Any) -> None:
    with pytest.raises(RewardParameterError, match=message):
        call()


def test_both_json_validators_agree() -> None:
    texts = ['{"n": 3}', "{}", '{"n": "3"}', '{"n": 3, "m": 1}', "3"]
    values = [json.loads(text) for text in texts]

    assert [formats._slow_validator(SCHEMA)(v) for v in values] == [
        formats._fast_validator(SCHEMA)(v) for v in values
    ]
    with pytest.raises(ValueError, match="is not valid"):
        formats._slow_validator({"type": "objec"})


def test_a_missing_package_says_how_to_install_it() -> None:
    with pytest.raises(
        MissingPackageError, match=r"Sentiment needs the package 'no-such'. Run `pip install no-such`"
    ):
        load("no_such", "no-such", "Sentiment")
