"""Hours of sets by the protocols of their corpora, and what to do where there are none."""

from sdd.experiment import tree
from sdd.experiment.listed_hours import listed_audio_hours, notes_on_unknown_hours
from sdd.experiment.needs import JobResources
from tests.helpers.experiments import experiment

OWN = """
name: own
corpora: {calls: {reader: csv, path: calls.csv}}
sets:
  calls_test: {corpus: calls, partition: test}
  calls_train: {corpus: calls, partition: train, max_seconds: 15}
  calls_fake: {corpus: calls, label: fake}
training_set: calls_train
validation_set: calls_test
reference_set: calls_fake
in_domain: {title: Calls, sets: [calls_test]}
out_of_domain: {title: None, sets: []}
rows: [{model: mms_300m, init: post, algorithm: sft}]
drift: {model: mms_300m, panels: {a: [sft]}}
"""


def test_hours_are_those_of_the_rows_of_each_set(tmp_path):
    own = experiment(OWN)
    assert listed_audio_hours(own, tmp_path) == {}
    protocol = tree.path(tree.PROTOCOL, tmp_path, corpus="calls")
    protocol.parent.mkdir()
    protocol.write_text(
        "ID,Label,Duration,Path,Proportion\n"
        'a,real,3600.00,"x, ""y"".wav",train\n'
        "b,fake,1800.00,b.wav,train\n"
        "c,fake,900.00,c.wav,test\n"
        "d,fake,-1.00,d.wav,test\n"  # no header could be read
    )
    found = listed_audio_hours(own, tmp_path)
    assert found == {"calls_test": 0.25, "calls_train": 1.5, "calls_fake": 0.75}
    assert notes_on_unknown_hours(own, JobResources(own, found)) == []


def test_unknown_hours_name_the_sets_and_the_remedy():
    own = experiment(OWN)
    notes = notes_on_unknown_hours(own, JobResources(own))
    assert max(map(len, notes)) <= 80
    text = " ".join(notes)
    for words in ("calls_test", "calls_train", "calls_fake", "`snakemake protocols`"):
        assert words in text
    assert "resources.audio_hours" in text
    assert notes_on_unknown_hours(experiment(), JobResources(experiment())) == []
