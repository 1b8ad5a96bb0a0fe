"""The study's rules on real speech; its numbers mean nothing at this size."""

import pandas as pd
import pytest
import yaml

from sdd.scoring.score_tables import read_scores

VOCODERS = {"griffin_lim", "lpc_vocoder", "noise_substitution", "quantised_phase", "sinusoidal"}
SPOKEN = {"espeak", "flite", "piper", "smooth_vocoder", "world_conversion"}
# Set: its clips of each class, and the engines of its fakes.
SETS = {
    "fillets_train": (85, {*VOCODERS, "world_copy"}),
    "fillets_valid": (10, {*VOCODERS, "world_copy"}),
    "queen_train": (50, SPOKEN),
    "queen_valid": (12, SPOKEN),
    "queen_test": (25, SPOKEN),
    "sky": (
        20,
        {"espeak", "flite", "griffin_lim", "lpc_vocoder", "world_conversion", "world_copy"},
    ),
    "prompts": (20, {"espeak", "griffin_lim", "world_conversion", "world_copy"}),
    "phone": (20, {"espeak", "smooth_vocoder", "world_conversion", "world_copy"}),
    "neural": (20, {"hibari", "kokoro"}),
}
TEST_SETS = ["queen_test", "sky", "prompts", "phone", "neural"]
TRAINED = ["sft", "grpo_s", "grpo", "sft-grpo"]


def test_the_choices_are_made_before_a_test_set_is_scored(study):
    assert not list(study.results.glob("**/scores/*"))
    tuned = yaml.safe_load((study.results / "as_written/tuned.yaml").read_text())
    assert list(tuned) == [f"small/post/{algorithm}" for algorithm in TRAINED]
    assert all(row["chosen"] == {"learning_rate": 1.0e-3} for row in tuned.values())
    shortcuts = pd.read_csv(study.results / "shortcuts.csv")
    heard = shortcuts[shortcuts.trained_on == "queen_train"]
    assert set(heard.test_set) == {"queen_valid", *TEST_SETS}
    assert set(shortcuts[shortcuts.trained_on == "itself"].test_set) == {
        "queen_train", "queen_valid", *TEST_SETS
    }  # fmt: skip


def segments(study, name):
    """Segments of a set by class: real, and fake."""
    table = pd.read_parquet(study.results / f"segments/{name}.parquet")
    return table[table.label == "real"], table[table.label == "fake"]


@pytest.mark.parametrize(("name", "size", "engines"), [(key, *SETS[key]) for key in SETS])
def test_each_real_clip_has_one_fake_beside_it(study, name, size, engines):
    real, fake = segments(study, name)
    assert (len(real), len(fake)) == (size, size)
    assert set(real.source) == set(fake.source)
    assert real.source.is_unique
    assert set(fake.attack) == engines
    seconds = (pd.concat([real, fake]).eval("end - start") / 16_000).tolist()
    # To a few milliseconds, which engines round to.
    assert min(seconds) > 1.1
    assert max(seconds) < 3.7


def test_pre_training_hears_real_speech_alone(study):
    real, fake = segments(study, "fillets_real")
    assert not len(fake)
    assert sorted(real.path) == sorted(segments(study, "fillets_train")[0].path)


def test_no_recording_is_in_two_sets(study):
    sources = [set(segments(study, name)[0].source) for name in SETS]
    assert len(set().union(*sources)) == sum(map(len, sources))


def test_it_goes_through_to_its_report(study):
    study.run("--", "all")
    study.run("--", "report")
    folder = study.results / "as_written"
    table = pd.read_csv(folder / "table1.csv")
    assert list(table.algorithm) == ["none", *TRAINED]
    # Of 20 and 25 clips a class an EER is a whole number of halves of a clip.
    for name in TEST_SETS:
        halves = table[name] / 100 * 2 * SETS[name][0]
        assert abs(halves - halves.round()).max() < 1e-9
        scores = read_scores(folder / f"small/post/sft/round1/scores/{name}.parquet")
        assert len(scores.logits) == 2 * SETS[name][0]
    assert table.out_of_domain_avg.tolist() == pytest.approx(
        table[TEST_SETS[1:]].mean(axis=1).tolist()
    )
    verdicts = pd.read_csv(folder / "claims.csv").set_index("claim").verdict
    assert verdicts["abstract_improves_out_of_domain"] == "undecided"  # one round
    assert "a check of the software" in (folder / "report.html").read_text()
    assert "Nothing to be done" in study.run("--dry-run", "--", "all")
