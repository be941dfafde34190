import sys
from pathlib import Path
from subprocess import Popen

import pytest

from airskills.grokking import runner

CODE = """
import sys
from pathlib import Path
from airskills.grokking import runner
from airskills.grokking.config import Method, RunSpec
specs = [RunSpec(task="add-31", method=Method(lr=0.03), seed=s, budget=b) for b in (10, 200, 210) for s in (0, 1)]
assert len(runner.run_all(specs, Path(sys.argv[1]), workers=1)) == 6
"""


@pytest.mark.slow
def test_a_killed_process_keeps_what_it_had_and_the_next_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    with Popen(command) as first:
        while not runner.read(tmp_path):
            assert first.poll() is None
        first.kill()
    before = runner.read(tmp_path)
    with Popen(command) as second:
        assert second.wait() == 0
    after = runner.read(tmp_path)

    assert 0 < len(before) < len(after) == 6
    assert after[: len(before)] == before
