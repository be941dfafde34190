"""The index file: incremental, shared by processes, and never worse than having none."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airskills import Library, store
from airskills.skill import Skill

MakeSkill = Callable[..., Path]
Damage = Callable[[Path], None]

TOOLS = {
    "faiss": "Vector search with faiss: recall, nprobe, IVF. Use when nearest neighbors are wrong.",
    "vllm": "Serve language models with vLLM. Use when throughput is low or paged attention runs out of memory.",
    "peft": "LoRA adapters with PEFT. Use when an adapter does not learn or merges to wrong logits.",
    "trl": "GRPO and DPO training with TRL. Use when the reward stays flat.",
    "bitsandbytes": "Quantize to 4-bit and 8-bit with bitsandbytes. Use when a model does not fit the GPU.",
    "mlflow": "Track experiments with MLflow. Use when runs must be compared.",
}


@pytest.fixture
def root(tmp_path: Path, make_skill: MakeSkill) -> Path:
    for name, description in TOOLS.items():
        make_skill(
            tmp_path / "skills",
            name,
            description=f'"{description}"',
            body=f"# {name}\n\n## Symptoms\n\nSlow.\n",
        )
    return tmp_path / "skills"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def opened(root: Path, cache: Path, **options: Any) -> Library:
    return Library.open(root, cache=cache, **options)


def found(library: Library, query: str) -> list[str]:
    return [hit.name for hit in library.search(query)]


def changes(library: Library) -> tuple[int, int, int]:
    done = library._index.changes
    return done.written, done.removed, done.unchanged


def codes(library: Library) -> list[str]:
    return [finding.code for finding in library.findings]


def index_file(cache: Path) -> Path:
    (file,) = cache.glob("index-*.sqlite3")
    return file


def rewrite(file: Path, text: str) -> None:
    """Write other content, a millisecond later: the clock of the file system may be slower than the test."""
    file.write_text(text, encoding="utf-8")
    later = file.stat().st_mtime_ns + 1_000_000
    os.utime(file, ns=(later, later))


# -- incremental ----------------------------------------------------------------------------------------------------


def test_a_second_opening_reads_nothing(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changes(opened(root, cache)) == (6, 0, 0)
    monkeypatch.setattr(store, "_contents", lambda path: pytest.fail(f"read {path}"))

    assert changes(opened(root, cache)) == (0, 0, 6)


def test_touching_a_file_writes_nothing(root: Path, cache: Path) -> None:
    changes(opened(root, cache))
    os.utime(root / "peft" / "SKILL.md", ns=(1, 1))

    assert changes(opened(root, cache)) == (0, 0, 6)


def test_a_changed_file_is_read_again(root: Path, cache: Path) -> None:
    assert found(opened(root, cache), "sourdough hydration") == []
    file = root / "peft" / "SKILL.md"
    rewrite(
        file, file.read_text(encoding="utf-8").replace("LoRA adapters", "Sourdough hydration of adapters")
    )

    library = opened(root, cache)

    assert changes(library) == (1, 0, 5)
    assert found(library, "peft sourdough hydration")[:1] == ["peft"]


def test_changed_requests_are_read_again(root: Path, cache: Path) -> None:
    changes(opened(root, cache))
    queries = root / "mlflow" / "evals" / "eval_queries.json"
    queries.parent.mkdir()
    for words in ("zanzibar ledger", "quokka journal"):
        rewrite(queries, json.dumps([{"query": f"mlflow {words}", "should_trigger": True, "split": "train"}]))

        library = opened(root, cache)

        assert changes(library) == (1, 0, 5)
        (best, *_) = library.search(f"mlflow {words}")
        assert "requests" in {match.field for match in best.matches}

    queries.unlink()

    assert changes(opened(root, cache)) == (1, 0, 5)


def test_a_removed_skill_vanishes(root: Path, cache: Path) -> None:
    assert found(opened(root, cache), "faiss recall")[:1] == ["faiss"]
    (root / "faiss" / "SKILL.md").unlink()

    library = opened(root, cache)

    assert changes(library) == (0, 1, 5)
    assert "faiss" not in found(library, "faiss recall")


def test_a_malformed_skill_is_read_once(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "peft" / "SKILL.md").write_text("no frontmatter", encoding="utf-8")
    assert changes(opened(root, cache)) == (5, 0, 0)
    monkeypatch.setattr(store, "_contents", lambda path: pytest.fail(f"read {path}"))

    library = opened(root, cache)

    assert changes(library) == (0, 0, 6)
    assert library.index_state["skills"] == 5


def test_a_skill_that_becomes_malformed_is_no_longer_found(root: Path, cache: Path) -> None:
    assert found(opened(root, cache), "faiss recall")[:1] == ["faiss"]
    rewrite(root / "faiss" / "SKILL.md", "no frontmatter")

    assert "faiss" not in found(opened(root, cache), "faiss recall")


def test_overlapping_roots_index_a_file_once(root: Path, cache: Path) -> None:
    def library() -> Library:
        return Library.open(root, root / "peft", cache=cache)

    assert changes(library()) == (6, 0, 0)
    assert changes(library()) == (0, 0, 6)


def test_the_winner_of_a_name_changes_when_precedence_does(
    root: Path, cache: Path, make_skill: MakeSkill
) -> None:
    other = root.parent / "other"
    make_skill(other, "peft", description="Adapters of a second library. Use when merging LoRA.")

    def best(*roots: Path) -> str:
        return Library.open(*roots, cache=cache).search("peft lora adapters")[0].path

    assert best(other, root) == f"{other}/peft/SKILL.md"
    assert best(root, other) == f"{root}/peft/SKILL.md"
    (root / "peft" / "SKILL.md").unlink()
    assert best(root, other) == f"{other}/peft/SKILL.md"


def test_libraries_that_hide_different_skills_do_not_share_an_index(root: Path, cache: Path) -> None:
    every, some = opened(root, cache, disabled=[]), opened(root, cache, disabled=["pe*"])

    for library, expected in ((every, ["peft"]), (some, []), (opened(root, cache, disabled=[]), ["peft"])):
        assert found(library, "lora adapter logits")[:1] == expected


def test_trust_of_one_library_does_not_leak_into_another(
    tmp_path: Path, cache: Path, make_skill: MakeSkill
) -> None:
    make_skill(tmp_path / ".agents" / "skills", "faiss", description=TOOLS["faiss"].replace(": ", " - "))

    def project(*, trust: bool) -> Library:
        return Library.open(scopes=["project"], project=tmp_path, trust=trust, cache=cache)

    wary, trusting = project(trust=False), project(trust=True)

    assert found(wary, "faiss recall") == []
    assert found(trusting, "faiss recall") == ["faiss"]
    assert found(wary, "faiss recall") == []
    assert found(project(trust=False), "faiss recall") == []


# -- hostile requests files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b"[1, [], null, {}]",
        b'[{"query": null, "should_trigger": true}]',
        b'[{"query": "\\ud800 lone surrogate", "should_trigger": true}]',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"1" * 10_000,
    ],
    ids=["empty", "null", "object", "odd items", "null query", "surrogate", "deep", "binary", "huge number"],
)
def test_a_malformed_requests_file_costs_only_its_requests(root: Path, cache: Path, content: bytes) -> None:
    (root / "faiss" / "evals").mkdir()
    (root / "faiss" / "evals" / "eval_queries.json").write_bytes(content)

    assert found(opened(root, cache), "faiss recall")[:1] == ["faiss"]


def test_a_requests_file_that_leads_out_of_the_skill_is_not_read(root: Path, cache: Path) -> None:
    secret = root.parent / "secret.json"
    secret.write_text('[{"query": "quokka ledger", "should_trigger": true}]', encoding="utf-8")
    (root / "faiss" / "evals").mkdir()
    (root / "faiss" / "evals" / "eval_queries.json").symlink_to(secret)

    library = opened(root, cache)

    assert library._index._store.frequency("quokka") == 0
    assert found(library, "faiss recall")[:1] == ["faiss"]


def test_a_requests_file_that_is_a_pipe_does_not_block(root: Path, cache: Path) -> None:
    (root / "faiss" / "evals").mkdir()
    os.mkfifo(root / "faiss" / "evals" / "eval_queries.json")

    assert found(opened(root, cache), "faiss recall")[:1] == ["faiss"]


def test_a_folder_whose_name_is_not_utf8_is_left_out_with_a_finding(
    root: Path, cache: Path, make_skill: MakeSkill
) -> None:
    make_skill(root, "cafe", folder="caf\udce9", description="Coffee. Use when tired.")

    library = opened(root, cache)

    assert found(library, "faiss recall")[:1] == ["faiss"]
    assert "AS804" in codes(library)


# -- damage ---------------------------------------------------------------------------------------------------------


def garbage(file: Path) -> None:
    file.write_bytes(b"this is no database at all " * 400)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def other_schema(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 999")
    database.close()


def other_tables(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE notes (text)")
        database.execute(f"PRAGMA user_version = {store.SCHEMA}")
    database.close()


def missing_column(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE skills DROP COLUMN category")
    database.close()


@pytest.mark.parametrize(
    "damage",
    [garbage, truncated, emptied, other_schema, other_tables, missing_column],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_file_is_replaced_silently_and_correctly(root: Path, cache: Path, damage: Damage) -> None:
    library = opened(root, cache)
    expected = library.search("lora adapter logits")
    library._index.close()
    damage(index_file(cache))

    library = opened(root, cache)

    assert library.search("lora adapter logits") == expected
    assert codes(library) == []
    assert changes(library)[0] == len(TOOLS)
    again = opened(root, cache)
    assert again.search("lora adapter logits") == expected
    assert changes(again) == (0, 0, len(TOOLS))
    assert index_file(cache).exists()


def test_every_page_of_garbage_is_survived(root: Path, cache: Path) -> None:
    library = opened(root, cache)
    queries = ["lora adapter logits", "faiss recall", "reward stays flat"]
    expected = [found(library, query) for query in queries]
    library._index.close()
    sound = index_file(cache).read_bytes()
    (size,) = {int.from_bytes(sound[16:18], "big")}

    for page in range(len(sound) // size):
        for file in cache.iterdir():
            file.unlink()
        start = page * size
        broken = sound[:start] + bytes((7 * i + page) % 256 for i in range(size)) + sound[start + size :]
        (cache / library._index._store.path.rpartition("/")[2]).write_bytes(broken)
        hurt = opened(root, cache)

        assert [found(hurt, query) for query in queries] == expected, f"page {page}"
        assert codes(hurt) == []
        hurt._index.close()


def test_a_file_damaged_while_open_is_replaced_during_search(root: Path, cache: Path) -> None:
    library = opened(root, cache)
    expected = found(library, "faiss recall")
    file = index_file(cache)
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE skills")
    database.close()

    assert found(library, "faiss recall") == expected
    assert codes(library) == []
    assert index_file(cache) != file


def test_a_search_after_closing_opens_the_same_file_again(root: Path, cache: Path) -> None:
    library = opened(root, cache)
    expected = found(library, "faiss recall")
    file = index_file(cache)
    library._index.close()

    assert found(library, "faiss recall") == expected
    assert index_file(cache) == file
    assert changes(library) == (0, 0, len(TOOLS))


def test_a_lost_cache_folder_costs_nothing_but_time(root: Path, cache: Path) -> None:
    expected = found(opened(root, cache), "faiss recall")
    index_file(cache).unlink()
    cache.joinpath("more").mkdir()

    assert found(opened(root, cache), "faiss recall") == expected


# -- no place for a file --------------------------------------------------------------------------------------------


def test_a_cache_path_that_is_a_file_degrades_to_memory(root: Path, cache: Path) -> None:
    cache.write_text("a file", encoding="utf-8")

    library = opened(root, cache)

    assert found(library, "faiss recall")[:1] == ["faiss"]
    (finding,) = library.findings
    assert finding.code == "AS804"
    assert finding.path.startswith(str(cache))
    assert "memory" in finding.message
    assert "AIRSKILLS_CACHE_DIR" in finding.help
    assert cache.read_text(encoding="utf-8") == "a file"


def test_a_cache_below_a_file_degrades_to_memory(root: Path, cache: Path) -> None:
    cache.write_text("a file", encoding="utf-8")

    library = opened(root, cache / "deeper")

    assert found(library, "faiss recall")[:1] == ["faiss"]
    assert codes(library) == ["AS804"]


def test_a_full_or_readonly_disk_degrades_to_memory(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error

    original = store.Store._create
    monkeypatch.setattr(
        store.Store, "_create", lambda self: original(self) if self.path == ":memory:" else refuse()
    )
    library = opened(root, cache)

    assert found(library, "faiss recall")[:1] == ["faiss"]
    assert codes(library) == ["AS804"]
    assert "readonly" in library.findings[0].message


UNPRIVILEGED = """
import os, sys
from airskills import Library
Library.open(sys.argv[1], cache=sys.argv[3]).search("faiss")  # every module is imported before the rights are gone
if os.geteuid() == 0:
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
library = Library.open(sys.argv[1], cache=sys.argv[2])
print([hit.name for hit in library.search("faiss recall")][:1], [finding.code for finding in library.findings])
"""


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "with an index"])
def test_a_readonly_cache_folder_degrades_to_memory(
    *, filled: bool, tmp_path: Path, root: Path, cache: Path
) -> None:
    cache.mkdir()
    if filled:
        opened(root, cache)._index.close()
    closed = [folder for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_mode & 0o005 != 0o005]
    modes = {folder: folder.stat().st_mode for folder in closed}
    for folder in closed:
        folder.chmod(folder.stat().st_mode | 0o005)
    cache.chmod(0o555)
    try:
        done = run_python(UNPRIVILEGED, str(root), str(cache), str(tmp_path / "other"))
    finally:
        cache.chmod(0o755)
        for folder, mode in modes.items():
            folder.chmod(mode)

    assert done.stdout.strip() == "['faiss'] ['AS804']", done.stderr


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


# -- no FTS5 --------------------------------------------------------------------------------------------------------


def test_without_fts5_a_scan_gives_the_same_best_hits(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [
        *TOOLS,
        "merge lora into logits",
        "reward stays flat in grpo",
        "serve with paged attention",
        "vlmm",
    ]
    with_fts5 = opened(root, cache)
    expected = [found(with_fts5, query)[:1] for query in queries]
    assert codes(with_fts5) == []
    monkeypatch.setattr(store, "has_fts5", lambda _database: False)

    for _ in range(2):  # made anew, and then found again
        library = opened(root, cache)

        assert [found(library, query)[:1] for query in queries] == expected
        assert library.index_state["fts5"] == 0
        assert codes(library) == ["AS804"]


def test_a_file_without_fts5_is_not_used_where_fts5_exists(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "has_fts5", lambda _database: False)
        assert opened(root, cache).index_state["fts5"] == 0

    assert opened(root, cache).index_state["fts5"] == 1


# -- many at once ---------------------------------------------------------------------------------------------------


SEARCHER = """
import json, sys
from pathlib import Path
from test_store import TOOLS, codes, found, opened

for _ in range(2):
    library = opened(Path(sys.argv[1]), Path(sys.argv[2]))
    names = [found(library, query)[0] for query in TOOLS]
    print(json.dumps([names, codes(library), int(library.index_state["skills"])]))
"""


def test_many_processes_build_and_search_one_index_at_once(
    root: Path, cache: Path, make_skill: MakeSkill, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        make_skill(
            root, f"filler-{number}", description=f"Filler {number}. Use when padding.", body="word " * 50
        )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    command = [sys.executable, "-c", SEARCHER, str(root), str(cache)]

    for _ in range(2):  # all build; then all find it built
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        printed = [process.communicate(timeout=120)[0] for process in running]

        answers = [json.loads(line) for lines in printed for line in lines.splitlines()]
        assert answers == [[list(TOOLS), [], 66]] * 8
    assert changes(opened(root, cache)) == (0, 0, 66)


def test_a_writer_waits_for_another_one(root: Path, cache: Path) -> None:
    opened(root, cache)._index.close()
    (root / "faiss" / "SKILL.md").unlink()
    blocker = sqlite3.connect(index_file(cache), isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: blocker.execute("COMMIT"))
    release.start()

    library = opened(root, cache)

    assert changes(library) == (0, 1, 5)
    assert codes(library) == []
    release.join()
    blocker.close()


def test_removing_what_another_process_replaced_leaves_its_rows_alone(root: Path, cache: Path) -> None:
    """Row numbers are used again: what is removed is the path that was seen, not its old number."""
    held = store.Store(str(cache / "index-x-1.sqlite3"), hidden=lambda skill: skill.hidden)
    sources = [store.Source(str(root / name / "SKILL.md"), (1, 1), 0) for name in TOOLS]
    held.refresh(sources[:1])
    other = store.Store(held.path, hidden=lambda skill: skill.hidden)

    def replaced() -> Any:
        other.refresh(sources[1:2])
        yield sources[1]

    held.refresh(replaced())

    assert [row[0] for row in held.all("SELECT path FROM skills")] == [sources[1].path]
    assert held.total() == 1


def test_threads_share_one_library(root: Path, cache: Path) -> None:
    library = opened(root, cache)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda name: found(library, name)[0], list(TOOLS) * 20))

    assert answers == list(TOOLS) * 20


# -- killed ---------------------------------------------------------------------------------------------------------

BUILD = """
import sys
from airskills import store
from airskills import Library
store.BATCH = 2
update = store.Store._update
def counted(self, source, stamp):
    update(self, source, stamp)
    print("row", flush=True)
    sys.stdin.readline()
store.Store._update = counted
Library.open(*sys.argv[2:], cache=sys.argv[1])._index
"""


@pytest.mark.parametrize("rows", [1, 2, 3, 6, 7])
def test_a_build_killed_at_any_row_is_finished_by_the_next(
    rows: int, root: Path, cache: Path, make_skill: MakeSkill
) -> None:
    other = root.parent / "other"
    make_skill(other, "peft", description="Another PEFT, which is shadowed. Use when merging LoRA.")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", BUILD, str(cache), str(root), str(other)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as build:
        assert build.stdin is not None
        assert build.stdout is not None
        for row in range(rows):
            assert build.stdout.readline() == b"row\n"
            if row + 1 < rows:
                build.stdin.write(b"\n")
                build.stdin.flush()
        build.send_signal(signal.SIGKILL)

    library = Library.open(root, other, cache=cache)

    assert [hit.path for hit in library.search("peft")] == [f"{root}/peft/SKILL.md"]
    assert [found(library, name)[0] for name in TOOLS] == list(TOOLS)
    assert library.index_state["skills"] == 7
    committed = (rows - 1) // 2 * 2  # batches of two; the batch of the last row was open
    assert changes(library) == (7 - committed, 0, committed)
    assert "AS804" not in codes(library)


def test_precedence_left_undone_by_a_killed_writer_is_worked_out(
    root: Path, cache: Path, make_skill: MakeSkill
) -> None:
    """A writer that dies between its last row and the order of precedence must not leave two skills of one name."""
    other = root.parent / "other"
    make_skill(other, "peft", description="Another PEFT, which is shadowed. Use when merging LoRA.")
    library = Library.open(root, other, cache=cache)
    library._index._store._database.execute("UPDATE skills SET visible = 1")
    library._index._store._database.execute("UPDATE state SET settled = 0")
    library._index.close()

    assert [hit.path for hit in Library.open(root, other, cache=cache).search("peft")] == [
        f"{root}/peft/SKILL.md"
    ]


# -- housekeeping ---------------------------------------------------------------------------------------------------


def test_files_unused_for_ninety_days_are_removed(tmp_path: Path) -> None:
    now = time.time()
    for name, days in (("index-old-1.sqlite3", 91), ("index-new-1.sqlite3", 89), ("notes.txt", 400)):
        (tmp_path / name).write_text("", encoding="utf-8")
        os.utime(tmp_path / name, (now - days * 86_400,) * 2)
    (tmp_path / "index-old-1.sqlite3-wal").write_text("", encoding="utf-8")

    assert store.remove_stale(tmp_path, now=now) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index-new-1.sqlite3", "notes.txt"]


def test_an_index_in_memory_removes_nothing_from_the_working_folder(
    tmp_path: Path, root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file", encoding="utf-8")
    mine = tmp_path / "index-mine.sqlite3"
    mine.write_text("the user's own file", encoding="utf-8")
    os.utime(mine, (0, 0))
    monkeypatch.chdir(tmp_path)

    assert codes(opened(root, cache)) == []  # nothing opened yet
    assert found(opened(root, cache), "faiss recall")
    assert mine.exists()


def test_a_store_closes_its_file_with_its_last_reference(root: Path, cache: Path) -> None:
    library = opened(root, cache)
    database = library._index._store._database
    library.refresh()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.execute("SELECT 1")


def test_hidden_skills_are_in_no_table_but_their_own(root: Path, cache: Path) -> None:
    def hidden(skill: Skill) -> bool:
        return skill.name == "faiss"

    held = store.open_store(
        ["x"], [store.Source(str(root / "faiss" / "SKILL.md"), (1, 1), 0)], hidden=hidden, cache=cache
    )

    assert held.total() == 0
    assert held.frequency("faiss") == 0
    assert held.all("SELECT form FROM lexicon") == []
    assert held.one("SELECT name, description FROM skills") == (None, None)
