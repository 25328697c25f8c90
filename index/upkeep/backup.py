"""A whole collection as one file, and back, checked.

The file is a zip: manifest.json with the length and SHA-256 of each member, corpus.sqlite, and judgements.sqlite where
people judged. Derived indexes are not in it: they are made again from the truth, without embedding.
"""

import hashlib
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from index.address import Place, is_milvus, milvus_address
from index.errors import CollectionDamaged, CollectionError, Unreadable
from index.folder.collection import open_collection
from index.folder.damage import damaged_documents
from index.folder.locking import acquire, remove_lock
from index.folder.truth import CORPUS, FORMAT, connect, damaged, meta, put_in_place

_MANIFEST = "manifest.json"
_KIND = "pilcrow collection"
_JUDGEMENTS = "judgements.sqlite"
_MEMBERS = (CORPUS, _JUDGEMENTS)
_BLOCK = 1 << 20


def export_collection(place: Place, file: Path) -> int:
    """Writes the collection, as it is at this moment, to `file`; the bytes written. One in Milvus is fetched first.

    Raises CollectionMissing, CollectionDamaged, and CollectionError where `file` exists or cannot be written.
    """
    if file.exists():
        raise CollectionError(f"'{file}' exists already; give a name that is free")
    if is_milvus(place):
        from index.upkeep.moving import into_folder

        with TemporaryDirectory(prefix="pilcrow-") as fetched:
            into_folder(str(place), Path(fetched))
            _bring(_JUDGEMENTS, milvus_address(str(place)).folder(), Path(fetched))
            return export_collection(Path(fetched), file)
    folder = Path(place)
    open_collection(folder).close()
    partial = file.with_name(file.name + ".partial")
    copies = {name: file.with_name(f"{file.name}.{name}.partial") for name in _MEMBERS if (folder / name).is_file()}
    try:
        for name, copy in copies.items():
            _copy_database(folder, name, copy)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            manifest = {"kind": _KIND, "format": FORMAT, "files": {n: _described(c) for n, c in copies.items()}}
            archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))
            for name, copy in copies.items():
                archive.write(copy, name)
        put_in_place(partial, file)
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CollectionError(
            f"'{file}' cannot be written ({reason}); give another place: the collection is as it was"
        ) from error
    finally:
        for path in (partial, *copies.values()):
            path.unlink(missing_ok=True)
    return file.stat().st_size


def import_collection(file: Path, place: Place) -> int:
    """Makes a collection from a file that `export_collection` wrote; the number of documents.

    Everything is compared with its checksum before the collection is there. Raises Unreadable for a file that is no
    such, or damaged; CollectionError where a collection is there already.
    """
    if is_milvus(place):
        from index.upkeep.moving import into_milvus

        with TemporaryDirectory(prefix="pilcrow-") as unpacked:
            import_collection(file, Path(unpacked))
            documents = into_milvus(Path(unpacked), str(place))
            _bring(_JUDGEMENTS, Path(unpacked), milvus_address(str(place)).folder())
            return documents
    if not file.is_file():
        raise Unreadable(f"'{file}' is no file that is there; give one that 'pilcrow export' wrote")
    folder = Path(place)
    if (folder / CORPUS).exists():
        raise CollectionError(f"there is a collection in '{folder}' already; name a new folder: --collection DIR")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock = acquire(folder)
    partials = {name: folder / f"{name}.partial" for name in _MEMBERS}
    try:
        with zipfile.ZipFile(file) as archive:
            described = _manifest(archive, file)
            for name in described:
                _extract(archive, name, partials[name], described[name], file)
        _require_whole(partials[CORPUS], file)
        # The truth last: with it, the collection is there.
        for name in sorted(described, key=lambda name: name == CORPUS):
            put_in_place(partials[name], folder / name)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _no_backup(file, str(error)) from error
    finally:
        for path in partials.values():
            path.unlink(missing_ok=True)
        failed = not (folder / CORPUS).exists()
        if made and failed:
            remove_lock(folder)  # while it is held: who waits for it makes another
        lock.release()
        if failed:
            with suppress(OSError):  # somebody else has put something there
                for path in made:
                    path.rmdir()
    with open_collection(folder, write=True) as collection:
        collection.refresh_base()
        with collection.reading() as snapshot:
            return len(snapshot.documents())


def _bring(name: str, from_folder: Path, to_folder: Path) -> None:
    """Copies a database from one folder to another, where there is one."""
    if (from_folder / name).is_file():
        _copy_database(from_folder, name, to_folder / name)


def _copy_database(folder: Path, name: str, copy: Path) -> None:
    """One state of a database, without the room of what was removed. Raises CollectionDamaged."""
    copy.unlink(missing_ok=True)
    uri = f"{(folder / name).absolute().as_uri()}?mode=ro"
    connection = connect(folder, write=False) if name == CORPUS else sqlite3.connect(uri, uri=True)
    with closing(connection):
        try:
            connection.execute("VACUUM INTO ?", (str(copy),))
        except sqlite3.OperationalError:
            raise  # of the copy, not of what is copied
        except sqlite3.DatabaseError as error:
            raise damaged(folder, error) if name == CORPUS else _unreadable(folder / name, error) from error


def _described(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _manifest(archive: zipfile.ZipFile, file: Path) -> Mapping[str, Mapping[str, Any]]:
    """What the backup says of its members. Raises Unreadable where it is none, or of a newer Pilcrow."""
    try:
        manifest = json.loads(archive.read(_MANIFEST))
        kind, described = manifest["kind"], dict(manifest["files"])
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise _no_backup(file, f"{_MANIFEST} is absent or another's") from error
    if kind != _KIND or CORPUS not in described or not set(described) <= set(_MEMBERS):
        raise _no_backup(file, f"{_MANIFEST} is another's")
    for name, member in described.items():
        match member:
            case {"bytes": int(size), "sha256": str()} if not isinstance(size, bool):
                pass
            case _:
                raise _no_backup(file, f"{_MANIFEST} does not give bytes and SHA-256 of '{name}'")
    return described


def _extract(archive: zipfile.ZipFile, name: str, path: Path, described: Mapping[str, Any], file: Path) -> None:
    """One member, never more bytes than it says. Raises Unreadable where it is not the one that was written."""
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(name) as member, path.open("wb") as out:
            while size <= described["bytes"] and (block := member.read(_BLOCK)):
                out.write(block)
                digest.update(block)
                size += len(block)
    except KeyError as error:
        raise _no_backup(file, f"'{name}' is not in it") from error
    if (size, digest.hexdigest()) != (described["bytes"], described["sha256"]):
        raise _no_backup(file, f"'{name}' is not the one that was written")


def _require_whole(corpus: Path, file: Path) -> None:
    """Raises Unreadable where the truth in a backup is damaged, or of another format."""
    try:
        with closing(sqlite3.connect(f"{corpus.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if meta(connection, "format") != str(FORMAT):
                raise _no_backup(file, f"its format {meta(connection, 'format')} is another Pilcrow's")
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said == "ok":
                said = ", ".join(name for name, _ in damaged_documents(connection)) or "ok"
    except sqlite3.DatabaseError as error:
        raise _no_backup(file, str(error)) from error
    if said != "ok":
        raise _no_backup(file, f"damaged before it was exported: {said}")


def _unreadable(path: Path, error: Exception) -> CollectionDamaged:
    return CollectionDamaged(f"'{path}' cannot be read ({error}); move it away to export the documents alone")


def _no_backup(file: Path, reason: str) -> Unreadable:
    return Unreadable(
        f"'{file}' is no whole backup of a collection ({reason}); give a file that 'pilcrow export' wrote"
    )
