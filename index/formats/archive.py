"""What lies inside a zip file, as DOCX, PPTX and EPUB are, unpacked with a limit."""

import zipfile
import zlib
from io import BytesIO
from lzma import LZMAError

from index.errors import Unreadable

# More than this is no document but a trap: a few kilobytes can unpack to gigabytes.
_UNPACKED_BYTES = 500_000_000


def open_archive(raw: bytes) -> zipfile.ZipFile:
    """The archive, once its directory is sound and states a size that can be unpacked.

    zipfile reads of a member no more than the directory states, so a directory that lies gains nothing.
    Raises Unreadable.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable(f"damaged, or cut short ({error})") from error
    size = sum(member.file_size for member in archive.infolist())
    if size > _UNPACKED_BYTES:
        raise Unreadable(f"it unpacks to {size:,} bytes, which no document needs; it was not opened")
    if any(member.flag_bits & 1 for member in archive.infolist()):
        raise Unreadable("it is encrypted; save a copy without a password and index that")
    return archive


# What zipfile and zlib raise for a member whose bytes are not what the directory says.
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
