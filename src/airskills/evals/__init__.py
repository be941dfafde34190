"""`airskills eval`: do the checkers tell right from wrong, does the skill help an agent, is it found when it should be.

An agent is any command. It gets a folder with the task's files, with and without the skill in `.agents/skills/`, and is
judged by the task's checker, which runs isolated as `airskills test` runs code. Results are written in the layout of
the Agent Skills specification.
"""
