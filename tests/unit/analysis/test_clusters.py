"""What is drawn: speakers where known, recordings otherwise, or what a pattern finds."""

import dataclasses

import pytest

from sdd.analysis.clusters import read_clusters
from sdd.errors import InputError
from tests.helpers.score_tables import segments, write_table


@pytest.fixture
def table(tmp_path):
    def write(**columns):
        path = tmp_path / "set.parquet"
        write_table(dataclasses.replace(segments(["real"] * 4), **columns), path)
        return path

    return write


def test_speakers_where_all_are_known(table):
    clusters = read_clusters(table(speaker=["ann", "bob", "ann", "ann"]), "auto")
    assert clusters.drawn == "speakers"
    names = list(clusters.of_segment.values())
    assert names[0] == names[2] == names[3] != names[1]


def test_recordings_where_no_speaker_is_known(table):
    clusters = read_clusters(
        table(source=["a", "a", "b", "b"], speaker=["-", "", "-", "-"]), "auto"
    )
    assert clusters.drawn == "recordings"
    assert clusters.of_segment == {"s0": "a", "s1": "a", "s2": "b", "s3": "b"}


def test_a_recording_is_not_taken_for_a_speaker_of_its_name(table):
    path = table(source=["ann", "x", "y", "ann"], speaker=["-", "ann", "bob", "-"])
    clusters = read_clusters(path, "auto")
    assert clusters.drawn == "speakers and recordings"
    assert len(set(clusters.of_segment.values())) == 3
    assert clusters.of_segment["s0"] == clusters.of_segment["s3"]


def test_recordings_may_be_asked_for(table):
    path = table(source=list("aabb"), speaker=["ann"] * 4)
    assert set(read_clusters(path, "recording").of_segment.values()) == {"a", "b"}


def test_speakers_may_be_asked_for_and_must_be_there(table):
    path = table(speaker=["ann", "ann", "-", "bob"])
    with pytest.raises(InputError, match=r"set\.parquet: segment 's2' \(row 3\) has no speaker"):
        read_clusters(path, "speaker")


def test_a_pattern_finds_the_original_voice(table):
    """As config.yaml has it for DEEP-VOICE: capitals differ between its folders."""
    rule = {"pattern": "(.+?)-(?:original|to-)", "drawn": "original voices"}
    sources = ["linus-original", "Linus-to-Musk", "musk-to-linus", "musk-original"]
    clusters = read_clusters(table(source=sources), rule)
    assert clusters.drawn == "original voices"
    assert list(clusters.of_segment.values()) == ["linus", "linus", "musk", "musk"]
    with pytest.raises(InputError, match=r"recording 'other' \(row 1\) does not fit the pattern"):
        read_clusters(table(source=["other", *sources[1:]]), rule)
