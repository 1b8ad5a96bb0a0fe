"""Calibrations: what makes likelihood ratios of a detector's scores, and what it was fitted on.

A JSON object: `form`, `scores` (what is mapped: `difference of logits`, REAL less FAKE, or `single
score`), `scale` and `offset` (`sdd.metrics.affine_calibration`), `prior_fake` of the fit, `lowest`
and `highest` score, `n_real`, `n_fake`, `files` with their SHA-256, and `cllr` (bits) of the scores
as they were and `cllr_calibrated`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sdd.errors import InputError
from sdd.metrics.affine_calibration import AffineMap, fit_affine_map
from sdd.metrics.calibration import cllr
from sdd.runtime.atomic_files import atomic_path
from sdd.runtime.digests import file_digest
from sdd.runtime.text_files import read_text
from sdd.scoring.score_files import SingleScores
from sdd.scoring.score_tables import Scores

FloatArray = NDArray[np.float64]
Kind = Literal["difference of logits", "single score"]
FORM = "sdd calibration 1"
KINDS: tuple[Kind, ...] = ("difference of logits", "single score")


@dataclass(frozen=True)
class Calibration:
    """A map from scores to natural-log likelihood ratios of real to fake, and its data.

    Attributes
    ----------
    scores
        What is mapped.
    scale, offset
        Ratio = scale x score + offset.
    prior_fake
        Where the fit is best.
    lowest, highest
        Of the scores that it was fitted on.
    files
        Name and SHA-256 of each file of these.
    cllr, cllr_calibrated
        Of these, in bits: as they were, and calibrated.
    """

    scores: Kind
    scale: float
    offset: float
    prior_fake: float
    lowest: float
    highest: float
    n_real: int
    n_fake: int
    cllr: float
    cllr_calibrated: float
    files: Mapping[str, str]

    def ratios(self, values: FloatArray) -> FloatArray:
        """Return natural-log likelihood ratios, ``float64 [N]``."""
        return AffineMap(self.scale, self.offset)(values)

    def beyond(self, values: FloatArray) -> NDArray[np.bool_]:
        """Tell which scores lie beyond those that it was fitted on, ``bool [N]``."""
        return (values < self.lowest) | (values > self.highest)


def log_likelihood_ratios(logits: NDArray[np.floating]) -> FloatArray:
    """Take the difference of two logits for a log-likelihood ratio.

    Parameters
    ----------
    logits
        ``float [N, 2]``: index 0 FAKE, 1 REAL.

    Returns
    -------
    ndarray
        ``float64 [N]``, in nats: the logit of REAL less that of FAKE. That is the detector's
        log-odds; they are a likelihood ratio if it takes both classes for equally frequent.
    """
    ratios: FloatArray = np.diff(logits.astype(np.float64), axis=1)[:, 0]
    return ratios


def mapped_values(scores: Scores | SingleScores) -> tuple[Kind, FloatArray]:
    """Return what a calibration maps: one value of each trial, ``float64 [N]``, and what it is."""
    if isinstance(scores, SingleScores):
        return "single score", scores.values
    return "difference of logits", log_likelihood_ratios(scores.logits)


def fit_calibration(
    parts: Sequence[tuple[Path, Scores | SingleScores]], prior_fake: float = 0.5
) -> Calibration:
    """Fit a calibration to the scores of one or more files, taken together.

    Raises
    ------
    InputError
        If some have two logits and others one score.
    """
    kinds = {mapped_values(scores)[0]: path for path, scores in parts}
    if len(kinds) > 1:
        named = " and ".join(f"{path} ({kind})" for kind, path in kinds.items())
        raise InputError(f"{named} are scores of two kinds: calibrate them apart.")
    values = np.concatenate([mapped_values(scores)[1] for _, scores in parts])
    is_real = np.concatenate([scores.real for _, scores in parts])
    real, fake = values[is_real], values[~is_real]
    found = fit_affine_map(real, fake, prior_fake)
    return Calibration(
        scores=next(iter(kinds)),
        scale=found.scale,
        offset=found.offset,
        prior_fake=prior_fake,
        lowest=float(values.min()),
        highest=float(values.max()),
        n_real=real.size,
        n_fake=fake.size,
        cllr=cllr(real, fake),
        cllr_calibrated=cllr(found(real), found(fake)),
        files={str(path): file_digest(path) for path, _ in parts},
    )


def calibrated_ratios(
    calibration: Calibration, path: Path, scores: Scores | SingleScores
) -> FloatArray:
    """Return natural-log likelihood ratios of the scores of a file, ``float64 [N]``.

    Raises
    ------
    InputError
        If the calibration maps scores of the other kind.
    """
    kind, values = mapped_values(scores)
    if kind != calibration.scores:
        raise InputError(
            f"{path} has as scores: {kind}; the calibration is of: {calibration.scores}. Calibrate "
            "on scores of the same kind."
        )
    return calibration.ratios(values)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration as JSON, numbers in full; atomically."""
    text = json.dumps({"form": FORM, **asdict(calibration)}, indent=1, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_calibration(path: Path) -> Calibration:
    """Read a calibration that `write_calibration` wrote.

    Raises
    ------
    InputError
        If the file cannot be read, or is none: what is wrong with it.
    """
    try:
        content = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(
            f"{path} is no calibration, but {error}: make one by sdd calibrate."
        ) from error
    if not isinstance(content, dict) or content.get("form") != FORM:
        raise InputError(f"{path} is no calibration of this version: make one by sdd calibrate.")
    wrong = _wrong(content)
    if wrong:
        raise InputError(f"{path}: {wrong}; make it anew by sdd calibrate.")
    return Calibration(**{key: value for key, value in content.items() if key != "form"})


def _wrong(content: Mapping[str, Any]) -> str | None:
    """Say what of a calibration cannot be; nothing if all can."""
    missing = Calibration.__dataclass_fields__.keys() ^ (content.keys() - {"form"})
    if missing:
        return f"{min(missing)!r} is missing or unknown"
    if content["scores"] not in KINDS:
        return f"'scores' is {content['scores']!r}, none of {', '.join(KINDS)}"
    if not isinstance(content["files"], dict):
        return "'files' is no object"
    for name in content.keys() - {"form", "scores", "files"}:
        value = content[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{name!r} is {value!r}, no number"
        if not math.isfinite(value):
            return f"{name!r} is {value!r}, which is not finite"
    if not 0 < content["prior_fake"] < 1 or content["scale"] < 0:
        return "'prior_fake' must lie between 0 and 1, and 'scale' not below 0"
    return None
