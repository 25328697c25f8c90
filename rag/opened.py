"""A collection together with the models that search and read it: what the front doors hold.

The command line, the page and the server each hold one; it knows where things are, and nothing of answers.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from index.address import Place, is_milvus, milvus_address, place_of

if TYPE_CHECKING:
    from index.collection import Collection
    from index.encoder.embedding import Encoder
    from rag.generation.chat_model import ChatModel
    from rag.reading.reader import AnyReader
    from rag.support.model import SupportModel

_DEFAULT_FOLDER = ".pilcrow"


@dataclass
class OpenCollection:
    """Where a collection lies, and the models that search and read it, loaded when first needed.

    encoder_name: for a new collection, or to be checked against an existing one; None is the stored one.
    model_name: a chat model's folder or name, or its name on `server`, an OpenAI-compatible one; None is none.
    device: what PyTorch embeds passages on; None is this machine's processor, without PyTorch where that is possible.
    """

    place: Place
    encoder_name: str | None = None
    model_name: str | None = None
    server: str | None = None
    device: str | None = None
    _stored: "Collection | None" = field(default=None, init=False, repr=False)
    _encoder: "Encoder | None" = field(default=None, init=False, repr=False)
    _loading: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _opening: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _writing: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def encoder(self) -> "Encoder":
        """The encoder that made the collection; loaded anew where another has since. Raises CollectionMismatch."""
        from index.encoder.embedding import BUNDLED, open_encoder
        from index.opening import require_same

        made = self.stored.encoder if self.exists else None
        with self._loading:
            loaded = self._encoder
            if loaded is None or (made and not self.encoder_name and loaded.identity.weights != made.weights):
                name = self.encoder_name or (made.name if made else BUNDLED)
                loaded = open_encoder(name, fetch=self.encoder_name is not None, device=self.device)
                if made:
                    require_same(self.stored, loaded)
                self._encoder = loaded
            return loaded

    @property
    def exists(self) -> bool:
        """Whether anything was ever indexed there."""
        from index.opening import exists

        return exists(self.place)

    @property
    def folder(self) -> Path:
        """The collection's folder; for one in Milvus, the room on this machine for what is not its own."""
        return milvus_address(str(self.place)).folder() if is_milvus(self.place) else Path(self.place)

    @cached_property
    def reader(self) -> "AnyReader":
        """The bundled readers. Raises ModelFileError where its files are absent or altered."""
        from rag.reading.reader import bundled_reader

        return bundled_reader()

    @cached_property
    def model(self) -> "ChatModel | None":
        """The chat model that writes answers, where one was named. Raises ModelUnusable."""
        if self.model_name is None:
            return None
        if self.server is not None:
            from rag.generation.server_model import ServerModel

            return ServerModel(self.server, self.model_name)
        from rag.generation.local_model import LocalModel

        return LocalModel(self.model_name, fetch=True)

    @cached_property
    def support(self) -> "SupportModel | None":
        """What judges a chat model's sentences; none where there is no chat model. Raises ModelFileError."""
        from rag.support.model import bundled_support

        return bundled_support() if self.model_name is not None else None

    @property
    def stored(self) -> "Collection":
        """The collection, open for reading; it sees what is indexed meanwhile. Raises CollectionMissing."""
        from index.opening import open_collection

        with self._opening:  # visitors that come first come together
            if self._stored is None:
                self._stored = open_collection(self.place)
            return self._stored

    @contextmanager
    def writer(self) -> "Iterator[Collection]":
        """The collection, open for writing, made where it is absent. Raises CollectionLocked.

        It has one writer: threads wait for one another here, and only another process is told to try again.
        When it is done, who says what in new documents and when things happened is read, and kept beside it.
        """
        from index.news.kept import keep_news
        from index.opening import create_collection

        with self._writing, create_collection(self.place, self.encoder.identity) as collection:
            yield collection
            with collection.reading() as snapshot:
                keep_news(collection.folder, snapshot)


def open_collection(
    folder: str | os.PathLike[str] | None = None,
    *,
    encoder: str | None = None,
    model: str | None = None,
    server: str | None = None,
    device: str | None = None,
) -> OpenCollection:
    """The collection in a folder, or in Milvus; made there by the first `index`.

    folder: or an address, as milvus+http://HOST:PORT/NAME; by default $PILCROW_COLLECTION,
        else `.pilcrow` in the current folder.
    encoder: a sentence-transformers folder or name, for a new collection; the bundled one by default.
    model: a chat model of transformers, by folder or name, that writes the answers; none by default.
    server: the address of an OpenAI-compatible server that has the model.
    device: what PyTorch embeds passages on, such as "cuda"; by default this machine's processor.
    """
    place = place_of(os.fspath(folder or os.environ.get("PILCROW_COLLECTION") or _DEFAULT_FOLDER))
    return OpenCollection(place, encoder, model, server, device)
