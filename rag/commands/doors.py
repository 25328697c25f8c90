"""The command that opens the HTTP server. The page's stands in pilcrow.py, since nothing in rag knows Gradio."""

from pathlib import Path
from typing import Annotated

import typer

from rag.commands.console import CollectionOption, ModelOption, ServerOption, StrictOption, say
from rag.commands.opening import for_reading, with_model


def serve_command(
    collection: CollectionOption = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; others than this machine's own need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 8642,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The token that callers must show. [default: $PILCROW_TOKEN]")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name of this machine; may be given again.")
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Questions that may wait; those beyond are sent away.")] = 60,
    seconds: Annotated[float, typer.Option(min=1, help="The most that one question may take.")] = 300,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
) -> None:
    """Answer over HTTP: OpenAI's chat completions, and ask, search and show."""
    from rag.serving.app import answering, make_app
    from rag.serving.listening import listen, read_token, serve

    opened = with_model(for_reading(collection, sample=True), model, server)
    token = read_token(token_file)
    with listen(host, port, token=token) as listening:
        answers = answering(opened, strict=strict)
        served = make_app(opened, answers, token=token, hosts=allow_host or (), waiting=queue, seconds=seconds)
        shown = f"[{host}]" if ":" in host else host
        say(f"Serving '{opened.place}' at http://{shown}:{listening.getsockname()[1]} (/docs says how to call it)")
        serve(served, listening)
