"""Intervals and comparisons of whole experiments, from score files."""

import dataclasses

import numpy as np
import pytest

from sdd.analysis.uncertainty import (
    Measured,
    add_averages,
    comparison_rows,
    interval_rows,
    measure_rows,
)
from sdd.data.segments import Segments, write_segments
from sdd.metrics.error_rates import eer
from sdd.metrics.estimates import Rounds
from sdd.scoring.score_tables import write_scores

NONE, SFT, GRPO = (("tiny", "post", name) for name in ("none", "sft", "grpo"))


def segments_of(sources, per_source):
    names = [f"s{n}" for n in range(sources)]
    source = np.repeat(names, per_source).tolist()
    count = len(source)
    return Segments(
        segment_id=[f"{name}_seg{n}" for n, name in enumerate(source)],
        source=source,
        label=["real" if int(name[1:]) % 2 else "fake" for name in source],
        attack=["-"] * count,
        speaker=["-"] * count,
        path=["-"] * count,
        file=["-"] * count,
        start=np.zeros(count, dtype=np.int64),
        end=np.full(count, 16_000, dtype=np.int64),
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Two sets of one corpus and one of another; SFT is better than nothing, GRPO is SFT again."""
    folder = tmp_path_factory.mktemp("experiment")
    generator = np.random.default_rng(6)
    tables = []
    of_source = {"in": generator.normal(size=60), "out": generator.normal(size=60)}
    for name, per_source in (("in4", 6), ("in10", 3), ("out", 5)):
        table = segments_of(60, per_source)
        (folder / "segments").mkdir(exist_ok=True)
        write_segments_of(table, folder / "segments" / f"{name}.parquet")
        tables.append(folder / "segments" / f"{name}.parquet")
        real = np.array(table.label) == "real"
        source = np.array([int(name[1:]) for name in table.source])
        base = np.where(real, 0.5, -0.5) + of_source[name[:2] if name != "out" else name][source]
        for (_, _, algorithm), rounds, gain in ((NONE, 1, 0), (SFT, 2, 1.5), (GRPO, 2, 1.5)):
            for number in range(rounds):
                cell = folder / f"{algorithm}{number}"
                noise = np.random.default_rng(number).normal(0, 0.4, len(real))
                scores = base + np.where(real, gain, -gain) / 2 + noise
                logits = np.stack([-scores, scores], axis=1).astype(np.float32)
                # Rows in another order than the segments'.
                write_scores(cell / "scores" / f"{name}.parquet", table, logits)
    rows = {
        row: [
            {table.stem: folder / f"{row[2]}{n}/scores" / table.name for table in tables}
            for n in range(1 if row is NONE else 2)
        ]
        for row in (NONE, SFT, GRPO)
    }
    found = measure_rows(
        rows,
        tables,
        {"in4": "in", "in10": "in", "out": "out"},
        clusters={"in": "auto", "out": "auto"},
        score="logit",
        trained={NONE: False, SFT: True, GRPO: True},
        replicates=400,
    )
    return {row: add_averages(sets, ["in4", "in10"], ["out"]) for row, sets in found.items()}, rows


def write_segments_of(table, path):
    import pandas as pd

    columns = {name: getattr(table, name) for name in table.__dataclass_fields__}
    write_segments(pd.DataFrame(columns), path)


def test_values_are_the_eers_of_the_rounds(measured):
    from sdd.scoring.score_tables import read_scores

    found, rows = measured
    for row, rounds in rows.items():
        expected = []
        for score_tables in rounds:
            scores = read_scores(score_tables["in4"])
            values = scores.logits[:, 1]
            expected.append(100 * eer(values[scores.real], values[~scores.real])[0])
        assert found[row]["in4"].rounds.values == pytest.approx(expected)
        mean = found[row]["in_domain_avg"].rounds.values
        assert mean == pytest.approx(
            (found[row]["in4"].rounds.values + found[row]["in10"].rounds.values) / 2
        )


def test_intervals_hold_the_value_and_name_their_clusters(measured):
    table = interval_rows(measured[0])
    assert len(table) == 15
    for row in table:
        assert 0 <= row["low"] < row["eer_percent"] < row["high"] <= 100
        assert (row["clusters"], row["drawn"]) == (30, "recordings")
        assert "30 recordings of" in row["note"]
        assert "fewer than 40" in row["note"]
        assert row["rounds"] == (1 if row["algorithm"] == "none" else 2)


def test_sets_of_one_corpus_share_their_draws(measured):
    """Durations of one corpus go up and down together; another corpus does not."""
    sets = measured[0][NONE]
    drawn = {
        name: next(iter(sets[name].rounds.samples.values())).deviations
        for name in ("in4", "in10", "out")
    }
    together = np.corrcoef(drawn["in4"], drawn["in10"])
    apart = np.corrcoef(drawn["in4"], drawn["out"])
    assert together[0, 1] > 0.7
    assert abs(apart[0, 1]) < 0.2


def test_comparisons_find_what_differs_and_what_does_not(measured):
    rows = comparison_rows(measured[0], [(SFT, NONE), (GRPO, SFT), (SFT, ("tiny", "pre", "sft"))])
    assert len(rows) == 10
    for row in rows[:5]:
        assert row["high"] < 0
        assert row["difference"] == pytest.approx(row["eer_a"] - row["eer_b"])
        assert row["p_value"] < 0.01
        assert row["p_value"] <= row["p_holm"] <= 5 * row["p_value"]
        assert row["smallest"] == pytest.approx(row["high"] - row["difference"])
        assert (row["rounds_a"], row["rounds_b"]) == (2, 1)
        assert "one training" not in row["note"]
    for row in rows[5:]:
        assert row["difference"] == 0
        assert row["low"] <= 0 <= row["high"]
        assert row["p_value"] == 1


def test_averages_say_what_was_drawn_of_each_corpus(measured):
    sets = measured[0][SFT]
    both = add_averages(sets, [], ["in4", "out"])["out_of_domain_avg"]
    assert both.words == "recordings"
    assert both.note == "30 recordings of in, 30 recordings of out: fewer than 40"
    named = Measured(both.rounds, {"in": "recordings", "out": "speakers"})
    assert named.words == "recordings, speakers"


def test_speakers_are_drawn_and_too_few_give_no_interval(tmp_path):
    """Twelve speakers, then eight: the interval of recordings, of speakers, and none."""
    table = segments_of(48, 4)
    generator = np.random.default_rng(3)
    number = np.array([int(name[1:]) for name in table.source])
    real = np.array(table.label) == "real"
    # All of a speaker's recordings are alike.
    of_speaker = generator.normal(size=(2, 12))[real.astype(int), number // 2 % 12]
    scores = np.where(real, 0.8, -0.8) + of_speaker + generator.normal(0, 0.3, len(real))
    logits = np.stack([-scores, scores], axis=1).astype(np.float32)
    widths, notes = [], []
    for speakers, rule in ((12, "recording"), (12, "auto"), (8, "auto")):
        named = dataclasses.replace(table, speaker=[f"p{n // 2 % speakers}" for n in number])
        write_segments_of(named, tmp_path / "itw.parquet")
        write_scores(tmp_path / "scores" / "itw.parquet", named, logits)
        found = measure_rows(
            {SFT: [{"itw": tmp_path / "scores" / "itw.parquet"}]},
            [tmp_path / "itw.parquet"],
            {"itw": "itw"},
            clusters={"itw": rule},
            score="logit",
            trained={SFT: True},
            replicates=400,
        )
        [row] = interval_rows(found)
        widths.append(row["high"] - row["low"])
        notes.append((row["clusters"], row["drawn"], row["note"]))
    assert widths[1] > 1.5 * widths[0]
    assert np.isnan(widths[2])
    assert notes == [
        (24, "recordings", "24 recordings of itw: fewer than 40; one training"),
        (12, "speakers", "12 speakers of itw: fewer than 40; one training"),
        (
            8,
            "speakers",
            "8 speakers of itw: fewer than 10 give no interval of their own; one training",
        ),
    ]


def test_one_training_is_noted_in_comparisons(measured):
    sets = measured[0]
    once = {
        name: Measured(
            Rounds(part.rounds.values[:1], part.rounds.samples, trained=True), part.drawn
        )
        for name, part in sets[SFT].items()
    }
    rows = comparison_rows({SFT: once, NONE: sets[NONE]}, [(SFT, NONE)])
    assert all(row["note"].endswith("one training") for row in rows)


def test_a_set_without_an_error_has_an_interval(tmp_path):
    table = segments_of(60, 2)
    real = np.array(table.label) == "real"
    logits = np.stack([np.where(real, -1.0, 1.0), np.where(real, 1.0, -1.0)], axis=1)
    write_segments_of(table, tmp_path / "itw.parquet")
    write_scores(tmp_path / "scores" / "itw.parquet", table, logits.astype(np.float32))
    found = measure_rows(
        {NONE: [{"itw": tmp_path / "scores" / "itw.parquet"}]},
        [tmp_path / "itw.parquet"],
        {"itw": "itw"},
        clusters={"itw": "auto"},
        score="logit",
        trained={NONE: False},
        replicates=40,
    )
    [row] = interval_rows(found)
    assert (row["eer_percent"], row["low"]) == (0, 0)
    assert row["high"] == pytest.approx(100 * (1 - 0.025 ** (1 / 30)))
