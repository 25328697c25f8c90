"""A mail as a file, .eml, by the standard library's email package."""

import email
from email.message import EmailMessage
from email.policy import default

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Content, joined, one_line
from index.formats.page import visible_blocks
from index.formats.text import decode

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def read_mail(raw: bytes) -> Content:
    """Who wrote what to whom and when, then the mail's text; the plain one where it has both. No attachments.

    title: the subject. date: when it was sent, there. publisher: the sender's name, else address.
    """
    message = email.message_from_bytes(raw, policy=default)
    if not isinstance(message, EmailMessage) or not any(_header(message, name) for name in _SHOWN):
        raise Unreadable("no header of a mail at its head; a mail begins with lines such as 'From:' and 'Subject:'")
    head = "\n".join(f"{name}: {words}" for name in _SHOWN if (words := _header(message, name)))
    body = _body(message)
    if not body:
        raise Unreadable("a mail without text; attachments are not read: save them as files and index those")
    sender = message["From"]
    addresses = getattr(sender, "addresses", ())
    return Content(
        joined([head, body]),
        title=_header(message, "Subject"),
        date=parse_date(_header(message, "Date")),
        publisher=one_line(addresses[0].display_name or addresses[0].addr_spec) if addresses else None,
    )


def _header(message: EmailMessage, name: str) -> str | None:
    """A header's words; a header that breaks the mail's own rules is left out."""
    try:
        return one_line(str(message[name] or ""))
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):  # email's parser fails on some junk
        return None


def _body(message: EmailMessage) -> str:
    from lxml import html

    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    text = _decoded(raw, part.get_content_charset())
    if part.get_content_subtype() != "html":
        return text
    return joined(visible_blocks(html.document_fromstring(text))) if text.strip() else ""


def _decoded(raw: bytes, charset: str | None) -> str:
    """The text in the encoding that the mail names, where it keeps that promise; else as any text is read."""
    try:
        return raw.decode(charset or "ascii").replace("\r\n", "\n")
    except (LookupError, UnicodeDecodeError):
        return decode(raw)
