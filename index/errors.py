"""The tree of errors that a user can see.

    PilcrowError
    ├── Unreadable              a file that is there but gives no text
    ├── NothingToDo             a command whose input holds nothing for it
    ├── UnknownDocument         a name that the collection does not have
    ├── BadSpan                 characters that are not inside one paragraph of a document
    ├── WorkersFailed           processes or a cluster that are to index, and are absent or gone
    ├── EncoderMissing          an encoder whose files are absent or altered
    ├── ModelUnusable           a chat model that cannot be loaded or cannot do what is asked
    ├── ServerFailed            a chat server that is down, refuses, or breaks off
    └── CollectionError
        ├── CollectionMissing   no collection at that path
        ├── CollectionMismatch  made with another encoder or format
        ├── CollectionLocked    another process is writing
        ├── CollectionReadOnly  its folder may not be written to
        └── CollectionDamaged   the truth itself cannot be read

Each message says what was wrong with which value and what to do next, in one line where it can.
"""


class PilcrowError(Exception):
    """Something a user can mend; shown as one line, exit status 2."""


class Unreadable(PilcrowError):
    """A file that is there but gives no text; carries the reason, without the file's name."""


class NothingToDo(PilcrowError):
    """A command whose input holds nothing for it."""


class UnknownDocument(PilcrowError):
    """A document's name that the collection does not have."""


class BadSpan(PilcrowError):
    """Characters that are not inside one paragraph of a document."""


class WorkersFailed(PilcrowError):
    """Processes or a cluster that are to read and embed, and are absent, out of reach, other than ours, or gone."""


class EncoderMissing(PilcrowError):
    """An encoder whose files are absent or not those that they should be."""


class ModelUnusable(PilcrowError):
    """A chat model that cannot be loaded, or cannot do what is asked of it."""


class ServerFailed(PilcrowError):
    """A chat server that is down, refuses, is too slow, or breaks off."""


class CollectionError(PilcrowError):
    """A collection that cannot be used as asked."""


class CollectionMissing(CollectionError):
    """No collection at that path."""


class CollectionMismatch(CollectionError):
    """A collection made with another encoder or by another version of the format."""


class CollectionLocked(CollectionError):
    """Another process is writing to the collection."""


class CollectionReadOnly(CollectionError):
    """A collection whose folder may not be written to."""


class CollectionDamaged(CollectionError):
    """The truth itself, corpus.sqlite, cannot be read."""
