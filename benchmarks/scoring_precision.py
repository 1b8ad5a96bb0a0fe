"""What scoring in tf32 or bf16 changes: decisions that flip, and the EER, on trained detectors.

`python benchmarks/scoring_precision.py` does all there is to do and shows the table; it may be
stopped at any time and goes on where it was, `--show` shows the table of what is there. Detectors
are trained by the project's own fine-tuning, from random weights, on toy speech; other toy speech
is cut into short trials, which are scored in each precision as a GPU computes it
(`benchmarks/gpu_arithmetic.py`). Everything is kept below `--folder`.
"""

import argparse
import json
import logging
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import numpy as np
import soundfile
import torch
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmarks.gpu_arithmetic import arithmetic_of, with_rounded_weights
from benchmarks.score_differences import TOLERATED, Comparison, compare, most
from sdd.data.audio import SAMPLE_RATE
from sdd.data.batch_loading import load_batches
from sdd.data.dataset import Batch, SegmentDataset
from sdd.data.segments import Segments
from sdd.data.toy.domains import DOMAINS, Domain, utterances
from sdd.detector import Detector, find_architecture, load_detector, save_detector
from sdd.detector.inference import forward, predict, prepare_batch
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.devices import Precision
from sdd.runtime.machine import Machine
from sdd.training.finetuning import Stage, StageFiles, finetune
from sdd.training.training_data import TrainingData

DEMO = yaml.safe_load((ROOT / "demo/config.yaml").read_text(encoding="utf-8"))
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
PART = 1000
"""Trials that are scored between two writes."""
VALIDATION_CLIPS = 400
UTTERANCE_SECONDS = 4.0
SEEDS = {"training": 11, "validation": 12, "test": 13}


PLAIN = Domain(
    number=9,
    families=("spectral_images",),
    conditions=DOMAINS["asvspoof2019_la"].conditions,
    speakers=30,
)
"""Fakes that can be told in a fifth of a second: its spectrum alone gives an EER near 7 %."""


@dataclass(frozen=True)
class Case:
    """A detector, what it is trained on, and its trials.

    Attributes
    ----------
    clip_seconds, trial_seconds
        Length of a training clip, and of a trial.
    pairs
        Utterances of each class that training clips are cut from.
    trials
        How many are scored, from utterances that training has not seen.
    recipe
        Changes to the demo's recipe of post-training.
    probed_clips
        Training clips that the last layer is fitted to before all is trained: a large encoder from
        random weights is otherwise pulled to where all clips look the same.
    """

    architecture: str | Mapping[str, Any]
    domain: Domain
    clip_seconds: float
    trial_seconds: float
    pairs: int
    trials: int
    recipe: Mapping[str, Any]
    probed_clips: int = 0


CASES = {
    "tiny": Case(
        architecture=DEMO["models"]["tiny_l"]["architecture"],
        domain=DOMAINS["toy_posttraining"],
        clip_seconds=1.0,
        trial_seconds=1.0,
        pairs=200,
        trials=20_000,
        recipe={},
    ),
    "mms_300m": Case(
        architecture="mms_300m",
        domain=PLAIN,
        clip_seconds=0.2,
        trial_seconds=0.2,
        pairs=200,
        trials=20_000,
        recipe={
            "learning_rate": 2.0e-5,
            "warm_up_steps": 20,
            "schedule_steps": 200,
            "max_steps": 100,
            "validate_every": 50,
            # Of clips of a fifth of a second 28 make a batch: that is where their bucket ends.
            "batch_seconds": 6.0,
            "buckets": 20,
        },
        probed_clips=1600,
    ),
}


# ------------------------------------------------------------------------------------- toy speech
def clips(folder: Path, domain: Domain, part: str, pairs: int, seconds: float) -> Segments:
    """Return all clips of the toy speech of a part, in a random order; write it if it is missing.

    A clip's source is its pair of utterances, which share their recording conditions.
    """
    files = _speech(folder / part, domain, SEEDS[part], pairs)
    length = round(seconds * SAMPLE_RATE)
    found = [
        (name, label, pair, start)
        for name, label, pair, samples in files
        for start in range(0, samples - length + 1, length)
    ]
    order = np.random.default_rng(SEEDS[part]).permutation(len(found))
    names, labels, sources, starts = zip(*(found[row] for row in order), strict=True)
    text = [f"{part}-{row}" for row in range(len(order))]
    none = ["-"] * len(order)
    paths = [f"{part}/{name}" for name in names]
    start = np.array(starts, dtype=np.int64)
    return Segments(
        text, [str(pair) for pair in sources], list(labels), none, none, paths, paths, start,
        start + length,
    )  # fmt: skip


def _speech(folder: Path, domain: Domain, seed: int, pairs: int) -> list[tuple[str, str, int, int]]:
    """List file, label, pair and samples of utterances, half of them fake."""
    listings = {int(path.stem): path for path in folder.glob("*.json")}
    listed = listings.get(min((n for n in listings if n >= pairs), default=-1))
    if listed is None:
        listed = folder / f"{pairs}.json"
        rows = []
        for made in utterances(domain, [UTTERANCE_SECONDS] * pairs, seed):
            name = f"{made.number}.flac"
            with atomic_path(folder / name) as temporary:
                soundfile.write(temporary, made.wave(), SAMPLE_RATE, "PCM_16", format="FLAC")
            rows.append((name, made.label, made.pair, made.samples))
        with atomic_path(listed) as temporary:
            temporary.write_text(json.dumps(rows), encoding="utf-8")
    # An utterance does not depend on how many there are.
    return [tuple(row) for row in json.loads(listed.read_text(encoding="utf-8"))][: 2 * pairs]


# --------------------------------------------------------------------------------------- training
def trained(case: Case, folder: Path, audio: Path, machine: Machine) -> Detector:
    """Return a case's detector; train it, or go on training it, if it is not there."""
    model, start = folder / "model.safetensors", folder / "start.safetensors"
    if not model.exists():
        training, validation = (
            clips(audio, case.domain, part, case.pairs, case.clip_seconds)
            for part in ("training", "validation")
        )
        validation = validation.select(range(min(VALIDATION_CLIPS, len(validation))))
        if not start.exists():
            fresh = Detector(find_architecture(case.architecture))
            fresh.initialise(1)
            if case.probed_clips:
                torch.set_num_threads(machine.threads)
                fit_last_layer(fresh, training.select(range(case.probed_clips)), audio)
            save_detector(fresh, start)
        recipe = {**DEMO["checkpoint_training"]["post"], **case.recipe}
        stage = Stage.from_config(
            {
                "architecture": case.architecture,
                "objective": {"kind": "sft"},
                "recipe": recipe,
                "seed": 1,
                "checkpoint_is_reference": False,
                "new_back_end": False,
            }
        )
        data = TrainingData(training, validation, audio)
        files = StageFiles(
            start=start,
            checkpoint=start,
            state=folder / "state",
            model=model,
            history=folder / "history.csv",
        )
        finetune(stage, files, data, machine, code="benchmark")
    return load_detector(model).eval()


def fit_last_layer(detector: Detector, table: Segments, audio: Path) -> None:
    """Fit a detector's last layer to clips of one length by logistic regression."""
    rows, embeddings = [], []
    with torch.inference_mode():
        for batch in batches_of(table, audio):
            prepared = prepare_batch(detector.eval(), batch, masked=True)
            rows += batch.indices.tolist()
            embeddings.append(forward(detector, prepared, precision="fp32")[0])
    features = torch.cat(embeddings).numpy()
    scaler = StandardScaler().fit(features)
    fitted = LogisticRegression(C=0.1, max_iter=2000)
    fitted.fit(scaler.transform(features), table.is_real[rows])
    weights = torch.from_numpy(fitted.coef_[0] / scaler.scale_)
    bias = float(fitted.intercept_[0] - weights @ torch.from_numpy(scaler.mean_))
    # Half of the log-odds of REAL for each of the logits.
    with torch.no_grad():
        detector.proj_fc.weight.copy_(torch.stack([-weights, weights]) / 2)
        detector.proj_fc.bias.copy_(torch.tensor([-bias, bias]) / 2)


# ---------------------------------------------------------------------------------------- scoring
def score(case: Case, name: str, folder: Path, machine: Machine) -> None:
    """Score the trials that are not scored yet, a part in all precisions before the next."""
    home, audio = folder / name, audio_of(case, folder)
    detector = trained(case, home, audio, machine)
    torch.set_num_threads(machine.threads)
    detectors = dict.fromkeys(PRECISIONS, detector) | {"tf32": with_rounded_weights(detector)}
    trials = trials_of(case, audio)
    for first in range(0, case.trials, PART):
        rows = range(first, min(first + PART, case.trials))
        for precision in PRECISIONS:
            target = part_file(home, first, precision)
            if target.exists():
                continue
            logits = logits_of(detectors[precision], trials.select(rows), audio, precision)
            with atomic_path(target) as temporary:
                temporary.write_bytes(logits.tobytes())
        sys.stderr.write(f"{name}: {rows.stop} of {case.trials} trials\n")


def audio_of(case: Case, folder: Path) -> Path:
    """Name the folder of a domain's audio."""
    return folder / f"audio-{case.domain.number}"


def trials_of(case: Case, audio: Path) -> Segments:
    """Return a case's trials."""
    an_utterance = int(0.95 * UTTERANCE_SECONDS / case.trial_seconds)
    pairs = math.ceil(case.trials / an_utterance / 2)
    return clips(audio, case.domain, "test", pairs, case.trial_seconds).select(range(case.trials))


def logits_of(detector: Detector, table: Segments, audio: Path, precision: Precision) -> np.ndarray:
    """Score segments of one length: ``float32 [N, 2]``."""
    with arithmetic_of(precision):
        return predict(detector, batches_of(table, audio), count=len(table), precision=precision)


def batches_of(table: Segments, audio: Path) -> Iterable[Batch]:
    """Load segments of one length, eight seconds at a time."""
    size = max(1, round(8 / table.durations[0]))
    batches = [list(range(at, min(at + size, len(table)))) for at in range(0, len(table), size)]
    return load_batches(SegmentDataset.of(table, audio), batches, epoch=0)


def part_file(home: Path, first: int, precision: Precision) -> Path:
    """Name the file of a part's logits, float32 pairs."""
    return home / "logits" / f"{first:06d}-{precision}.f32"


def scored(case: Case, home: Path) -> dict[Precision, np.ndarray]:
    """Read the logits of the parts that are scored in all precisions, ``float32 [n, 2]`` each."""
    found: dict[Precision, list[np.ndarray]] = {precision: [] for precision in PRECISIONS}
    for first in range(0, case.trials, PART):
        files = {precision: part_file(home, first, precision) for precision in PRECISIONS}
        if not all(path.exists() for path in files.values()):
            break
        for precision, path in files.items():
            found[precision].append(np.fromfile(path, dtype=np.float32).reshape(-1, 2))
    return {precision: np.concatenate(parts) for precision, parts in found.items() if parts}


# ------------------------------------------------------------------------------------- the table
HEADS = ("detector", "trials", "precision", "EER %", "flips", "share %", "at most %", "expected")
HEADS += ("own threshold", "EER difference %", "perturbation", "density")


def show(name: str, case: Case, folder: Path) -> list[Comparison]:
    """Write a case's rows of the table; return the comparisons of its precisions with fp32."""
    logits = scored(case, folder / name)
    if not logits:
        sys.stdout.write(f"| {name} | no trial is scored in all precisions yet |\n")
        return []
    count = len(logits["fp32"])
    trials = trials_of(case, audio_of(case, folder)).select(range(count))
    fp32, real = logits["fp32"][:, 1], trials.is_real
    found = []
    for precision in PRECISIONS:
        one = compare(fp32, logits[precision][:, 1], real, trials.source)
        found.append(one)
        low, high = one.difference.low, one.difference.high
        cells = (
            name,
            count,
            precision,
            f"{one.eer:.3f}",
            one.flips,
            f"{100 * one.flips / count:.3f}",
            f"{100 * most(one.flips, count):.3f}",
            f"{one.expected:.1f}",
            one.flips_of_own,
            f"{one.difference.value:+.4f} ({low:+.4f} to {high:+.4f})",
            f"{one.perturbation:.2e}",
            f"{one.density:.3f}",
        )
        sys.stdout.write(f"| {' | '.join(map(str, cells))} |\n")
    return found


def main() -> None:
    """Train, score and show what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--detectors", nargs="+", default=list(CASES), choices=list(CASES))
    add("--folder", type=Path, default=ROOT / "results/scoring_precision")
    add("--threads", type=int, default=1)
    add("--show", action="store_true", help="only the table of what is scored")
    add("--trials", type=int, help="so many instead of 20,000")
    add("--steps", type=int, help="of training, instead of hundreds")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    machine = Machine(device="cpu", threads=arguments.threads, save_minutes=5.0)
    cases = {name: changed(CASES[name], arguments) for name in arguments.detectors}
    if not arguments.show:
        for name, case in cases.items():
            score(case, name, arguments.folder, machine)
    sys.stdout.write(f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|\n")
    shown = [show(name, case, arguments.folder) for name, case in cases.items()]
    if all(shown):
        fit = [
            precision
            for number, precision in enumerate(PRECISIONS)
            if all(found[number].passes for found in shown)
        ]
        sys.stdout.write(f"at most {TOLERATED:g} flips a decision: {', '.join(fit)}\n")


def changed(case: Case, arguments: argparse.Namespace) -> Case:
    """Return a case with what the command line changes."""
    if arguments.trials:
        case = replace(case, trials=arguments.trials, pairs=max(2, arguments.trials // 8))
    if arguments.steps:
        steps = {"max_steps": arguments.steps, "schedule_steps": 2 * arguments.steps}
        case = replace(case, recipe={**case.recipe, **steps})
    return case


if __name__ == "__main__":
    main()
