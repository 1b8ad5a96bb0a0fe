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


def test_a_real_clip_and_its_copies_are_one_cluster(table):
    """The copy's voice is not filled in, or is another's: they share the recording all the same."""
    path = table(source=["x", "x", "y", "z"], speaker=["ann", "-", "bob", "-"])
    clusters = read_clusters(path, "auto")
    assert clusters.drawn == "speakers and recordings"
    assert clusters.of_segment["s0"] == clusters.of_segment["s1"] == "speaker ann"
    assert len(set(clusters.of_segment.values())) == 3
    path = table(source=["x", "x", "y", "x"], speaker=["ann", "-", "bob", "cyd"])
    clusters = read_clusters(path, "auto")
    assert clusters.drawn == "groups of speakers"
    names = list(clusters.of_segment.values())
    assert names[0] == names[1] == names[3] != names[2]


def test_chains_of_shared_recordings_are_one_cluster_whatever_the_order(table):
    speakers, sources = ["ann", "bob", "cyd", "bob"], ["x", "y", "y", "x"]
    for order in ([0, 1, 2, 3], [2, 1, 0, 3], [3, 2, 1, 0]):
        path = table(
            source=[sources[place] for place in order], speaker=[speakers[p] for p in order]
        )
        assert set(read_clusters(path, "auto").of_segment.values()) == {"speaker cyd"}
