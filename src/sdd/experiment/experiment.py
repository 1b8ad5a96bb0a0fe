"""What an experiment consists of: cells, sets, stages and scoring jobs, read from its config."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from sdd.errors import InputError
from sdd.experiment.cells import CELL_PATTERN, STEP_PATTERN, Cell, ScoringJob
from sdd.experiment.conditions import normal_form, short_name

AVERAGE = "average"
"""Kind of an objective: weights between start and end of the stage before, and no training."""
SWITCHES = "switches"
"""Key of an objective: switches of the recipe that its stage has otherwise."""


class Experiment:
    """An experiment as its config describes it: rows, cells, sets, corpora and checkpoints.

    What single jobs depend on is in `sdd.experiment.settings`, what tables, figures and pages show
    in `sdd.experiment.contents`.

    Parameters
    ----------
    config
        A configuration that agrees with the schema (`sdd.experiment.schema.check_config`), and
        whose names fit together (`sdd.experiment.consistency.check_experiment`).
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.name: str = config["name"]

    # ------------------------------------------------------------------------------- the table
    def rounds(self, algorithm: str) -> range:
        """List the rounds of an algorithm, from 1; `none` has one, as nothing in it is random."""
        return range(1, (self.config["rounds"] if self.stages(algorithm) else 1) + 1)

    def rows(self) -> list[tuple[str, str, str]]:
        """List (model, init, algorithm) of the table's rows, in order."""
        return [(row["model"], row["init"], row["algorithm"]) for row in self.config["rows"]]

    def cells(self) -> list[Cell]:
        """List the cells of all rows of the table, in order."""
        return [Cell(*row, number) for row in self.rows() for number in self.rounds(row[2])]

    def zero_shot_cells(self) -> list[Cell]:
        """List the cells that need no training."""
        return [cell for cell in self.cells() if not self.stages(cell.algorithm)]

    def zero_shot_cell(self, model: str) -> Cell | None:
        """Return the cell of a post-trained model as it is; None where the table has none."""
        cells = (c for c in self.zero_shot_cells() if (c.model, c.init) == (model, "post"))
        return next(cells, None)

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

    def trade_off_cells(self) -> list[Cell]:
        """List the cells whose training the trade-off follows; none without `trade_off`."""
        followed = self.config.get("trade_off", {"algorithms": []})
        return [
            Cell(followed["model"], "post", algorithm, number)
            for algorithm in followed["algorithms"]
            for number in self.rounds(algorithm)
            if number <= followed.get("rounds", number)
        ]

    def compared_rows(self) -> list[tuple[tuple[str, str, str], tuple[str, str, str]]]:
        """List the pairs of rows that `compare` names: of each model and init that has both."""
        rows = self.rows()
        starts = list(dict.fromkeys((model, init) for model, init, _ in rows))
        pairs = [
            ((*start, a), (*start, b))
            for start in starts
            for a, b in self.config.get("compare", [])
        ]
        return [(a, b) for a, b in pairs if a in rows and b in rows]

    def all_cells(self) -> list[Cell]:
        """List the cells of the table, of Figure 2 and of the trade-off, each once."""
        cells = [*self.cells(), *self.drift_cells(), *self.trade_off_cells()]
        return list(dict.fromkeys(cells))

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

    @property
    def scored_validation_set(self) -> str | None:
        """The set whose threshold is tried on the test sets; None where the config says not to."""
        name: str = self.config["validation_set"]
        choice: bool | str = self.config["scoring"]["validation"]
        return name if (self.trains() if choice == "auto" else choice) else None

    def corpora(self) -> list[str]:
        """List the corpora that the experiment reads."""
        return list(dict.fromkeys(self.corpus(name) for name in self.sets_in_use()))

    def each_corpus(self) -> dict[str, list[str]]:
        """Map each corpus that is read to itself alone."""
        return {corpus: [corpus] for corpus in self.corpora()}

    def corpus(self, set_name: str) -> str:
        """Name the corpus that a set is cut from."""
        return str(self.config["sets"][set_name]["corpus"])

    def condition(self, set_name: str) -> dict[str, Any] | None:
        """Return what is done to the segments of a set; None where they are taken as they are."""
        condition = self.config["sets"][set_name].get("condition")
        return None if condition is None else normal_form(condition)

    def is_encoded_again(self, set_name: str, recipe: str) -> bool:
        """Tell whether a recipe has mp3 segments of a set as the authors wrote them: as mp3 again.

        A set whose rows stay whole is not cut, and so not written.
        """
        again: bool = self.config["recipes"][recipe]["encode_mp3_again"]
        return again and "max_seconds" in self.config["sets"][set_name]

    def sets_in_use(self) -> list[str]:
        """List the sets that the experiment reads."""
        config = self.config
        sets = self.test_sets
        sets += [config["training_set"], config["validation_set"]] if self.trains() else []
        sets += [self.scored_validation_set] if self.scored_validation_set else []
        sets += [self.reference_set] if self.reference_set and self.drift_cells() else []
        if self.trained_checkpoints():
            training = config["checkpoint_training"]
            sets += [training["training_set"], training["validation_set"]]
            sets += [name for name in [self.pretraining_set()] if name]
        return list(dict.fromkeys(sets))

    def shortcut_sets(self) -> list[str]:
        """List the sets that trivial features are tried on: those of training, and the tests."""
        config = self.config
        trained = [config["training_set"], config["validation_set"]] if self.trains() else []
        return list(dict.fromkeys([*trained, *self.test_sets]))

    def partitions(self, corpus: str) -> list[str] | None:
        """List the partitions of a corpus that are used; None if rows of any partition are.

        What no set uses need not be on disk.
        """
        sets = [self.config["sets"][s] for s in self.sets_in_use() if self.corpus(s) == corpus]
        partitions = {spec.get("partition") for spec in sets}
        return None if None in partitions or not sets else sorted(map(str, partitions))

    def _kept(self, sets: Iterable[str]) -> list[str]:
        return [name for name in sets if self.corpus(name) not in self.config["leave_out"]]

    # --------------------------------------------------------------------------------- training
    def trains(self) -> bool:
        """Tell whether any cell is fine-tuned."""
        return any(self.stages(cell.algorithm) for cell in self.all_cells())

    def stages(self, algorithm: str) -> list[str]:
        """List the objectives of an algorithm, one a stage."""
        return list(self.config["algorithms"][algorithm])

    def is_averaged(self, algorithm: str) -> bool:
        """Tell whether the last stage of an algorithm averages weights rather than trains."""
        stages = self.stages(algorithm)
        return bool(stages) and self.config["objectives"][stages[-1]]["kind"] == AVERAGE

    def is_trained(self, algorithm: str) -> bool:
        """Tell whether the last stage of an algorithm trains: it has a history."""
        return bool(self.stages(algorithm)) and not self.is_averaged(algorithm)

    def objective(self, algorithm: str) -> dict[str, Any]:
        """Return the objective of an algorithm's last stage, less what it says of the recipe."""
        spec = self.config["objectives"][self.stages(algorithm)[-1]]
        return {name: value for name, value in spec.items() if name != SWITCHES}

    def stage_recipe(self, algorithm: str, recipe: str) -> dict[str, Any]:
        """Return a recipe with what the objective of an algorithm's last stage says of it."""
        spec = self.config["objectives"][self.stages(algorithm)[-1]]
        return {**self.config["recipes"][recipe], **spec.get(SWITCHES, {})}

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

    def cell_before(self, cell: Cell) -> Cell | None:
        """Return the cell whose model the last stage of this one starts from."""
        before = self.algorithm_before(cell.algorithm)
        return None if before is None else replace(cell, algorithm=before)

    @property
    def finetuned_cells(self) -> str:
        """Return a pattern of the cells whose last stage trains."""
        return self._cells_of(self.is_trained)

    @property
    def averaged_cells(self) -> str:
        """Return a pattern of the cells whose last stage averages weights."""
        return self._cells_of(self.is_averaged)

    def _cells_of(self, chosen: Callable[[str], bool]) -> str:
        algorithms = [re.escape(name) for name in self.config["algorithms"] if chosen(name)]
        return f"[^/]+/[^/]+/(?:{'|'.join(algorithms) or '(?!)'})/round[0-9]+"

    # ------------------------------------------------------------------------------ checkpoints
    def checkpoint(self, model: str, init: str) -> dict[str, Any]:
        """Return the source of a checkpoint, and its digest where there is one."""
        return dict(self.config["models"][model]["checkpoints"][init])

    def architecture(self, model: str) -> str | dict[str, Any]:
        """Return a model's architecture: a name, or a mapping."""
        architecture: str | dict[str, Any] = self.config["models"][model]["architecture"]
        return architecture

    def checkpoint_training_set(self, role: str) -> str | None:
        """Name the `training_set` or `validation_set` of checkpoints; None without a section."""
        name: str | None = self.config.get("checkpoint_training", {}).get(role)
        return name

    def pretraining_set(self) -> str | None:
        """Name the set that encoders are pre-trained on: their own, or that of post-training."""
        training = self.config.get("checkpoint_training", {})
        name: str | None = training.get("pre", {}).get("training_set", training.get("training_set"))
        return name

    def trained_checkpoints(self) -> list[tuple[str, str]]:
        """List (model, init) of the selected models whose checkpoints are trained here."""
        selected = {cell.model for cell in self.all_cells()}
        return [
            (model, init)
            for model in self.config["models"]
            if model in selected
            for init, spec in self.config["models"][model]["checkpoints"].items()
            if spec["source"] == "train"
        ]

    def checkpoints_in_use(self) -> list[str]:
        """List ``model/init`` of the checkpoints that the cells start from."""
        return list(dict.fromkeys(f"{cell.model}/{cell.init}" for cell in self.all_cells()))

    def fetched_checkpoints(self) -> list[str]:
        """List ``model/init`` of the checkpoints that are files or downloads."""
        return [
            f"{model}/{init}"
            for model, spec in self.config["models"].items()
            for init, checkpoint in spec["checkpoints"].items()
            if checkpoint["source"] != "train"
        ]

    # ------------------------------------------------------------------------ scoring and drift
    def scoring_jobs(self) -> list[ScoringJob]:
        """Cut the scoring into jobs, with or without embeddings: each has sets of a group."""
        drift = [re.escape(cell.path) for cell in self.drift_cells()]
        with_drift = f"(?:{'|'.join(drift)})(?=/)"
        scored_cells = self._scored_cells
        others = (f"(?!{with_drift})" if drift else "") + scored_cells
        jobs = []
        for name, group in self._scoring_groups().items():
            tests, validation, reference = (
                tuple(s for s in sets if s in group)
                for sets in (self.test_sets, [self.scored_validation_set], [self.reference_set])
            )
            scored = tuple(dict.fromkeys([*tests, *validation]))
            embedded = tuple(dict.fromkeys([*tests, *reference])) if drift else ()
            if scored:
                # Without embeddings to save, cells of Figure 2 are scored as all others.
                jobs.append(ScoringJob(name, scored, (), others if embedded else scored_cells))
            if embedded:
                sets = tuple(dict.fromkeys([*scored, *reference]))
                jobs.append(ScoringJob(name, sets, embedded, with_drift))
        return jobs

    def scoring_precision(self, recipe: str) -> str:
        """Return the precision that cells of a recipe are scored in on a GPU."""
        precision: str = self.config["recipes"][recipe]["scoring_precision"]
        return precision

    @property
    def _scored_cells(self) -> str:
        """Pattern of what is scored: cells, and the steps of the trade-off's runs."""
        return (f"(?:{STEP_PATTERN})?" if self.trade_off_cells() else "") + CELL_PATTERN

    def _scoring_groups(self) -> dict[str, list[str]]:
        """Group the sets that are scored: by corpora, and of these by their condition.

        A condition that is added later scores nothing again, as a corpus that is added later.
        """
        sets = [*self.test_sets, self.scored_validation_set, self.reference_set]
        scored = list(dict.fromkeys(name for name in sets if name))
        groups: dict[str, list[str]] = {}
        for group, corpora in self._groups_of_corpora(scored).items():
            for name in scored:
                if self.corpus(name) in corpora:
                    condition = self.condition(name)
                    job = group if condition is None else f"{group}_{short_name(condition)}"
                    groups.setdefault(job, []).append(name)
        return groups

    def _groups_of_corpora(self, sets: Iterable[str]) -> dict[str, list[str]]:
        """Group the corpora of sets: as the config says, and each other one alone."""
        corpora = list(dict.fromkeys(self.corpus(name) for name in sets))
        groups = {
            name: [corpus for corpus in group if corpus in corpora]
            for name, group in self.config["scoring"]["together"].items()
        }
        grouped = set(chain.from_iterable(groups.values()))
        alone = {corpus: [corpus] for corpus in corpora if corpus not in grouped}
        return {name: group for name, group in {**groups, **alone}.items() if group}
