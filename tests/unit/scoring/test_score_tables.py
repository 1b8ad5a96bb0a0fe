"""Files of a cell: error rates by hand, the two scores, and tables that cannot be used."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdd.data.segments import COLUMNS, Segments, write_segments
from sdd.errors import InputError
from sdd.scoring.embedding_tables import read_embeddings, write_embeddings
from sdd.scoring.score_tables import (
    measure_error_rates,
    read_cells,
    read_scores,
    write_rows,
    write_scores,
)


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


def rates(paths, score="logit", least_trials=1, **options):
    tables = [path.with_suffix(".segments") for path in paths]
    return measure_error_rates(paths, tables, score, least_trials=least_trials, **options)


# -------------------------------------------------------------------------------------- scores
def test_scores_survive_writing_and_reading(tmp_path):
    path = tmp_path / "new" / "itw.parquet"
    logits = np.array([[1.5, -2.0], [0.1, 0.2], [-3e30, 1e-40]], dtype=np.float32)
    write_scores(path, segments(["real", "fake", "real"]), logits)
    scores = read_scores(path)
    assert scores.logits.dtype == np.float32
    np.testing.assert_array_equal(scores.logits, logits)
    assert scores.real.tolist() == [True, False, True]
    table = pq.read_table(path)
    assert table.column_names == ["segment_id", "label", "logit_fake", "logit_real"]
    assert table["segment_id"].to_pylist() == ["s0", "s1", "s2"]
    assert [str(table.schema.field(name).type) for name in ("logit_fake", "logit_real")] == [
        "float",
        "float",
    ]
    assert [file.name for file in path.parent.iterdir()] == ["itw.parquet"]


def test_rows_keep_their_order(tmp_path):
    table = segments(["real", "fake", "fake"]).select([2, 1, 0])
    write_scores(tmp_path / "a.parquet", table, np.array([[0, 1], [2, 3], [4, 5]], np.float32))
    assert pq.read_table(tmp_path / "a.parquet")["segment_id"].to_pylist() == ["s2", "s1", "s0"]
    assert read_scores(tmp_path / "a.parquet").real.tolist() == [False, False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1])
def test_logit_that_is_not_finite(tmp_path, value, column):
    logits = np.zeros((3, 2), dtype=np.float32)
    logits[1, column] = value
    write(tmp_path / "a.parquet", real=[(0, 0)], fake=[])
    write_scores(tmp_path / "a.parquet", segments(["real", "fake", "real"]), logits)
    with pytest.raises(InputError) as caught:
        rates([tmp_path / "a.parquet"], "logit")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'a.parquet'}: row 2, segment 's1' ")
    assert "not finite" in message
    assert "delete the file to have the set scored again" in message


def broken_table(path, kind):
    """Leave a file that is no score table."""
    write(path, real=[(0, 1)], fake=[(1, 0)])
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("segment_id,label\n", encoding="utf-8")
    elif kind == "missing":
        path.unlink()
    else:
        pq.write_table(pq.read_table(path).drop_columns(["logit_real"]), path)


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "missing", "without a column"])
def test_file_that_is_no_score_table(tmp_path, kind):
    path = tmp_path / "itw.parquet"
    broken_table(path, kind)
    with pytest.raises(InputError) as caught:
        read_scores(path)
    assert str(caught.value).startswith(f"{path} cannot be read (")
    assert "delete it to have it made again" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segment_id": ["s0", "s1", "s1"]}, "segment 's1' stands in row 2 and again in row 3"),
        ({"segment_id": ["s0", None, "s2"]}, "row 2 has no segment ID"),
        ({"segment_id": ["s0", "", "s2"]}, "row 2 has no segment ID"),
        ({"label": ["real", "fake", "spoof"]}, "row 3, segment 's2' has label 'spoof'"),
        ({"label": ["real", None, "fake"]}, "row 2, segment 's1' has label None"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, changes, message):
    columns = {"segment_id": ["s0", "s1", "s2"], "label": ["real", "fake", "fake"]}
    numbers = {name: pa.array([0.0] * 3, pa.float32()) for name in ("logit_fake", "logit_real")}
    pq.write_table(pa.table({**columns, **changes, **numbers}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message) as caught:
        read_scores(tmp_path / "a.parquet")
    assert str(caught.value).startswith(str(tmp_path / "a.parquet"))
    assert "delete the file to have the set scored again" in str(caught.value)


# --------------------------------------------------------------------------------- error rates
def test_error_rates_by_hand(tmp_path):
    """Accepted as real above the threshold; real logits 1 3 5 7, fake 0 2 4 (in two sets)."""
    # t = 2: FRR 1/4, FAR 1/3; t = 3: FRR 2/4, FAR 1/3. Nearest: t = 2, (1/4 + 1/3) / 2 = 7/24.
    mixed = write(
        tmp_path / "mixed.parquet",
        real=[(9, 7), (-9, 1), (0, 5), (0, 3)],
        fake=[(0, 4), (-9, 0), (9, 2)],
    )
    apart = write(tmp_path / "dfe24_4s.parquet", real=[(0, 3), (0, 4)], fake=[(0, -1), (5, 2)])
    assert rates([apart, mixed], "logit") == [
        {"test_set": "dfe24_4s", "eer_percent": 0.0, "threshold": 2.0, "n_real": 2, "n_fake": 2},
        {
            "test_set": "mixed",
            "eer_percent": pytest.approx(100 * 7 / 24, rel=1e-12),
            "threshold": 2.0,
            "n_real": 4,
            "n_fake": 3,
        },
    ]


def test_wrong_way_round_is_100_percent(tmp_path):
    path = write(tmp_path / "a.parquet", real=[(1, 0), (2, -1)], fake=[(0, 1), (0, 2)])
    for score in ("logit", "probability"):
        assert rates([path], score)[0]["eer_percent"] == 100.0


def test_logit_ignores_the_fake_logit_and_probability_does_not(tmp_path):
    """By the logit of REAL the fake (2) lies above the real (1); by probability below it."""
    path = write(tmp_path / "a.parquet", real=[(-1, 1)], fake=[(4, 2)])
    (logit,) = rates([path], "logit")
    (probability,) = rates([path], "probability")
    assert (logit["eer_percent"], logit["threshold"]) == (100.0, 1.0)
    assert probability["eer_percent"] == 0.0
    # The threshold is the fake's probability of REAL: 1 / (1 + e^2).
    assert probability["threshold"] == pytest.approx(1 / (1 + np.exp(2)), rel=1e-6)


def test_probability_saturates_in_float32(tmp_path):
    """Above a difference of 17.33 (ln 2^25), 1 - p is lost in float32: scores become equal.

    Real 20, 30 and fake 25: apart by logits, one and the same probability, 1. Rejecting all or none
    is then equally good, and the lower threshold, just below 1, accepts all: EER 1/2.
    """
    path = write(tmp_path / "a.parquet", real=[(0, 20), (0, 30)], fake=[(0, 25)])
    (logit,) = rates([path], "logit")
    # t = 20: FRR 1/2, FAR 1; t = 25: FRR 1/2, FAR 0: equally good, the lower one.
    assert (logit["eer_percent"], logit["threshold"]) == (75.0, 20.0)
    (probability,) = rates([path], "probability")
    assert probability["eer_percent"] == 50.0
    assert probability["threshold"] == np.nextafter(1.0, -np.inf)
    # Not so for a difference of 16.
    path = write(tmp_path / "b.parquet", real=[(0, 20), (0, 30)], fake=[(0, 16)])
    assert rates([path], "probability")[0]["eer_percent"] == 0.0


def test_probability_near_0_does_not_saturate(tmp_path):
    """exp(-90) and exp(-95) differ in float32, and exp(90) does not fit into it."""
    path = write(tmp_path / "a.parquet", real=[(90, 0)], fake=[(95, 0)])
    (row,) = rates([path], "probability")
    assert row["eer_percent"] == 0.0
    assert row["threshold"] == pytest.approx(np.exp(-95.0), rel=0.05)


def test_probability_is_the_softmax(tmp_path):
    """A set of two: the threshold of a perfect separation is the probability of the fake."""
    generator = np.random.default_rng(0)
    for number, (fake, real) in enumerate(generator.normal(0, 5, (20, 2)).astype(np.float32)):
        path = write(tmp_path / f"{number}.parquet", real=[(-50, 50)], fake=[(fake, real)])
        (row,) = rates([path], "probability")
        exact = 1 / (1 + np.exp(float(fake) - float(real)))
        assert row["threshold"] == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_equal_scores_are_chance(tmp_path, score):
    path = write(tmp_path / "a.parquet", real=[(0, 1)] * 3, fake=[(0, 1)] * 2)
    assert rates([path], score)[0]["eer_percent"] == 50.0


@pytest.mark.parametrize(
    ("real", "fake", "missing"),
    [([(0, 1)], [], "fake"), ([], [(0, 1)], "real"), ([], [], "real")],
)
def test_set_of_one_class(tmp_path, real, fake, missing):
    good = write(tmp_path / "good.parquet", real=[(0, 1)], fake=[(1, 0)])
    path = write(tmp_path / "a.parquet", real=real, fake=fake)
    with pytest.raises(InputError) as caught:
        rates([good, path], "logit")
    assert str(caught.value).startswith(f"{path}: no {missing} segment")
    assert "both classes" in str(caught.value)


def test_few_trials_of_a_class_are_refused(tmp_path):
    ten, nine = [(0, 1)] * 10, [(1, 0)] * 9
    path = write(tmp_path / "a.parquet", real=ten, fake=nine)
    with pytest.raises(InputError, match="9 fake segments; an EER of fewer than 10 a class"):
        rates([path], least_trials=10)
    assert measure_error_rates.__kwdefaults__["least_trials"] == 10
    path = write(tmp_path / "a.parquet", real=ten, fake=[*nine, (1, 0)])
    assert rates([path], least_trials=10)[0]["eer_percent"] == 0


def scored_and_wanted(path, scored, wanted):
    """Write the scores of some segments, and the table of those that were to be scored."""
    table = segments(["real", "fake", "real", "fake"])
    write_scores(path, scored(table), np.zeros((len(scored(table)), 2), dtype=np.float32))
    write_table(wanted(table), path.with_suffix(".segments"))
    return path


def renamed(table):
    return dataclasses.replace(table, segment_id=[f"itw-{name}" for name in table.segment_id])


def relabelled(table):
    return dataclasses.replace(table, label=["real", "real", "real", "fake"])


@pytest.mark.parametrize(
    ("scored", "wanted", "message"),
    [
        (renamed, lambda t: t, "all of its 4 segments are not in"),
        (lambda t: t, lambda t: t.select([0, 1, 3]), "1 of its 4 segments are not in .* 's2'"),
        (lambda t: t.select([3, 0]), lambda t: t, "2 of the 4 segments of .* the first is 's1'"),
        (lambda t: t, relabelled, "segment 's1' is fake there but real in"),
    ],
)
def test_scores_of_other_segments(tmp_path, scored, wanted, message):
    path = scored_and_wanted(tmp_path / "a.parquet", scored, wanted)
    with pytest.raises(InputError, match=message) as caught:
        rates([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert str(path.with_suffix(".segments")) in str(caught.value)


def test_what_the_recipe_skips_need_not_be_scored(tmp_path):
    def mixed(table):
        return dataclasses.replace(table, path=["a.wav", "b.M4A", "c.wav", "d.wav"])

    path = scored_and_wanted(tmp_path / "a.parquet", lambda t: t.select([2, 0, 3]), mixed)
    (row,) = rates([path], skip_suffixes=[".m4a"])
    assert (row["n_real"], row["n_fake"]) == (2, 1)
    with pytest.raises(InputError, match=r"1 of the 4 segments .* 's1'"):
        rates([path])


def test_truncated_segment_table(tmp_path):
    path = write(tmp_path / "a.parquet", real=[(0, 1)], fake=[(1, 0)])
    table = path.with_suffix(".segments")
    table.write_bytes(table.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"cannot be read .* delete it to have the segments cut"):
        rates([path])


# ---------------------------------------------------------------------------------- embeddings
def test_embeddings_of_fake_segments_are_kept(tmp_path):
    path = tmp_path / "itw.parquet"
    embeddings = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
    table = segments(["real", "fake", "real", "fake"])
    write_embeddings(path, table, embeddings)
    found = read_embeddings(path)
    assert found.values.dtype == np.float32
    np.testing.assert_array_equal(found.values, embeddings[[1, 3]])
    assert found.segment_id == found.source == ["s1", "s3"]
    written = pq.read_table(path)
    assert written["segment_id"].to_pylist() == ["s1", "s3"]
    assert written["label"].to_pylist() == ["fake", "fake"]
    assert written.schema.field("embedding").type == pa.list_(pa.float32(), 3)


def test_embeddings_without_a_fake_segment(tmp_path):
    path = tmp_path / "a.parquet"
    write_embeddings(path, segments(["real"]), np.ones((1, 3), dtype=np.float32))
    with pytest.raises(InputError, match="no fake segment") as caught:
        read_embeddings(path)
    assert str(path) in str(caught.value)


def test_embeddings_that_cannot_be_used(tmp_path):
    path = tmp_path / "a.parquet"
    values = np.ones((3, 2), dtype=np.float32)
    table = segments(["fake", "fake", "fake"])
    write_embeddings(path, dataclasses.replace(table, segment_id=["a", "b", "a"]), values)
    with pytest.raises(InputError, match="segment 'a' stands in row 1 and again in row 3"):
        read_embeddings(path)
    values[1, 1] = np.nan
    write_embeddings(path, table, values)
    with pytest.raises(InputError, match=r"embedding of segment 's1' \(row 2\) is not finite"):
        read_embeddings(path)


@pytest.mark.parametrize(
    "embedding",
    [
        pa.array([[1.0, 2.0], [1.0]], pa.list_(pa.float32())),
        pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
        pa.array([1.0, 2.0], pa.float32()),
    ],
)
def test_embeddings_of_several_widths(tmp_path, embedding):
    columns = {"segment_id": ["a", "b"], "source": ["a", "b"], "embedding": embedding}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="missing in places or of several widths"):
        read_embeddings(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (pa.array([0.5, None], pa.float32()), "row 2, segment 's1' has a logit that is not finite"),
        (pa.array(["0.5", "high"]), "its logits are no numbers"),
    ],
)
def test_logits_that_are_no_numbers(tmp_path, logits, message):
    columns = {"segment_id": ["s0", "s1"], "label": ["real", "fake"], "logit_fake": logits}
    pq.write_table(pa.table({**columns, "logit_real": logits}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=message):
        read_scores(tmp_path / "a.parquet")


def test_truncated_embeddings(tmp_path):
    path = tmp_path / "a.parquet"
    write_embeddings(path, segments(["fake"]), np.ones((1, 3), dtype=np.float32))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"cannot be read .* delete it") as caught:
        read_embeddings(path)
    assert str(path) in str(caught.value)


# ------------------------------------------------------------------------------------ CSV files
def test_error_rates_of_many_cells(tmp_path):
    """What is written is what Table 1 reads, digit for digit."""
    scores = write(tmp_path / "itw.parquet", real=[(0, 1), (0, 3), (0, 5)], fake=[(0, 2)])
    rows = rates([scores], "logit")
    cells = ["xlsr_2b/post/sft-grpo_s/round2", "mms_1b/pre/none/round10"]
    paths = [tmp_path / "results" / "paper" / "as_written" / cell / "eer.csv" for cell in cells]
    for path in paths:
        write_rows(path, rows)
    first, second = read_cells(paths)
    assert list(first) == [
        *("model", "init", "algorithm", "round"),
        *("test_set", "eer_percent", "threshold", "n_real", "n_fake"),
    ]
    assert [first[key] for key in ("model", "init", "algorithm", "round")] == [
        *("xlsr_2b", "post", "sft-grpo_s", 2)
    ]
    assert [second[key] for key in ("model", "init", "algorithm", "round")] == [
        *("mms_1b", "pre", "none", 10)
    ]
    assert first["test_set"] == "itw"
    # t = 1: FRR 1/3, FAR 1; t = 2: FRR 1/3, FAR 0: |d| 2/3 and 1/3; so 1/6.
    assert float(first["eer_percent"]) == rows[0]["eer_percent"] == pytest.approx(100 / 6)
    assert (first["n_real"], first["n_fake"]) == ("3", "1")


def test_rows_of_every_file_are_read_in_order(tmp_path):
    path = tmp_path / "m" / "post" / "sft" / "round1" / "drift.csv"
    write_rows(path, [{"test_set": name, "drift": value} for name, value in (("b", 2), ("a", 1))])
    assert path.read_bytes() == b"test_set,drift\nb,2\na,1\n"
    assert [row["test_set"] for row in read_cells([path])] == ["b", "a"]
    assert read_cells([]) == []


def test_numbers_are_written_unrounded(tmp_path):
    write_rows(tmp_path / "a.csv", [{"value": 0.1 + 0.2, "name": "größer, als"}])
    with Path(tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["value"]) == 0.1 + 0.2
    assert row["name"] == "größer, als"
