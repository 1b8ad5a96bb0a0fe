"""Sets under conditions: their config, their jobs, their place in the plan and the report."""

import doctest

import pytest

from sdd.data.audio.codecs import CODECS
from sdd.errors import InputError
from sdd.experiment import conditions, contents, settings, tree
from sdd.experiment.conditions import check_condition, in_words, normal_form, short_name
from sdd.experiment.consistency import check_experiment
from sdd.experiment.needs import JobResources
from sdd.experiment.plan import plan
from sdd.experiment.schema import check_config
from tests.helpers.experiments import experiment
from tests.helpers.paths import CHECKOUT

LINES = """
sets:
  itw_opus: {corpus: itw, condition: {bitrate: 16k, codec: opus}}
  itw_call: {corpus: itw, condition: {codec: amr, bitrate: 12.2k, noise: white, snr: 20, gain: -20}}
  add23_opus: {corpus: add23, condition: {codec: opus, bitrate: 16000}}
  dfe24_4s_gsm: {corpus: dfe24, partition: test, max_seconds: 4, condition: {codec: gsm}}
  dfe24_10s_gsm: {corpus: dfe24, partition: test, max_seconds: 10, condition: {codec: gsm}}
in_domain: {sets: [dfe24_4s, dfe24_4s_gsm, dfe24_10s_gsm]}
out_of_domain: {sets: [itw, itw_opus, add23, add23_opus, itw_call]}
"""


def test_examples():
    assert doctest.testmod(conditions).failed == 0


def test_one_form_of_a_condition():
    assert normal_form({"bitrate": "12.2k", "codec": "amr", "gain": -6}) == {
        "gain": -6,
        "codec": "amr",
        "bitrate": 12_200,
    }
    assert list(normal_form({"codec": "gsm", "resample": 8000})) == ["resample", "codec"]
    assert experiment(LINES).condition("itw") is None
    assert experiment(LINES).condition("itw_opus") == experiment(LINES).condition("add23_opus")


def test_names_of_conditions_differ_and_can_be_those_of_rules():
    every = [
        {"gain": 6},
        {"gain": -6},
        {"gain": 0.6},
        {"noise": "white", "snr": 6},
        {"resample": 6000},
        {"codec": "amr", "bitrate": "6.7k"},
        {"codec": "amr", "bitrate": 4750},
        {"codec": "vorbis", "quality": 0.6},
        {"codec": "gsm", "gain": 6},
        {"codec": "gsm"},
    ]
    names = [short_name(one) for one in every]
    assert names[0] == "gain6"
    assert names[3] == "white-6dB"
    assert names[5] == "amr-6p7k"
    assert len(set(names)) == len(names)
    assert in_words(every[3]) == "noise white, snr 6 dB"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"codec": "opus"}, "opus needs a bitrate, such as 6k to 256k"),
        ({"codec": "vorbis"}, "vorbis needs a quality, from 0 to 1"),
        ({"codec": "gsm", "bitrate": "13k"}, r"bitrate: gsm has none to choose; remove it"),
        ({"codec": "mp3", "bitrate": "32k", "quality": 1}, "quality: mp3 has none to choose"),
        ({"codec": "opus", "bitrate": "600k"}, "'600k' is none that opus has at 16,000 Hz: 6k to"),
        ({"codec": "mp3", "bitrate": "33k"}, "'33k' is none that mp3 has .*24k, 32k, 40k"),
        ({"codec": "amr", "bitrate": 12_000}, "12000 is none that amr .*10.2k, 12.2k"),
    ],
)
def test_a_codec_says_what_it_has(condition, words):
    with pytest.raises(InputError, match=words):
        check_condition("sets.x.condition", condition)


def test_every_choice_of_a_codec_is_one():
    for name, codec in CODECS.items():
        for bits in codec.bitrates or [None]:
            chosen = {"bitrate": bits} if bits else {}
            quality = {"quality": 0.5} if codec.takes_quality else {}
            check_condition("", {"codec": name, **chosen, **quality})


def test_a_condition_is_scored_in_a_job_of_its_own_for_each_group_of_corpora():
    """What is added later scores nothing again; durations of a corpus share a job as before."""
    jobs = {job.name: job.sets for job in experiment(LINES).scoring_jobs() if not job.embeddings}
    assert jobs["dfe24"] == ("dfe24_4s",)
    assert jobs["dfe24_gsm"] == ("dfe24_4s_gsm", "dfe24_10s_gsm")
    assert jobs["itw"] == ("itw",)
    assert jobs["itw_opus-16k"] == ("itw_opus",)
    assert jobs["itw_gain-20_white-20dB_amr-12p2k"] == ("itw_call",)
    together = experiment(LINES + "scoring: {together: {small: [itw, add23]}}")
    jobs = {job.name: job.sets for job in together.scoring_jobs() if not job.embeddings}
    assert jobs["small"] == ("itw", "add23")
    assert jobs["small_opus-16k"] == ("itw_opus", "add23_opus")
    check_experiment(together)


def test_a_job_s_name_must_not_be_another_s():
    lines = LINES + "corpora: {itw_opus-16k: {reader: csv, path: x}}"
    with pytest.raises(InputError, match=r"sets\.itw_opus\.condition: .*'itw_opus-16k', which is"):
        check_experiment(experiment(lines))


def test_what_is_cut_knows_nothing_of_the_condition():
    """Else a clean set would be another part of its corpus than it was."""
    subject = experiment(LINES)
    assert settings.part(subject, "itw") == subject.config["sets"]["itw"]
    assert settings.part(subject, "dfe24_4s_gsm") == {
        "corpus": "dfe24",
        "partition": "test",
        "max_seconds": 4,
    }
    assert settings.place(subject, "itw_opus", tree.CONDITION_FOLDER) == "itw/conditions/itw_opus"


def test_only_what_is_cut_is_encoded_as_mp3_again():
    subject = experiment()
    sets = subject.sets_in_use()
    assert [name for name in sets if subject.is_encoded_again(name, "as_released")] == [
        *(f"dfe24_{d}s" for d in (4, 10, 13, 30, 50)),
        "dfe24_train",
    ]
    assert not any(subject.is_encoded_again(name, "as_written") for name in sets)


def test_the_plan_has_what_is_made_anew_with_hours_of_the_set_that_it_is_made_of(tmp_path):
    subject = experiment(LINES)
    needs = JobResources(subject)
    lines = {line.name: line for line in plan(subject, needs, "as_written", tmp_path)}
    assert lines["condition itw_opus"].job.hours == pytest.approx(38 / 50 / 8)
    assert lines["condition itw_opus"].job.kept_gb == pytest.approx(0.07 * 38)
    assert not [name for name in lines if name.startswith("mp3 again")]
    assert None not in {line.job.hours for name, line in lines.items() if name.startswith("score")}
    made = tree.path(tree.SEGMENTS, tmp_path, set="itw_opus")
    made.parent.mkdir()
    made.touch()
    # Audio that is known counts for both.
    known = JobResources(subject, {"itw": 40.0})
    lines = {line.name: line for line in plan(subject, known, "as_released", tmp_path)}
    assert (lines["condition itw_opus"].done, lines["condition itw_call"].done) == (1, 0)
    assert lines["condition itw_call"].job.kept_gb == pytest.approx(0.07 * 40)
    assert lines["mp3 again dfe24_4s"].job.hours == pytest.approx(50 / 50 / 8)
    assert "condition dfe24_4s_gsm" not in lines


def test_the_report_says_what_a_set_is_made_from():
    report = contents.report(experiment(LINES), "as_written")
    files = {what: origin for what, _, origin in report["files"]}
    assert files["segments of itw"] == "itw"
    assert files["segments of itw_opus"] == "itw; codec opus, bitrate 16k"


def test_the_example_of_the_docs_is_valid():
    text = (CHECKOUT / "docs/robustness.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    assert examples
    for example in examples:
        subject = experiment(example)
        check_config(subject.config, CHECKOUT / "workflow/schemas/config.schema.yaml", ["docs"])
        check_experiment(subject)
        assert any(map(subject.condition, subject.test_sets))
