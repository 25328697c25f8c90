"""What a question with the bundled models needs: none of the large packages that other models and the page need."""

import subprocess
import sys
from pathlib import Path

import pilcrow

ABSENT = ("torch", "transformers", "sentence_transformers", "gradio", "matplotlib")
ASKS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import pilcrow
sys.exit(pilcrow.main(sys.argv[1:]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(pilcrow.__file__).parent
    code = ASKS.format(absent=ABSENT)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )


def test_indexing_and_asking_need_neither_pytorch_nor_gradio(tmp_path: Path) -> None:
    (tmp_path / "mill.txt").write_text("The mill at Tarvik was built in 1788 by the miller Jost Behrens.")
    collection = str(tmp_path / "collection")
    indexed = run("index", str(tmp_path / "mill.txt"), "--collection", collection)
    assert (indexed.returncode, indexed.stderr) == (0, "")
    asked = run("ask", "Who built the mill at Tarvik?", "--collection", collection)
    assert asked.stdout.startswith("Jost Behrens\n") or "the miller Jost Behrens" in asked.stdout.splitlines()[0]
    assert asked.returncode == 0
