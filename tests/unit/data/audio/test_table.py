"""Audio tables: what a set's audio is called, whatever else a corpus holds."""

import pandas as pd

from sdd.data.audio.table import digest_of_audio


def test_digest_of_the_audio_of_some_files():
    table = pd.DataFrame({"file": ["c/a", "c/b", "c/c"], "sha256": ["1", "2", "3"]})
    of_two = digest_of_audio(table, ["c/b", "c/a", "c/b"])
    assert of_two == digest_of_audio(table, ["c/a", "c/b"])
    assert of_two != digest_of_audio(table, ["c/a", "c/c"])
    changed = table.assign(sha256=["1", "2", "4"])
    assert digest_of_audio(changed, ["c/a", "c/b"]) == of_two
    changed = table.assign(sha256=["1", "4", "3"])
    assert digest_of_audio(changed, ["c/a", "c/b"]) != of_two
    exchanged = table.assign(sha256=["2", "1", "3"])
    assert digest_of_audio(exchanged, ["c/a", "c/b"]) != of_two
