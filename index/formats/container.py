"""Files that hold files: mailboxes (.mbox) and archives (.zip), taken apart into what each holds.

Parses nothing that is inside.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED

from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.rows import BadRow

# An archive of more files than this is a backup, or made to be.
_MOST_MEMBERS = 20_000
# A member of more bytes than this that was packed to less than a two-hundredth of them is no document but a trap:
# tables and logs pack to a tenth or a fiftieth.
_LARGE_MEMBER = 10_000_000
_MOST_UNPACKED = 200
# What separates the mails of a mailbox: "From ann@example.org Tue May  4 10:00:00 2021" after an empty line.
_MAIL_BEGINS = re.compile(rb"(?:\A|\r?\n(?=\r?\n)\r?\n|\n\n)(?=From (?:-|\S+)[^\n]*\b\d{4}\b[^\n]*\r?\n)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a file: its place from 1, its name there, and its bytes."""

    number: int
    name: str
    raw: bytes


def mails(raw: bytes) -> Iterator[Member | BadRow]:
    """The mails of a mailbox, each without the line that separates it."""
    starts = [found.end() for found in _MAIL_BEGINS.finditer(raw)]
    if not starts or starts[0] != 0:
        raise Unreadable('no mailbox: it does not begin with a line "From ..."')
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(raw)], strict=True), 1):
        _, _, mail = raw[start:end].partition(b"\n")
        yield Member(number, f"{number}.eml", _QUOTED_FROM.sub(rb"\1", mail.strip(b"\r\n")))


def files(raw: bytes, formats: frozenset[str]) -> Iterator[Member | BadRow]:
    """The files in an archive of one of these formats; of the others, how many there are.

    Hidden ones, and what macOS adds, are passed over. An archive in an archive is not opened.
    """
    archive = open_archive(raw)
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_hidden(member.filename)]
    if len(members) > _MOST_MEMBERS:
        raise Unreadable(
            f"it holds {len(members):,} files, more than {_MOST_MEMBERS:,}; unpack it and index the folder"
        )
    others = []
    seen: Counter[str] = Counter()
    for number, member in enumerate(members, 1):
        suffix = PurePosixPath(member.filename).suffix.lower()
        if suffix not in formats or suffix == ".zip":
            others.append(member.filename)
            continue
        if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others may ask for gigabytes to unpack a little
            yield BadRow(number, f"{member.filename}: packed in an unusual way; pack it anew", number)
            continue
        if member.file_size > max(_LARGE_MEMBER, _MOST_UNPACKED * member.compress_size):
            size = f"it unpacks to {member.file_size:,} bytes, more than {_MOST_UNPACKED} times its size"
            yield BadRow(number, f"{member.filename}: {size}, as no document does; it was not opened", number)
            continue
        name = _inside(member.filename)
        seen[name] += 1
        if seen[name] > 1:  # an archive may hold two files of one name
            name = str(PurePosixPath(name).with_stem(f"{PurePosixPath(name).stem} ({seen[name]})"))
        try:
            yield Member(number, name, archive.read(member))
        except DAMAGED as error:
            yield BadRow(number, f"{member.filename}: damaged ({error})", number)
    if others:
        shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
        are = "file in it is" if len(others) == 1 else "files in it are"
        reason = f"{len(others)} {are} of no format that is read ({shown})"
        yield BadRow(len(members), reason, len(members) + 1)


def _inside(name: str) -> str:
    """A member's name as a path inside its archive: nothing that leads out of it."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", "..")) or name


def _is_hidden(name: str) -> bool:
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in PurePosixPath(name).parts)
