"""What codecs of test conditions do to recordings, and mp3 segments that are encoded once more.

`python benchmarks/conditions.py --audio RECORDINGS --recordings 20`. Codecs: audio seconds a CPU
second, and the waveform's SNR against what the codec's band leaves of the recording. Mp3: each
recording becomes an mp3 file, whose segments are encoded again as recipe `as_released` has it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import av
import numpy as np
import soundfile

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.codecs import CODECS
from sdd.data.audio.coding import has_encoder, resampled, transcoded, written
from sdd.data.audio.decoding import decode, mix
from sdd.data.audio.mp3_segments import mp3_segments
from sdd.data.audio.preparing import prepare_source
from tests.helpers.lines import snr

SETTINGS = [
    *(("mulaw", {}), ("alaw", {}), ("g722", {}), ("gsm", {})),
    *(("amr", {"bitrate": bits}) for bits in (4_750, 12_200)),
    *(("opus", {"bitrate": bits}) for bits in (8_000, 16_000, 32_000)),
    *(("mp3", {"bitrate": bits}) for bits in (16_000, 32_000, 64_000)),
    *(("aac", {"bitrate": bits}) for bits in (16_000, 32_000, 64_000)),
    *(("vorbis", {"quality": quality}) for quality in (0.1, 0.5)),
]


def show_codecs(recordings: list[np.ndarray]) -> None:
    """Show a line a codec and setting."""
    sys.stdout.write(f"{'codec':24} {'SNR dB':>7} {'audio s/s':>10}\n")
    for name, options in SETTINGS:
        if not has_encoder(CODECS[name]):
            sys.stdout.write(f"{name:24} has no encoder in this build of PyAV\n")
            continue
        transcoded(recordings[0], name, **options)  # imports
        found, seconds, started = [], 0.0, time.process_time()
        for sent in recordings:
            received, _ = transcoded(sent, name, **options)
            seconds += len(sent) / SAMPLE_RATE
            found.append((sent, received))
        spent = time.process_time() - started
        rate = CODECS[name].rate
        ratios = [
            snr(resampled(resampled(s, SAMPLE_RATE, rate), rate, SAMPLE_RATE)[: len(s)], r)
            for s, r in found
        ]
        title = " ".join([name, *map(str, options.values())])
        sys.stdout.write(f"{title:24} {statistics.median(ratios):7.1f} {seconds / spent:10.0f}\n")


def write_first_mp3(path: Path, samples: np.ndarray, rate: int, bits: int) -> None:
    """Write mp3 at a constant bit rate with LAME, as recordings come."""
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate)
        stream.layout, stream.bit_rate = "mono", bits
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def show_mp3(recordings: list[np.ndarray], longest: int) -> None:
    """Show a line a rate and bit rate of the first mp3."""
    title = f"{'first mp3':24} {'again, kbit/s':>14} {'SNR dB, median':>15} {'5 % to 95 %':>14}"
    sys.stdout.write(f"\n{title}  segments of {longest} s at most\n")
    for rate, bits in ((44_100, 64_000), (44_100, 128_000), (44_100, 192_000), (16_000, 32_000)):
        ratios, sizes = [], []
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source.mp3"
            for sent in recordings:
                write_first_mp3(source, resampled(sent, SAMPLE_RATE, rate), rate, bits)
                length = prepare_source(source, Path(folder) / "a.flac").samples
                prepared, _ = soundfile.read(Path(folder) / "a.flac", dtype="float32")
                step = longest * SAMPLE_RATE
                bounds = [(s, min(s + step, length)) for s in range(0, length, step)]
                for (start, end), again in zip(bounds, mp3_segments(source, bounds), strict=True):
                    ratios.append(snr(prepared[start:end], again))
                whole = mix(decode(source)[0])[: longest * rate]
                sizes.append(8 * len(written(whole, rate, "MP3")) * rate / len(whole) / 1000)
        low, high = np.percentile(ratios, [5, 95])
        sys.stdout.write(
            f"{f'{rate:,} Hz, {bits // 1000} kbit/s':24} {statistics.median(sizes):14.0f} "
            f"{statistics.median(ratios):15.1f} {low:6.1f} to {high:4.1f}\n"
        )


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder of 16 kHz recordings")
    parser.add_argument("--recordings", type=int, default=20, help="how many of them, evenly")
    parser.add_argument("--longest", type=int, default=4, help="of a segment, in seconds")
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.audio.rglob("*") if path.suffix in (".flac", ".wav"))
    chosen = files[:: max(1, len(files) // arguments.recordings)][: arguments.recordings]
    recordings = [mix(samples) for samples, _ in map(decode, chosen)]
    show_codecs(recordings)
    show_mp3(recordings, arguments.longest)


if __name__ == "__main__":
    main()
