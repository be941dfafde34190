"""`airskills test`: run what a skill says, where it can do no harm, and report what became of each unit.

    from airskills.run import api
    report = api.run(api.suites(["skills/peft"]))

Code of a skill is executed. It is kept apart as far as the machine allows (`isolation`), limited in time, memory and
output, and given temporary folders and no keys; it can still read and write files of the user who runs the test.
"""

from airskills.run import codes

__all__ = ["codes"]
