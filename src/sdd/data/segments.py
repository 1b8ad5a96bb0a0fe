"""Segment tables: windows of prepared audio, in a table instead of in files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.parquet import open_parquet, read_parquet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS = (
    "segment_id",
    "source",
    "label",
    "attack",
    "speaker",
    "path",
    "file",
    "start",
    "end",
)


@dataclass(frozen=True)
class Segments:
    """A segment table as arrays, for code that has no other use for pandas.

    Attributes
    ----------
    segment_id, source, label, attack, speaker, path, file
        Text, one for each segment: its name, the source that statistics group by, `real` or
        `fake`, how it was faked, who speaks, Path of the source in the protocol, and the prepared
        FLAC relative to the audio folder.
    start, end
        ``int64 [N]``, first sample and the one past the last, at 16 kHz.
    audio
        Digest of the audio that they are windows of, as the table's file has it.
    """

    segment_id: list[str]
    source: list[str]
    label: list[str]
    attack: list[str]
    speaker: list[str]
    path: list[str]
    file: list[str]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    audio: str = ""

    def __len__(self) -> int:
        return len(self.segment_id)

    @property
    def durations(self) -> npt.NDArray[np.float64]:
        """In seconds, ``float64 [N]``."""
        seconds: npt.NDArray[np.float64] = (self.end - self.start) / SAMPLE_RATE
        return seconds

    @property
    def is_real(self) -> npt.NDArray[np.bool_]:
        """Whether a segment is real speech, ``bool [N]``."""
        real: npt.NDArray[np.bool_] = np.array(self.label) == "real"
        return real

    def select(self, rows: Sequence[int]) -> "Segments":
        """Return the table of some of the rows, in the order asked for."""
        text = {
            name: [getattr(self, name)[row] for row in rows]
            for name in COLUMNS
            if name not in ("start", "end")
        }
        start, end = self.start[list(rows)], self.end[list(rows)]
        return Segments(**text, start=start, end=end, audio=self.audio)


def _schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([(c, pa.int64() if c in ("start", "end") else pa.string()) for c in COLUMNS])


def write_segments(table: "pd.DataFrame", path: Path, *, audio: str = "") -> None:
    """Write a segment table as Parquet, all at once or not at all.

    Parameters
    ----------
    table
        As `sdd.data.cutting.cut_segments` returns it.
    audio
        Digest of the audio that the segments are windows of. It goes into the file, so that the
        file is another one when other samples are at the same places.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.Table.from_pandas(table, _schema(), preserve_index=False)
    with atomic_path(path) as temporary:
        pq.write_table(rows.replace_schema_metadata({"audio": audio} if audio else None), temporary)


def read_segments(path: Path) -> Segments:
    """Read a segment table, without pandas.

    Raises
    ------
    InputError
        If the file is missing or is not a segment table.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing: cut the segments first.")
    # Not read_table nor to_numpy: those import pandas, which costs a process seconds.
    with open_parquet(path) as file:
        table = file.read()
        table.validate(full=True)
    if not table.schema.equals(_schema()):
        raise InputError(f"{path} is not a segment table: it has {', '.join(table.column_names)}.")
    columns = table.to_pydict()
    start, end = (np.array(columns.pop(c), dtype=np.int64) for c in ("start", "end"))
    audio = (table.schema.metadata or {}).get(b"audio", b"").decode()
    return Segments(**columns, start=start, end=end, audio=audio)


def audio_hours(tables: Mapping[str, Path]) -> dict[str, float]:
    """Add up the hours of audio of segment tables, by name, but for those that are not cut yet.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    import pyarrow.compute as pc

    hours = {}
    for name, path in tables.items():
        if path.exists():
            table = read_parquet(path, ["start", "end"])
            samples = pc.sum(table["end"]).as_py() - pc.sum(table["start"]).as_py()
            hours[name] = samples / SAMPLE_RATE / 3600
    return hours


def without_suffixes(table: Segments, suffixes: Sequence[str]) -> Segments:
    """Leave out the segments whose source is of one of these kinds (such as ``.m4a``)."""
    if not suffixes:
        return table
    endings = tuple(suffixes)
    return table.select(
        [row for row, path in enumerate(table.path) if not path.lower().endswith(endings)]
    )
