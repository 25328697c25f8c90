"""The parts of an Office document and how they refer to each other.

Read from the zip, not by python-docx and python-pptx: those refuse a whole document for one reference to a part that is
not there, which add-ins leave behind (python-docx#678), and "Strict Open XML" (python-docx#1520). The strict namespaces
are made those of every day as a part is read.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile, ZipInfo

from index.formats.archive import DAMAGED

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_DOCUMENT = "officeDocument"
CORE = "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: kind is the last word of its type, target the name of a part that is there, or None."""

    kind: str
    target: str | None


class Package:
    """The parts by name ("word/document.xml"); names are compared without letter case, as the format has it.

    damaged: the parts that were asked for and could not be read.
    """

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, ZipInfo] = {
            member.filename.replace("\\", "/").lstrip("/").lower(): member for member in archive.infolist()
        }
        self._relations: dict[str, dict[str, Relation]] = {}
        self.damaged: set[str] = set()

    @cached_property
    def document(self) -> str | None:
        """The name of the main part; None where the package has none."""
        return next((found.target for found in self.relations("").values() if found.kind == _DOCUMENT), None)

    def relations(self, part: str) -> dict[str, Relation]:
        """The relations of a part by their ids; those of the package itself for ""."""
        if part not in self._relations:
            folder, _, name = part.rpartition("/")
            tree = self.tree(join(folder, "_rels", f"{name}.rels"))
            self._relations[part] = {
                found.get("Id", ""): Relation(
                    found.get("Type", "").rpartition("/")[2],
                    None if found.get("TargetMode") == "External" else self._named(part, found.get("Target", "")),
                )
                for found in (tree.iter("{*}Relationship") if tree is not None else ())
            }
        return self._relations[part]

    def related(self, part: str, kind: str) -> list[str]:
        """The parts that a part refers to by relations of a kind, each once, in order."""
        found = (relation.target for relation in self.relations(part).values() if relation.kind == kind)
        return list(dict.fromkeys(target for target in found if target is not None))

    def target(self, part: str, relation_id: str | None) -> str | None:
        """The part that a relation's id means; None where it is not there."""
        found = self.relations(part).get(relation_id or "")
        return found.target if found else None

    def tree(self, part: str | None) -> Any:
        """The root element of an XML part; None where it is missing or, which is remembered, damaged."""
        raw = self.blob(part)
        if raw is None or part is None:
            return None
        from lxml import etree

        try:
            return parsed(_STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", raw))
        except etree.LxmlError:
            self.damaged.add(part)
            return None

    def blob(self, part: str | None) -> bytes | None:
        """A part's bytes; None where it is missing or, which is remembered, damaged."""
        member = self._members.get(part.lower()) if part else None
        if member is None or part is None:
            return None
        try:
            return self._archive.read(member)
        except DAMAGED:
            self.damaged.add(part)
            return None

    def stated(self, name: str) -> str | None:
        """A word of the core properties: "title", "language"."""
        for part in self.related("", "core-properties"):
            tree = self.tree(part)
            for found in tree.iter("{http://purl.org/dc/elements/1.1/}" + name) if tree is not None else ():
                return found.text or None
        return None

    def faults(self) -> list[str]:
        """A line on the damaged parts, where there are any."""
        names = ", ".join(sorted(self.damaged)[:5])
        return [f"{len(self.damaged)} of its parts could not be read, they are damaged ({names})"] if names else []

    def _named(self, part: str, target: str) -> str | None:
        path = unquote(target.replace("\\", "/"))
        name = normpath(path.lstrip("/") if path.startswith("/") else join(dirname(part), path))
        return name if name.lower() in self._members else None


def parsed(blob: bytes) -> Any:
    """The root element of an XML part; entities are neither fetched nor expanded."""
    from lxml import etree

    return etree.fromstring(
        blob, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    )


def is_on(element: Any, attribute: str) -> bool:
    """Whether an element that switches something on is there and does not say otherwise."""
    return element is not None and element.get(attribute, "1").lower() not in ("0", "false", "off", "none")


def told(left_out: Counter[str], words: Mapping[str, tuple[str, str]]) -> list[str]:
    """A line for each kind of thing that was left out, in the order of `words`: of one, and of "{}"."""
    return [
        (one if left_out[what] == 1 else more).format(left_out[what])
        for what, (one, more) in words.items()
        if left_out[what]
    ]
