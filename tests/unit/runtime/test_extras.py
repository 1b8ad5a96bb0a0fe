"""Libraries of an extra that are not installed."""

import pytest

from sdd.cli import main
from sdd.errors import InputError
from sdd.runtime import extras


def test_a_library_that_is_there_is_no_matter():
    extras.require_extra("numpy", "figures", what="anything")


def test_one_that_is_not_is_named_with_the_remedy():
    with pytest.raises(InputError) as raised:
        extras.require_extra("no_such_library", "figures", what="--picture")
    assert str(raised.value) == (
        "--picture needs no_such_library, which is not installed here: "
        "pip install 'sdd-grpo[figures]'."
    )


def test_one_of_a_group_of_the_checkout():
    extras.require_group("numpy", "study", what="anything")
    with pytest.raises(InputError) as raised:
        extras.require_group("no_such_library", "study", what="the engine odd")
    assert str(raised.value) == (
        "the engine odd needs no_such_library, which is not installed here: "
        "uv sync --frozen --all-extras --group study (uv may be in .uv/bin)."
    )


def test_a_picture_without_matplotlib_is_refused_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    arguments = ["calibrate", "missing.csv", "-o", str(tmp_path / "calibration.json")]
    assert main([*arguments, "--picture", str(tmp_path / "picture.png")]) == 1
    assert capsys.readouterr().err == (
        "error: --picture needs matplotlib, which is not installed here: "
        "pip install 'sdd-grpo[figures]'.\n"
    )
    assert not list(tmp_path.iterdir())
