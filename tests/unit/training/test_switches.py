"""Every switch of a recipe, at two of its values: what it does, against what it should do.

For each, `observed` is what the code does and `expected` is worked out here; the two values must
give different answers, so that a test fails when its switch is turned.
"""

import contextlib
import dataclasses
import itertools
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from sdd.analysis.cell_error_rates import measure_error_rates
from sdd.data.batching import plan_epoch
from sdd.data.dataset import collate
from sdd.data.rawboost import rawboost
from sdd.data.segments import COLUMNS, write_segments
from sdd.detector import normalise_waveforms, save_detector
from sdd.detector.checkpoints.conversion import save_encoder
from sdd.experiment import settings
from sdd.experiment.cells import Cell
from sdd.experiment.experiment import Experiment
from sdd.runtime.devices import autocast, computing_in, prepare_process
from sdd.runtime.stopping import StopRequest
from sdd.scoring.score_tables import write_scores
from sdd.training import finetuning
from sdd.training.objective_kinds import BatchLogits
from sdd.training.objectives import sample_correct
from sdd.training.state import HISTORY
from tests.conftest import GRPO, RECIPE
from tests.helpers.paths import CHECKOUT
from tests.helpers.runs import CPU, finetune_arguments, make_trainer, weights

PAPER = yaml.safe_load((CHECKOUT / "config.yaml").read_text(encoding="utf-8"))
SFT = {"kind": "sft"}
CASES = {}


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where a switch is looked at."""

    tones: tuple
    folder: Path
    patch: pytest.MonkeyPatch

    @property
    def seconds(self):
        return (self.tones[0].end - self.tones[0].start) / 16_000

    def trainer(self, objective=SFT, **switches):
        return make_trainer(self.tones, self.folder, objective, **switches)

    def whole(self, index):
        """The samples of a segment."""
        return make_trainer(self.tones, self.folder, SFT).validation_dataset[0, index][0]


def switch(name, *values):
    """Register a pair of functions (setting, value) -> observed, expected."""

    def register(functions):
        CASES[name] = (values, *functions())
        return functions

    return register


@pytest.fixture
def setting(tones, tmp_path, monkeypatch):
    yield Setting(tones, tmp_path, monkeypatch)
    prepare_process("fp32", 1)


def agree(one, other):
    """Whether two answers are the same, to the rounding of float32."""
    if isinstance(one, torch.Tensor):
        return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-6)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(agree, one, other))
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and bool((one == other).all())
    return one == pytest.approx(other, rel=1e-6) if isinstance(one, float) else one == other


@pytest.mark.parametrize("name", list(PAPER["recipes"]["as_written"]))
def test_a_switch_does_what_it_says(setting, name):
    values, observed, expected = CASES[name]
    answers = []
    for value in values:
        with pytest.MonkeyPatch.context() as patch:
            there = dataclasses.replace(setting, patch=patch)
            answers.append(expected(there, value))
            assert agree(observed(there, value), answers[-1]), value
    for one, other in itertools.combinations(answers, 2):
        assert not agree(one, other)


def test_the_paper_has_both_values_of_what_the_recipes_differ_in():
    """The values tried here are those of the two recipes, where these differ in a word."""
    written, released = PAPER["recipes"]["as_written"], PAPER["recipes"]["as_released"]
    for name in written:
        if written[name] != released[name] and isinstance(written[name], str | bool):
            assert {written[name], released[name]} <= set(CASES[name][0]), name


# ----------------------------------------------------------------------------------- objective
LABELS = torch.tensor([0, 1, 1, 0, 1])
LOGITS, OLD, REFERENCE = (
    scale * torch.randn(5, 2, generator=torch.Generator().manual_seed(seed))
    for seed, scale in ((1, 1.0), (2, 1.0), (3, 0.5))
)
OLD = LOGITS + 0.2 * OLD


def gradient(loss, logits):
    return torch.autograd.grad(loss, logits)[0]


def observed_gradient(setting, objective, **switches):
    policies = setting.trainer(objective, **switches).policies
    logits = LOGITS.clone().requires_grad_()
    said = BatchLogits(LABELS, logits, REFERENCE, OLD)
    generator = torch.Generator().manual_seed(5)
    loss, _ = policies.objective.loss(said, policies.recipe, generator)
    return gradient(loss, logits)


def enumerated_gradient(
    *,
    advantage="group",
    labels_from="old",
    without_negatives=None,
    group_size=16,
    beta=0.04,
    epsilon=0.2,
    std_floor=1e-5,
    kl="k3",
):
    """Eq. 12 and 13 over a table of B x G labels."""
    source = OLD if labels_from == "old" else LOGITS
    count = sample_correct(source, LABELS, group_size, torch.Generator().manual_seed(5))
    rows = LABELS[:, None].expand(-1, group_size)
    sampled = torch.where(torch.arange(group_size) < count[:, None], rows, 1 - rows)
    reward = (sampled == rows).float()
    logits = LOGITS.clone().requires_grad_()
    log_p = logits.log_softmax(1).gather(1, sampled)
    ratio = (log_p - OLD.log_softmax(1).gather(1, sampled)).exp()
    if without_negatives:
        a = reward
    elif advantage == "group":
        a = (reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + std_floor)
    else:
        a = (reward - reward.mean()) / (reward.std() + std_floor)
    gain = torch.minimum(ratio * a, ratio.clip(1 - epsilon, 1 + epsilon) * a)
    if without_negatives == "log_probability":
        gain = log_p * reward
    d = REFERENCE.log_softmax(1).gather(1, sampled) - log_p
    penalty = d.exp() - d - 1
    if kl == "exact":
        log_all = logits.log_softmax(1)
        penalty = (log_all.exp() * (log_all - REFERENCE.log_softmax(1))).sum(1, keepdim=True)
    return gradient(-(gain - beta * penalty).mean(), logits)


@switch("advantage", "group", "batch")
def _():
    return (
        lambda setting, value: observed_gradient(setting, GRPO, advantage=value),
        lambda _, value: enumerated_gradient(advantage=value),
    )


@switch("labels_from", "old", "current")
def _():
    return (
        lambda setting, value: observed_gradient(setting, GRPO, labels_from=value),
        lambda _, value: enumerated_gradient(labels_from=value),
    )


@switch("without_negatives", "ratio", "log_probability")
def _():
    without = {**GRPO, "negatives": False}
    return (
        lambda setting, value: observed_gradient(setting, without, without_negatives=value),
        lambda _, value: enumerated_gradient(without_negatives=value),
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [("group_size", 8), ("epsilon", 0.01), ("std_floor", 0.5), ("beta", 1.0), ("kl", "exact")],
)
def test_the_parameters_of_an_objective_reach_the_loss(setting, name, other):
    answers = []
    for value in (GRPO[name], other):
        answers.append(enumerated_gradient(**{name: value}))
        assert agree(observed_gradient(setting, {**GRPO, name: value}), answers[-1])
    assert not agree(*answers)


def test_the_paper_has_the_released_parameters():
    """Group of 64, epsilon 0.2, floor 1e-5, beta 0.04, k3 inside the loss."""
    released = {"group_size": 64, "epsilon": 0.2, "std_floor": 1e-5, "beta": 0.04, "kl": "k3"}
    assert {name: PAPER["objectives"]["grpo"][name] for name in released} == released


def refreshes(setting, every):
    """Steps before which the old policy became the policy."""
    trainer = setting.trainer(GRPO, old_policy_every=every, schedule="after_step")
    found, old = [], trainer.policies.old.proj_fc.weight.clone()
    batches = trainer._batches()
    for step in range(1, 8):
        before = weights(trainer)["proj_fc.weight"]
        trainer.train_step(next(batches))
        now = trainer.policies.old.proj_fc.weight.clone()
        if not torch.equal(now, old):
            assert torch.equal(now, before)
            found.append(step)
        old = now
    return found


@switch("old_policy_every", 3, 2)
def _():
    # The second step of this schedule has rate 0, so that the third begins as the second did.
    return refreshes, lambda _, every: {3: [4, 7], 2: [3, 5, 7]}[every]


@switch("reference", "stage_start", "post_trained")
def _():
    def observed(_, value):
        recipes = {**PAPER["recipes"]}
        recipes["as_written"] = {**recipes["as_written"], "reference": value}
        experiment = Experiment({**PAPER, "recipes": recipes})
        cell = Cell("xlsr_2b", "post", "sft-grpo", 1)
        return settings.finetuning(experiment, cell, "as_written")["checkpoint_is_reference"]

    return observed, lambda _, value: value == "post_trained"


# ---------------------------------------------------------------------------------------- data
def cropped(setting, rule, epoch, index, algorithm):
    """A training waveform, drawn by hand from the generator of [seed, epoch, segment]."""
    generator = np.random.default_rng([3, epoch, index])
    wave = setting.whole(index)
    if len(wave) > rule["longer_than"] * 16_000:
        low, high = (round(16_000 * rule[end]) for end in ("shortest", "longest"))
        length = int(generator.integers(low, high, endpoint=True))
        start = int(generator.integers(0, len(wave) - length, endpoint=True))
        wave = wave[start : start + length]
    return rawboost(wave, algorithm, generator)


@switch(
    "crop",
    {"longer_than": 0.5, "shortest": 0.3, "longest": 0.5},
    {"longer_than": 0.4, "shortest": 0.4, "longest": 0.4},
)
def _():
    def observed(setting, rule):
        trainer = setting.trainer(crop=rule)
        return [wave for wave, *_ in (trainer.dataset[1, index] for index in (0, 12, 23))]

    return observed, lambda setting, rule: [
        cropped(setting, rule, 1, index, 5) for index in (0, 12, 23)
    ]


@switch("rawboost", 5, 0)
def _():
    return (
        lambda setting, value: setting.trainer(rawboost=value).dataset[2, 20][0],
        lambda setting, value: cropped(setting, RECIPE["crop"], 2, 20, value),
    )


@switch("padding", "masked", "pooled")
def _():
    def observed(setting, value):
        policies = setting.trainer(padding=value).policies
        batch = collate([(setting.whole(index), 0, index) for index in (2, 22)])
        return policies.logits(policies.policy.eval(), policies.prepare(batch))

    def expected(setting, value):
        detector = setting.trainer().policies.policy.eval()
        waves = [torch.from_numpy(setting.whole(index))[None] for index in (2, 22)]
        normalised = [normalise_waveforms(wave) for wave in waves]
        if value == "pooled":
            longest = waves[1].shape[1]
            normalised = [
                torch.nn.functional.pad(wave, (0, longest - wave.shape[1])) for wave in normalised
            ]
        return torch.cat([detector(wave, normalise=False) for wave in normalised])

    return observed, expected


def plans(setting, **switches):
    trainer = setting.trainer(**switches)
    first = trainer.plan()
    trainer.progress.epoch = 1
    return [first, trainer.plan()]


def planned(setting, *, seconds=None, budget=3.0, buckets=3, seed=3, epochs=(0, 1)):
    seconds = np.minimum(setting.seconds, 0.5) if seconds is None else seconds
    size = {"budget_seconds": budget, "buckets": buckets, "seed": seed}
    return [plan_epoch(seconds, epoch=epoch, **size) for epoch in epochs]


@switch("batch_seconds", 3.0, 1.2)
def _():
    return (
        lambda setting, value: plans(setting, batch_seconds=value),
        lambda setting, value: planned(setting, budget=value),
    )


@switch("buckets", 3, 8)
def _():
    return (
        lambda setting, value: plans(setting, buckets=value),
        lambda setting, value: planned(setting, buckets=value),
    )


@switch("batch_durations", "cropped", "whole")
def _():
    return (
        lambda setting, value: plans(setting, batch_durations=value, buckets=20),
        lambda setting, value: planned(
            setting, seconds=setting.seconds if value == "whole" else None, buckets=20
        ),
    )


@switch("batch_order", "each_epoch", "first_epoch")
def _():
    return (
        lambda setting, value: plans(setting, batch_order=value),
        lambda setting, value: planned(setting, epochs=(0, 0 if value == "first_epoch" else 1)),
    )


@switch("batch_seed", "round", "fixed")
def _():
    return (
        lambda setting, value: plans(setting, batch_seed=value),
        lambda setting, value: planned(setting, seed=42 if value == "fixed" else 3),
    )


def sources_left(setting, suffixes):
    """Sources of the training and the validation set that reach the trainer."""
    segments, audio = setting.tones
    paths = [f"$CHECKOUT/{n}.{('mp3', 'M4A', 'mp4')[n % 3]}" for n in range(24)]
    table = dataclasses.replace(segments, path=paths)
    seen = []

    class Caught(Exception):  # noqa: N818  # not an error: it ends the run once it is looked at
        pass

    def caught(_policies, data, **_options):
        seen.extend([data.training.source, data.validation.source])
        raise Caught

    setting.patch.setattr("sdd.training.finetuning.Trainer", caught)
    start = setting.folder / "start.safetensors"
    save_detector(setting.trainer().policies.policy, start)
    with contextlib.suppress(Caught):
        finetuning.finetune(
            **finetuning_arguments(setting, start, table, audio, skip_suffixes=suffixes)
        )
    return seen


def finetuning_arguments(setting, start, table, audio, *, seed=3, new_back_end=False, **switches):
    return finetune_arguments(
        (table, audio),
        setting.folder,
        start,
        GRPO,
        recipe={**RECIPE, **switches},
        seed=seed,
        new_back_end=new_back_end,
    )


@switch("skip_suffixes", [], [".m4a", ".mp4", ".dat"])
def _():
    def expected(_, suffixes):
        kept = [str(n) for n in range(24) if not suffixes or n % 3 == 0]
        return [kept, kept]

    return sources_left, expected


# ------------------------------------------------------------------------------------ optimiser
def first_update(setting, **switches):
    """Weights of the back end after one step, and by AdamW's formula from its gradient."""
    trainer = setting.trainer(schedule="after_step", **switches)
    start = weights(trainer)["proj_fc.weight"]
    trainer.train_step(next(trainer._batches()))
    return start, trainer.policies.policy.proj_fc.weight


def adamw(setting, *, learning_rate=3e-3, weight_decay=0.01, adam_epsilon=1e-6):
    """First step: p - rate * decay * p - rate * g / (|g| + epsilon)."""
    start, after = first_update(setting)
    g = after.grad
    return start * (1 - learning_rate * weight_decay) - learning_rate * g / (g.abs() + adam_epsilon)


for _name, _values in {
    "learning_rate": (3e-3, 1e-3),
    "weight_decay": (0.01, 5.0),
    "adam_epsilon": (1e-6, 0.1),
}.items():
    CASES[_name] = (
        _values,
        lambda setting, value, name=_name: first_update(setting, **{name: value})[1].detach(),
        lambda setting, value, name=_name: adamw(setting, **{name: value}),
    )


def rates(setting, **switches):
    """Rates that the optimiser was given, step by step."""
    trainer = setting.trainer(**switches)
    found, step = [], trainer.optimiser.step

    def noting():
        found.append(trainer.optimiser.param_groups[0]["lr"])
        step()

    trainer.optimiser.step = noting
    batches = trainer._batches()
    for _ in range(6):
        trainer.train_step(next(batches))
    return found


# Base 3e-3, warm-up 2, total 12, decay 0.5: call n gives 3e-3 n / 2, then 3e-3 * 0.5 ** ((n-2)/10).
WRITTEN = [0.0, 1.5e-3, *(3e-3 * 0.5 ** (n / 10) for n in range(4))]
RATES = {
    "schedule": {"before_step": WRITTEN, "after_step": [3e-3, *WRITTEN[:5]]},
    "warm_up_steps": {2: WRITTEN, 80: [3e-3 * n / 80 for n in range(6)]},
    "schedule_steps": {12: WRITTEN, 4: [*WRITTEN[:2], *(3e-3 * 0.5 ** (n / 2) for n in range(4))]},
    "decay_factor": {
        0.5: WRITTEN,
        0.1: [*WRITTEN[:2], *(3e-3 * 0.1 ** (n / 10) for n in range(4))],
    },
}
for _name, _rates in RATES.items():
    CASES[_name] = (
        tuple(_rates),
        lambda setting, value, name=_name: rates(setting, **{name: value}),
        lambda _, value, name=_name: RATES[name][value],
    )


@switch("max_gradient_norm", 100.0, 0.01)
def _():
    def norm(setting, value):
        trainer = setting.trainer(max_gradient_norm=value)
        trainer.train_step(next(trainer._batches()))
        found = [p.grad.norm() for p in trainer.policies.policy.parameters()]
        before = trainer.progress.history[0][HISTORY.index("grad_norm")]
        return torch.stack(found).norm(), before

    return (
        lambda setting, value: norm(setting, value)[0],
        lambda setting, value: torch.tensor(min(value, norm(setting, 100.0)[1])),
    )


@switch("precision", "fp32", "bf16", "tf32")
def _():
    def observed(_, value):
        prepare_process(value, 1)
        with warnings.catch_warnings(action="ignore"):  # there may be no GPU
            there = autocast(torch.device("cuda"), value)
        kind = there.fast_dtype if isinstance(there, torch.autocast) else torch.float32
        on_cpu = isinstance(autocast(CPU, value), contextlib.nullcontext)
        return [kind, on_cpu, torch.backends.cuda.matmul.allow_tf32]

    def expected(_, value):
        return [torch.bfloat16 if value == "bf16" else torch.float32, True, value == "tf32"]

    return observed, expected


@switch("scoring_precision", "fp32", "tf32", "bf16")
def _():
    """What a scoring job's passes compute in on a GPU; training is told nothing of it."""

    def observed(_, value):
        cell, gpu = Cell("mms_1b", "post", "sft", 1), torch.device("cuda")
        recipes = {"mine": {**PAPER["recipes"]["as_written"], "scoring_precision": value}}
        mine = Experiment({**PAPER, "recipes": recipes})
        chosen = settings.scoring(mine, cell, "mine")["precision"]
        with warnings.catch_warnings(action="ignore"), computing_in(gpu, chosen):
            there = autocast(gpu, chosen)  # without a GPU it only tells its type
            tf32 = [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32]
        kind = there.fast_dtype if isinstance(there, torch.autocast) else torch.float32
        return [kind, tf32, settings.finetuning(mine, cell, "mine")["recipe"]]

    def expected(_, value):
        written = dict(PAPER["recipes"]["as_written"])
        del written["scoring_precision"], written["encode_mp3_again"]
        kind = torch.bfloat16 if value == "bf16" else torch.float32
        return [kind, [value == "tf32"] * 2, written]

    return observed, expected


@switch("encode_mp3_again", False, True)
def _():
    """Which table of segments a job hears: its audio is held in the tests of `sdd.data`."""

    def observed(_, value):
        recipes = {"mine": {**PAPER["recipes"]["as_written"], "encode_mp3_again": value}}
        mine = Experiment({**PAPER, "recipes": recipes})
        again = [name for name in mine.sets_in_use() if mine.is_encoded_again(name, "mine")]
        cell = Cell("mms_1b", "post", "sft", 1)
        return [set(again), "encode_mp3_again" in settings.finetuning(mine, cell, "mine")["recipe"]]

    def expected(_, value):
        sets = {name for name in PAPER["sets"] if name.startswith("dfe24_")}
        return [sets if value else set(), False]

    return observed, expected


@switch("dropout", True, False)
def _():
    def observed(setting, value):
        policies = setting.trainer(GRPO, dropout=value).policies
        policies.train()
        batch = policies.prepare(collate([(setting.whole(index), 0, index) for index in (2, 22)]))
        detectors = (policies.policy, policies.old, policies.reference)
        return [
            not torch.equal(*(policies.logits(detector, batch) for _ in range(2)))
            for detector in detectors
        ]

    return observed, lambda _, value: [value, False, False]


# ----------------------------------------------------------------------- length and selection
@switch("epochs", 100, 1)
def _():
    def observed(setting, value):
        trainer = setting.trainer(epochs=value, rawboost=0)
        trainer.run(StopRequest())
        return trainer.progress.step

    return observed, lambda setting, value: min(12, value * len(planned(setting)[0]))


@switch("max_steps", 12, 3)
def _():
    def observed(setting, value):
        trainer = setting.trainer(max_steps=value, rawboost=0)
        trainer.run(StopRequest())
        return len(trainer.progress.history)

    return observed, lambda _, value: value


def validated(setting, **switches):
    """Steps that were validated, and the one whose weights are kept."""
    eers, ders = iter((0.3, 0.1, 0.2, 0.2)), iter((0.1, 0.3, 0.2, 0.2))
    setting.patch.setattr("sdd.training.trainer.eer", lambda *_: (next(eers), 0.0))
    setting.patch.setattr("sdd.training.trainer.selection_der", lambda *_: next(ders))
    trainer = setting.trainer(rawboost=0, **switches)
    trainer.run(StopRequest())
    column = HISTORY.index("validation_eer")
    steps = [int(row[0]) for row in trainer.progress.history if not math.isnan(row[column])]
    return [steps, trainer.progress.best_step]


for _name, _answers in {
    "validate_every": {5: [[5, 10, 12], 10], 4: [[4, 8, 12], 8]},
    "selection": {"eer": [[5, 10, 12], 10], "der": [[5, 10, 12], 5]},
}.items():
    CASES[_name] = (
        tuple(_answers),
        lambda setting, value, name=_name: validated(setting, **{name: value}),
        lambda _, value, answers=_answers: answers[value],
    )


@switch("early_stopping", None, 1)
def _():
    def observed(setting, value):
        return validated(setting, early_stopping=value, selection="der")

    # By the released figure the first validation is the best: patience of one ends at the second.
    return observed, lambda _, value: [[5, 10] if value else [5, 10, 12], 5]


@switch("validation_as_training", False, True)
def _():
    def observed(setting, value):
        trainer = setting.trainer(validation_as_training=value)
        seen = []

        def noting(_, batches, **options):
            seen.extend(batches)
            raise StopIteration

        setting.patch.setattr("sdd.training.trainer.predict", noting)
        trainer.progress.step = 7
        with contextlib.suppress(StopIteration):
            trainer.validate(StopRequest())
        waves = [
            wave[:length].numpy()
            for batch in seen
            for wave, length in zip(batch.waveforms, batch.lengths, strict=True)
        ]
        return [[batch.indices.tolist() for batch in seen], waves]

    def expected(setting, value):
        if value:  # tens in their order, cropped and augmented as of "epoch" 7, the step
            batches = [list(range(10)), list(range(10, 20)), list(range(20, 24))]
            waves = [cropped(setting, RECIPE["crop"], 7, index, 5) for index in range(24)]
        else:  # longest first, at most 3 s together, whole and clean
            batches, order = [], list(range(23, -1, -1))
            while order:
                size = int(3.0 / setting.seconds[order[0]])
                batches.append(order[:size])
                order = order[size:]
            waves = [setting.whole(index) for batch in batches for index in batch]
        return [batches, waves]

    return observed, expected


# ------------------------------------------------------------------------------ scores and seeds
@switch("score", "logit", "probability")
def _():
    def observed(setting, value):
        """Real (FAKE 5, REAL 1), fake (-5, 0): the logit of REAL is right, the softmax wrong."""
        table = setting.tones[0]
        real = np.array(table.label) == "real"
        logits = np.where(real[:, None], [5.0, 1.0], [-5.0, 0.0]).astype(np.float32)
        path, segments = setting.folder / "scores.parquet", setting.folder / "segments.parquet"
        write_scores(path, table, logits)
        columns = {name: getattr(table, name) for name in COLUMNS}
        write_segments(pd.DataFrame(columns), segments)
        [rates], _ = measure_error_rates([path], [segments], value)
        return rates["eer_percent"]

    return observed, lambda _, value: {"logit": 0.0, "probability": 100.0}[value]


@switch("round_seeds", "differ", "same")
def _():
    def observed(_, value):
        recipes = {"mine": {**PAPER["recipes"]["as_written"], "round_seeds": value}}
        experiment = Experiment({**PAPER, "recipes": recipes})
        return [
            settings.seed(experiment, Cell("mms_1b", "post", "sft", n), "mine") for n in (1, 2, 3)
        ]

    return observed, lambda _, value: [
        1234 + (100_003 * n if value == "differ" else 0) for n in range(3)
    ]


def recorded_round(setting, number, recipe):
    """Fine-tune round n of a `pre` cell for three steps; give what was random in it."""
    folder = setting.folder / f"{number}-{len(list(setting.folder.iterdir()))}"
    there = dataclasses.replace(setting, folder=folder)
    cell = Cell("mms_300m", "pre", "grpo", number)
    seed = settings.finetuning(Experiment(PAPER), cell, recipe)["seed"]
    start = setting.folder / "pre.safetensors"
    save_encoder(make_trainer(setting.tones, folder, SFT).policies.policy, start, {})
    seen = {"initialisation": [], "order": [], "crops": [], "labels": [], "dropout": []}
    sampled = sample_correct

    def noting_labels(logits, labels, size, generator):
        seen["labels"].append(sampled(torch.zeros_like(logits), labels, size, generator))
        seen["dropout"].append(logits)
        return seen["labels"][-1]

    with pytest.MonkeyPatch.context() as patch:
        train_step = finetuning.Trainer.train_step

        def noting(trainer, batch):
            if not seen["initialisation"]:
                seen["initialisation"] = [weights(trainer)["proj_fc.weight"]]
                # One window of one segment, so that only the augmentation can differ.
                trainer.dataset.crop, rule = None, trainer.dataset.crop
                seen["augmentation"] = [trainer.dataset[0, 4][0]]
                trainer.dataset.crop = rule
                seen["crops"] = [len(trainer.dataset[0, index][0]) for index in range(12, 24)]
            seen["order"].append(batch.indices.tolist())
            return train_step(trainer, batch)

        patch.setattr(finetuning.Trainer, "train_step", noting)
        patch.setattr("sdd.training.objective_kinds.sample_correct", noting_labels)
        arguments = finetuning_arguments(
            there, start, *setting.tones, seed=seed, new_back_end=True, labels_from="current"
        )
        finetuning.finetune(**arguments)
    return seen, (folder / "model.safetensors").read_bytes()


def test_two_rounds_differ_in_all_that_is_random_and_one_is_itself_again(setting):
    (one, model), (again, same_model), (other, other_model) = (
        recorded_round(setting, number, "as_written") for number in (1, 1, 2)
    )
    assert model == same_model
    assert model != other_model
    for name in ("initialisation", "order", "crops", "augmentation", "labels", "dropout"):
        assert len(one[name]) > 0
        assert agree(one[name], again[name]), name
        assert not agree(one[name], other[name]), name
