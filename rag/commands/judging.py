"""The command that hands on what people judged on the page."""

from pathlib import Path
from typing import Annotated

import typer

from rag.commands.console import CollectionOption, JsonOption, print_json, print_line
from rag.commands.opening import for_reading


def judgements_command(
    collection: CollectionOption = None,
    trec: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them as TREC qrels.")] = None,
    beir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write them with the collection as a BEIR folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What people judged on the page, for other programs; 'pilcrow eval' reads the judgements where they lie."""
    from dataclasses import asdict

    from rag.judgements import judgements, trec_qrels, write_beir
    from rag.printable import printable_line

    opened = for_reading(collection, sample=not as_json)
    given = judgements(opened.folder)
    if trec is not None:
        trec.write_text(trec_qrels(given), encoding="utf-8")
    if beir is not None:
        with opened.stored.reading() as snapshot:
            write_beir(beir, given, snapshot)
    if as_json:
        print_json({"judgements": [asdict(judgement) for judgement in given]})
        return
    for j in given:
        what = f"{printable_line(j.doc_id)} {j.start}-{j.end}" if j.doc_id is not None else "the answer"
        print_line(f"{j.judged_at}  {printable_line(j.judge)}  {j.grade}  {printable_line(j.question)}  {what}")
