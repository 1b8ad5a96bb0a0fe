"""Segment tables: written, read, and what they say of their segments."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdd.data.cutting import cut_segments
from sdd.data.segments import (
    COLUMNS,
    Segments,
    audio_hours,
    read_segments,
    without_suffixes,
    write_segments,
)
from sdd.errors import InputError
from tests.unit.data.test_cutting import ALL, audio, protocol


def test_round_trip(tmp_path: Path) -> None:
    rows = protocol(('ü, "1"\n2', "real", "-"), ("b", "fake", "-"))
    table = cut_segments(rows, audio([*rows["Path"]], [64_500, 900]), **ALL, max_seconds=4)
    write_segments(table, tmp_path / "sets/a.parquet")
    segments = read_segments(tmp_path / "sets/a.parquet")
    assert len(segments) == 3
    for column in COLUMNS:
        assert list(getattr(segments, column)) == table[column].tolist()
    assert segments.start.dtype == segments.end.dtype == np.int64
    assert [path.name for path in (tmp_path / "sets").iterdir()] == ["a.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "sets/a.parquet"), table)


def test_a_table_of_other_audio_is_another_file(tmp_path: Path) -> None:
    rows = protocol(("a", "real", "-"))
    table = cut_segments(rows, audio([*rows["Path"]], [64_500]), **ALL, max_seconds=4)
    files = [tmp_path / f"{name}.parquet" for name in "abc"]
    for file, digest in zip(files, ("12", "12", "34"), strict=True):
        write_segments(table, file, audio=digest)
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    assert read_segments(files[0]).segment_id == read_segments(files[2]).segment_id
    assert [read_segments(file).audio for file in files] == ["12", "12", "34"]


def test_bad_segment_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.parquet is missing: cut the segments first"):
        read_segments(tmp_path / "a.parquet")
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet is not a segment table: it has x\."):
        read_segments(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"speaker", b"spe\xf9ker", "0xf9"),
        (b"seg-mine", b"seg-m\xf9ne", "UTF"),
        (b"PAR1", b"PAR2", "magic"),
    ],
)
def test_a_damaged_table_is_one_error(tmp_path: Path, old: bytes, new: bytes, reason: str) -> None:
    rows = protocol(("seg-mine", "real", "-"))
    table = cut_segments(rows, audio([*rows["Path"]], [900]), **ALL, max_seconds=None)
    path = tmp_path / "a.parquet"
    write_segments(table, path)
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(InputError, match=rf"cannot be read \(.*{reason}.*\); delete it to have it"):
        read_segments(path)


def test_hours_of_the_sets_that_are_cut(tmp_path: Path) -> None:
    tables = {name: tmp_path / f"{name}.parquet" for name in ("itw", "dv")}
    table = pa.table({"start": np.array([0, 16_000]), "end": np.array([16_000, 16_000 * 7200])})
    pq.write_table(table, tables["itw"])
    assert audio_hours(tables) == {"itw": pytest.approx(2.0)}
    tables["dv"].write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"dv\.parquet cannot be read \(.*\); delete it"):
        audio_hours(tables)


def test_reading_needs_neither_pandas_nor_torch(tmp_path: Path) -> None:
    rows = protocol(("a", "real", "-"))
    table = cut_segments(rows, audio([*rows["Path"]], [900]), **ALL, max_seconds=None)
    write_segments(table, tmp_path / "a.parquet")
    code = (
        "import sys; from pathlib import Path; import sdd.data.audio.decoding; "
        "import sdd.data.audio.prepared; "
        "from sdd.data.segments import *; "
        "read_segments(Path(sys.argv[1])); "
        "sys.exit(', '.join({'pandas', 'torch', 'av'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.parquet")]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.stderr.decode().strip() == ""


def test_suffixes_may_be_skipped():
    table = Segments(
        **{name: ["a", "b", "c"] for name in COLUMNS if name not in ("start", "end", "path")},
        path=["$ROOT/a.mp3", "$ROOT/b.M4A", "$ROOT/c.dat"],
        start=np.zeros(3, dtype=np.int64),
        end=np.arange(3),
        audio="digest",
    )
    assert without_suffixes(table, []) is table
    kept = without_suffixes(table, [".m4a", ".dat"])
    assert kept.path == ["$ROOT/a.mp3"]
    assert [field.name for field in dataclasses.fields(kept)] == [*COLUMNS, "audio"]
    assert kept.audio == "digest"
    assert kept.end.tolist() == [0]


def test_durations_and_classes():
    text = {name: ["a", "b"] for name in COLUMNS if name not in ("start", "end", "label")}
    table = Segments(
        **text, label=["real", "fake"], start=np.array([0, 8_000]), end=np.array([16_000, 12_000])
    )
    assert table.durations.tolist() == [1.0, 0.25]
    assert table.is_real.tolist() == [True, False]
    assert table.is_real.dtype == np.bool_
