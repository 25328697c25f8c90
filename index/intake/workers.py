"""Other processes that read, split and embed: of this machine, or of a cluster.

    --workers 4                  four processes of this machine
    --workers ray                Ray on all cores of this machine, started for the run and ended with it
    --workers ray://HOST:PORT    a Ray cluster that is there

Documents go to them as bytes, so that they need not see the files, and what comes back is put in order and stored by
the one process that writes. What one of them holds and does is `index.intake.worker`'s.
"""

from pathlib import Path

from index.encoder.embedding import Encoder
from index.errors import WorkersFailed
from index.intake.preparation import Workforce
from index.intake.processes import Processes


def open_workers(named: str | None, encoder: Encoder, *, device: str | None = None) -> Workforce | None:
    """Who `--workers` names, to be used in a `with`; None is this process.

    encoder: theirs is the one of the same name. device: what each embeds on, with PyTorch.
    Raises WorkersFailed where the words name nobody.
    """
    if named is None or named == "1":
        return None
    name = encoder.identity.name
    name = str(Path(name).resolve()) if Path(name).is_dir() else name
    if named.isdecimal() and int(named):
        return Processes(int(named), name, device)
    if named == "ray" or named.startswith("ray://"):
        from index.intake.cluster import Cluster

        return Cluster(None if named == "ray" else named, name, encoder.identity.weights, device)
    raise WorkersFailed(f"'{named}' names no workers; write a number of processes, or ray, or ray://HOST:PORT")
