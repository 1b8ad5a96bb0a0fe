"""Certificates: how far our detector is from fairseq's on the same weights and inputs."""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sdd.data.audio import SAMPLE_RATE
from sdd.detector.architectures import find_architecture
from sdd.detector.checkpoints.download import fetch
from sdd.errors import InputError
from sdd.runtime.csv_rows import read_rows, write_rows

Network = Callable[[Tensor], tuple[Tensor, Tensor]]

# From the shortest input that gives a frame to ten seconds; 719 samples are one short of two.
LENGTHS = (400, 719, 16_000, 64_000, 160_000)
# Float32 rounding through 48 layers, relative to the size of what is compared.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """Both detectors on inputs of one length in samples, at 16 kHz.

    Attributes
    ----------
    embeddings, logits
        Largest absolute differences; logits None where the file has no back end.
    embedding_scale, logit_scale
        Largest absolute values of the reference.
    """

    samples: int
    embeddings: float
    embedding_scale: float
    logits: float | None
    logit_scale: float | None

    def within(self, tolerance: float) -> bool:
        """Tell whether the differences are at most so large a share of the values (or of 1)."""
        passed = self.embeddings <= tolerance * max(1.0, self.embedding_scale)
        if self.logits is not None and self.logit_scale is not None:
            passed &= self.logits <= tolerance * max(1.0, self.logit_scale)
        return passed


def compare(
    reference: Network,
    ours: Network,
    lengths: Sequence[int],
    *,
    with_logits: bool = True,
    batch: int = 2,
    seed: int = 0,
) -> list[Comparison]:
    """Run both detectors on the same waveforms.

    Parameters
    ----------
    reference, ours
        From waveforms ``float32 [B, T]`` to embeddings ``float32 [B, D]`` and logits
        ``float32 [B, 2]``.
    lengths
        Samples of the inputs, one batch each.
    with_logits
        False where the file holds no back end.
    batch
        Waveforms of each length.
    seed
        Of the inputs: noise whose loudness rises and falls, at most half of full scale.
    """
    generator = torch.Generator().manual_seed(seed)
    compared = []
    for samples in lengths:
        envelope = 0.05 + 0.45 * torch.hann_window(samples, periodic=False)
        noise = torch.randn(batch, samples, generator=generator).clamp(-4, 4) / 4
        waveforms = noise * envelope
        with torch.no_grad():
            theirs, mine = reference(waveforms), ours(waveforms)
        (embedding, embedding_scale), (logit, logit_scale) = (
            (float((a - b).abs().max()), float(a.abs().max()))
            for a, b in zip(theirs, mine, strict=True)
        )
        scores = (logit, logit_scale) if with_logits else (None, None)
        compared.append(Comparison(samples, embedding, embedding_scale, *scores))
    return compared


def describe(compared: Sequence[Comparison]) -> str:
    """Format the comparisons as a table for reading, the largest differences last."""
    lines = [f"{'samples':>8} {'seconds':>8} {'embeddings':>11} {'logits':>9}"]
    for row in compared:
        logits = "-" if row.logits is None else f"{row.logits:.1e}"
        seconds = row.samples / SAMPLE_RATE
        lines.append(f"{row.samples:8d} {seconds:8.3f} {row.embeddings:11.1e} {logits:>9}")
    embeddings = max((row.embeddings for row in compared), key=_size)
    logits_seen = [row.logits for row in compared if row.logits is not None]
    logits = f"{max(logits_seen, key=_size):.1e}" if logits_seen else "-"
    lines.append(f"{'largest':>17} {embeddings:11.1e} {logits:>9}")
    return "\n".join(lines)


def _size(difference: float) -> float:
    """Return what differences are ordered by: one that is not a number is the largest of all."""
    return math.inf if math.isnan(difference) else difference


def write_certificate(
    path: Path, compared: Sequence[Comparison], about: dict[str, str], tolerance: float
) -> None:
    """Write the comparisons as CSV, atomically, one row a length.

    Parameters
    ----------
    about
        Columns that are the same in every row, such as the checkpoint and the versions.
    tolerance
        Decides the column `passed`.
    """
    columns = ["samples", "embeddings", "embedding_scale", "logits", "logit_scale", "passed"]
    rows = [{**about, **vars(row), "passed": row.within(tolerance)} for row in compared]
    write_rows(path, rows, [*about, *columns])


def collect_certificates(certificates: Sequence[Path], target: Path) -> None:
    """Write one table of certificates, a row a checkpoint: the largest differences.

    Parameters
    ----------
    certificates
        CSV files of which `write_certificate` made each.
    target
        The CSV to write, atomically: the columns of the certificates less those of one length.
    """
    rows = []
    for path in certificates:
        lines = read_rows(path)
        # As text, so that the table has the very digits of the certificate.
        largest = {
            column: max((line[column] for line in lines), key=lambda text: _size(float(text or 0)))
            for column in ("embeddings", "logits")
        }
        passed = all(line["passed"] == "True" for line in lines)
        about = {key: lines[0][key] for key in ("checkpoint", "weights", "fairseq", "torch")}
        rows.append({**about, **largest, "passed": passed})
    write_rows(target, rows)


def certify(
    path: Path,
    architecture: str | Mapping[str, object] | None,
    *,
    ours: Path | None = None,
    encoder_only: bool = False,
    lengths: Sequence[int] = LENGTHS,
) -> tuple[list[Comparison], dict[str, str]]:
    """Load one checkpoint into real fairseq and into our detector, and compare them.

    Parameters
    ----------
    path
        AntiDeepfake's `.ckpt`, fairseq's `.pt`, or safetensors.
    architecture
        A name or fairseq's configuration keys; None to take what `save_detector` wrote.
    ours
        What our detector is loaded from, if not from `path`: what the workflow made of it.
    encoder_only
        Compare embeddings only; so it is, too, where `path` has no back end.
    lengths
        Samples of the inputs.

    Returns
    -------
    comparisons
        In the order of `lengths`.
    about
        What was compared: file, weights, versions.

    Raises
    ------
    InputError
        If a file cannot be loaded, or fairseq is not installed.
    """
    from sdd.detector.checkpoints.loading import (
        load_detector,
        load_pretrained,
        stored_architecture,
    )
    from sdd.detector.checkpoints.reading import read_checkpoint
    from sdd.detector.checkpoints.weight_names import BACK_END_PREFIX
    from sdd.detector.fairseq_reference import import_fairseq, load_fairseq_detector

    chosen = find_architecture(architecture) if architecture else stored_architecture(path)
    names = read_checkpoint(path).tensors
    with_logits = not encoder_only and any(name.startswith(BACK_END_PREFIX) for name in names)
    # Ours first: it is strict, and its errors say more.
    if with_logits:
        detector = load_detector(ours or path, chosen, dtype=torch.float32)
    else:
        detector = load_pretrained(ours or path, chosen, seed=0)
    reference = load_fairseq_detector(path, chosen)
    compared = compare(
        reference.embed_and_logits, detector.embed_and_logits, lengths, with_logits=with_logits
    )
    weights = sum(parameter.numel() for parameter in detector.parameters())
    about = {
        "checkpoint": str(path),
        "weights": str(weights),
        "fairseq": import_fairseq().version,
        "torch": torch.__version__,
    }
    return compared, about


def main(arguments: Sequence[str] | None = None) -> int:
    """Certify a checkpoint from the command line.

    Returns
    -------
    int
        0 if all differences are within the tolerance; 1 if not, or after an error, which is
        shown; 2 if the command is wrong.
    """
    chosen = _parser().parse_args(arguments)
    try:
        path = fetch(chosen.checkpoint, chosen.downloads, chosen.digest)
        compared, about = certify(
            path,
            _read_architecture(chosen.architecture),
            ours=chosen.ours,
            encoder_only=chosen.encoder_only,
            lengths=chosen.lengths,
        )
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    passed = all(row.within(chosen.tolerance) for row in compared)
    sys.stdout.write(
        f"{about['checkpoint']}: {int(about['weights']):,} weights, fairseq {about['fairseq']} "
        f"beside ours, torch {about['torch']}\n{describe(compared)}\n"
        f"{'passed' if passed else 'FAILED'}: at most {chosen.tolerance:g} of the values\n"
    )
    # Also where it failed: the certificate then says by how much.
    if chosen.output:
        write_certificate(chosen.output, compared, about, chosen.tolerance)
    return 0 if passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="certify_checkpoint.py",
        description="Hold a checkpoint in our detector against the same file in real fairseq.",
    )
    parser.add_argument("checkpoint", help="a file, or the URL of one")
    parser.add_argument(
        "--architecture", help="a name such as mms_300m, or fairseq's configuration keys as JSON"
    )
    parser.add_argument("--ours", type=Path, help="our file, if not the same one")
    parser.add_argument("--encoder-only", action="store_true", help="compare embeddings only")
    parser.add_argument("--digest", help="sha256:... or md5:... of the checkpoint")
    parser.add_argument("--downloads", type=Path, default=Path("downloads"), metavar="FOLDER")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, metavar="SAMPLES")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, metavar="SHARE")
    parser.add_argument("--output", type=Path, help="write the comparison as CSV, too")
    return parser


def _read_architecture(text: str | None) -> str | dict[str, object] | None:
    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        keys: dict[str, object] = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"--architecture {text[:80]!r} is not JSON: {error}") from error
    return keys
