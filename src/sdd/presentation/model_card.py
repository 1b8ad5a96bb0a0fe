"""The card of a detector: what a hub, or a colleague, should read before using it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdd.analysis.exported_cell import CellPlace, MeasuredSet, TrainingFacts
from sdd.experiment.tree import MODEL
from sdd.scoring.calibrations import Calibration

PAPER = "2603.02914"
UNKNOWN = "Not known"
# Those of the hub's identifiers that are likely here; others have a name of their own there.
LICENCES = frozenset(
    {
        *("mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0"),
        *("cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "gpl-3.0"),
    }
)
LIMITS = """\
For research on the detection of synthetic and converted speech. It takes recordings of speech at
16 kHz; those of more than 15 seconds are scored in windows.

- A score is what this detector says, not how likely a recording is fake, and no proof of either.
- It errs most on speech unlike that it was trained on: other languages, synthesisers, codecs,
  rooms, telephone lines, music, several speakers. Measure it on recordings like yours first.
- A recording of which only parts are fake may get the score of the rest.
- Who knows the detector can make fakes that it takes for real.
- Nothing that concerns a person should be decided by it alone."""


@dataclass(frozen=True)
class Card:
    """What is known of a detector.

    Attributes
    ----------
    parameters
        How many weights it has.
    metadata
        Of its file: licence, source, objective, steps, where they are there.
    place, measured, training, calibration
        Of a cell, where they are known.
    repository
        On the hub, as ``owner/name``.
    version
        Of the software.
    """

    name: str
    parameters: int
    architecture: Mapping[str, Any]
    metadata: Mapping[str, str]
    version: str
    place: CellPlace | None = None
    measured: Sequence[MeasuredSet] = ()
    training: TrainingFacts | None = None
    calibration: Calibration | None = None
    repository: str | None = None

    def title(self, name: str) -> str:
        """Return the printed name of a set, with its own where they differ."""
        title = self.training.titles.get(name, name) if self.training else name
        return name if title == name else f"{name} ({title})"


def model_card(card: Card) -> str:
    """Return a model card: front matter as the hub reads it, and Markdown."""
    sections = {
        "What it is": _what_it_is(card),
        "What it was trained on": _training(card),
        "Error rates": _error_rates(card),
        "Calibration": _calibration(card),
        "Intended use and limits": LIMITS,
        "How to use it": _usage(card),
        "Licence": _licence(card),
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items())
    return f"---\n{front_matter(card)}---\n\n# {card.name}\n\n{body}\n"


# -------------------------------------------------------------------------------- front matter
def front_matter(card: Card) -> str:
    """Return the card's metadata as the hub's YAML."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech deepfake detection",
            dataset_type=one.test_set,
            dataset_name=card.title(one.test_set),
            metric_type="eer",
            metric_name="Equal error rate (%)",
            metric_value=round(one.eer, 4),
        )
        for one in card.measured
    ]
    licence, licence_name = _licence_entries(card)
    # The paper is that of the workflow, and not of any detector that can be exported.
    paper = [f"arxiv:{PAPER}"] if card.place is not None else []
    data = ModelCardData(
        base_model=_base_model(card),
        eval_results=results or None,
        library_name="sdd-grpo",
        license=licence,
        license_name=licence_name,
        metrics=["eer"] if results else None,
        model_name=card.name if results else None,
        pipeline_tag="audio-classification",
        tags=["speech", "anti-spoofing", "deepfake-detection", *paper],
    )
    return f"{data.to_yaml()}\n"


def _base_model(card: Card) -> str | None:
    found = re.match(r"hf://([^/@]+/[^/@]+)@", card.metadata.get("source", ""))
    return found[1] if found else None


def _licence_entries(card: Card) -> tuple[str | None, str | None]:
    """Return the hub's identifier of the licence, and a name where it has none of its own."""
    licence = card.metadata.get("licence")
    if licence is None:
        return None, None
    identifier = licence.lower().replace(" ", "-")
    if identifier in LICENCES:
        return identifier, None
    return "other", re.sub(r"[^a-z0-9.]+", "-", identifier).strip("-")


# ------------------------------------------------------------------------------------ sections
def _what_it_is(card: Card) -> str:
    shape = card.architecture
    return (
        "A detector of fake (synthetic or converted) speech: a wav2vec 2.0 encoder of "
        f"{shape['encoder_layers']} x {shape['encoder_embed_dim']} (transformer layers, width), "
        "the mean over its frames, and a linear layer to two logits, 0 FAKE and 1 REAL; "
        f"{card.parameters / 1e6:,.1f} million weights. `model.safetensors` and `model.ckpt` hold "
        "the same: the second is in the form that "
        "[AntiDeepfake](https://github.com/nii-yamagishilab/AntiDeepfake) reads. `config.json` has "
        "the whole architecture."
    )


def _training(card: Card) -> str:
    known = [*_origin(card), *_objective(card), *_data(card)]
    if not known:
        return f"{UNKNOWN}: the file says nothing of it. Say so here before you hand it to others."
    return "\n".join(f"- {line}" for line in known)


def _origin(card: Card) -> list[str]:
    lines = []
    if card.place is not None:
        cell = card.place.cell
        lines.append(
            f"Cell `{cell.path}` (model, initialisation, algorithm, round) of experiment "
            f"`{card.place.experiment}`, recipe `{card.place.recipe}`."
        )
    if "source" in card.metadata:
        lines.append(f"It started from {card.metadata['source']}.")
    return lines


def _objective(card: Card) -> list[str]:
    lines = []
    if card.training is not None and card.training.stages:
        shown = "; then ".join(
            f"`{name}` ({_listed(parameters)})" for name, parameters in card.training.stages
        )
        lines.append(f"Objective: {shown}.")
    elif "objective" in card.metadata:
        parameters = json.loads(card.metadata["objective"])
        lines.append(f"Objective of the last stage: {_listed(parameters)}.")
    if "steps" in card.metadata:
        best = card.metadata.get("best_step")
        which = f", of which step {best} had the lowest validation error" if best else ""
        lines.append(f"Steps: {card.metadata['steps']}{which}.")
    return lines


def _data(card: Card) -> list[str]:
    training = card.training
    if training is None:
        return []
    told = [
        f"Training set: {training.training_set}. Weights selected on {training.validation_set}. "
        f"Seed of the first round: {training.seed}.",
        f"Recipe: {_listed(training.switches)}.",
    ]
    notes = [" ".join(note.split()) for note in training.notes]
    return [*(told if training.stages else ["It was not fine-tuned here."]), *notes]


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_plain(value)}" for key, value in values.items())


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return json.dumps(value) if isinstance(value, bool | list | dict) else str(value)


def _error_rates(card: Card) -> str:
    if not card.measured:
        return f"{UNKNOWN}: none lie beside the detector's file. Do not use it unmeasured."
    lines = [
        "| test set | EER, % | real, fake | mean of the row, % | 95 % interval | of |",
        "|---|---|---|---|---|---|",
        *(_rate(card, one) for one in card.measured),
    ]
    told = (
        "EER: this detector's, at the threshold where as many real trials are rejected as fake "
        "ones accepted. The mean is over all detectors that were trained in the same way, one a "
        "round, and the interval is that of the mean: over what is drawn (the last column) and, "
        "where there are several, over rounds."
    )
    absent = (
        " A dash: no interval was measured, or there are too few recordings or speakers for one."
        if any(one.low is None for one in card.measured)
        else ""
    )
    return "\n".join(lines) + f"\n\n{told}{absent}"


def _rate(card: Card, one: MeasuredSet) -> str:
    mean = "–" if one.mean is None else f"{one.mean:.2f}"
    interval = "–" if one.low is None or one.high is None else f"{one.low:.2f} to {one.high:.2f}"
    of = f"{one.rounds} rounds, {one.drawn}" if one.rounds > 1 else one.drawn or "–"
    return (
        f"| {card.title(one.test_set)} | {one.eer:.2f} | {one.n_real}, {one.n_fake} | {mean} | "
        f"{interval} | {of} |"
    )


def _calibration(card: Card) -> str:
    of = card.calibration
    if of is None:
        return (
            "None. Its scores are no likelihood ratios and no probabilities: `sdd calibrate` fits "
            "a calibration to scores of recordings like yours."
        )
    return (
        f"`calibration.json` makes natural-log likelihood ratios of real to fake of the {of.scores}"
        f": {of.scale:.4g} x score {of.offset:+.4g}, fitted to {of.n_real} real and {of.n_fake} "
        f"fake trials at a prior of {of.prior_fake:g}. On these Cllr is {of.cllr:.3f} bits as the "
        f"scores are and {of.cllr_calibrated:.3f} calibrated. It is for recordings like them: on "
        "others it can be worse than none, and surer."
    )


def _usage(card: Card) -> str:
    if card.repository is None:
        named = "FOLDER"
        where = "`FOLDER` is where this card lies."
    else:
        named = f"hf://{card.repository}@COMMIT"
        where = (
            f"`COMMIT` is one of https://huggingface.co/{card.repository}/commits/main, in full; a "
            "folder with these files serves as well."
        )
    calibrated = (
        f"sdd score --model {named} --calibration calibration.json --prior 0.01 recordings/\n"
        if card.calibration is not None
        else ""
    )
    return (
        f"```sh\nsdd score --model {named} recordings/\n{calibrated}```\n\n{where} In Python:\n\n"
        "```python\nfrom sdd.detector import load_detector\n\n"
        f'detector = load_detector("{Path(MODEL).name}")\n'
        "logits = detector(waveforms)  # [B, T] at 16 kHz -> [B, 2]: 0 FAKE, 1 REAL\n```\n\n"
        f"Written by sdd-grpo {card.version}."
    )


def _licence(card: Card) -> str:
    licence = card.metadata.get("licence")
    if licence is None:
        return (
            f"{UNKNOWN}: the file does not state that of the weights it was made from. Find it out "
            "before you hand it to others."
        )
    return f"{licence}, as stated of the weights that it was made from."
