"""The one exception of the lab."""


class GrokkingError(Exception):
    """Something the caller can repair: an unknown task, an impossible split, a full disk.

    The message says what is wrong, the value and the limit, and what to do.
    """
