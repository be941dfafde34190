# /// script
# requires-python = ">=3.11"
# dependencies = ["skypilot==0.14.1", "click==8.1.8", "pyyaml==6.0.3"]
# ///
"""Plan a spot task with SkyPilot's own optimizer on a catalogue of six rows, and price it with preemptions.

Nothing is launched and no network is used. The plan is made again with the first region blocked, as a launch does when
it has no capacity there: `max_hourly_cost` does not hold then. The expected hours of scripts/spot_cost.py are held
against two thousand simulated runs. Run it as `python plan_and_recover.py [SEED]`; it ends in assertions.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import tempfile
from pathlib import Path

HOME = tempfile.mkdtemp()
os.environ |= {
    "HOME": HOME,
    "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
}  # before sky is imported: your own stays as it is

import sky  # noqa: E402
from sky import check, global_user_state  # noqa: E402
from sky.catalog import common  # noqa: E402
from sky.clouds.cloud import CloudCapability  # noqa: E402
from sky.optimizer import Optimizer  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from spot_cost import Job, best_interval, spot_hours  # noqa: E402

CATALOGUE = {
    "common/accelerators.csv": "AcceleratorName,Clouds\nA100,['AWS']\n",
    "aws/vms.csv": """\
InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice,AvailabilityZone,Arch
p4d.24xlarge,A100,8,96,1152,32.00,us-east-1,,9.60,use1-az1,x86_64
p4d.24xlarge,A100,8,96,1152,33.00,us-west-2,,11.00,usw2-az1,x86_64
p4d.24xlarge,A100,8,96,1152,36.00,eu-west-1,,14.00,euw1-az1,x86_64
""",
}
HOURS, RATE = 24.0, 4 / 24  # of work; preemptions an hour of the whole cluster, two a day of each node
RECOVERY, WRITE = 0.25, 1 / 60  # hours


def enable() -> None:
    """Lay the rows where the package looks for its catalogue; one cloud is enabled, without keys."""
    for name, text in CATALOGUE.items():
        path = Path(common.get_catalog_path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    global_user_state.set_allowed_clouds(check._get_workspace_allowed_clouds("default"), "default")  # noqa: SLF001
    global_user_state.set_enabled_clouds(["AWS"], CloudCapability.COMPUTE, "default")


def plan(*, spot: bool, cap: float = 100, full: str | None = None) -> tuple[str, float]:
    """Region and USD an hour of one node, where region `full` has no capacity."""
    task = sky.Task.from_yaml_str(f"""
name: tune
num_nodes: 2
resources:
  infra: aws
  accelerators: A100:8
  use_spot: {str(spot).lower()}
  max_hourly_cost: {cap}
  job_recovery: {{strategy: FAILOVER, max_restarts_on_errors: 2}}
file_mounts:
  /ckpt: {{name: our-ckpts, mode: MOUNT_CACHED}}
run: python train.py --out /ckpt --resume
""")
    dag = sky.Dag()
    dag.add(task)
    blocked = (
        [sky.Resources(infra=f"aws/{full}", instance_type="p4d.24xlarge", use_spot=spot)] if full else None
    )
    with contextlib.redirect_stdout(io.StringIO()):  # its spinner
        Optimizer.optimize(dag, quiet=True, blocked_resources=blocked)
    best = task.best_resources
    return best.region, best.get_cost(3600)


def one_run(hours: float, interval: float, dice: random.Random) -> float:
    """Hours by the clock of one job whose cluster is lost at random, at RATE an hour."""
    clock, done, needed = 0.0, 0.0, interval + WRITE
    while done < hours - 1e-9:
        lost = dice.expovariate(RATE)
        clock += min(lost, needed)
        if lost < needed:
            clock += RECOVERY
        else:
            done += interval
    return clock


def main(seed: int = 0) -> None:
    """Plan, price, simulate."""
    enable()
    east, price = plan(spot=True, cap=10)
    west, dearer = plan(spot=True, cap=10, full=east)
    _, fixed = plan(spot=False)
    print(
        f"spot: {east} ${price}; with {east} full: {west} ${dearer}, over the cap of $10; on demand ${fixed}"
    )
    assert (east, price, west, dearer, fixed) == ("us-east-1", 9.6, "us-west-2", 11.0, 32.0)

    job = Job(HOURS, dearer, fixed, rate=RATE / 2, nodes=2, recovery=RECOVERY, write=WRITE)
    dice = random.Random(seed)
    for interval in (0.25, 0.5, 2.0):
        expected = spot_hours(job, interval)
        simulated = sum(one_run(HOURS, interval, dice) for _ in range(2000)) / 2000
        print(
            f"a checkpoint every {interval * 60:.0f} min: {expected:.2f} h expected, {simulated:.2f} h simulated"
        )
        assert abs(simulated / expected - 1) < 0.02

    best = best_interval(job)
    cost, bare = (spot_hours(job, hours) * dearer * 2 for hours in (best, HOURS))
    print(
        f"best: every {best * 60:.0f} min, ${cost:,.0f}; on demand ${HOURS * fixed * 2:,.0f}; no checkpoints ${bare:,.0f}"
    )
    assert cost < HOURS * fixed * 2 < bare


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
