"""What an experiment consists of: cells, sets, stages and scoring jobs, read from its config."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sdd.errors import InputError

Config = Mapping[str, Any]

UNREADABLE = "unreadable_sources"
ROUND_SEED_STEP = 100_003


@dataclass(frozen=True)
class Cell:
    """One entry of the experiment: model × init × algorithm × round."""

    model: str
    init: str
    algorithm: str
    round: int

    @classmethod
    def parse(cls, path: str) -> "Cell":
        """Read a cell from its folder, ``model/init/algorithm/roundN``."""
        model, init, algorithm, number = path.split("/")
        return cls(model, init, algorithm, int(number.removeprefix("round")))

    @property
    def path(self) -> str:
        """The cell's folder below ``results/{name}/{recipe}/``."""
        return f"{self.model}/{self.init}/{self.algorithm}/round{self.round}"


@dataclass(frozen=True)
class ScoringJob:
    """Sets that one process scores, for the cells that match a pattern.

    A checkpoint is read once for all of them. Jobs are cut by corpus, so that a corpus that is
    added later is scored alone.
    """

    name: str
    sets: tuple[str, ...]
    embeddings: bool
    cells: str


class Experiment:
    """An experiment as its config describes it.

    Parameters
    ----------
    config
        A configuration that agrees with the schema (`sdd.experiment.schema.check_config`), and
        whose names fit together (`sdd.experiment.consistency.check_experiment`).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.name: str = config["name"]

    # ------------------------------------------------------------------------------- the table
    def rounds(self, algorithm: str) -> range:
        """Rounds of an algorithm, from 1; `none` has one, since nothing in it is random."""
        return range(1, (self.config["rounds"] if self.stages(algorithm) else 1) + 1)

    def cells(self) -> list[Cell]:
        """List the cells of all rows of the table, in order."""
        return [
            Cell(row["model"], row["init"], row["algorithm"], number)
            for row in self.config["rows"]
            for number in self.rounds(row["algorithm"])
        ]

    def zero_shot_cells(self) -> list[Cell]:
        """List the cells that need no training."""
        return [cell for cell in self.cells() if not self.stages(cell.algorithm)]

    def drift_cells(self) -> list[Cell]:
        """List the cells whose drift Figure 2 shows."""
        drift = self.config["drift"]
        if not self.reference_set:
            return []
        return [
            Cell(drift["model"], drift["init"], algorithm, number)
            for algorithm in dict.fromkeys(chain.from_iterable(drift["panels"].values()))
            for number in self.rounds(algorithm)
        ]

    def labels(self) -> dict[str, str]:
        """Give the printed names of sets, models and algorithms, where the config has one."""
        config = self.config
        labels: dict[str, str] = dict(config["algorithm_titles"])
        for section in ("models", "sets"):
            named = {name: spec.get("title") for name, spec in config[section].items()}
            labels |= {name: title for name, title in named.items() if title}
        return labels

    def table_layout(self) -> dict[str, Any]:
        """Give what Table 1 shows: rows, columns and words."""
        config = self.config
        return {
            "rows": [(row["model"], row["init"], row["algorithm"]) for row in config["rows"]],
            "in_domain": self.in_domain,
            "out_of_domain": self.out_of_domain,
            "group_titles": (config["in_domain"]["title"], config["out_of_domain"]["title"]),
            "labels": self.labels(),
            "title": config["title"],
            "notes": config["notes"],
        }

    def figure_layout(self) -> dict[str, Any]:
        """Give what Figure 2 shows: panels, columns and words."""
        drift, labels = self.config["drift"], self.labels()
        model = labels.get(drift["model"], drift["model"])
        return {
            "title": drift.get("title", f"Drift of {model}"),
            "panels": drift["panels"],
            "test_sets": self.test_sets,
            "in_domain": self.in_domain,
            "reference": labels.get(self.reference_set or "", self.reference_set),
            "method": drift["method"],
            "labels": labels,
            "notes": self.config["notes"],
        }

    # ------------------------------------------------------------------------------------ sets
    @property
    def in_domain(self) -> list[str]:
        """Test sets of the domain that is trained on, less the corpora left out."""
        return self._kept(self.config["in_domain"]["sets"])

    @property
    def out_of_domain(self) -> list[str]:
        """Test sets of other domains, less the corpora left out."""
        return self._kept(self.config["out_of_domain"]["sets"])

    @property
    def test_sets(self) -> list[str]:
        """All columns of the table."""
        return self.in_domain + self.out_of_domain

    @property
    def reference_set(self) -> str | None:
        """The set that drift is measured from; None where its corpus is left out."""
        return next(iter(self._kept([self.config["reference_set"]])), None)

    def corpora(self) -> list[str]:
        """List the corpora that the experiment reads."""
        return list(dict.fromkeys(self.corpus(name) for name in self.sets_in_use()))

    def each_corpus(self) -> dict[str, list[str]]:
        """Map each corpus that is read to itself alone."""
        return {corpus: [corpus] for corpus in self.corpora()}

    def corpus(self, set_name: str) -> str:
        """Name the corpus that a set is cut from."""
        return str(self.config["sets"][set_name]["corpus"])

    def sets_in_use(self) -> list[str]:
        """List the sets that the experiment reads."""
        config = self.config
        sets = [*self.test_sets, config["training_set"], config["validation_set"]]
        sets += [self.reference_set] if self.reference_set else []
        if self.trained_checkpoints():
            training = config["checkpoint_training"]
            sets += [training["training_set"], training["validation_set"]]
        return list(dict.fromkeys(sets))

    def partitions(self, corpus: str) -> list[str] | None:
        """List the partitions of a corpus that are used; None if rows of any partition are.

        What no set uses need not be on disk.
        """
        sets = [self.config["sets"][s] for s in self.sets_in_use() if self.corpus(s) == corpus]
        partitions = {spec.get("partition") for spec in sets}
        return None if None in partitions or not sets else sorted(map(str, partitions))

    def reader(self, corpus: str) -> dict[str, Any]:
        """Give how a corpus is read: its reader, the options of that, and its partitions in use."""
        spec = {k: v for k, v in self.config["corpora"][corpus].items() if k != UNREADABLE}
        if spec["reader"] == "folders":
            spec["corpus"] = corpus
        return {**spec, "partitions": self.partitions(corpus)}

    def unreadable_sources(self, corpus: str) -> int:
        """Give how many files of a corpus may be missing or unreadable."""
        allowed = self.config["corpora"][corpus].get(UNREADABLE, self.config[UNREADABLE])
        return int(allowed)

    def _kept(self, sets: Iterable[str]) -> list[str]:
        return [name for name in sets if self.corpus(name) not in self.config["leave_out"]]

    # --------------------------------------------------------------------------------- training
    def stages(self, algorithm: str) -> list[str]:
        """List the objectives of an algorithm, one a stage."""
        return list(self.config["algorithms"][algorithm])

    def algorithm_before(self, algorithm: str) -> str | None:
        """Name the algorithm whose model the last stage of this one starts from.

        None where that is the checkpoint itself.
        """
        before = self.stages(algorithm)[:-1]
        if not before:
            return None
        for other in self.config["algorithms"]:
            if self.stages(other) == before:
                return str(other)
        raise InputError(
            f"algorithms.{algorithm}: its first stages {before} are no algorithm of their own; "
            f"add one, such as `{'-'.join(before)}: {before}`, so that its cell can be shared"
        )

    def finetuning(self, cell: Cell, recipe: str) -> dict[str, Any]:
        """Give the slice of the config that a cell's fine-tuning depends on."""
        return {
            "architecture": self.architecture(cell.model),
            "objective": dict(self.config["objectives"][self.stages(cell.algorithm)[-1]]),
            "recipe": dict(self.config["recipes"][recipe]),
            "seed": self.seed(cell, recipe),
            # A pre-trained encoder has no back end and can be no reference.
            "checkpoint_is_reference": cell.init == "post"
            and self.config["recipes"][recipe]["reference"] == "post_trained",
            "new_back_end": cell.init == "pre" and self.algorithm_before(cell.algorithm) is None,
        }

    @property
    def finetuned_cells(self) -> str:
        """Pattern of the cells that are fine-tuned: those of every algorithm with stages."""
        algorithms = [re.escape(name) for name in self.config["algorithms"] if self.stages(name)]
        return f"[^/]+/[^/]+/(?:{'|'.join(algorithms) or '(?!)'})/round[0-9]+"

    def seed(self, cell: Cell, recipe: str) -> int:
        """Give the seed of a cell: rounds differ, unless the recipe says they are the same.

        Epochs count up from a round's seed, so rounds are further apart than there are epochs.
        """
        same = self.config["recipes"][recipe]["round_seeds"] == "same"
        return int(self.config["seed"]) + (0 if same else ROUND_SEED_STEP * (cell.round - 1))

    # ------------------------------------------------------------------------------ checkpoints
    def checkpoint(self, model: str, init: str) -> dict[str, Any]:
        """Give the source of a checkpoint, and its digest where there is one."""
        return dict(self.config["models"][model]["checkpoints"][init])

    def architecture(self, model: str) -> str | dict[str, Any]:
        """Give a model's architecture: a name, or a mapping."""
        architecture: str | dict[str, Any] = self.config["models"][model]["architecture"]
        return architecture

    def pretraining(self, model: str) -> dict[str, Any]:
        """Give the slice of the config that self-supervised pre-training depends on."""
        return {
            "architecture": self.architecture(model),
            "seed": self.config["seed"],
            **self.config["checkpoint_training"]["pre"],
        }

    def posttraining(self, model: str) -> dict[str, Any]:
        """Give the slice of the config that post-training depends on: SFT with its own recipe."""
        return {
            "architecture": self.architecture(model),
            "objective": {"kind": "sft"},
            "recipe": dict(self.config["checkpoint_training"]["post"]),
            "seed": self.config["seed"],
            "checkpoint_is_reference": False,
            "new_back_end": True,
        }

    def checkpoint_training_set(self, role: str) -> str | None:
        """Name the `training_set` or `validation_set` of checkpoints; None without a section."""
        name: str | None = self.config.get("checkpoint_training", {}).get(role)
        return name

    def trained_checkpoints(self) -> list[tuple[str, str]]:
        """List (model, init) of the selected models whose checkpoints are trained here."""
        selected = {cell.model for cell in [*self.cells(), *self.drift_cells()]}
        return [
            (model, init)
            for model in self.config["models"]
            if model in selected
            for init, spec in self.config["models"][model]["checkpoints"].items()
            if spec["source"] == "train"
        ]

    def checkpoints_in_use(self) -> list[str]:
        """List ``model/init`` of the checkpoints that the cells start from."""
        cells = [*self.cells(), *self.drift_cells()]
        return list(dict.fromkeys(f"{cell.model}/{cell.init}" for cell in cells))

    def fetched_checkpoints(self) -> list[str]:
        """List ``model/init`` of the checkpoints that are files or downloads."""
        return [
            f"{model}/{init}"
            for model, spec in self.config["models"].items()
            for init, checkpoint in spec["checkpoints"].items()
            if checkpoint["source"] != "train"
        ]

    def certificate_options(self, checkpoint: str, converted: str) -> list[str]:
        """Give the arguments that certify a checkpoint.

        Parameters
        ----------
        checkpoint
            ``model/init``.
        converted
            What the workflow made of it; held against the file as published, or against itself
            where it was trained here.
        """
        model, init = checkpoint.split("/")
        spec, architecture = self.checkpoint(model, init), self.architecture(model)
        if not isinstance(architecture, str):
            architecture = json.dumps(architecture)
        options = ["--architecture", architecture]
        if init == "pre":
            options.append("--encoder-only")
        if spec["source"] == "train":
            return [converted, *options]
        if "digest" in spec:
            options += ["--digest", spec["digest"]]
        downloads = str(self.config["download_folder"])
        return [spec["source"], *options, "--downloads", downloads, "--ours", converted]

    # ------------------------------------------------------------------------ scoring and drift
    def error_rates(self, recipe: str) -> dict[str, Any]:
        """Give how error rates are measured of the scores of a recipe."""
        switches = self.config["recipes"][recipe]
        return {
            "score": switches["score"],
            "skip_suffixes": list(switches["skip_suffixes"]),
        }

    def drift_settings(self) -> dict[str, Any]:
        """Give how drift is measured."""
        drift = self.config["drift"]
        return {
            "method": drift["method"],
            "replicates": drift["replicates"],
            "seed": self.config["seed"],
        }

    def scoring_jobs(self) -> list[ScoringJob]:
        """Cut the scoring into jobs: a group of corpora each, with or without embeddings."""
        drift = [re.escape(cell.path) for cell in self.drift_cells()]
        with_drift = f"(?:{'|'.join(drift)})(?=/)"
        others = (f"(?!{with_drift})" if drift else "") + r"[^/]+/[^/]+/[^/]+/round[0-9]+"
        jobs = []
        for name, group in self._scoring_groups().items():
            sets = tuple(s for s in self.test_sets if self.corpus(s) in group)
            if sets:
                jobs.append(ScoringJob(name, sets, False, others))
            if self.reference_set and self.corpus(self.reference_set) in group:
                sets = (*sets, self.reference_set)
            if drift and sets:
                jobs.append(ScoringJob(name, tuple(dict.fromkeys(sets)), True, with_drift))
        return jobs

    def scoring(self, cell: Cell, recipe: str) -> dict[str, Any]:
        """Give the slice of the config that a cell's scores depend on."""
        return {
            "architecture": self.architecture(cell.model),
            "skip_suffixes": list(self.config["recipes"][recipe]["skip_suffixes"]),
            "batch_seconds": self.config["scoring"]["batch_seconds"],
            "precision": self.config["scoring"]["precision"],
        }

    def _scoring_groups(self) -> dict[str, list[str]]:
        """Group the corpora that are scored: as the config says, and each other one alone."""
        scored = [*self.test_sets, *([self.reference_set] if self.reference_set else [])]
        corpora = list(dict.fromkeys(self.corpus(name) for name in scored))
        groups = {
            name: [corpus for corpus in group if corpus in corpora]
            for name, group in self.config["scoring"]["together"].items()
        }
        grouped = set(chain.from_iterable(groups.values()))
        alone = {corpus: [corpus] for corpus in corpora if corpus not in grouped}
        return {name: group for name, group in {**groups, **alone}.items() if group}
