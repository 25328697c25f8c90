"""The direction of imports, that the front door is light, and that what others may use says what it gives."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("index", "rag", "eval", "ui", "pilcrow")
MAY_IMPORT = {
    "index": {"index"},
    "rag": {"rag", "index"},
    "eval": {"eval", "rag", "index"},
    "ui": {"ui", "eval", "rag", "index"},
    "pilcrow": set(ROOMS),
}
# The wings of a room, its folders: each may import those before it. The modules beside them are the room's vocabulary
# and import no wing, but for a few that lead to the works (LEADS_TO).
WINGS = {
    "index": ("encoder", "formats", "cleaning", "folder", "milvus", "news", "intake", "upkeep"),
    "rag": (
        "finding",
        "followup",
        "reading",
        "composing",
        "support",
        "generation",
        "news",
        "serving",
        "page",
        "commands",
        "training",
    ),
    "eval": ("measures", "gold", "runs", "report", "compare", "commands", "bench"),
}
LEADS_TO = {
    "index.opening": {"folder", "milvus"},
    "rag.confidence": {"reading"},
    "rag.conversation": {"followup", "generation"},
    "rag.retrieval": {"finding"},
    "rag.api": {"finding", "reading"},
    "rag.looking": {"finding", "reading", "composing"},
    "rag.parts": {"composing"},
    "rag.answering": {"finding", "followup", "reading", "composing", "support", "generation", "news"},
    "rag.opened": {"reading", "support", "generation"},
}
# What vocabulary may name: vectors, and the lines of a text.
BELOW = {"encoder", "formats"}
MODULES_A_FOLDER = 14
# A folder and Milvus keep the same promise, under the same names; training names what it trains; the rows of a file and
# those of a database are both rows.
NAMED_ALIKE = {"index": {"folder", "milvus"}, "rag": {"training"}}
ROWS = {"index.formats.rows", "index.folder.rows", "index.milvus.rows"}
HEAVY = {"torch", "sentence_transformers", "transformers", "gradio", "matplotlib", "faiss", "trafilatura"}
OF_MILVUS = {"pymilvus", "milvus_lite", "grpc"}


def sources() -> list[Path]:
    own = [path for room in ("index", "rag", "eval") for path in sorted((ROOT / room).rglob("*.py"))]
    return own + [path for name in ("ui", "pilcrow") if (path := ROOT / f"{name}.py").is_file()]


def module_of(path: Path) -> str:
    """A file's name as Python imports it: "rag.reading.reader", "rag.reading" of its __init__, "ui"."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sources()}


def imports_of(path: Path) -> set[str]:
    """Our modules that a file imports anywhere, inside functions and for types, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return (found & MODULES.keys()) - {module_of(path)}


def imported(tree: ast.AST) -> set[str]:
    """The top-level names of the modules that are imported anywhere in the tree."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert imported(ast.parse(path.read_text())) & set(ROOMS) <= MAY_IMPORT[room]


def test_no_module_is_imported_by_what_it_imports() -> None:
    """What imports nothing that is left is taken away, again and again; what stays is in circles, or above one."""
    left = {name: imports_of(path) for name, path in MODULES.items()}
    while True:
        ends = {name for name, needs in left.items() if not needs & left.keys()}
        if not ends:
            break
        left = {name: needs for name, needs in left.items() if name not in ends}
    assert sorted(left) == []


def wing_of(module: str) -> str | None:
    """The folder of a room in which a module lies."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in WINGS.get(parts[0], ()) else None


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_wing_imports_no_wing_above_it(path: Path) -> None:
    module = module_of(path)
    room, wing = module.partition(".")[0], wing_of(module)
    others = {wing_of(name) for name in imports_of(path) if name.partition(".")[0] == room} - {wing, None}
    order = WINGS.get(room, ())
    allowed = set(order[: order.index(wing)]) if wing else LEADS_TO.get(module, set()) | BELOW
    assert others <= allowed
    assert not (wing == "milvus" and "folder" in others)


def test_every_folder_can_be_read_at_a_glance() -> None:
    folders: dict[Path, int] = {}
    for path in sources():
        folders[path.parent] = folders.get(path.parent, 0) + (path.name != "__init__.py")
    assert {str(folder): n for folder, n in folders.items() if n > MODULES_A_FOLDER} == {}


def test_no_two_modules_of_a_room_have_one_name() -> None:
    seen: dict[tuple[str, str], list[str]] = {}
    for module in MODULES.keys() - ROWS:
        room, _, name = module.partition(".")
        if MODULES[module].stem.startswith("__") or wing_of(module) in NAMED_ALIKE.get(room, ()):
            continue
        seen.setdefault((room, name.rpartition(".")[2]), []).append(module)
    assert [modules for modules in seen.values() if len(modules) > 1] == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    tree = ast.parse(path.read_text())
    at_top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imported(ast.Module(at_top, [])) & (HEAVY | OF_MILVUS) == set()


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    stated = sum(project["optional-dependencies"].values(), project["dependencies"])
    declared = {re.match(r"[\w.-]+", name)[0].lower().replace("_", "-") for name in stated}  # type: ignore[index]
    ours = [path for path in sources() if "peers" not in path.parts]  # which bring libraries of their own
    names = set().union(*(imported(ast.parse(path.read_text())) for path in ours))
    names -= set(ROOMS) | sys.stdlib_module_names
    brought = packages_distributions()
    made_by = {name: {d.lower().replace("_", "-") for d in brought.get(name, [name])} for name in names}
    assert {name for name, makers in made_by.items() if not makers & declared} == set()


def public(node: ast.Module | ast.ClassDef, where: str) -> Iterator[tuple[str, str | None]]:
    """The names of what another module may use, its classes' methods too, and their docstrings."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not part.name.startswith("_"):
            yield f"{where}{part.name}", ast.get_docstring(part)
            if isinstance(part, ast.ClassDef):
                yield from public(part, f"{where}{part.name}.")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_and_whatever_is_public_in_it_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    silent = [name for name, docstring in public(tree, "") if not docstring]
    assert (bool(ast.get_docstring(tree)), silent) == (True, [])


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, pilcrow\n"
        "assert pilcrow.main(['--help']) == 0 and pilcrow.main(['ask', '--help']) == 0\n"
        "print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stderr
    assert set(loaded.split()) & (HEAVY | {"numpy", "tantivy", "sqlite3"}) == set()


def test_a_folder_loads_nothing_of_milvus(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The committee of the town agreed on Tuesday to mend the old bridge before winter.")
    code = (
        "import sys, pilcrow\n"
        f"at = ['--collection', {str(tmp_path / 'c')!r}]\n"
        f"assert pilcrow.main(['index', {str(tmp_path / 'a.txt')!r}, *at]) == 0\n"
        "assert pilcrow.main(['ask', 'Who mends the bridge?', *at]) == 0\n"
        "print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(done.stderr.splitlines()[-1].split()) & (OF_MILVUS | {"pandas"}) == set()
