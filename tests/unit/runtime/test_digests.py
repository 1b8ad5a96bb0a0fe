"""Digests of files and of text, by the published values of SHA-256."""

from sdd.runtime.digests import file_digest, files_digest, text_digest

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_file_and_a_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_digest(tmp_path / "abc") == text_digest("abc") == ABC
    assert file_digest(tmp_path / "abc", "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert text_digest("") == EMPTY


def test_several_files(tmp_path):
    paths = [tmp_path / name for name in ("abc", "none")]
    paths[0].write_bytes(b"abc")
    paths[1].touch()
    # SHA-256 of the 64 bytes of both digests, by sha256sum.
    assert files_digest(paths) == (
        "6f1290896ee81a0349174d19f4473d267a10289c40480861d5c42affffbd79f9"
    )
    assert files_digest(paths[:1]) != files_digest(paths) != files_digest(reversed(paths))
    assert files_digest([]) == EMPTY
