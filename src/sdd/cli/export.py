"""`sdd export`: a detector as a folder for others."""

import argparse
import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.cli import values
from sdd.errors import InputError, one_line

if TYPE_CHECKING:
    from sdd.analysis.exported_cell import CellPlace, TrainingFacts
    from sdd.detector.detector import Detector
    from sdd.presentation.model_card import Card

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

CARD, CALIBRATION, ARENA = "README.md", "calibration.json", "meta.yaml"
DEFAULT_CONFIG = Path("config.yaml")

logger = logging.getLogger(__name__)


def add_command(commands: "Commands") -> None:
    """Add `sdd export`."""
    command = commands.add_parser(
        "export",
        help="write a detector as a folder for the hub or a colleague",
        description="Write a folder with a detector as model.safetensors and in the authors' form "
        "(model.ckpt), its architecture (config.json), a model card (README.md) and, where they "
        "are known, its calibration and its entry of the Speech Anti-Spoofing Arena.",
    )
    command.add_argument(
        "model",
        metavar="MODEL",
        type=values.text,
        help="a cell's folder in results/, a file that sdd score reads, or "
        "hf://owner/name@revision[/file]",
    )
    command.add_argument("folder", metavar="FOLDER", type=values.path, help="to write, a new one")
    command.add_argument(
        "-a",
        "--architecture",
        type=values.text,
        metavar="NAME",
        help="of the detector, where its file does not say (.ckpt)",
    )
    command.add_argument(
        "--config",
        type=values.path,
        action="append",
        default=[],
        metavar="FILE",
        help="of the experiment, for what the cell was trained on; given several times, each is "
        "laid over those before (default: config.yaml, where it is that of the experiment)",
    )
    command.add_argument(
        "--calibration",
        type=values.path,
        metavar="FILE",
        help="to go with it (default: the cell's calibration.json, where it is there)",
    )
    command.add_argument(
        "--licence", type=values.text, help="of the weights, where their file does not state it"
    )
    command.add_argument("--name", type=values.text, help="of the detector, for its card")
    command.add_argument(
        "--repository",
        type=values.repository,
        metavar="OWNER/NAME",
        help="on the hub, where it will be: for the card, and for meta.yaml of the Arena",
    )
    command.add_argument(
        "--overwrite",
        action="store_true",
        help="write into a folder that is there; what else is in it stays",
    )
    command.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> None:
    from sdd.runtime.atomic_folders import atomic_folder, check_new_folder

    check_new_folder(arguments.folder, overwrite=arguments.overwrite)
    from sdd.detector.checkpoints.exporting import AUTHORS_FILE, CONFIGURATION, write_detector
    from sdd.detector.checkpoints.hub import USUAL_FILE
    from sdd.detector.checkpoints.loading import load_named_detector

    path, beside = _find(arguments.model)
    detector = load_named_detector(path, arguments.architecture)
    card = _card(arguments, path, beside, detector)
    names = (USUAL_FILE, AUTHORS_FILE, CONFIGURATION, CARD, CALIBRATION, ARENA)
    with atomic_folder(arguments.folder, names, overwrite=arguments.overwrite) as folder:
        write_detector(detector, folder, card.metadata)
        _write_texts(folder, card)
    logger.info("%s holds %s", one_line(str(arguments.folder)), card.name)


def _find(named: str) -> tuple[Path, Path]:
    """Return a detector's file, and the folder that says more of it: its own, or the cell's."""
    from sdd.analysis.exported_cell import checkpoint_of, find_cell
    from sdd.detector.checkpoints.places import find_detector

    path = find_detector(named)
    place = find_cell(path) if path.is_dir() else None
    checkpoint = checkpoint_of(place) if place is not None else None
    return (path, path.parent) if checkpoint is None else (checkpoint, path)


def _card(arguments: argparse.Namespace, path: Path, folder: Path, detector: "Detector") -> "Card":
    """Gather what is known of a detector."""
    from sdd.analysis.exported_cell import find_cell, measured_sets
    from sdd.detector.checkpoints.exporting import count_weights
    from sdd.presentation.model_card import Card
    from sdd.scoring.calibrations import read_calibration

    place = find_cell(folder)
    beside = folder / CALIBRATION
    calibration = arguments.calibration or (beside if beside.is_file() else None)
    return Card(
        name=arguments.name or _name(arguments, path, place),
        parameters=count_weights(detector),
        architecture=detector.architecture.as_dict(),
        metadata=_metadata(arguments, path),
        version=version("sdd-grpo"),
        place=place,
        measured=measured_sets(folder, place),
        training=_training(arguments.config, place),
        calibration=None if calibration is None else read_calibration(calibration),
        repository=arguments.repository,
    )


def _name(arguments: argparse.Namespace, path: Path, place: "CellPlace | None") -> str:
    if arguments.repository is not None:
        return str(arguments.repository.split("/")[1])
    if place is not None:
        cell = place.cell
        return f"{cell.model} {cell.init} {cell.algorithm}, round {cell.round}"
    return path.stem


def _metadata(arguments: argparse.Namespace, path: Path) -> dict[str, str]:
    """Read what a file says of itself, and add what the user says of it."""
    from sdd.detector.checkpoints.file_formats import checkpoint_format
    from sdd.detector.checkpoints.loading import read_metadata
    from sdd.detector.checkpoints.places import is_on_hub

    told = read_metadata(path) if checkpoint_format(path) == "safetensors" else {}
    if is_on_hub(arguments.model):
        told.setdefault("source", arguments.model)
    if arguments.licence is not None:
        if told.get("licence", arguments.licence) != arguments.licence:
            raise InputError(
                f"{path} states the licence {told['licence']!r}: leave out --licence, which is for "
                "files that state none."
            )
        told["licence"] = arguments.licence
    return told


def _training(files: list[Path], place: "CellPlace | None") -> "TrainingFacts | None":
    from sdd.analysis.exported_cell import read_config, training_facts

    if place is None:
        if files:
            raise InputError("--config is for a cell's model below results/, and this is none.")
        return None
    if files:
        return training_facts(read_config(files), place)
    if DEFAULT_CONFIG.is_file():
        config = read_config([DEFAULT_CONFIG])
        if config.get("name") == place.experiment:
            return training_facts(config, place)
    logger.warning(
        "the card does not say what it was trained on: give the config of experiment %s (--config, "
        "config.yaml first and then what is laid over it)",
        place.experiment,
    )
    return None


def _write_texts(folder: Path, card: "Card") -> None:
    from sdd.presentation.arena_entry import arena_entry
    from sdd.presentation.model_card import model_card
    from sdd.runtime.atomic_files import atomic_path
    from sdd.scoring.calibrations import write_calibration

    texts = {CARD: model_card(card)}
    if card.repository is not None:
        texts[ARENA] = arena_entry(
            card.name,
            f"wav2vec 2.0 encoder, mean over frames, linear layer: {card.name}",
            card.repository,
            card.parameters,
        )
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    if card.calibration is not None:
        write_calibration(folder / CALIBRATION, card.calibration)
