"""A journal outlives the process that writes it, at any moment."""

from sdd.runtime.journal import Journal


def test_entries_come_back_and_the_last_of_a_key_counts(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.read() == {}
    with journal.appending() as entries:
        entries.add("ü", {"size": 1})
        entries.add("a", {"size": 2})
        assert journal.read() == {"ü": {"size": 1}, "a": {"size": 2}}  # at once
        entries.add("ü", {"size": 3})
    with journal.appending() as entries:
        entries.add("b", [4])
    assert journal.read() == {"ü": {"size": 3}, "a": {"size": 2}, "b": [4]}


def test_written_anew_it_does_not_tell_the_order_of_work(tmp_path):
    first, second = Journal(tmp_path / "a"), Journal(tmp_path / "b")
    first.write({"y": 1, "x": 2})
    second.write({"x": 2, "y": 1})
    assert first.path.read_bytes() == second.path.read_bytes() == b'["x", 2]\n["y", 1]\n'
    first.write({"z": 3})
    assert first.read() == {"z": 3}


def test_what_is_no_entry_is_ignored(tmp_path):
    path = tmp_path / "journal.jsonl"
    lines = ['["a", 1]', '{"version": 1, "path": "b"}', '["c"]', "[1, 2]", "null", "", '["d", {"x']
    path.write_text("\n".join(lines), encoding="utf-8")
    assert Journal(path).read() == {"a": 1}
    path.write_bytes(b'["a", 1]\n\xff\xfe["b", 2]\n["c", 3]\n')
    assert Journal(path).read() == {"a": 1, "c": 3}
