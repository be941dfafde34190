import faiss


class ReadOnlyIndexError(RuntimeError):
    """The index serves from a file and can't grow."""


def open_index(path):
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)


def append(index, rows):
    try:
        index.add(rows)
    except RuntimeError as error:
        raise ReadOnlyIndexError(str(error)) from error
