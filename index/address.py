"""What an address of a collection says: a folder of this machine, a Milvus server, or a Milvus Lite file; and which
addresses only this machine can reach.
"""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from index.errors import CollectionError

Place = Path | str

_SERVER = re.compile(r"milvus\+(https?)://?([^/@?#]+)/([A-Za-z_][A-Za-z0-9_]{0,199})/?")
_FILE = re.compile(r"milvus\+file:(?://)?(.+\.db)")
# The collections of a Lite file are the parts of one collection, and their names begin with this.
_IN_A_FILE = "pilcrow"


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """A collection in Milvus. uri: as pymilvus takes it. name: what its parts' names begin with.

    file: where it is a Lite file, its path; None for a server.
    """

    address: str
    uri: str
    name: str
    file: Path | None

    def folder(self) -> Path:
        """The room on this machine for what is not the collection's own: in a Lite file's own folder, or the user's."""
        import platformdirs

        if self.file is not None:
            return self.file
        key = hashlib.sha256(f"{self.uri}/{self.name}".encode()).hexdigest()[:12]
        return platformdirs.user_data_path("pilcrow") / f"milvus-{self.name}-{key}"


def is_milvus(place: Place) -> bool:
    """Whether an address is of a Milvus collection; everything else is a folder."""
    return str(place).startswith("milvus+")


def place_of(value: Place) -> Place:
    """An address as a person gives it: a folder becomes a Path. Raises CollectionError for one that is no address."""
    return milvus_address(str(value)).address if is_milvus(value) else Path(value)


def is_this_machine(host: str) -> bool:
    """Whether a host, by name or address, is a loopback: only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def milvus_address(text: str) -> MilvusAddress:
    """The parts of a Milvus address. Raises CollectionError."""
    if found := _SERVER.fullmatch(text):
        scheme, host, name = found.groups()
        return MilvusAddress(f"milvus+{scheme}://{host}/{name}", f"{scheme}://{host}", name, None)
    if found := _FILE.fullmatch(text):
        path = Path(found[1]).absolute()
        return MilvusAddress(f"milvus+file:{path}", str(path), _IN_A_FILE, path)
    shown = re.sub(r"[^/]*@", "…@", text)  # a password is not printed
    raise CollectionError(
        f"'{shown}' is no address of a Milvus collection; write milvus+http://HOST:PORT/NAME, where NAME is of "
        "letters, digits and underscores, or milvus+file:PATH.db (a token goes in $PILCROW_MILVUS_TOKEN, never here)"
    )


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; a file that goes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
