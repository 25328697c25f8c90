"""`python -m eval.report`: the tables and pictures of README.md and docs/, written again from the results files."""

import sys

from eval.report.growth import draw
from eval.report.results import RESULTS, ROOT
from eval.report.tables import write_tables

write_tables()
draw()
sys.stdout.write(f"tables made from {RESULTS.relative_to(ROOT)}\n")
