"""What goes wrong while a file is written, said plainly.

In:  a block that writes, and the name of what it writes.
Out: `StorageFull` with that name and the remedy, where the system reported a full disk, quota or file-size limit;
     an OSError with that name, where it named no file.
Guaranteed: every other error passes unchanged.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.errors import StorageFull

CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than this file system or this process may write",
}


@contextmanager
def naming_failures(name: str) -> Iterator[None]:
    """Make the OSErrors of the block name what was being written.

    Args:
        name: path or URL of the file that the block writes.

    Raises:
        StorageFull: the block failed for want of room.
    """
    try:
        yield
    except OSError as error:
        if error.errno in CAUSES:
            remedy = "make room and run the same command again: what is finished is kept"
            raise StorageFull(f"{name}: {CAUSES[error.errno]}; {remedy}") from error
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, name) from error
