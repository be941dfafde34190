"""`airskills export`: every file by which a client finds the skills of a repository, written from the skills themselves.

`project` reads the repository, `manifests` and `site` render it, `write` writes or compares. The same input gives the same bytes.
"""
