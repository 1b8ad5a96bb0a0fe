"""Remarks: what is said of recordings that can be read, with their numbers."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.data.audio.decoding import Source, decode
from sdd.data.audio.headers import read_header
from sdd.data.audio.preparing import prepare_source
from sdd.data.audio.remarks import TITLES, Levels
from sdd.data.inventory.findings import KINDS
from sdd.errors import InputError
from tests.helpers.audio_files import as_integers, chirp
from tests.helpers.odd_audio import RATE, SECONDS, antiphase_wav, float_wav, two_tracks

CHIRP = chirp(SECONDS, RATE)


def remarks_of(path: Path) -> list[str]:
    prepared = prepare_source(path, path.with_name("out.flac"))
    return [f"{TITLES[kind]}: {text}" for kind, text in prepared.remarks]


def levels_of(*channels: list[float], full_scale: float = 1.0) -> Levels:
    levels = Levels(full_scale)
    block = np.array(channels, dtype=np.float32).T
    assert levels.add(block)
    levels.add_mixed(block.mean(axis=1))
    return levels


# --------------------------------------------------------------------------------------- levels


def test_levels_by_hand() -> None:
    levels = levels_of([0.5, -1.0, 0.25], [0.0, 1.0, -0.25])
    assert (levels.low, levels.high, levels.peak, levels.swing) == (-1, 1, 1, 1)
    assert (levels.mixed_low, levels.mixed_high) == (0, 0.25)
    assert (levels.at_full_scale, levels.count) == (2, 6)
    assert [r.kind for r in levels.remarks()] == ["clipped"]
    assert levels.add(np.array([[-3.0]], dtype=np.float32))
    assert (levels.low, levels.at_full_scale, levels.count) == (-3, 3, 7)


def test_blocks_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.5, (1_000, 2)).astype(np.float32)
    whole, pieces = Levels(0.999), Levels(0.999)
    whole.add(samples)
    whole.add_mixed(samples.mean(axis=1))
    for piece in np.array_split(samples, 7):
        pieces.add(piece)
        pieces.add_mixed(piece.mean(axis=1))
    assert whole == pieces
    assert whole.at_full_scale == int((np.abs(samples) >= 0.999).sum())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_seen(value: float) -> None:
    block = np.zeros((5, 2), dtype=np.float32)
    block[3, 1] = value
    assert not Levels().add(block)


def test_nothing_was_added() -> None:
    assert (Levels().peak, Levels().swing, Levels().mixed_swing) == (0, 0, 0)


@pytest.mark.parametrize(
    ("channels", "kinds"),
    [
        ([[0.5, -0.5]], []),
        ([[0.0011, -0.0011]], []),
        ([[0.0009, -0.0009]], ["silent"]),
        ([[0.5, 0.5]], ["silent"]),  # a constant offset
        ([[0.5, -0.5], [-0.5, 0.5]], ["cancelled"]),
        ([[0.5, -0.5], [-0.45, 0.45]], ["cancelled"]),
        ([[0.5, -0.5], [-0.3, 0.3]], []),
        ([[0.5, -0.5], [0.0, 0.0]], []),
        ([[1.0, -0.5]], ["clipped"]),
    ],
)
def test_what_levels_say(channels: list[list[float]], kinds: list[str]) -> None:
    assert [remark.kind for remark in levels_of(*channels).remarks()] == kinds


# ---------------------------------------------------------------------------------- recordings


def test_good_recordings_have_none(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([CHIRP, CHIRP / 2], axis=1), RATE)
    assert remarks_of(tmp_path / "a.wav") == []


def test_channels_that_cancel_each_other(tmp_path: Path) -> None:
    path = antiphase_wav(tmp_path / "a.wav")
    assert remarks_of(path) == [
        "channels cancel each other: peak 0.6, and in their mean nothing is left at 16 bits"
    ]
    assert not soundfile.read(tmp_path / "out.flac")[0].any()
    soundfile.write(path, np.stack([CHIRP, -0.98 * CHIRP], axis=1), RATE, subtype="FLOAT")
    assert remarks_of(path) == [
        "channels cancel each other: peak 0.6, and in their mean -40 dB of them are left"
    ]


def test_what_16_bits_do_not_hold(tmp_path: Path) -> None:
    assert remarks_of(float_wav(tmp_path / "a.wav", 1e-5)) == [
        "silent: peak 6e-06 of full scale, which 16 bits do not hold"
    ]
    soundfile.write(tmp_path / "b.wav", np.full(RATE, 0.5), RATE)
    assert remarks_of(tmp_path / "b.wav") == ["silent: peak 0.5 of full scale, a constant offset"]
    soundfile.write(tmp_path / "c.wav", np.zeros(RATE), RATE)
    assert remarks_of(tmp_path / "c.wav") == ["silent: peak 0 of full scale"]


def test_clipped(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.clip(3 * CHIRP, -1, 1), RATE)
    share = 100 * np.mean(np.abs(3 * CHIRP) >= 1)
    (remark,) = remarks_of(tmp_path / "a.wav")
    assert remark.startswith("clipped: ")
    assert float(remark.split()[1]) == pytest.approx(share, abs=0.06)


# ------------------------------------------------------------------------------ floating point


@pytest.mark.parametrize(
    ("factor", "divisor"),
    [(100, 2**7), (30_000, 2**15), (5e6, 2**23), (3e9, 2**31), (5, 2**7)],
)
def test_whole_numbers_as_floating_point_are_scaled(
    tmp_path: Path, factor: float, divisor: int
) -> None:
    path = float_wav(tmp_path / "a.wav", factor)
    samples, _ = decode(path)
    np.testing.assert_allclose(samples[:, 0], CHIRP * factor / divisor, rtol=1e-6)
    (remark,) = remarks_of(path)
    peak = np.abs(CHIRP * np.float32(factor)).max()
    assert remark == (f"not on a scale of 1: samples up to {peak:,.0f} are divided by {divisor:,}")


def test_what_overshoots_a_little_is_limited_and_said(tmp_path: Path) -> None:
    """Up to 6 dB: a mix that is too hot, on a scale of 1."""
    path = float_wav(tmp_path / "a.wav", 2 / np.abs(CHIRP).max())
    (remark,) = remarks_of(path)
    assert remark.startswith("clipped: ")
    got = soundfile.read(tmp_path / "out.flac", dtype="int16")[0]
    assert (got.min(), got.max()) == (-32_768, 32_767)


def test_other_scales_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"floating-point samples up to 6e\+11, and full scale"):
        Source(float_wav(tmp_path / "a.wav", 1e12)).blocks().__next__()


# --------------------------------------------------------------------------------------- tracks


@pytest.mark.parametrize(
    ("levels", "default", "chosen", "why"),
    [
        ((0.0, 0.5), None, 1, "number 2 of 2 is read, the first with sound"),
        ((0.5, 0.25), None, 0, "number 1 of 2 is read, the first with sound"),
        ((0.5, 0.25, 0.75), 2, 2, "number 3 of 3 is read, its default"),
        ((0.0, 0.0), None, 0, "number 1 of 2 is read, all are silent"),
        ((0.5, 0.0), 1, 1, "number 2 of 2 is read, its default"),
    ],
)
def test_tracks(
    tmp_path: Path, levels: tuple[float, ...], default: int | None, chosen: int, why: str
) -> None:
    path = two_tracks(tmp_path / "a.mka", levels=levels, default=default)
    samples, _ = decode(path)
    expected = np.rint(32_767 * levels[chosen] * CHIRP)
    assert np.abs(as_integers(samples[:, 0]) - expected).max() <= 1
    assert remarks_of(path)[0] == f"several audio tracks: {why}"
    assert read_header(path).seconds == pytest.approx(SECONDS, abs=1e-3)


def test_every_remark_is_a_kind_of_finding() -> None:
    assert set(TITLES) <= set(KINDS)
