"""Codecs: as long and in time, the same everywhere, and as another decoder has it."""

import hashlib
import io
import json
import subprocess
import sys

import av
import numpy as np
import pytest
import soundfile

from sdd.data.audio import coding
from sdd.data.audio.codecs import CODECS
from sdd.data.audio.coding import (
    check_encoders,
    encoded,
    has_encoder,
    read_container,
    read_sound,
    resampled,
    transcoded,
)
from sdd.data.audio.flac_files import to_16_bits
from sdd.errors import InputError
from tests.helpers.lines import delay, snr, speech

# From worst to best: bit rates, or qualities.
SETTINGS = {
    "mulaw": [{}],
    "alaw": [{}],
    "g722": [{}],
    "gsm": [{}],
    "amr": [{"bitrate": bits} for bits in (4_750, 12_200)],
    "opus": [{"bitrate": bits} for bits in (6_000, 16_000, 64_000)],
    "mp3": [{"bitrate": bits} for bits in (8_000, 32_000, 96_000)],
    "aac": [{"bitrate": bits} for bits in (8_000, 24_000, 64_000)],
    "vorbis": [{"quality": share} for share in (0.0, 0.4, 0.9)],
}


def tried(name, *values):
    """Parameters of a test; AMR is the one that not every build of PyAV encodes."""
    lacking = name == "amr" and not has_encoder(CODECS["amr"])
    reason = "AMR is encoded by PyAV 18 and before: Python 3.11"
    return pytest.param(name, *values, marks=[pytest.mark.skipif(lacking, reason=reason)])


EVERY = [tried(name, options) for name, choices in SETTINGS.items() for options in choices]


def test_every_codec_is_tried():
    assert SETTINGS.keys() == CODECS.keys()


@pytest.mark.parametrize(("name", "options"), EVERY)
def test_what_comes_back_is_as_long_and_in_time(name, options):
    for length in (len(speech()), 16_001, 400):
        sent = speech()[16_000 : 16_000 + length] if length < len(speech()) else speech()
        received, clipped = transcoded(sent, name, **options)
        assert (received.dtype, received.shape, clipped) == (np.float32, sent.shape, 0)
        assert np.abs(received).max() > 0
    received, _ = transcoded(speech(), name, **options)
    # To the sample; of a codec at 8 kHz the peak may lie between two.
    assert abs(delay(speech(), received)) <= 1
    assert abs(delay(speech()[1_000:], received[1_000:])) <= 1


def test_only_amr_may_be_lacking():
    assert {name for name, codec in CODECS.items() if not has_encoder(codec)} <= {"amr"}


@pytest.mark.parametrize("name", [tried(name) for name in SETTINGS])
def test_more_bits_sound_more_like_what_was_sent(name):
    rate = CODECS[name].rate  # what its band leaves is no matter of bits
    sent = resampled(resampled(speech(), 16_000, rate), rate, 16_000)
    found = [snr(sent, transcoded(speech(), name, **options)[0]) for options in SETTINGS[name]]
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert found[-1] > 2


def digests():
    """Digest what every codec gives back."""
    return {
        name: hashlib.sha256(transcoded(speech(), name, **options[-1])[0].tobytes()).hexdigest()
        for name, options in SETTINGS.items()
        if has_encoder(CODECS[name])
    }


def test_another_process_gets_the_same():
    code = (
        "import json; from tests.unit.data.audio.test_coding import digests\n"
        "print(json.dumps(digests()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == digests()


def by_ffmpeg(data, decoder):
    """Decode a file in memory by a decoder of FFmpeg's, which applies what the container states."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        context = av.CodecContext.create(decoder, "r")
        context.extradata = stream.codec_context.extradata
        context.sample_rate, context.layout = stream.rate, "mono"
        frames = [f for packet in container.demux(stream) for f in context.decode(packet)]
    scale = 32_768 if frames[0].format.name.startswith("s16") else 1
    if frames[0].format.name.startswith("s32"):
        scale = 2**31
    return np.concatenate([f.to_ndarray().reshape(-1) for f in frames]).astype(np.float64) / scale


@pytest.mark.parametrize(
    ("name", "other", "agreement"),
    [
        ("mulaw", read_container, 200),
        ("alaw", read_container, 200),
        ("gsm", read_container, 200),
        ("opus", read_container, 30),
        ("mp3", read_container, 90),
        ("vorbis", read_container, 90),
        tried("amr", "libopencore_amrnb", 25),
        ("aac", "aac_fixed", 70),
    ],
)
def test_two_decoders_agree(name, other, agreement):
    codec = CODECS[name]
    sent, _ = to_16_bits(resampled(speech(), 16_000, codec.rate))
    data = encoded(sent, codec, **SETTINGS[name][-1])
    ours, rate = coding.decoded(data, codec)
    theirs, their_rate = (by_ffmpeg(data, other), rate) if isinstance(other, str) else other(data)
    theirs = resampled(theirs.astype(np.float32), their_rate, rate)
    length = len(sent)
    assert len(ours) >= length
    assert delay(ours[:length], theirs[:length]) == 0
    assert np.array_equal(ours[:length], theirs[:length]) or (
        snr(ours[:length], theirs[:length]) > agreement
    )


def test_gsm_is_soundfile_s_own_round_trip(tmp_path):
    sent, _ = to_16_bits(resampled(speech(), 16_000, 8_000))
    soundfile.write(tmp_path / "call.wav", sent, 8_000, subtype="GSM610")
    back, rate = soundfile.read(tmp_path / "call.wav", dtype="float32")
    expected = resampled(back, rate, 16_000)[: len(speech())]
    received, _ = transcoded(speech(), "gsm")
    np.testing.assert_array_equal(received[: len(expected)], expected)


def test_companding_is_the_law():
    """ITU-T G.711 by its definition: eight segments, each twice as coarse as the one before."""
    sent = np.arange(-32_768, 32_768, 7, dtype=np.int16)
    back = read_sound(encoded(sent, CODECS["mulaw"]))[0] * 32_768
    biased = np.minimum(np.abs(sent.astype(np.int64)), 32_635) + 132
    step = 2 ** (np.floor(np.log2(biased)).astype(np.int64) - 4)
    expected = np.sign(sent) * (biased // step * step + step // 2 - 132)
    # Zero has two codes, and what lies on an edge of two steps may be of either.
    off = np.abs(back - expected)
    assert (off <= step).all()
    assert np.mean(off == 0) > 0.98


def test_what_is_too_loud_is_limited_on_its_way_in():
    sent = np.float32(4) * speech() / np.abs(speech()).max()
    received, clipped = transcoded(sent, "g722")
    assert clipped == np.count_nonzero(np.abs(np.rint(sent * 32_768) + 0.5) > 32_768)
    limited, _ = transcoded((to_16_bits(sent)[0] / 32_768).astype(np.float32), "g722")
    np.testing.assert_array_equal(received, limited)


@pytest.mark.parametrize("name", ["opus", "gsm"])
def test_a_missing_encoder_is_named_with_what_to_do(monkeypatch, name):
    check_encoders([codec for codec in CODECS.values() if has_encoder(codec)])
    monkeypatch.setattr(soundfile, "available_subtypes", lambda _: {})

    def unknown(codec, _mode):
        raise av.codec.codec.UnknownCodecError(codec)

    monkeypatch.setattr(av, "Codec", unknown)
    with pytest.raises(InputError, match=rf"{CODECS[name].encoder} is not in the build of .*env"):
        check_encoders([CODECS[name]])
