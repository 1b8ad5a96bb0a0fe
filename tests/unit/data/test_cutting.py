"""Windows of prepared audio, to the sample."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.data.cutting import cut_segments
from sdd.data.segments import COLUMNS
from sdd.errors import InputError

ALL = {"partition": None, "label": None}


def protocol(*rows: tuple[str, str, str], **columns: list[object]) -> pd.DataFrame:
    """Make rows of (ID, Label, Proportion); the file is named like the ID."""
    frame = pd.DataFrame(rows, columns=["ID", "Label", "Proportion"])
    frame["Path"] = ["$ROOT/c/" + name + ".wav" for name in frame["ID"]]
    frame["Attack"] = ["A01" if label == "fake" else "-" for label in frame["Label"]]
    frame["Speaker"] = "S"
    return frame.assign(**columns)


def audio(paths: list[str], samples: list[int], rate: int = 16_000) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "path": paths,
            "file": [f"c/{Path(path).stem}.flac" for path in paths],
            "samples": samples,
            "source_rate": rate,
            "source_samples": [count * rate // 16_000 for count in samples],
        }
    )


def spans(table: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(table[["segment_id", "start", "end"]].itertuples(index=False, name=None))


def test_whole_rows() -> None:
    rows = protocol(("a", "real", "train"), ("b", "fake", "test"))
    table = cut_segments(rows, audio([*rows["Path"]], [1_000, 99_999]), **ALL, max_seconds=None)
    assert list(table.columns) == list(COLUMNS)
    assert list(table.itertuples(index=False, name=None)) == [
        ("a", "a", "real", "-", "S", "$ROOT/c/a.wav", "c/a.flac", 0, 1_000),
        ("b", "b", "fake", "A01", "S", "$ROOT/c/b.wav", "c/b.flac", 0, 99_999),
    ]
    assert table["start"].dtype == table["end"].dtype == np.int64


def test_windows_of_four_seconds_with_the_tail() -> None:
    rows = protocol(("a", "real", "test"), ("b", "fake", "test"), ("c", "fake", "test"))
    table = cut_segments(
        rows, audio([*rows["Path"]], [64_000, 128_500, 64_400]), **ALL, max_seconds=4
    )
    assert spans(table) == [
        ("a_seg1", 0, 64_000),
        ("b_seg1", 0, 64_000),
        ("b_seg2", 64_000, 128_000),
        ("b_seg3", 128_000, 128_500),
        ("c_seg1", 0, 64_000),
        ("c_seg2", 64_000, 64_400),
    ]
    assert table["source"].tolist() == ["a", "b", "b", "b", "c", "c"]


def test_short_tails_are_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    rows = protocol(("a", "real", "test"), ("b", "fake", "test"), ("c", "real", "test"))
    table = audio([*rows["Path"]], [64_399, 16_000, 399])
    with caplog.at_level(logging.INFO):
        assert spans(cut_segments(rows, table, **ALL, max_seconds=4)) == [
            ("a_seg1", 0, 64_000),
            ("b_seg1", 0, 16_000),
        ]
    assert "2 of 4 segments are shorter than 0.025 s and are dropped" in caplog.text
    longer = cut_segments(rows, table, **ALL, max_seconds=None, min_seconds=2)
    assert spans(longer) == [("a", 0, 64_399)]
    with pytest.raises(InputError, match=r"No segment is left: none of the 3 .* lasts 9 s"):
        cut_segments(rows, table, **ALL, max_seconds=None, min_seconds=9)


def test_partition_and_label() -> None:
    rows = protocol(("a", "real", "train"), ("b", "fake", "train"), ("c", "fake", "valid"))
    table = audio([*rows["Path"]], [1_000] * 3)

    def names(partition: str | None, label: str | None) -> list[str]:
        cut = cut_segments(rows, table, partition=partition, label=label, max_seconds=None)
        return cut["segment_id"].tolist()

    assert names("train", None) == ["a", "b"]
    assert names(None, "fake") == ["b", "c"]
    assert names("valid", "fake") == ["c"]
    message = (
        "No utterance has partition valid and label real; the protocol has "
        r"train fake: 1, train real: 1, valid fake: 1 \(partition label: utterances\)"
    )
    with pytest.raises(InputError, match=message):
        names("valid", "real")


def test_overlapping_windows_of_one_recording() -> None:
    path = "$ROOT/DeepVoice/KAGGLE/AUDIO/FAKE/Obama-to-Biden.wav"
    rows = protocol(
        ("Obama-to-Biden_seg_1", "fake", "-"),
        ("Obama-to-Biden_seg_2", "fake", "-"),
        ("Obama-to-Biden_seg_3", "fake", "-"),
        Path=[path] * 3,
        Start=[0, 59_159, 88_199],
        End=[209_527, 311_206, 500_000],
    )
    table = cut_segments(rows, audio([path], [160_000], 44_100), **ALL, max_seconds=None)
    # 209527 / 44100 * 16000 = 76018.86; 59159 -> 21463.58; 311206 -> 112909.21; 88199 -> 31999.64
    assert spans(table) == [
        ("Obama-to-Biden_seg_1", 0, 76_019),
        ("Obama-to-Biden_seg_2", 21_464, 112_909),
        ("Obama-to-Biden_seg_3", 32_000, 160_000),
    ]
    assert set(table["source"]) == {"Obama-to-Biden"}
    assert set(table["file"]) == {"c/Obama-to-Biden.flac"}
    cut = cut_segments(rows.iloc[:1], audio([path], [160_000], 44_100), **ALL, max_seconds=4)
    assert spans(cut) == [
        ("Obama-to-Biden_seg_1_seg1", 0, 64_000),
        ("Obama-to-Biden_seg_1_seg2", 64_000, 76_019),
    ]


def test_windows_of_files_that_share_a_stem_keep_their_sources_apart() -> None:
    paths = ["$ROOT/x/a.wav", "$ROOT/y/a.wav"]
    rows = protocol(
        ("1", "real", "-"), ("2", "fake", "-"), Path=paths, Start=[0, 0], End=[900, 900]
    )
    table = cut_segments(rows, audio(paths, [1_000, 1_000]), **ALL, max_seconds=None)
    assert table["source"].tolist() == paths


def test_rows_with_and_without_a_window() -> None:
    rows = protocol(("a", "real", "-"), ("b", "fake", "-"))
    rows["Start"] = pd.array([None, 100], dtype="Int64")
    rows["End"] = pd.array([None, 900], dtype="Int64")
    table = cut_segments(rows, audio([*rows["Path"]], [1_000, 1_000]), **ALL, max_seconds=None)
    assert spans(table) == [("a", 0, 1_000), ("b", 100, 900)]
    assert table["source"].tolist() == ["a", "b"]


def test_window_beyond_its_file() -> None:
    rows = protocol(("a", "real", "-"), Start=[44_100], End=[50_000])
    with pytest.raises(InputError, match=r"'a' begins at sample 44100, but \$ROOT/c/a\.wav has on"):
        cut_segments(rows, audio([*rows["Path"]], [16_000], 44_100), **ALL, max_seconds=None)


def test_windows_that_end_beyond_their_file_are_told(caplog: pytest.LogCaptureFixture) -> None:
    rows = protocol(("a", "real", "-"), ("b", "real", "-"), ("c", "fake", "-"))
    # By 0.1 s, as lengths of lossy files may be off, and by more.
    rows = rows.assign(Start=[0, 0, 800], End=[17_600, 17_700, 99_999_999])
    table = cut_segments(rows, audio([*rows["Path"]], [16_000] * 3), **ALL, max_seconds=None)
    assert spans(table) == [("a", 0, 16_000), ("b", 0, 16_000), ("c", 800, 16_000)]
    assert (
        "2 of 3 windows end beyond the end of their file and are cut there; by most, 6249.00 s, "
        "c of $ROOT/c/c.wav" in caplog.text
    )


def test_sources_that_failed_must_be_named() -> None:
    rows = protocol(("a", "real", "-"), ("b", "fake", "-"))
    table = audio(["$ROOT/c/b.wav"], [1_000])
    with pytest.raises(
        InputError, match=r"1 files of the protocol are not prepared, the first is "
    ):
        cut_segments(rows, table, **ALL, max_seconds=None)
    cut = cut_segments(rows, table, **ALL, max_seconds=None, failed=["$ROOT/c/a.wav"])
    assert cut["segment_id"].tolist() == ["b"]
    with pytest.raises(InputError, match="No segment is left"):
        cut_segments(rows, table, **ALL, max_seconds=None, failed=[*rows["Path"]])


def test_max_seconds_below_min_seconds() -> None:
    rows = protocol(("a", "real", "-"))
    with pytest.raises(InputError, match=r"max_seconds is 0\.01 and min_seconds 0\.025"):
        cut_segments(rows, audio([*rows["Path"]], [1_000]), **ALL, max_seconds=0.01)


@given(
    st.lists(st.integers(1, 2_000_000), min_size=1, max_size=5),
    st.sampled_from([4.0, 10.0, 13.0, 30.0, 50.0]),
)
def test_windows_tile_every_row(samples: list[int], seconds: float) -> None:
    rows = protocol(*((str(i), "real", "-") for i in range(len(samples))))
    table = audio([*rows["Path"]], samples)
    expected = []
    step = int(seconds * 16_000)
    for name, count in zip(rows["ID"], samples, strict=True):
        for number, start in enumerate(range(0, count, step), start=1):
            end = min(start + step, count)
            if end - start >= 400:
                expected.append((f"{name}_seg{number}", start, end))
    if expected:
        assert spans(cut_segments(rows, table, **ALL, max_seconds=seconds)) == expected
    else:
        with pytest.raises(InputError, match="No segment is left"):
            cut_segments(rows, table, **ALL, max_seconds=seconds)


def test_a_source_that_is_given_goes_before_id_and_file() -> None:
    rows = protocol(
        ("a", "real", "test"), ("copy1", "fake", "test"), ("w", "fake", "test"),
        Source=["-", "a", "b"],
    )  # fmt: skip
    table = cut_segments(rows, audio([*rows["Path"]], [9_000] * 3), **ALL, max_seconds=None)
    assert table["source"].tolist() == ["a", "a", "b"]
    rows["Start"], rows["End"] = (pd.array([None, None, n], dtype="Int64") for n in (0, 800))
    table = cut_segments(rows, audio([*rows["Path"]], [9_000] * 3), **ALL, max_seconds=None)
    assert table["source"].tolist() == ["a", "a", "b"]
