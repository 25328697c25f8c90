"""The conversation at a terminal: questions, follow-ups, and a few commands that begin with a stroke.

Knows an open collection and the terminal's text; what a follow-up means is decided in `rag.conversation`.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from index.collection import Filters
from index.errors import NothingToDo, PilcrowError
from rag.answers import Answer, Draft, answer_json
from rag.api import ask_events
from rag.citations import Citation, Sources
from rag.commands.console import live_text, print_line, print_notices, say
from rag.commands.text import answer_text, shown_text, sources_text
from rag.conversation import Turn
from rag.opened import OpenCollection
from rag.printable import plain
from rag.transcript import Exchange, conversation_markdown, now

_HELP = """\
/sources     the sources of the last answer again
/show N      source N inside its paragraph
/save FILE   the conversation so far, as FILE.md or FILE.json
/help        this list
/quit        ends; so does Ctrl-D. Ctrl-C stops an answer that is being written
Anything else is a question. "And when was that?" goes on from the last one."""


def answered(
    opened: OpenCollection,
    question: str,
    *,
    history: Sequence[Turn] = (),
    strict: bool = False,
    filters: Filters | None = None,
    own_reading: bool = False,
) -> Answer:
    """The answer to a question, shown on the terminal while it is being written."""
    events = ask_events(opened, question, history=history, strict=strict, filters=filters, own_reading=own_reading)
    answer: Answer | None = None
    with closing(events), live_text() as show:
        for event in events:
            if isinstance(event, Draft):
                show(plain(event.text))
            elif isinstance(event, Answer):
                answer = event
    if answer is None:
        raise RuntimeError("the events ended without an answer")
    return answer


class Chat:
    """One conversation about a collection."""

    def __init__(
        self,
        opened: OpenCollection,
        *,
        filters: Filters | None = None,
        strict: bool = False,
        own_reading: bool = False,
    ) -> None:
        """filters: which documents are asked. strict, own_reading: as in `rag.answering.answer`."""
        self._opened, self._filters, self._strict, self._own_reading = opened, filters, strict, own_reading
        self._exchanges: list[Exchange] = []
        self._told = set(opened.model.notices) if opened.model else set()  # the front door has said them

    @property
    def _answers(self) -> list[Answer]:
        return [exchange.answer for exchange in self._exchanges if exchange.answer]

    def run(self, lines: Iterator[str]) -> None:
        """Answers each line until there is none, or /quit. A fault is one line, and the conversation goes on."""
        for line in lines:
            typed = line.strip()
            if typed in ("/quit", "/exit", "/q"):
                return
            try:
                if typed.startswith("/"):
                    self._obey(*(typed.split(maxsplit=1)))
                elif typed:
                    self._ask(typed)
            except PilcrowError as error:
                say(f"pilcrow: {error}")
            except KeyboardInterrupt:
                say("stopped; the conversation goes on")
            sys.stdout.flush()

    def _ask(self, question: str) -> None:
        asked, history = now(), [Turn.of(answer) for answer in self._answers]
        answer = answered(
            self._opened, question, history=history, strict=self._strict, filters=self._filters,
            own_reading=self._own_reading,
        )  # fmt: skip
        self._exchanges.append(Exchange(str(len(self._exchanges) + 1), question, asked, "done", answer))
        print_line(f"{answer_text(answer)}\n")
        print_notices(notice for notice in answer.notices if notice not in self._told)
        self._told.update(answer.notices)

    def _obey(self, command: str, rest: str = "") -> None:
        commands: dict[str, Callable[[str], None]] = {
            "/help": lambda _: print_line(_HELP),
            "/sources": lambda _: print_line(sources_text(self._last())),
            "/show": self._show,
            "/save": self._save,
        }
        if command not in commands:
            raise NothingToDo(f"'{command}' is no command; /help lists them")
        commands[command](rest.strip())

    def _last(self) -> Answer:
        if not self._answers:
            raise NothingToDo("nothing was asked yet")
        return self._answers[-1]

    def _show(self, number: str) -> None:
        citation = self._source(number)
        with self._opened.stored.reading() as snapshot:
            print_line(shown_text(Sources(snapshot).document(citation.doc_id).text, citation))

    def _source(self, number: str) -> Citation:
        citations = self._last().citations
        for citation in citations:
            if number == str(citation.label):
                return citation
        known = ", ".join(str(citation.label) for citation in citations) or "none"
        raise NothingToDo(f"the last answer has no source '{number}'; it has: {known}")

    def _save(self, name: str) -> None:
        """Writes the conversation; an existing file is left as it is."""
        self._last()
        path = _path(name)
        if path.suffix not in (".md", ".json"):
            raise NothingToDo("name a file that ends in .md or .json: /save talk.md")
        text = (
            json.dumps([answer_json(answer) for answer in self._answers], ensure_ascii=False, indent=1) + "\n"
            if path.suffix == ".json"
            else conversation_markdown("Conversation", self._exchanges, now())
        )
        try:
            file = path.open("x", encoding="utf-8", errors="replace")
            try:
                with file:
                    file.write(text)
            except OSError:
                path.unlink()  # half of it is nothing to keep
                raise
        except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
            reason = getattr(error, "strerror", None) or error
            raise NothingToDo(f"'{name}' was not written ({reason}); name another file") from error
        print_line(f"{len(self._answers)} questions and answers are in {name}")


def _path(name: str) -> Path:
    """The file of a name as it is typed; `~` is the user's own folder, and what begins so for nobody is a name."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def typed_lines(prompt: str = "? ") -> Iterator[str]:
    """Lines as a person types them, or a file's; Ctrl-C gives up the line that is being typed."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if is_terminal:
        _allow_editing()
    while True:
        try:
            yield input(prompt if is_terminal else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            say("\n/quit or Ctrl-D ends the conversation")


def _allow_editing() -> None:
    """Arrow keys and the lines before, where the system has them."""
    try:
        import readline  # noqa: F401  (importing it is what makes input() edit)
    except ImportError:  # Windows has its own
        return
