import weakref

import faiss

MAPPED = weakref.WeakSet()


class ReadOnlyIndexError(RuntimeError):
    """The index serves from a file and can't grow."""


def open_index(path):
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    MAPPED.add(index)
    return index


def append(index, rows):
    if index in MAPPED:
        raise ReadOnlyIndexError("this index is mapped from a file: adding to it would abort the process")
    index.add(rows)
