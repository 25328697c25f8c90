"""Two `pilcrow serve` over one collection in Milvus, behind nginx; one is killed while many ask."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from eval.bench.milvus import lite_server
from index.collection import Collection
from index.opening import open_collection
from index.upkeep.backup import export_collection, import_collection

ROOT = Path(__file__).parent.parent.parent.parent
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
LINES = (ROOT / "index" / "sample" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
QUESTIONS = [json.loads(line)["question"] for line in LINES]
ASKERS = 4
REMOVED = "city-poll-no-soldiers.txt"

# Asking changes nothing, so nginx may ask the other where one breaks off, though it is a POST.
CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream pilcrow {{ least_conn; {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://pilcrow; proxy_set_header Host $host; proxy_read_timeout 300s; proxy_buffering off;
            proxy_next_upstream error timeout non_idempotent;
        }}
    }}
}}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt install nginx-light"),
]


@contextmanager
def served(collection: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The port and the process of a server."""
    command = [sys.executable, "-m", "pilcrow", "serve", "--collection", collection, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r" at http://127.0.0.1:(\d+)", line)
        assert found, line
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield int(found[1]), process
        finally:
            process.kill()


@contextmanager
def balanced(ports: list[int], folder: Path) -> Iterator[str]:
    """The address of nginx before some servers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    servers = " ".join(f"server 127.0.0.1:{p} max_fails=1 fail_timeout=60s;" for p in ports)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, servers=servers))
    assert NGINX is not None
    with subprocess.Popen([NGINX, "-e", f"{folder}/error.log", "-p", str(folder), "-c", str(configuration)]) as process:
        try:
            until = time.monotonic() + 20
            while time.monotonic() < until:
                with socket.socket() as trying:
                    if trying.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def test_one_of_two_servers_is_killed_and_no_answer_fails(
    sample: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    export_collection(sample.folder, tmp_path / "sample.zip")
    seen: Counter[str] = Counter()
    answers: dict[str, set[str]] = {}
    over = threading.Event()

    def ask(url: str, first: int) -> None:
        with httpx.Client(base_url=url, timeout=120) as caller:
            at = first
            while not over.is_set():
                question = QUESTIONS[at % len(QUESTIONS)]
                try:
                    reply = caller.post("/ask", json={"question": question})
                except httpx.HTTPError as error:
                    seen[type(error).__name__] += 1
                    continue
                seen[str(reply.status_code)] += 1
                if reply.is_success:
                    answers.setdefault(question, set()).add(reply.json()["answer"])
                at += 1

    with ExitStack() as stack:
        milvus = stack.enter_context(lite_server(tmp_path / "milvus"))
        place = f"{milvus}/served"
        import_collection(tmp_path / "sample.zip", place)
        (one, dying), (two, _) = (stack.enter_context(served(place)) for _ in range(2))
        url = stack.enter_context(balanced([one, two], tmp_path))
        askers = [threading.Thread(target=ask, args=(url, 9 * n)) for n in range(ASKERS)]
        for asker in askers:
            asker.start()
        _until(lambda: seen["200"] >= 12)
        dying.send_signal(signal.SIGKILL)
        before = seen.total()
        _until(lambda: seen.total() >= before + 30)
        # A writer beside them: what it stores is answered from at the next question.
        with open_collection(place, write=True) as writer:
            writer.remove([REMOVED])
        over.set()
        for asker in askers:
            asker.join()
        listed = httpx.post(f"{url}/search", json={"question": "Belarus", "k": 100}, timeout=60).json()["hits"]
    assert set(seen) == {"200"}
    assert seen["200"] >= 42
    assert all(len(given) <= 2 for given in answers.values())  # the removed document changes some
    assert {hit["document"] for hit in listed} >= {"is-belarus-next.md"}
    assert REMOVED not in {hit["document"] for hit in listed}


def _until(done: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "too slow"
        time.sleep(0.05)
