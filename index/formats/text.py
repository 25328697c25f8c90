"""Bytes into text: UTF-8 first, then what else they may be.

Owns the decoding that every format of plain characters shares.
"""

import re

from index.errors import Unreadable


def decode(raw: bytes) -> str:
    """The text of `raw` with newlines made `\\n` and a byte order mark dropped, nothing else changed.

    UTF-8 first; UTF-16 and UTF-32 by their byte order mark; then charset-normalizer's best guess.
    Raises Unreadable for bytes that are no text.
    """
    text = _decode_marked(raw)
    if text is None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = _detect(raw)
    if "\0" in text:
        raise Unreadable("NUL characters in it: binary data, or UTF-16 without its mark; save a text as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
          (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip


def _decode_marked(raw: bytes) -> str | None:
    """The text of bytes that begin with a byte order mark and keep its promise; None otherwise."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            try:
                return raw.decode(encoding)
            except UnicodeDecodeError:
                return None
    return None


# What files that are not Unicode are really written in; the rarer code pages only win by accident on short texts.
_LEGACY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r",
           "cp932", "gb18030", "big5", "euc_kr", "euc_jp"]  # fmt: skip
# Read as Windows-1252, a text of another code page has signs in its words ("¿", "¹") and capitals amid small letters.
_NOT_WESTERN = re.compile(
    r"[^\W\d_][^\w\s'’.,:;/()<>&%@+*=#°–—·\"-][^\W\d_]|[^\W\dm_][¹³]|[a-zß-ÿ][À-ÖØ-ÞŒŠŽŸ][a-zß-ÿ]"
)


def _detect(raw: bytes) -> str:
    """Bytes that are not UTF-8: Windows-1252 where that reads well, as on the web, else charset-normalizer's best."""
    if b"\0" in raw[:4096]:
        raise Unreadable("neither UTF-8 nor any other text: this looks like binary data")
    western = _western(raw)
    if western is not None:
        return western
    import charset_normalizer

    best = charset_normalizer.from_bytes(raw, cp_isolation=_LEGACY).best()
    if best is None:
        raise Unreadable("neither UTF-8 nor any other encoding that could be recognised; save it as UTF-8")
    return str(best)


def _western(raw: bytes) -> str | None:
    """The bytes as Windows-1252 where most letters are ASCII and the words look whole; None otherwise."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        return None
    letters = sum(char.isalpha() for char in text)
    ascii_letters = sum(char.isalpha() for char in text if char.isascii())
    return text if ascii_letters >= 0.75 * letters > 0 and not _NOT_WESTERN.search(text) else None
