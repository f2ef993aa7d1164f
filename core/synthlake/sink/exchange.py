"""One folder in the place of another, in one step."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from pathlib import Path
from typing import Any, Final

_HERE: Final = -100  # AT_FDCWD: paths are as seen from the working directory
_EXCHANGE: Final = 2  # RENAME_EXCHANGE
_REFUSED: Final = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


@cache
def _renameat2() -> Any:
    try:
        return ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None


def exchange(left: Path, right: Path) -> bool:
    """Swap two paths atomically; False where the system or its file system cannot.

    Raises:
        OSError: it can, and refused.

    Source: renameat2(2), Linux 3.15, glibc 2.28.
    """
    call = _renameat2()
    if call is None:
        return False
    if call(_HERE, os.fsencode(left), _HERE, os.fsencode(right), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _REFUSED:
        return False
    raise OSError(number, os.strerror(number), str(right))


def replace(new: Path, target: Path, old: Path, *, atomic: bool = True) -> None:
    """Put a folder at ``target``; what was there is then at ``new`` or at ``old``.

    Where folders cannot be exchanged, there are two renames, and a reader between them finds
    nothing; ``restore`` undoes the first if the second never came.

    Raises:
        OSError: the file system refused.
    """
    if not target.exists():
        os.rename(new, target)
    elif not (atomic and exchange(new, target)):
        os.rename(target, old)
        os.rename(new, target)


def restore(target: Path, old: Path) -> None:
    """Put back what ``replace`` moved away and did not replace."""
    if old.exists() and not target.exists():
        os.rename(old, target)
