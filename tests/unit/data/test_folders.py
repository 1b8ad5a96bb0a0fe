"""One walker for corpora and `sdd score`: what it takes, what it leaves out, what it cannot see."""

import os
import socket
from pathlib import Path

import pytest

from sdd.data.corpora.protocol import format_protocol
from sdd.data.corpora.readers import list_corpus, read_corpus
from sdd.data.folders import AUDIO_SUFFIXES, Reason, find_audio
from sdd.data.inventory.corpus import take_inventory
from sdd.errors import InputError
from sdd.scoring.places import find_recordings
from tests.helpers.closed_folders import closed, folder_for_others
from tests.helpers.releases import write_audio


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in find_audio(folder).files]


def left_out(folder: Path) -> dict[Reason, list[str]]:
    return {
        reason: [str(path.relative_to(folder)) for path in paths]
        for reason, paths in find_audio(folder).left_out.items()
    }


def test_hidden_deleted_and_other_files(tmp_path: Path) -> None:
    """What file managers, notebooks, macOS and NAS leave in folders of recordings."""
    touch(tmp_path, "b.wav", "a.FLAC", "sub/c.Mp3", "sub.wav/d.opus", "x.w64", "x.caf", "x.wma")
    touch(tmp_path, ".hidden.wav", "._a.FLAC", ".DS_Store", ".Trash-1000/old.wav")
    touch(tmp_path, "sub/.ipynb_checkpoints/c-checkpoint.mp3", "@eaDir/a.FLAC/x.mp3")
    touch(tmp_path, "$RECYCLE.BIN/R1.wav", "__MACOSX/b.wav", "notes.txt", "Thumbs.db", "noext")
    assert names(tmp_path) == [
        *("a.FLAC", "b.wav", "x.caf", "x.w64", "x.wma", "sub/c.Mp3", "sub.wav/d.opus"),
    ]
    assert left_out(tmp_path) == {
        Reason.HIDDEN: [
            *(".DS_Store", ".Trash-1000", "._a.FLAC", ".hidden.wav", "sub/.ipynb_checkpoints"),
        ],
        Reason.SYSTEM: ["$RECYCLE.BIN", "@eaDir", "__MACOSX"],
        Reason.SUFFIX: ["Thumbs.db", "noext", "notes.txt"],
    }
    words = find_audio(tmp_path).left_out_in_words()
    assert "3 without an audio suffix (.db: 1, none at all: 1, .txt: 1)" in words
    assert any(text.startswith("5 hidden (a name that begins with a dot); the") for text in words)


def test_a_hidden_folder_that_is_named_is_walked(tmp_path: Path) -> None:
    touch(tmp_path / ".cache", "a.wav")
    assert names(tmp_path / ".cache") == ["a.wav"]
    assert names(tmp_path) == []


def test_both_walkers_are_one(tmp_path: Path) -> None:
    """The folders of a corpus and those of `sdd score` have the same recordings."""
    for folder in ("real", "fake"):
        touch(tmp_path / folder, *(f"x{suffix}" for suffix in sorted(AUDIO_SUFFIXES)))
        touch(tmp_path / folder, ".hidden.wav", "README", "sub/y.wav")
    listing = list_corpus("folders", tmp_path, real="$ROOT/real", fake="$ROOT/fake")
    scored = find_recordings([tmp_path / "real", tmp_path / "fake"])
    assert [utterance.path for utterance in listing.utterances] == scored.files
    assert listing.left_out == scored.left_out
    assert len(scored.files) == 2 * (len(AUDIO_SUFFIXES) + 1)
    assert len(scored.left_out) == 4


def test_links_to_files_and_folders(tmp_path: Path) -> None:
    calls, elsewhere = tmp_path / "calls", tmp_path / "elsewhere"
    touch(calls, "z.wav", "sub/y.wav")
    touch(elsewhere, "far.wav", "deep/er.flac", "single.ogg")
    (calls / "a.wav").symlink_to(calls / "z.wav")  # sorts before its file, and is the link
    (calls / "b.wav").symlink_to("a.wav")
    (calls / "more").symlink_to(elsewhere)
    (calls / "again").symlink_to(elsewhere / "deep")
    (calls / "one.ogg").symlink_to(elsewhere / "single.ogg")
    (calls / "late").symlink_to(calls / "sub")
    os.link(calls / "z.wav", calls / "hard.wav")
    # A folder that two links lead to is taken by the first of them in order.
    assert names(calls) == [
        *("hard.wav", "z.wav", "again/er.flac", "more/far.wav", "more/single.ogg", "sub/y.wav")
    ]
    assert left_out(calls) == {
        Reason.AGAIN: ["a.wav", "b.wav", "late", "more/deep", "one.ogg"],
    }


def test_loops_and_links_to_nothing(tmp_path: Path) -> None:
    calls = tmp_path / "top/calls"
    touch(calls, "sub/x.wav")
    touch(tmp_path, "top/private.wav")
    (calls / "self").symlink_to(calls)
    (calls / "sub/up").symlink_to("..")
    (calls / "above").symlink_to(tmp_path / "top")  # would bring in what lies beside the folder
    (calls / "root").symlink_to("/")
    (calls / "gone.wav").symlink_to("nowhere.wav")
    (calls / "gone").symlink_to("nowhere")
    (calls / "one.wav").symlink_to("two.wav")
    (calls / "two.wav").symlink_to("one.wav")
    # Links to nothing are recordings that are missing: reading them tells.
    assert names(calls) == ["gone.wav", "one.wav", "two.wav", "sub/x.wav"]
    assert left_out(calls) == {
        Reason.SUFFIX: ["gone"],
        Reason.AGAIN: ["above", "root", "self", "sub/up"],
    }


def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "null.wav").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.mp3"))
        assert names(tmp_path) == ["a.wav"]
        assert left_out(tmp_path) == {Reason.SPECIAL: ["null.wav", "pipe.wav", "socket.mp3"]}
    found = find_recordings([tmp_path / "pipe.wav", Path("/dev/zero"), tmp_path / "a.wav"])
    assert found.files == [tmp_path / "a.wav"]
    assert list(found.problems) == [tmp_path / "pipe.wav", Path("/dev/zero")]
    assert "is no ordinary file" in found.problems[tmp_path / "pipe.wav"]


def test_odd_names(tmp_path: Path) -> None:
    odd = ["-dash.wav", "a\nb.wav", "tab\t.wav", "ü.wav", "ü 語.wav", "n" * 251 + ".wav", "%s.wav"]
    touch(tmp_path, *odd)
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).touch()
    (tmp_path / os.fsdecode(b"f\xfc")).mkdir()
    (tmp_path / os.fsdecode(b"f\xfc/x.wav")).touch()
    walk = find_audio(tmp_path)
    assert set(names(tmp_path)) == set(odd)
    assert len(walk.problems) == 2
    assert all("is not valid UTF-8: rename the file" in text for text in walk.problems.values())
    os.mkfifo(tmp_path / ".line\nend")
    (text,) = (words for words in find_audio(tmp_path).left_out_in_words() if "hidden" in words)
    assert text.endswith("/.line\\nend")


def test_a_path_that_is_too_long_is_no_matter_of_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(18):  # the system takes 4,096 bytes of a path
        Path("n" * 240).mkdir()
        monkeypatch.chdir("n" * 240)
    [problem] = find_audio(tmp_path).problems.values()
    assert "(File name too long): move what lies there further up" in problem
    assert "permissions" not in problem


def test_nothing_below_a_closed_folder_disappears() -> None:
    with folder_for_others() as top:
        for name in ("open/a.wav", "closed/b.wav", "unnamed/sub/c.wav", "d.wav"):
            write_audio(top / "calls" / name, 0.05)
        (top / "calls/link").symlink_to(top / "calls/unnamed/sub")
        calls = top / "calls"
        # The second may be entered, but not listed.
        with closed({calls / "closed": 0, calls / "unnamed": 0o111}):
            walk = find_audio(calls)
            assert [path.name for path in walk.files] == ["d.wav", "c.wav", "a.wav"]
            assert list(walk.problems) == [calls / "closed", calls / "unnamed"]
            assert all("cannot be read (Permission denied)" in t for t in walk.problems.values())
            options = {"real": str(calls), "fake": str(calls / "open")}
            with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
                read_corpus("folders", top, **options)
            listing = list_corpus("folders", top, **options)
            assert len(listing.problems) >= 2
            found = find_recordings([calls, calls / "closed", calls / "closed/b.wav"])
            assert list(found.problems) == [
                *(calls / "closed", calls / "unnamed", calls / "closed/b.wav")
            ]
        with closed({calls: 0o444}):
            walk = find_audio(calls)
            assert {path.name for path in walk.problems} == {"open", "closed", "unnamed", "link"}
            assert [path.name for path in walk.files] == ["d.wav"]


def test_what_is_left_out_is_told_of_a_corpus(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("real/a.wav", "fake/b.wav"):
        write_audio(tmp_path / name, 0.05)
    touch(tmp_path, "real/.ipynb_checkpoints/a-checkpoint.wav", "fake/.b.wav", "fake/b.lab")
    folders = {"real": "$ROOT/real", "fake": "$ROOT/fake"}
    protocol = read_corpus("folders", tmp_path, **folders)
    assert list(protocol["ID"]) == ["own-real-a.wav", "own-fake-b.wav"]
    expected = [
        ("real", f"1 {Reason.HIDDEN.value}; it is {tmp_path}/real/.ipynb_checkpoints"),
        ("fake", f"1 {Reason.HIDDEN.value}; it is {tmp_path}/fake/.b.wav"),
        ("fake", "1 without an audio suffix (.lab: 1)"),
    ]
    for folder, words in expected:
        assert f"left out of folder {tmp_path / folder}: {words}" in caplog.text
    inventory = take_inventory("own", tmp_path, tmp_path / "j", reader="folders", **folders)
    assert inventory.obstacle == ""
    assert [
        (Path(finding.what).name, finding.detail)
        for finding in inventory.findings
        if finding.kind == "left_out"
    ] == expected


def test_a_link_from_fakes_to_a_real_recording(tmp_path: Path) -> None:
    for name in ("real/a.wav", "fake/b.wav"):
        write_audio(tmp_path / name, 0.05)
    (tmp_path / "fake/c.wav").symlink_to(tmp_path / "real/a.wav")
    with pytest.raises(InputError, match=r"real/a\.wav is a real recording, and .*fake/c\.wav, a"):
        read_corpus("folders", tmp_path, real="$ROOT/real", fake="$ROOT/fake")


def test_names_with_line_ends_survive_in_a_protocol(tmp_path: Path) -> None:
    for name in ("real/a\nb.wav", "real/-c\r.wav", "fake/d,e.wav"):
        write_audio(tmp_path / name, 0.05)
    protocol = read_corpus("folders", tmp_path, real="$ROOT/real", fake="$ROOT/fake")
    assert '"own-real-a\nb.wav"' in format_protocol(protocol)
    assert set(protocol["ID"]) == {"own-real-a\nb.wav", "own-real--c\r.wav", "own-fake-d,e.wav"}


def test_a_file_that_is_named_twice_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "calls/a.wav", "calls/notes.txt")
    (tmp_path / "calls/link.wav").symlink_to("a.wav")
    calls = tmp_path / "calls"
    spelt = calls / ".." / "calls" / "a.wav"
    assert find_recordings([calls, spelt, calls / "a.wav", calls]).files == [calls / "a.wav"]
    # What is named is tried: a link, and a file of any suffix.
    named = [calls / "link.wav", calls / "notes.txt"]
    assert find_recordings([*named, calls]).files == [*named, calls / "a.wav"]
    too_long = tmp_path / ("x" * 300)
    problems = find_recordings([Path("-"), too_long]).problems
    assert "Standard input is not read" in problems[Path("-")]
    assert "cannot be opened (File name too long)" in problems[too_long]
