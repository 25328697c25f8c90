"""txtai, dense and BM25 together."""

import sys

from eval.bench.peers.task import main
from eval.bench.peers.with_txtai import Txtai

if __name__ == "__main__":
    sys.exit(main(Txtai(hybrid=True)))
