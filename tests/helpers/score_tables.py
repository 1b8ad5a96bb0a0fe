"""Small score tables with their segment tables."""

import numpy as np
import pandas as pd

from sdd.data.segments import COLUMNS, Segments, write_segments
from sdd.scoring.score_tables import write_scores


def segments(labels):
    names = [f"s{number}" for number in range(len(labels))]
    text = ["-"] * len(labels)
    places = np.zeros(len(labels), dtype=np.int64)
    return Segments(names, names, labels, text, text, text, text, places, places + 16_000)


def write(path, *, real, fake):
    """Write a score table of (logit_fake, logit_real) pairs, and its segment table."""
    logits = np.array([*real, *fake], dtype=np.float32).reshape(-1, 2)
    table = segments(["real"] * len(real) + ["fake"] * len(fake))
    write_scores(path, table, logits)
    write_table(table, path.with_suffix(".segments"))
    return path


def write_table(table, path):
    write_segments(pd.DataFrame({name: getattr(table, name) for name in COLUMNS}), path)
