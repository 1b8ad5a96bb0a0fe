"""Error rates of a cell by hand, the two scores, and scores of other segments."""

import dataclasses

import numpy as np
import pytest

from sdd.analysis.cell_error_rates import CALIBRATED, calibrate_cell, measure_error_rates
from sdd.errors import InputError
from sdd.scoring.score_tables import write_scores
from tests.helpers.score_tables import segments, write, write_table


def rates(paths, score="logit", least_trials=1, **options):
    tables = [path.with_suffix(".segments") for path in paths]
    measured, _ = measure_error_rates(paths, tables, score, least_trials=least_trials, **options)
    return measured


def test_error_rates_by_hand(tmp_path):
    """Accepted as real above the threshold; real logits 1 3 5 7, fake 0 2 4 (in two sets)."""
    # t = 2: FRR 1/4, FAR 1/3; t = 3: FRR 2/4, FAR 1/3. Nearest: t = 2, (1/4 + 1/3) / 2 = 7/24.
    mixed = write(
        tmp_path / "mixed.parquet",
        real=[(9, 7), (-9, 1), (0, 5), (0, 3)],
        fake=[(0, 4), (-9, 0), (9, 2)],
    )
    apart = write(tmp_path / "dfe24_4s.parquet", real=[(0, 3), (0, 4)], fake=[(0, -1), (5, 2)])
    first = ("test_set", "eer_percent", "threshold", "n_real", "n_fake")
    rows = rates([apart, mixed], "logit")
    assert all(tuple(row)[:5] == first for row in rows)
    assert [{name: row[name] for name in first} for row in rows] == [
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
    with pytest.raises(InputError, match=r"cannot be read .* delete it to have it made again"):
        rates([path])


def at_validation(path):
    row = rates([path], validation=validation_of(path.parent))[0]
    return {name: value for name, value in row.items() if "validation" in name}


def validation_of(folder, real=(3, 4, 5, 6), fake=(0, 1, 2, 3.5)):
    pairs = [[(0, value) for value in values] for values in (real, fake)]
    path = write(folder / "valid.parquet", real=pairs[0], fake=pairs[1])
    return path, path.with_suffix(".segments")


def test_errors_at_the_threshold_of_the_validation_set(tmp_path):
    """Validation: at 3 one of four real ones is rejected, one of four fakes accepted: EER 25 %.

    The test set's scores lie two lower: three of four real ones are rejected at 3, no fake is
    accepted, though its own EER is 25 % as well.
    """
    path = write(
        tmp_path / "itw.parquet",
        real=[(0, 1), (0, 2), (0, 3), (0, 4)],
        fake=[(0, -2), (0, -1), (0, 0), (0, 1.5)],
    )
    assert rates([path])[0]["eer_percent"] == 25
    assert at_validation(path) == {
        "validation_eer_percent": 25.0,
        "validation_threshold": 3.0,
        "frr_at_validation_percent": 75.0,
        "far_at_validation_percent": 0.0,
    }


def test_without_a_validation_set_nothing_is_said_of_its_threshold(tmp_path):
    path = write(tmp_path / "itw.parquet", real=[(0, 1)], fake=[(1, 0)])
    (row,) = rates([path])
    assert all(np.isnan(value) for name, value in row.items() if "validation" in name)
    assert np.isnan(row["pooled_eer_percent"])


def test_validation_scores_of_other_segments_are_refused(tmp_path):
    path = write(tmp_path / "itw.parquet", real=[(0, 1)], fake=[(1, 0)])
    other = scored_and_wanted(tmp_path / "valid.parquet", renamed, lambda t: t)
    with pytest.raises(InputError, match=r"valid\.parquet: all of its 4 segments"):
        rates([path], validation=(other, other.with_suffix(".segments")))


def test_pooled_rates_have_one_threshold_for_a_domain(tmp_path):
    """Each set alone is without error; b lies ten higher, and its fakes above a's real trials."""
    paths = [
        write(tmp_path / f"{name}.parquet", real=[(0, 1 + up)] * 2, fake=[(0, 0 + up)] * 2)
        for name, up in (("a", 0), ("b", 10), ("c", 5))
    ]
    rows = rates(paths, domains=[["a", "b"], ["c"]])
    assert [row["eer_percent"] for row in rows] == [0, 0, 0]
    # Thresholds at 1 or 10: half of one class and all of the other; at 0 FRR 0, FAR 1/2.
    assert [row["pooled_eer_percent"] for row in rows] == [50, 50, 0]


def test_further_measures_and_the_breakdown_are_of_the_same_trials(tmp_path):
    labels = ["real"] * 10 + ["fake"] * 10
    table = dataclasses.replace(segments(labels), attack=["-"] * 10 + ["A"] * 5 + ["B"] * 5)
    logits = np.zeros((20, 2), dtype=np.float32)
    logits[:, 1] = [*range(1, 11), *[-1] * 5, *[20] * 5]
    path = tmp_path / "itw.parquet"
    # In another order than the segment table.
    order = list(reversed(range(20)))
    write_scores(path, table.select(order), logits[order])
    write_table(table, path.with_suffix(".segments"))
    [row], breakdown = measure_error_rates([path], [path.with_suffix(".segments")], "logit")
    assert row["auc_percent"] == 50
    assert (row["n_real"], row["n_fake"]) == (10, 10)
    assert row["min_dcf"] == pytest.approx(0.5)
    assert row["act_dcf"] == pytest.approx(0.5)
    assert 0 < row["cllr_min"] < row["cllr"]
    assert [(part["group"], part["far_percent"]) for part in breakdown] == [("A", 0), ("B", 100)]


def test_calibrated_on_the_validation_set(tmp_path):
    """By symmetry the offset is 0, and the scale that of four trials of each class at 1 and -1.

    Each counts as 5/6 of its own class: 1 / (1 + e^-a) = 5/6, a = log 5.
    """
    valid = write(tmp_path / "valid.parquet", real=[(-0.5, 0.5)] * 4, fake=[(1, 0)] * 4)
    calibration = calibrate_cell(valid, valid.with_suffix(".segments"))
    assert calibration.scale == pytest.approx(np.log(5), abs=1e-6)
    assert calibration.offset == pytest.approx(0, abs=1e-6)
    assert list(calibration.files) == [str(valid)]
    test = write(tmp_path / "test.parquet", real=[(0, 1), (0, 2)], fake=[(0, -1), (0, 1)])
    (row,) = rates([test], calibration=calibration)
    bits = [np.log2(1 + 5.0**-n) for n in (1, 2)] + [np.log2(1 + 5.0**n) for n in (-1, 1)]
    assert row["cllr_calibrated"] == pytest.approx(sum(bits) / 4)
    # Above the threshold of ASVspoof 5, -0.64, is one fake of two: 0.5 x 1/2 / 0.5.
    assert row["act_dcf_calibrated"] == pytest.approx(0.5)
    assert row["beyond_calibration_percent"] == 25
    (row,) = rates([test])
    assert [np.isnan(row[name]) for name in CALIBRATED] == [True] * 3
