"""What a command ends with: its exit status, and the one line for a fault that a user can mend."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from typer.exceptions import TyperException

USER_ERROR, INTERRUPTED = 2, 130
# Faults of the disk and of permissions: the user can mend them, and a traceback would not help to.
_DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
# So are these where they are about a path that the user has named; about any other they are a bug of ours.
_PATH_FAULTS = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


def usage_fault(error: TyperException) -> str:
    """The one line for a wrong call; the whole help where there was no argument at all."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if message.startswith("Usage:"):
        return message
    if "No such option" in message:
        message = f"{message.rstrip('.')}. Put -- before a question or a name that begins with a dash."
    return f"pilcrow: {message} (pilcrow --help shows the commands)"


def file_fault(error: OSError, arguments: Sequence[str]) -> str | None:
    """The one line for a fault of files that a user can mend; None for a bug.

    arguments: as they were typed; a path among them stands by itself, or as --option=PATH. Python tells it without what
    means nothing in it, such as "./".
    """
    if error.errno in _DISK_FAULTS:
        return f"pilcrow: {error.filename or 'a file'}: {error.strerror}; nothing that was stored before is lost"
    import platformdirs

    given = [*arguments, os.environ.get("PILCROW_COLLECTION") or ".pilcrow"]
    named = {str(Path(path)) for argument in given for path in (argument, *argument.split("=", 1)[1:])}
    if error.errno in _PATH_FAULTS and error.filename is not None and str(Path(str(error.filename))) in named:
        return f"pilcrow: '{error.filename}': {error.strerror}; give another path"
    if error.errno == errno.ENOTDIR and Path(str(error.filename)).is_relative_to(platformdirs.user_cache_path()):
        return f"pilcrow: the cache folder '{error.filename}': {error.strerror}; name another: $XDG_CACHE_HOME"
    return None
