"""`pilcrow train-...`: the commands that train what ships. They read arguments and call `rag.training`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from rag.commands.console import print_line


def train_reader_command(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with people/train, reading and yesno.")],
    start: Annotated[
        Path, typer.Argument(metavar="START", help="The folder of all-mpnet-base-v2, or of a reader to train further.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where checkpoints and the reader go; resumes there.")],
    stable_steps: Annotated[int, typer.Option(help="Steps at the full rate, the warmup included.")] = 1137,
    decay_steps: Annotated[int, typer.Option(help="Steps in which the rate falls to zero.")] = 220,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, typer.Option(help="Of PyTorch; by default one for each core.")] = None,
) -> None:
    """Train the reader that ships, or go on where OUT stands. Four to six seconds a step on one core.

    To train longer, copy OUT/stable.safetensors over OUT/run.safetensors and give more --stable-steps. The finished
    reader is OUT/reader; fit its confidence with 'eval confidence' before it ships.
    """
    from index.encoder.embedding import bundled_folder
    from rag.training.reader import train_reader

    finished = train_reader(
        data, start, bundled_folder(), out, stable_steps=stable_steps, decay_steps=decay_steps, seed=seed,
        threads=threads,
    )  # fmt: skip
    print_line(f"the reader is in {finished}")


def train_order_command(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with people/train and texts/texts.jsonl.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where checkpoints and the network go; resumes there.")],
    texts: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Documents to search; by default DATA/texts/texts.jsonl.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A small reader to train further; by default the network that ships."),
    ] = None,
    stable_steps: Annotated[int, typer.Option(help="Steps at the full rate, the warmup included.")] = 390,
    decay_steps: Annotated[int, typer.Option(help="Steps in which the rate falls to zero.")] = 260,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    threads: Annotated[int | None, typer.Option(help="Of PyTorch; by default one for each core.")] = None,
) -> None:
    """Train the small network that orders passages, or go on where OUT stands. Half an hour on one core."""
    from index.encoder.embedding import bundled_folder
    from rag.reading.reader import BUNDLED_ORDER
    from rag.training.order import train_order

    finished = train_order(
        data, texts or data / "texts" / "texts.jsonl", start or BUNDLED_ORDER, bundled_folder(), out,
        stable_steps=stable_steps, decay_steps=decay_steps, seed=seed, threads=threads,
    )  # fmt: skip
    print_line(f"the network is in {finished}")


def train_support_command(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="A folder with train/*.json of SQuAD's form.")],
    claims: Annotated[Path, typer.Argument(metavar="CLAIMS", help="*.jsonl of claims, their evidence, labels.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where checkpoints and the model go; resumes there.")],
    calibrate_on: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help="Judged claims, as 'eval support' takes them; with held-out ones."),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A support model to train further; by default what orders passages."),
    ] = None,
    stable_steps: Annotated[int, typer.Option(help="Steps at the full rate, the warmup included.")] = 1500,
    decay_steps: Annotated[int, typer.Option(help="Steps in which the rate falls to zero.")] = 500,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Train the support model that ships, or go on where OUT stands. An hour on a laptop."""
    from eval.runs.support import read_claims
    from index.encoder.embedding import bundled_folder
    from rag.reading.reader import BUNDLED_ORDER
    from rag.training.support import calibrate, train_support
    from rag.training.support_pairs import held_out_pairs

    judged = [claim for claim in read_claims(calibrate_on) if claim.references] if calibrate_on else []
    finished = train_support(
        questions, claims, bundled_folder(), out, start=start or BUNDLED_ORDER,
        stable_steps=stable_steps, decay_steps=decay_steps, seed=seed,
    )  # fmt: skip
    if judged:
        held_out = held_out_pairs(claims)
        pairs = [(c.claim, c.text) for c in judged] + [(pair.claim, pair.text) for pair in held_out]
        right = [c.supported for c in judged] + [pair.supported for pair in held_out]
        calibrate(finished, bundled_folder(), pairs, right)
    print_line(f"the support model is in {finished}")


def train_cleaner_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="html/*.html.gz and ground-truth.json")],
    out: Annotated[Path, typer.Argument(metavar="OUT.json", help="Where its weights go.")],
) -> None:
    """Train what tells furniture from body in flattened pages. Minutes."""
    from eval.runs.cleaning import read_pages
    from rag.training.cleaner import train_cleaner

    pages = read_pages(folder)
    out.write_text(json.dumps(train_cleaner(pages).to_json()) + "\n", encoding="utf-8")
    print_line(f"{out}: learned from {len(pages)} pages")
