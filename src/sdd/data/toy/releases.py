"""Toy corpora in the folder trees, formats and metadata of the released ones."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import numpy as np

from sdd.data.audio import SAMPLE_RATE
from sdd.data.toy.domains import DOMAINS, NAMES, Domain, ToyUtterance, spread, utterances
from sdd.data.toy.encoding import write_audio
from sdd.errors import InputError
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.worker_processes import process_pool

logger = logging.getLogger(__name__)

FEWEST_PAIRS = 4
RATES = (44_100, 22_050, 16_000, 48_000, 22_050)
SURNAMES = ("adams", "baker", "clark", "davis", "evans", "foster", "green", "harris")
FIRST_NAMES = ("Alex", "Blake", "Casey", "Drew", "Ellis", "Frankie")


@dataclass(frozen=True)
class _ToyFile:
    path: Path
    utterance: ToyUtterance
    rate: int = SAMPLE_RATE
    channels: int = 1

    def write(self) -> None:
        write_audio(self.path, self.utterance.wave(), self.rate, self.channels)


@dataclass(frozen=True)
class _Release:
    """Recordings of a corpus, and the lines of the lists beside them."""

    files: list[_ToyFile] = field(default_factory=list)
    lists: dict[Path, list[str]] = field(default_factory=dict)

    def write_lists(self) -> None:
        for path, lines in self.lists.items():
            _write_lines(path, lines)


def _pairs(count: int, scale: float) -> int:
    return max(FEWEST_PAIRS, round(count * scale))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _shuffled(rows: Sequence[str], seed: int, domain: Domain) -> list[str]:
    generator = np.random.default_rng([seed, domain.number, NAMES])
    return [rows[number] for number in generator.permutation(len(rows))]


def _add_deepfake_eval_part(
    release: _Release, folder: Path, partition: str, durations: list[float], seed: int
) -> list[tuple[str, str, str]]:
    """Add one part's recordings; return its rows of file name, label and part."""
    domain = DOMAINS[f"deepfake_eval_{partition.lower()}"]
    names = np.random.default_rng([seed, domain.number, NAMES])
    rows = []
    for utterance in utterances(domain, durations, seed):
        pair = utterance.pair
        suffix = {3: ".m4a", 8: ".wav", 10: ".m4a"}.get(pair % 12, ".mp3")
        if partition == "Test" and pair < 2:
            suffix = (".dat", ".mp4")[pair]
        name = f"{int(names.integers(16**10)):010x}{suffix}"
        # Shifted every round, so that rates do not run in step with families and formats.
        rate = RATES[(pair + pair // len(RATES)) % len(RATES)]
        channels = 2 if pair % 4 == 1 else 1
        release.files.append(_ToyFile(folder / name, utterance, rate, channels))
        rows.append((name, utterance.label.capitalize(), partition))
    return rows


def _deepfake_eval_2024(root: Path, seed: int, scale: float) -> _Release:
    """Deepfake-Eval-2024: noisy, reverberant, coded; `.dat` files are MP4 containers."""
    folder = root / "Deepfake-Eval-2024"
    train = [*spread(_pairs(40, scale) - 2, 2.0, 12.0, 1.3), 16.0, 18.5]
    test = [*spread(_pairs(48, scale) - 2, 1.5, 12.0, 2.0), 31.0, 52.0]
    release = _Release()
    rows = [
        *_add_deepfake_eval_part(release, folder / "audio-data", "Train", train, seed),
        *_add_deepfake_eval_part(release, folder / "audio-data", "Test", test, seed),
    ]
    # Sources that the annotators could not decide on: readers set them aside.
    for number, odd in enumerate(utterances(DOMAINS["deepfake_eval_train"], [3.0], seed + 1)):
        name = f"unknown{number + 1}.mp3"
        release.files.append(_ToyFile(folder / "audio-data" / name, odd, 44_100))
        rows.append((name, "Unknown", ("Train", "Test")[number]))
    order = np.random.default_rng([seed, 0, NAMES]).permutation(len(rows))
    lines = [",".join(rows[number]) for number in order]
    heading = "Filename,Ground Truth,Finetuning Set"
    release.lists[folder / "audio-metadata-publish.csv"] = [heading, *lines]
    return release


def _add2023(root: Path, seed: int, scale: float) -> _Release:
    """The test set of ADD2023's track 1.2, round 2."""
    folder = root / "ADD2023" / "Track1.2" / "testR2"
    domain = DOMAINS["add2023"]
    release, lines = _Release(), []
    for utterance in utterances(domain, spread(_pairs(40, scale), 1.2, 4.0), seed):
        name = f"ADD2023_T1.2R2_E_{utterance.number:08d}.wav"
        release.files.append(_ToyFile(folder / "wav" / name, utterance))
        lines.append(f"{name} {'genuine' if utterance.label == 'real' else 'fake'}")
    release.lists[folder / "label.txt"] = _shuffled(lines, seed, domain)
    return release


def _fake_or_real_name(utterance: ToyUtterance) -> str:
    # The first two of testing share a stem, as some of the release do.
    stem = "file1" if utterance.pair < 2 else f"file{utterance.number + 1}"
    return f"{stem}{'.wav' if utterance.pair % 2 else '.mp3'}"


def _fake_or_real(root: Path, seed: int, scale: float) -> _Release:
    """FakeOrReal, its original version: wav and mp3 by folders; two stems collide."""
    domain = DOMAINS["fake_or_real"]
    release, testing = _Release(), _pairs(40, scale)
    durations = [*spread(testing, 1.2, 4.0), *[2.0] * (2 * FEWEST_PAIRS)]
    for utterance in utterances(domain, durations, seed):
        later = (utterance.pair - testing) // FEWEST_PAIRS
        part = "testing" if later < 0 else ("training", "validation")[later]
        folder = root / "FakeOrReal" / "for-original" / part / utterance.label
        rate = (22_050, 44_100, 16_000)[utterance.pair // 2 % 3]
        release.files.append(_ToyFile(folder / _fake_or_real_name(utterance), utterance, rate))
    return release


def _windows(samples: int, rate: int) -> list[tuple[int, int]]:
    """Cut windows of 4 s every 3 s, in samples; the last one ends with the recording."""
    length, hop = 4 * rate, 3 * rate
    starts = range(0, max(samples - rate, 1), hop)
    return [(start, min(start + length, samples)) for start in starts]


def _deep_voice(root: Path, seed: int, scale: float) -> _Release:
    """DEEP-VOICE: few long recordings, and the log of their overlapping segments."""
    folder = root / "DeepVoice"
    release, lines = _Release(), []
    for utterance in utterances(DOMAINS["deep_voice"], spread(_pairs(8, scale), 8, 11), seed):
        person = SURNAMES[utterance.pair % len(SURNAMES)]
        target = SURNAMES[(utterance.pair + 1) % len(SURNAMES)]
        again = utterance.pair // len(SURNAMES)
        take = "" if again == 0 else f"-take{again + 1}"
        stem = f"{person}-original" if utterance.label == "real" else f"{person}-to-{target}"
        rate = (44_100, 48_000)[utterance.pair % 2]
        path = folder / "KAGGLE" / "AUDIO" / utterance.label.upper() / f"{stem}{take}.wav"
        release.files.append(_ToyFile(path, utterance, rate))
        samples = -(-utterance.samples * rate // SAMPLE_RATE)
        for number, (start, end) in enumerate(_windows(samples, rate), start=1):
            lines.append(f"Audio: {path.stem}_seg_{number}, start at: {start}, end at: {end}")
    release.lists[folder / "DeepVoice_seg_log.txt"] = lines
    return release


def _in_the_wild(root: Path, seed: int, scale: float) -> _Release:
    """In-the-Wild."""
    folder = root / "In-the-Wild" / "release_in_the_wild"
    domain = DOMAINS["in_the_wild"]
    generator = np.random.default_rng([seed, domain.number, NAMES])
    durations = spread(_pairs(40, scale), 1.2, 4.0)
    numbers = generator.permutation(2 * len(durations))
    release, rows = _Release(), {}
    for utterance in utterances(domain, durations, seed):
        number = int(numbers[utterance.number])
        release.files.append(_ToyFile(folder / f"{number}.wav", utterance))
        first = FIRST_NAMES[utterance.speaker % len(FIRST_NAMES)]
        last = SURNAMES[utterance.speaker // len(FIRST_NAMES)].capitalize()
        label = "bona-fide" if utterance.label == "real" else "spoof"
        rows[number] = f"{number}.wav,{first} {last},{label}"
    lines = [rows[number] for number in sorted(rows)]
    release.lists[folder / "meta.csv"] = ["file,speaker,label", *lines]
    return release


def _asvspoof2019_la(root: Path, seed: int, scale: float) -> _Release:
    """ASVspoof 2019 LA; only its development set, the validation data, is not tiny."""
    folder = root / "ASVspoof2019-LA" / "LA"
    domain = DOMAINS["asvspoof2019_la"]
    parts = [("dev", "D", "dev.trl", _pairs(30, scale))]
    parts += [("train", "T", "train.trn", FEWEST_PAIRS), ("eval", "E", "eval.trl", FEWEST_PAIRS)]
    durations = [*spread(parts[0][3], 1.5, 4.0), *[2.0] * (2 * FEWEST_PAIRS)]
    release, listed = _Release(), utterances(domain, durations, seed)
    for part, letter, protocol, pairs in parts:
        lines = []
        for utterance in islice(listed, 2 * pairs):
            name = f"LA_{letter}_{1_000_001 + utterance.number}"
            path = folder / f"ASVspoof2019_LA_{part}" / "flac" / f"{name}.flac"
            release.files.append(_ToyFile(path, utterance))
            real = utterance.label == "real"
            attack = "-" if real else f"A{domain.families.index(utterance.family) + 1:02d}"
            key = "bonafide" if real else "spoof"
            lines.append(f"LA_{utterance.speaker + 1:04d} {name} - {attack} {key}")
        path = folder / "ASVspoof2019_LA_cm_protocols" / f"ASVspoof2019.LA.cm.{protocol}.txt"
        release.lists[path] = _shuffled(lines, seed, domain)
    return release


def _toy_posttraining(root: Path, seed: int, scale: float) -> _Release:
    """The corpus that toy detectors are pre-trained and post-trained on: two folders."""
    folder = root / "ToyPosttraining"
    durations = spread(_pairs(80, scale), 2.0, 5.0)
    return _Release(
        [
            _ToyFile(folder / utterance.label / f"toy{utterance.number + 1:05d}.flac", utterance)
            for utterance in utterances(DOMAINS["toy_posttraining"], durations, seed)
        ]
    )


CORPORA: MappingProxyType[str, Callable[[Path, int, float], _Release]] = MappingProxyType(
    {
        "deepfake_eval_2024": _deepfake_eval_2024,
        "add2023": _add2023,
        "fake_or_real": _fake_or_real,
        "deep_voice": _deep_voice,
        "in_the_wild": _in_the_wild,
        "asvspoof2019_la": _asvspoof2019_la,
        "toy_posttraining": _toy_posttraining,
    }
)
"""Releases by corpus; the names are those of the readers in `sdd.data.corpora`."""


def write_corpus(name: str, root: Path | str, *, seed: int, scale: float = 1.0) -> None:
    """Write one toy corpus under a data root, made if missing, in the tree of the released corpus.

    Existing files of the same names are replaced, one by one and atomically; others are left.

    Parameters
    ----------
    name
        A key of `CORPORA`.
    seed
        Non-negative; equal seeds give equal files, and corpora do not depend on each other.
    scale
        Factor on the numbers of utterances; there are never fewer than four of a label.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """
    release = _release(name, root, seed, scale)
    for file in release.files:
        file.write()
    release.write_lists()
    logger.info("Toy corpus %s written under %s.", name, root)


def write_toy_corpora(root: Path | str, *, seed: int, scale: float = 1.0, workers: int = 1) -> None:
    """Write all toy corpora under a data root, made if missing.

    Parameters
    ----------
    seed
        Non-negative; equal seeds give equal files.
    scale
        Factor on the numbers of utterances; there are never fewer than four of a label.
    workers
        Processes that write recordings side by side; the files are the same.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """
    if workers == 1:
        for name in CORPORA:
            write_corpus(name, root, seed=seed, scale=scale)
        return
    releases = [_release(name, root, seed, scale) for name in CORPORA]
    files = [file for release in releases for file in release.files]
    # The longest first, so that no process is left with one when the others are done.
    files.sort(key=lambda file: file.utterance.duration, reverse=True)
    with process_pool(workers, imports=("av", "scipy.signal", "soundfile")) as pool:
        list(pool.map(_ToyFile.write, files))
    for release in releases:
        release.write_lists()
    logger.info("Toy corpora written under %s.", root)


def _release(name: str, root: Path | str, seed: int, scale: float) -> _Release:
    """List what a toy corpus consists of, once the arguments are known to be usable."""
    if name not in CORPORA:
        raise InputError(f"There is no toy corpus called {name!r}; known: {', '.join(CORPORA)}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}: give a whole number of 0 or more.")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= 1000:
        raise InputError(f"scale is {scale!r}: give a number above 0 and up to 1000.")
    root = Path(root)
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is not a folder: give a folder to write the toy corpora into.")
    return CORPORA[name](root, seed, float(scale))
