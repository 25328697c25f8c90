"""Formats whose parsers a hostile file could hang or kill, parsed in a child process with limits.

The child is started once and reads file after file; one that overruns a limit takes only itself with it. Requests and
replies are JSON and bytes over its pipes, never a pickle: what comes back from a parser that a file has taken over is
only text.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from index.errors import Unreadable
from index.formats.content import Content, content_of
from index.formats.html.book import read_epub
from index.formats.html.web import read_page
from index.formats.mail.attachments import Readers
from index.formats.mail.message import read_mail
from index.formats.office.microsoft import read_docx, read_pptx
from index.formats.office.opendocument import read_odt
from index.formats.office.rtf import read_rtf
from index.formats.office.workbook import read_xlsx
from index.formats.pdf import ocr
from index.formats.pdf.document import read_pdf
from index.formats.pdf.picture import read_picture
from index.formats.plain import read_plain

PICTURES = (".jpeg", ".jpg", ".png", ".tif", ".tiff")
_DOCUMENTS: Readers = {
    ".docx": read_docx,
    ".htm": read_page,
    ".html": read_page,
    ".odt": read_odt,
    ".pdf": read_pdf,
    ".pptx": read_pptx,
    ".rtf": read_rtf,
    ".xlsm": read_xlsx,
    ".xlsx": read_xlsx,
}
# What is read where it is attached to a mail; pictures there are mostly logos and photographs.
_ATTACHED: Readers = {**_DOCUMENTS, ".md": read_plain, ".txt": read_plain}
READERS: Readers = {
    **_DOCUMENTS,
    ".eml": partial(read_mail, readers=_ATTACHED),
    ".epub": read_epub,
    **(dict.fromkeys(PICTURES, read_picture) if ocr.is_installed() else {}),
}
# Who reads a file without those in it, where one of those overran the limits.
_ALONE: Readers = {".eml": read_mail}

# What the child says before it reads the first picture of a file.
_PICTURES_BEGUN = {"pictures": "begun"}
SECONDS = 60.0
MEMORY_BYTES = 1_000_000_000
# What parsers leak is given back by a fresh child now and then; starting one takes half a second.
_FILES_A_CHILD = 500


class ParserProcess:
    """The child process, started at the first file and again after one that ended it."""

    def __init__(self, *, seconds: float = SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        """seconds: of the clock, a file. memory_bytes: of address space beyond the file itself, on Linux."""
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.wait()

    def read(self, suffix: str, raw: bytes, *, alone: bool = False) -> Content:
        """What the reader of this suffix finds in the bytes; of a mail whose attachments overrun the limits, the mail.

        alone: without the files in it.
        Raises Unreadable with the reader's reason, or where it overran the limits or broke down.
        """
        child = self._running()
        overran = threading.Event()

        def stop() -> None:
            overran.set()
            child.kill()

        seconds = self._seconds
        watch = threading.Timer(seconds, stop)
        watch.start()
        try:
            reply = _exchange(child, {"suffix": suffix, "bytes": len(raw), "alone": alone}, raw)
            if reply == _PICTURES_BEGUN:  # only once a file
                watch.cancel()
                seconds += ocr.SECONDS
                watch = threading.Timer(seconds, stop)
                watch.start()
                reply = _reply_of(child)
        except KeyboardInterrupt:
            self.close()
            raise
        finally:
            watch.cancel()
        if reply is None or overran.is_set():
            self.close()
            if suffix in _ALONE and not alone:
                return self.read(suffix, raw, alone=True)
            reason = f"took longer than {seconds:.0f} seconds" if overran.is_set() else "broke down"
            raise Unreadable(f"reading it {reason} and was stopped: the file is damaged, or made to do that")
        if "unreadable" in reply:
            raise Unreadable(str(reply["unreadable"]))
        return content_of(reply)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._files >= _FILES_A_CHILD:
            self.close()
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._files = 0
            root = str(Path(__file__).resolve().parent.parent.parent)
            serving = f"from index.formats import parser; parser.serve({self._memory_bytes})"
            self._child = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", f"import sys; sys.path[0] = {root!r}; {serving}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=root,
            )
        self._files += 1
        return self._child


def _exchange(child: "subprocess.Popen[bytes]", request: Mapping[str, object], raw: bytes) -> dict[str, Any] | None:
    """The child's reply; None where it ended before it gave one."""
    if child.stdin is None:
        raise ValueError("the child has no pipes")
    try:
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.write(raw)
        child.stdin.flush()
    except OSError:
        return None
    return _reply_of(child)


def _reply_of(child: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
    if child.stdout is None:
        raise ValueError("the child has no pipes")
    try:
        line = child.stdout.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else None
    except (OSError, ValueError):
        return None


def serve(memory_bytes: int) -> None:
    """The child's side: a request line and so many bytes in, a reply line out, until the pipe is closed."""
    requests = sys.stdin.buffer
    # What a library prints must not pass for a reply.
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while line := requests.readline():
        request = json.loads(line)
        most = memory_bytes + 3 * request["bytes"]
        _limit_memory(most)
        ocr.new_file(partial(_begin_pictures, replies, most))
        raw = requests.read(request["bytes"])
        _reply(replies, (_ALONE if request["alone"] else READERS)[request["suffix"]], raw)


def _begin_pictures(replies: BinaryIO, memory_bytes: int) -> None:
    """Says that reading takes long from here on, for a good reason, and lets the models have their memory."""
    _limit_memory(memory_bytes + ocr.MEMORY_BYTES)
    replies.write(json.dumps(_PICTURES_BEGUN).encode() + b"\n")
    replies.flush()


def _reply(replies: BinaryIO, reader: Callable[[bytes], Content], raw: bytes) -> None:
    try:
        reply = asdict(reader(raw))
    except Unreadable as error:
        reply = {"unreadable": str(error)}
    except (MemoryError, RecursionError) as error:
        what = (
            "more memory than any document needs" if isinstance(error, MemoryError) else "more nesting than can be read"
        )
        reply = {"unreadable": f"reading it took {what}; the file is damaged, or made to do that"}
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


def _limit_memory(memory_bytes: int) -> None:
    """The most address space that this process may have. Only Linux keeps to it: macOS does not enforce it, and
    Windows has no `resource` module; there only the time is limited."""
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
