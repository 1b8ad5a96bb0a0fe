"""Whether the names in a configuration fit together."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sdd.detector.architectures import find_architecture
from sdd.errors import InputError
from sdd.experiment.conditions import check_condition, short_name
from sdd.experiment.experiment import AVERAGE, SWITCHES, Experiment
from sdd.experiment.schema import did_you_mean
from sdd.experiment.trainable import Trainable
from sdd.experiment.variants import grids, tuned_rows, untrained_algorithm


def check_experiment(experiment: Experiment, files: Iterable[str] = ()) -> None:
    """Check that the names in a config fit together.

    Parameters
    ----------
    experiment
        Its configuration agrees with the schema (`sdd.experiment.schema.check_config`).
    files
        The files that the configuration came from, for the message.

    Raises
    ------
    InputError
        At the first that does not: an unknown model, algorithm or set, a duplicate row, a
        training set whose corpus is left out, ...; files, key, value and remedy.
    """
    try:
        _check_names(experiment)
    except InputError as error:
        where = " + ".join(map(str, files))
        raise InputError(f"{where}: {error}" if where else str(error)) from None


def _check_names(experiment: Experiment) -> None:
    config = experiment.config
    _known("recipe", config["recipe"], config["recipes"])
    for algorithm, stages in config["algorithms"].items():
        for stage in stages:
            _known(f"algorithms.{algorithm}", stage, config["objectives"])
        _check_averages(f"algorithms.{algorithm}", stages, config["objectives"])
    for name, spec in config["sets"].items():
        _known(f"sets.{name}.corpus", spec["corpus"], config["corpora"])
        check_condition(f"sets.{name}.condition", spec.get("condition", {}))
    for name, spec in config["corpora"].items():
        _check_clusters(name, spec.get("clusters"))
    for corpus in config["leave_out"]:
        _known("leave_out", corpus, config["corpora"])
    for key in ("training_set", "validation_set", "reference_set"):
        _known(key, config[key], config["sets"])
    for key in ("in_domain", "out_of_domain"):
        for name in config[key]["sets"]:
            _known(f"{key}.sets", name, config["sets"])
    for name in config["resources"]["audio_hours"]:
        _known("resources.audio_hours", name, config["sets"])
    for name in config["algorithm_titles"]:
        _known("algorithm_titles", name, config["algorithms"])
    _check_sets(experiment)
    _check_scoring_groups(experiment)
    _check_checkpoint_training(experiment)
    _check_rows(experiment)
    _check_drift(experiment)
    _check_trade_off(experiment)
    _check_tune(experiment)
    _check_compared(experiment)
    _check_recipes(experiment)


def _check_averages(where: str, stages: Sequence[str], objectives: Mapping[str, Any]) -> None:
    """Check that an average comes after a stage that trains."""
    kinds = [objectives[stage]["kind"] for stage in stages]
    for number, kind in enumerate(kinds):
        if kind == AVERAGE and (number == 0 or kinds[number - 1] == AVERAGE):
            raise InputError(
                f"{where}: {stages[number]!r} averages start and end of the stage before it, which "
                "must be one that trains; put it after one, such as [sft, average], and say other "
                "shares by its weight"
            )


def _check_clusters(corpus: str, rule: object) -> None:
    """Check that a pattern of clusters is one, and says which part of a name it is about."""
    if not isinstance(rule, Mapping):
        return
    where = f"corpora.{corpus}.clusters.pattern: {rule['pattern']!r}"
    try:
        groups = re.compile(rule["pattern"]).groups
    except re.error as error:
        raise InputError(f"{where} is no regular expression: {error}") from None
    if groups != 1:
        raise InputError(
            f"{where} has {groups} groups; put parentheses around the one part of a recording's "
            "name that its cluster shares, and (?:...) around others"
        )


def _check_sets(experiment: Experiment) -> None:
    """Check that there is something to score, to train on and to measure drift from."""
    config = experiment.config
    both = set(config["in_domain"]["sets"]) & set(config["out_of_domain"]["sets"])
    if both:
        raise InputError(
            f"out_of_domain.sets: {sorted(both)[0]!r} is an in-domain set too; keep it in one"
        )
    if not experiment.test_sets:
        raise InputError("in_domain.sets, out_of_domain.sets: no test set is left to score")
    for key in ("training_set", "validation_set"):
        if experiment.corpus(config[key]) in config["leave_out"]:
            raise InputError(
                f"leave_out: {experiment.corpus(config[key])!r} is the corpus of the {key} "
                f"{config[key]!r}; choose another {key} or keep the corpus"
            )
    for key in ("training_set", "validation_set"):
        _check_both_classes(experiment, key, config[key])
    for name in experiment.test_sets:
        _check_both_classes(experiment, "in_domain.sets, out_of_domain.sets", name)
    if config["sets"][config["reference_set"]].get("label") == "real":
        raise InputError(
            f"reference_set: {config['reference_set']!r} has only real utterances; drift is "
            "measured on fake ones: choose a set without `label: real`"
        )


def _check_scoring_groups(experiment: Experiment) -> None:
    config = experiment.config
    together = config["scoring"]["together"]
    # A job of scoring is named by its group, or by the corpus that is in none.
    clash = sorted(set(together) & set(config["corpora"]))
    if clash:
        raise InputError(
            f"scoring.together: {clash[0]!r} is the name of a corpus too; name the group otherwise"
        )
    _check_names_of_conditions(config)
    grouped = list(chain.from_iterable(together.values()))
    for corpus in grouped:
        _known("scoring.together", corpus, config["corpora"])
        if grouped.count(corpus) > 1:
            raise InputError(f"scoring.together: {corpus!r} stands twice; keep it in one group")


def _check_names_of_conditions(config: Mapping[str, Any]) -> None:
    """Check that no job of sets under a condition is called as another."""
    groups = {*config["corpora"], *config["scoring"]["together"]}
    for name, spec in config["sets"].items():
        if "condition" in spec:
            jobs = {f"{group}_{short_name(spec['condition'])}" for group in groups}
            if clash := sorted(jobs & groups):
                raise InputError(
                    f"sets.{name}.condition: sets under it are scored in a job {clash[0]!r}, which "
                    "is the name of a corpus or of a group of scoring.together too; rename that"
                )


def _check_both_classes(experiment: Experiment, where: str, name: str) -> None:
    label = experiment.config["sets"][name].get("label")
    if label:
        raise InputError(
            f"{where}: {name!r} has only {label} utterances; training and error rates need both "
            f"classes: choose a set without `label: {label}`"
        )


def _check_checkpoint_training(experiment: Experiment) -> None:
    config = experiment.config
    if "checkpoint_training" not in config:
        return
    for key in ("training_set", "validation_set"):
        name = config["checkpoint_training"][key]
        _known(f"checkpoint_training.{key}", name, config["sets"])
        _check_both_classes(experiment, f"checkpoint_training.{key}", name)
    # Pre-training looks at no label: a set of real speech alone will do.
    pretrained_on = experiment.pretraining_set()
    _known("checkpoint_training.pre.training_set", str(pretrained_on), config["sets"])


def _check_rows(experiment: Experiment) -> None:
    seen: dict[tuple[str, str, str], int] = {}
    for number, row in enumerate(experiment.config["rows"], start=1):
        where = f"rows, row {number}"
        _known(f"{where}, model", row["model"], experiment.config["models"])
        _known(f"{where}, algorithm", row["algorithm"], experiment.config["algorithms"])
        _check_cell(experiment, where, row["model"], row["init"], row["algorithm"])
        key = (row["model"], row["init"], row["algorithm"])
        if key in seen:
            raise InputError(
                f"{where}: {' '.join(key)} stands in row {seen[key]} already; remove one"
            )
        seen[key] = number


def _check_cell(experiment: Experiment, where: str, model: str, init: str, algorithm: str) -> None:
    """Check that a cell can be made: its checkpoint, and its earlier stages."""
    checkpoints = experiment.config["models"][model]["checkpoints"]
    _known(f"{where}, init (checkpoints of {model})", init, checkpoints)
    if init == "pre" and not experiment.stages(algorithm):
        raise InputError(
            f"{where}: a pre-trained encoder has no back end that could be scored without "
            "fine-tuning; choose init post or another algorithm"
        )
    before: str | None = algorithm
    while before is not None:
        before = experiment.algorithm_before(before)
    _check_layers(experiment, where, model, algorithm)
    trained = [name for name, spec in checkpoints.items() if spec["source"] == "train"]
    if trained and "checkpoint_training" not in experiment.config:
        raise InputError(
            f"models.{model}.checkpoints.{trained[0]}: source train needs the section "
            "checkpoint_training; see docs/own-corpus.md and demo/config.yaml"
        )
    if trained and "pre" not in checkpoints:
        raise InputError(f"models.{model}.checkpoints: a trained post starts from pre; add pre")


def _check_layers(experiment: Experiment, where: str, model: str, algorithm: str) -> None:
    """Check that a model has the layers that a stage trains."""
    layers = find_architecture(experiment.architecture(model)).encoder_layers
    for stage in experiment.stages(algorithm):
        trained = Trainable.of(experiment.config["objectives"][stage]).layers
        if trained and not trained[0] <= trained[1] <= layers:
            raise InputError(
                f"{where}: objectives.{stage}.trainable.layers: {list(trained)} are no layers of "
                f"{model}, which has {layers}; give the first and the last, counted from 1"
            )


def _check_drift(experiment: Experiment) -> None:
    drift = experiment.config["drift"]
    _known("drift.model", drift["model"], experiment.config["models"])
    for panel, algorithms in drift["panels"].items():
        for algorithm in algorithms:
            where = f"drift.panels.{panel}"
            _known(where, algorithm, experiment.config["algorithms"])
            _check_cell(experiment, where, drift["model"], drift["init"], algorithm)


def _check_tune(experiment: Experiment) -> None:
    """Check that what is tuned is trained, in rounds that there are."""
    rounds = experiment.config.get("tune", {}).get("rounds", 0)
    if rounds > experiment.config["rounds"]:
        raise InputError(
            f"tune.rounds: {rounds} are more than rounds ({experiment.config['rounds']}); "
            "give as many or fewer"
        )
    tuned = {algorithm for _, _, algorithm in tuned_rows(experiment)}
    for algorithm in grids(experiment):
        where = f"tune.grids.{algorithm}"
        _known(where, algorithm, experiment.config["algorithms"])
        if not experiment.is_trained(algorithm):
            raise InputError(f"{where}: {algorithm} trains nothing; remove it")
        if algorithm not in tuned:
            raise InputError(f"{where}: no row is of this algorithm; remove it or add a row")
        recipe = experiment.config["recipe"]
        as_training = experiment.config["recipes"][recipe]["validation_as_training"]
        if as_training and "rawboost" in grids(experiment)[algorithm]:
            raise InputError(
                f"{where}.rawboost: {recipe} augments the validation set, too "
                "(validation_as_training), so candidates would be judged on different data; "
                "remove it"
            )


def _check_compared(experiment: Experiment) -> None:
    """Check that the algorithms to be compared are rows of one model and start."""
    compared = {(a[2], b[2]) for a, b in experiment.compared_rows()}
    for a, b in experiment.config.get("compare", []):
        for name in (a, b):
            _known("compare", name, experiment.config["algorithms"])
        if (a, b) not in compared:
            raise InputError(
                f"compare: no model has rows of both {a} and {b} from one start; add the rows or "
                "remove the pair"
            )


def _check_trade_off(experiment: Experiment) -> None:
    """Check that the runs of the trade-off can be made, and measured on the validation set."""
    followed = experiment.config.get("trade_off")
    if followed is None:
        return
    _known("trade_off.model", followed["model"], experiment.config["models"])
    for algorithm in followed["algorithms"]:
        _known("trade_off.algorithms", algorithm, experiment.config["algorithms"])
        if not experiment.is_trained(algorithm):
            raise InputError(f"trade_off.algorithms: {algorithm} trains nothing; remove it")
        _check_cell(experiment, "trade_off.model", followed["model"], "post", algorithm)
    untrained_algorithm(experiment)
    if followed.get("rounds", 1) > experiment.config["rounds"]:
        raise InputError(
            f"trade_off.rounds: {followed['rounds']} are more than rounds "
            f"({experiment.config['rounds']}); give as many or fewer"
        )
    if experiment.scored_validation_set is None:
        raise InputError(
            "scoring.validation: false leaves out the scores that trade_off measures the "
            "divergence on; set it to auto or true"
        )


def _check_recipes(experiment: Experiment) -> None:
    recipes = {f"recipes.{name}": spec for name, spec in experiment.config["recipes"].items()}
    if "checkpoint_training" in experiment.config:
        recipes["checkpoint_training.post"] = experiment.config["checkpoint_training"]["post"]
    for where, recipe in recipes.items():
        crop = recipe["crop"]
        if not crop["shortest"] <= crop["longest"] <= crop["longer_than"]:
            raise InputError(f"{where}.crop: {crop} must have shortest <= longest <= longer_than")
    for cell in experiment.all_cells():
        for objective in experiment.stages(cell.algorithm):
            _check_objective(experiment, objective, experiment.config["recipe"])


def _check_objective(experiment: Experiment, name: str, recipe_name: str) -> None:
    """Refuse exact rollouts where there is no closed form, or where it is another one."""
    objective = experiment.config["objectives"][name]
    recipe = {**experiment.config["recipes"][recipe_name], **objective.get(SWITCHES, {})}
    if objective.get("rollouts") != "exact":
        return
    if recipe["advantage"] == "batch" and objective["negatives"]:
        raise InputError(
            f"objectives.{name}.rollouts: exact has no closed form with advantage: batch of "
            f"recipe {recipe_name}, which couples the utterances of a batch; use a recipe with "
            "advantage: group, or rollouts: sampled"
        )
    if recipe["labels_from"] == "current" and not objective["on_policy"]:
        raise InputError(
            f"objectives.{name}.rollouts: exact integrates over labels of the old policy, but "
            f"recipe {recipe_name} has labels_from: current; use labels_from: old, on_policy: "
            "true, or rollouts: sampled"
        )


def _known(where: str, name: str, known: Mapping[str, Any] | Sequence[str]) -> None:
    if name not in known:
        raise InputError(f"{where}: {name!r} is not defined; {did_you_mean(name, known)}")
