"""Recordings of human speech in the packages: what there is, and how each is read.

Recordings of games carry what is known of who speaks: in Fish Fillets the letter of the small or
the large fish, in Flight of the Amazon Queen whether it is the hero ("J") or somebody else ("P").
"""

import io
import re
import tempfile
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdd.data.audio import SAMPLE_RATE
from sdd.data.audio.coding import resampled
from sdd.data.audio.decoding import decode, mix
from sdd.data.audio.door import open_sound, reading
from sdd.data.corpora.protocol import UNKNOWN
from sdd.data.study.game_files import queen_entries, sky_entries, sky_sound, stretch
from sdd.errors import InputError

FloatArray = npt.NDArray[np.float64]

SKY_RATE = 11_025
_GSM_RATE = 8_000
_GSM = {"samplerate": _GSM_RATE, "channels": 1, "format": "RAW", "subtype": "GSM610"}
_G722_RATE = 16_000
_G722_TAG = 0x028F  # of WAVEFORMATEX, as FFmpeg writes it
# Prompts in which nobody speaks.
_NO_SPEECH = re.compile(r"^(beep.*|.*-?2tone|tt-monkeys|silence-.*|.*_tone)$")


@dataclass(frozen=True)
class Recording:
    """A recording of one person.

    Attributes
    ----------
    name
        Unique in its collection; letters, digits, hyphens and underscores.
    speaker
        As far as it is known, else `-`.
    group
        Such as a dialogue: what is kept on one side where a collection is divided.
    language
        As in ISO 639-1.
    channel
        What it came through, a key of `sdd.data.study.channels.CHANNELS`.
    read
        Returns ``float64 [T]`` at 16 kHz, full scale 1.
    """

    name: str
    speaker: str
    group: str
    language: str
    channel: str
    read: Callable[[], FloatArray]


def fillets(folders: Mapping[str, Path]) -> list[Recording]:
    """List Fish Fillets in Czech and Dutch: ``sound/{room}/{language}/{room}-{who}-{line}.ogg``."""
    found = []
    for language in ("cs", "nl"):
        sounds = _part(folders, f"fillets-ng-data-{language}", "usr/share/games/fillets-ng/sound")
        for path in sorted(sounds.rglob(f"{language}/*.ogg")):
            room = path.parent.parent.relative_to(sounds).as_posix().replace("/", "-")
            who = path.stem.split("-")[1] if path.stem.count("-") > 1 else ""
            speaker = f"{language}-{who}" if who in ("m", "v") else UNKNOWN
            name = _plain(f"{language}-{room}-{path.stem}")
            found.append(
                Recording(name, speaker, room, language, "vorbis", partial(read_file, path))
            )
    return found


def queen(folders: Mapping[str, Path]) -> list[Recording]:
    """List Flight of the Amazon Queen: ``{dialogue, 2}{line, 4}{J or P}{part}.SB``, all mp3."""
    place = "usr/share/scummvm/flight-of-the-amazon-queen/queen.1c"
    path = _part(folders, "flight-of-the-amazon-queen", place)
    found = []
    for entry in queen_entries(path):
        parts = re.fullmatch(r"([0-9A-Z]{2})[0-9A-Z]{4}([JP])[0-9]\.SB", entry.name)
        if parts is not None:
            dialogue, who = parts.groups()
            speaker = "joe" if who == "J" else f"of-{dialogue.lower()}"
            read = partial(read_stretch, path, entry.offset, entry.size, ".mp3")
            name = _plain(entry.name.removesuffix(".SB").lower())
            found.append(Recording(name, speaker, dialogue, "en", "mp3", read))
    return found


def sky(folders: Mapping[str, Path]) -> list[Recording]:
    """List Beneath a Steel Sky: numbered sounds, packed, of unsigned bytes at 11,025 Hz."""
    folder = _part(folders, "beneath-a-steel-sky", "usr/share/scummvm/beneath-a-steel-sky")
    return [
        # Twenty lines that follow each other: one scene, more or less.
        Recording(
            f"{entry.name}",
            UNKNOWN,
            f"{int(entry.name) // 20}",
            "en",
            "pcm8",
            partial(read_sky, folder / "sky.dsk", entry.offset, entry.size, entry.packed),
        )
        for entry in sky_entries(folder / "sky.dnr")
    ]


def prompts(folders: Mapping[str, Path], languages: tuple[str, ...]) -> list[Recording]:
    """List Asterisk's sounds in G.722 at 16 kHz, a person a language."""
    found = []
    for language in languages:
        package = f"asterisk-core-sounds-{language}-g722"
        folder = _part(folders, package, "usr/share/asterisk/sounds")
        found += _prompts(folder, ".g722", language, "g722", read_g722)
    return found


def phone(folders: Mapping[str, Path]) -> list[Recording]:
    """List prompts of telephones: GSM 06.10 at 8 kHz, a person a package."""
    packages = {"it-menardi-gsm": "it", "fr-armelle": "fr", "es-co": "es"}
    found = []
    for name, language in packages.items():
        folder = _part(folders, f"asterisk-prompt-{name}", "usr/share/asterisk/sounds")
        found += _prompts(folder, ".gsm", language, "gsm", read_gsm)
    return found


def _prompts(
    folder: Path, suffix: str, language: str, channel: str, read: Callable[[Path], FloatArray]
) -> list[Recording]:
    found = []
    for path in sorted(folder.rglob(f"*{suffix}")):
        voice, *parts = path.relative_to(folder).with_suffix("").parts
        if _NO_SPEECH.match("-".join(parts)):
            continue
        name = _plain("-".join([language, *parts]))
        speaker = f"{language}-{channel}" if voice == language else _plain(voice)
        found.append(Recording(name, speaker, speaker, language, channel, partial(read, path)))
    return found


def read_file(path: Path) -> FloatArray:
    """Decode an audio file and return ``float64 [T]`` at 16 kHz."""
    samples, rate = decode(path)
    return resampled(mix(samples), rate, SAMPLE_RATE).astype(np.float64)


def read_bytes(data: bytes, suffix: str) -> FloatArray:
    """Decode the bytes of an audio file and return ``float64 [T]`` at 16 kHz."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        return read_file(Path(file.name))


def read_stretch(path: Path, offset: int, size: int, suffix: str) -> FloatArray:
    """Decode an audio file that lies in another."""
    return read_bytes(stretch(path, offset, size), suffix)


def read_gsm(path: Path) -> FloatArray:
    """Decode GSM 06.10 without a header and return ``float64 [T]`` at 16 kHz."""
    with reading(path), open_sound(path, form=_GSM) as sound:
        samples = sound.read(sound.frames, dtype="float32")
    return resampled(samples, _GSM_RATE, SAMPLE_RATE).astype(np.float64)


def read_g722(path: Path) -> FloatArray:
    """Decode G.722 without a header, 64 kbit/s, by putting that of a WAV before it."""
    data = path.read_bytes()
    # A byte is two samples: 8,000 bytes a second.
    form = [_G722_TAG, 1, _G722_RATE, _G722_RATE // 2, 1, 4]
    sizes = (2, 2, 4, 4, 2, 2)
    fmt = b"".join(value.to_bytes(size, "little") for value, size in zip(form, sizes, strict=True))
    chunks = [(b"fmt ", fmt + b"\0\0"), (b"data", data + b"\0" * (len(data) % 2))]
    body = b"".join(name + len(part).to_bytes(4, "little") + part for name, part in chunks)
    riff = b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WAVE"
    return read_bytes(riff + body, ".wav")


def read_sky(path: Path, offset: int, size: int, packed: bool) -> FloatArray:
    """Unpack and decode a sound of Beneath a Steel Sky."""
    data = sky_sound(stretch(path, offset, size), packed, f"{path}, sound at {offset}")
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 1, SKY_RATE, len(data), "NONE", ""))
        sound.writeframes(data)
    return read_bytes(file.getvalue(), ".wav")


def _part(folders: Mapping[str, Path], package: str, place: str) -> Path:
    """Return a file or folder of a package."""
    if package not in folders:
        raise InputError(f"{package} is not in the list of packages: add it (study/packages.yaml).")
    path = folders[package] / place
    if not path.exists():
        raise InputError(
            f"{path} is missing: another version of {package}? Take the one that is pinned in "
            "study/packages.yaml, or delete the folder to unpack it again."
        )
    return path


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")
