"""`airskills install` and its kin: skills from anywhere into the folders that agents read, with a lock that can be checked.

`source` says what a user means, `fetch` and `archive` bring it into a folder, `content` says when two skills are the same,
`place` puts one where agents look, whole or not at all, `lock` reads and writes `skills-lock.json`, `agents` knows the
clients, `state` says how folders and lock compare, and `work` does what the commands say.
"""
