"""What another process holds and does, whoever started it: documents come as bytes, passages and vectors go back.

What must be equal for two installations to do the same is known here, too.
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from index.encoder.embedding import Encoder, Vectors, open_encoder
from index.errors import Unreadable
from index.formats.parser import ParserProcess
from index.intake.preparation import Job, Split, read_and_split

# Documents that are handed over together: few enough that nobody waits long for the first of them.
GROUP_DOCUMENTS = 64
# Groups under way for each process: more than it reads while it embeds one batch would only fill the memory.
GROUPS_A_PROCESS = 4
_HERE = Path(__file__).parent.parent


class WorkerSide:
    """What another process holds: the encoder, and the child that parses. It uses one core."""

    def __init__(self, encoder: str, device: str | None = None) -> None:
        """encoder: its name; or its folder, which must be there under the same path. device: as for `open_encoder`."""
        self._name, self._device = encoder, device
        # The other cores are the other stations'.
        os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

    @cached_property
    def _encoder(self) -> Encoder:
        return open_encoder(self._name, device=self._device)

    @cached_property
    def _parser(self) -> ParserProcess:
        return ParserProcess()

    def check(self) -> tuple[str, str]:
        """The hashes of its code, and of its encoder's weights. Raises EncoderMissing."""
        return code_hash(), self._encoder.identity.weights

    def prepare(self, jobs: Sequence[Job]) -> list[Split | Unreadable]:
        """Each document split, or why it cannot be read, in order."""
        return [read_and_split(job, self._encoder, self._parser) for job in jobs]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages (n, d), in the texts' order."""
        return self._encoder.encode_passages(texts)


def code_hash() -> str:
    """What must be equal for two installations to make the same passages of a document: a hash over this package."""
    digest = hashlib.sha256()
    for path in sorted(path for suffix in ("py", "onnx", "json") for path in _HERE.rglob(f"*.{suffix}")):
        digest.update(path.relative_to(_HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
