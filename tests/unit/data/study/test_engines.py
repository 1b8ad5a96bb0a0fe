"""Engines, as far as they are installed: what they say, and that they say it again."""

import sys

import numpy as np
import pytest

from sdd.data.study import espeak
from sdd.data.study.vocoders import VOCODERS
from sdd.data.study.voices import VOICES, Request
from sdd.data.toy.analysis import track_f0
from sdd.errors import InputError
from tests.helpers.study_speech import babble

TEXT = "Strange ships."
MIDDLE = {"seed": 1, "words_a_minute": 160, "pitch": 50, "range_": 50}


def needs(module):
    """Skip where the engines are not installed; they are only for the study."""
    reason = "the study's engines are not installed: uv sync --all-extras --group study"
    pytest.importorskip(module, reason=reason)


def pitch(wave):
    f0, voiced = track_f0(wave)
    return np.median(f0[voiced > 0])


@pytest.mark.parametrize("name", ["world_copy", "world_conversion"])
def test_world_keeps_length_and_copies_or_changes_the_pitch(name):
    needs("pyworld")
    wave = babble(3, 1.0)
    made = [VOCODERS[name](wave, np.random.default_rng(seed)) for seed in (1, 2, 1)]
    assert np.array_equal(made[0], made[2])
    for fake in made:
        assert fake.size == wave.size
        ratio = pitch(fake) / pitch(wave)
        if name == "world_copy":
            assert ratio == pytest.approx(1, abs=0.04)
        else:
            assert 0.6 < ratio < 0.88 or 1.15 < ratio < 1.55


@pytest.mark.parametrize(
    ("name", "module"),
    [("espeak", "espeakng_loader"), ("piper", "piper"), ("hibari", "hibari")],
)
def test_a_voice_says_the_same_again_and_more_of_a_longer_text(name, module):
    needs(module)
    said = [
        VOICES[name](Request(text, "en", {}), np.random.default_rng(5))
        for text in (TEXT, 3 * TEXT, TEXT)
    ]
    assert np.array_equal(said[0].wave, said[2].wave)
    assert said[0].speaker.startswith(name)
    assert 0.5 * 16_000 < said[0].wave.size < 0.6 * said[1].wave.size
    assert 0.01 < np.abs(said[0].wave).max() <= 1.01


def test_espeak_draws_by_the_seed_and_not_by_the_time():
    needs("espeakng_loader")
    said = [espeak.speak(TEXT, "en+f5", **MIDDLE | {"seed": seed}) for seed in (1, 2, 1)]
    assert np.array_equal(said[0], said[2])
    assert not np.array_equal(said[0], said[1])


def test_voices_that_there_are_not():
    needs("espeakng_loader")
    with pytest.raises(InputError, match=r"no voice 'xx\+m1'"):
        espeak.speak(TEXT, "xx+m1", **MIDDLE)
    with pytest.raises(InputError, match="not set up for 'ja'"):
        VOICES["espeak"](Request(TEXT, "ja", {}), np.random.default_rng(0))


# In place of Flite: writes what it was asked as a WAV's samples, or fails.
PROGRAM = """#!{python}
import os, sys, wave
if "{fails}":
    sys.exit("no such thing")
text = repr((sys.argv[1:-1], os.environ["LD_LIBRARY_PATH"])).encode()
with wave.open(sys.argv[-1], "wb") as file:
    file.setparams((1, 1, 16000, len(text), "NONE", ""))
    file.writeframes(text)
"""


def flite(folder, fails=""):
    program = folder / "flite/usr/bin/flite"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(PROGRAM.format(python=sys.executable, fails=fails))
    program.chmod(0o755)
    for name in ("libflite1", "libasound2"):
        (folder / name / "usr/lib/x86_64-linux-gnu").mkdir(parents=True, exist_ok=True)
    return {name: folder / name for name in ("flite", "libflite1", "libasound2")}


def test_flite_runs_where_it_was_unpacked(tmp_path):
    said = VOICES["flite"](Request(TEXT, "en", flite(tmp_path)), np.random.default_rng(0))
    asked = np.rint(128 * said.wave + 128).astype(np.uint8).tobytes().decode()
    voice = said.speaker.removeprefix("flite-")
    assert f"'-voice', '{voice}'" in asked
    assert f"'-t', '{TEXT}', '-o'" in asked
    assert "libflite1/usr/lib/x86_64-linux-gnu:" in asked
    assert "libasound2/usr/lib/x86_64-linux-gnu'" in asked


def test_a_program_that_fails_is_named(tmp_path):
    request = Request(TEXT, "en", flite(tmp_path, fails="yes"))
    with pytest.raises(InputError, match=r"bin/flite ends with status 1 \(no such thing\)"):
        VOICES["flite"](request, np.random.default_rng(0))
    with pytest.raises(InputError, match="flite needs flite, libasound2, libflite1"):
        VOICES["flite"](Request(TEXT, "en", {}), np.random.default_rng(0))
