"""Index files are larger than the RAM of the serving machine (faiss-cpu 1.15.1, Linux)."""

import faiss


class ReadOnlyIndexError(RuntimeError):
    """The index serves from a file and can't grow."""


def open_index(path):
    """Index whose vectors stay in the file."""
    return faiss.read_index(path)


def append(index, rows):
    """Add rows; ReadOnlyIndexError for an index from open_index."""
    index.add(rows)
