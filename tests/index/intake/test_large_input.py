"""Much input: a line of 100 MB, and ten thousand files, in the memory and the time that they may take."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from index.cleaning.furniture import classify
from index.formats.reading import read_document
from index.paragraphs import Kind

ROOT = Path(__file__).parent.parent.parent.parent
SENTENCE = "The committee of the town met on Tuesday and agreed to mend the old bridge before winter. "


def test_a_long_line_takes_time_in_proportion_to_its_length() -> None:
    def seconds(text: str) -> float:
        begun = time.process_time()
        classify(text, "d")
        return time.process_time() - begun

    for unit in (SENTENCE, "a", "[a](b) ", "x ", "“a", "Photo: "):
        short, long = unit * (20_000 // len(unit)), unit * (200_000 // len(unit))
        assert seconds(long) < 40 * max(seconds(short), 0.005)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [SENTENCE, "abcdefghij"])
def test_a_line_of_100_megabytes_is_one_paragraph(unit: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(unit * (100_000_000 // len(unit)))
    document = read_document(tmp_path / "a.txt", "a")
    (paragraph,) = classify(document.text, "a")
    assert paragraph.kind is Kind.BODY
    assert paragraph.end - paragraph.start >= 99_999_999 - len(unit)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process's peak of memory is read from /proc")
def test_ten_thousand_small_files_go_in_under_a_gigabyte(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number:05}.txt").write_text(
            f"Meeting {number} of the committee lasted {number % 7} hours and a half."
        )
    # A process keeps the peak of the one that it was forked from, so that of its own memory is asked for.
    code = (
        "import sys, pilcrow; status = pilcrow.main(sys.argv[1:]);"
        "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')));"
        "sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "index", str(folder), "--collection", str(tmp_path / "c")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("10000 added")
    kilobytes = int(done.stdout.split("VmHWM:")[1].split()[0])
    assert kilobytes * 1024 < 1_000_000_000
