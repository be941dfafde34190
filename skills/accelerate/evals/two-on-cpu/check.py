"""Ask accelerate's own launcher what it would start with the answer's configuration."""

import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import launch


def main() -> int:
    """Exit 0 when two processes are started and no precision below float32 is set."""
    config = (Path(sys.argv[1]) / "config.yaml").read_text(encoding="utf-8")
    try:
        processes, variables = launch(config=config)
    except (ValueError, TypeError, AssertionError, SystemExit) as error:
        print(f"not launched: {error}")
        return 1
    hosts = (yaml.safe_load(config).get("mpirun_config") or {}).get("mpirun_hostfile")
    precision = variables.get("ACCELERATE_MIXED_PRECISION", "no")
    print(f"processes: {processes}; precision: {precision}")
    return 0 if processes == "2" and precision == "no" and not hosts else 1


if __name__ == "__main__":
    sys.exit(main())
