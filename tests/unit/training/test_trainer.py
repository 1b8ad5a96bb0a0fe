import dataclasses
import math

import numpy as np
import pytest
import torch

from sdd.data.batching import length_sorted_batches, plan_epoch
from sdd.data.dataset import SegmentDataset
from sdd.detector import Detector, inference
from sdd.detector.inference import predict
from sdd.errors import InputError
from sdd.metrics.error_rates import eer, selection_der
from sdd.runtime.machine import Machine
from sdd.runtime.stopping import StopRequest
from sdd.training.objectives import Grpo, grpo_loss, sample_correct
from sdd.training.state import HISTORY
from sdd.training.trainer import Trainer
from tests.conftest import GRPO, TINY
from tests.helpers.runs import StopAfter, make_trainer, same, weights

SFT = {"kind": "sft"}
OBJECTIVES = {
    "sft": SFT,
    "grpo": GRPO,
    "grpo_s": {**GRPO, "on_policy": True},
    "exact": {**GRPO, "rollouts": "exact"},
}


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_training_learns_what_separates_the_classes(tones, tmp_path, objective):
    trainer = make_trainer(
        tones,
        tmp_path,
        OBJECTIVES[objective],
        rawboost=0,
        learning_rate=1e-2,
        max_steps=60,
        schedule_steps=60,
        validate_every=30,
    )
    assert trainer.run(StopRequest())
    assert trainer.progress.step == 60
    assert trainer.progress.best <= 0.1


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("cut", [1, 4, 5, 9])
def test_a_cut_off_run_ends_in_the_same_weights(tones, tmp_path, objective, cut):
    whole = make_trainer(tones, tmp_path / "whole", OBJECTIVES[objective])
    assert whole.run(StopRequest())
    first = make_trainer(tones, tmp_path / "cut", OBJECTIVES[objective])
    assert not first.run(StopAfter(first, cut))
    second = make_trainer(tones, tmp_path / "cut", OBJECTIVES[objective])
    torch.manual_seed(999)  # what a fresh process has in its generators must not matter
    second.restore()
    assert second.progress.step == cut
    assert second.run(StopRequest())
    assert same(weights(second), weights(whole))
    wall_time = HISTORY.index("wall_time")
    ours = np.delete(np.array(second.progress.history), wall_time, axis=1)
    theirs = np.delete(np.array(whole.progress.history), wall_time, axis=1)
    np.testing.assert_array_equal(ours, theirs)
    assert (second.progress.best, second.progress.best_step) == (
        whole.progress.best,
        whole.progress.best_step,
    )
    assert second.best.read_bytes() == whole.best.read_bytes()


def test_the_same_round_is_the_same_and_another_differs(tones, tmp_path):
    runs = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        trainer = make_trainer(tones, tmp_path / name, GRPO, seed=seed)
        trainer.run(StopRequest())
        runs.append(weights(trainer))
    assert same(runs[0], runs[1])
    assert not same(runs[0], runs[2])


def test_one_sft_step_is_adamw_on_the_mean_log_likelihood(tones, tmp_path):
    """An independent step: same batch, same forward pass, torch's own loss and optimiser."""
    switches = {"dropout": False, "rawboost": 0, "schedule": "after_step"}
    trainer = make_trainer(tones, tmp_path, SFT, **switches)
    twin = make_trainer(tones, tmp_path, SFT, **switches).policies.policy.eval()
    batch = next(trainer._rest_of_epoch(trainer.plan()))
    loss = torch.nn.functional.cross_entropy(twin(batch.waveforms, batch.lengths), batch.labels)
    optimiser = torch.optim.AdamW(twin.parameters(), lr=3e-3, weight_decay=0.01, eps=1e-6)
    loss.backward()
    optimiser.step()
    assert trainer.train_step(batch) == pytest.approx(loss.item(), abs=1e-6)
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(weights(trainer)[name], value, rtol=1e-5, atol=1e-7)


def test_learning_rates_follow_the_recipe(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT)
    trainer.run(StopRequest())
    rates = [row[HISTORY.index("learning_rate")] for row in trainer.progress.history]
    assert rates == pytest.approx(
        [0, 1.5e-3, *(3e-3 * 0.5 ** (n / 10) for n in range(10))], rel=1e-9
    )


def test_the_old_policy_is_refreshed_on_schedule(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, GRPO, schedule="after_step")
    policies = trainer.policies
    start = weights(trainer)
    batches = trainer.plan()
    for step, batch in enumerate(trainer._rest_of_epoch(batches), start=1):
        before = weights(trainer)
        trainer.train_step(batch)
        old = policies.old.state_dict()
        # Refreshed ahead of steps 4, 7, ...; until then it is the stage's start.
        if step <= 3:
            assert same(old, start)
        elif step == 4:
            assert same(old, before)
            assert not same(old, start)
            break
    assert same(policies.reference.state_dict(), start)


def test_policies_that_are_not_needed_are_not_kept(tones, tmp_path):
    on_policy = {**GRPO, "on_policy": True, "beta": 0.0}
    policies = make_trainer(tones, tmp_path, on_policy).policies
    assert policies.old is None
    assert policies.reference is None
    assert make_trainer(tones, tmp_path, SFT).policies.reference is None


def test_frozen_policies_have_no_gradient_and_no_dropout(tones, tmp_path):
    policies = make_trainer(tones, tmp_path, GRPO).policies
    policies.train()
    assert policies.policy.training
    for frozen in (policies.old, policies.reference):
        assert not frozen.training
        assert not any(parameter.requires_grad for parameter in frozen.parameters())
    off = make_trainer(tones, tmp_path, GRPO, dropout=False).policies
    off.train()
    assert not off.policy.training


def test_labels_come_from_the_policy_that_the_recipe_names(tones, tmp_path, monkeypatch):
    sources = {}
    for labels_from in ("old", "current"):
        trainer = make_trainer(tones, tmp_path, GRPO, labels_from=labels_from, dropout=False)
        with torch.no_grad():
            trainer.policies.old.proj_fc.bias += 1.0
        batch = next(trainer._rest_of_epoch(trainer.plan()))
        seen = []

        def note(logits, labels, size, generator, seen=seen):
            seen.append(logits)
            return torch.zeros_like(labels)

        monkeypatch.setattr("sdd.training.objective_kinds.sample_correct", note)
        trainer.policies.train()
        trainer.policies.loss(batch, trainer.sampler)
        sources[labels_from] = seen[0]
        assert not seen[0].requires_grad
    torch.testing.assert_close(sources["old"], sources["current"] + 1.0)


def test_best_weights_are_those_of_the_lowest_validation_eer(tones, tmp_path, monkeypatch):
    trainer = make_trainer(tones, tmp_path, SFT, validate_every=3)
    rates = iter([(0.3, 0.0), (0.1, 0.0), (0.1, 0.0), (0.2, 0.0)])
    monkeypatch.setattr("sdd.training.trainer.eer", lambda *_: next(rates))
    kept = {}
    validate = trainer.validate

    def noting(stop):
        validate(stop)
        kept[trainer.progress.step] = weights(trainer)

    monkeypatch.setattr(trainer, "validate", noting)
    trainer.run(StopRequest())
    assert sorted(kept) == [3, 6, 9, 12]
    assert (trainer.progress.best, trainer.progress.best_step) == (0.1, 6)
    from sdd.detector import load_detector

    assert same(load_detector(trainer.best, TINY).state_dict(), kept[6])


def test_selection_may_be_by_the_released_figure(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT, selection="der", learning_rate=1e-5, max_steps=3)
    trainer.run(StopRequest())
    segments, audio = tones
    # The last validation, measured again from the outside.
    logits = predict(
        trainer.policies.policy,
        trainer_batches(segments, audio),
        count=len(segments),
        precision="fp32",
    )
    scores, real = logits[:, 1], segments.is_real
    last = trainer.progress.history[-1]
    assert last[HISTORY.index("validation_eer")] == eer(scores[real], scores[~real])[0]
    assert trainer.progress.best == selection_der(scores[real], scores[~real])
    assert trainer.progress.best != last[HISTORY.index("validation_eer")]


def trainer_batches(segments, audio):
    from sdd.data.batch_loading import load_batches

    seconds = (segments.end - segments.start) / 16_000
    batches = length_sorted_batches(seconds, 3.0)
    return load_batches(SegmentDataset.of(segments, audio), batches, epoch=0)


def test_batch_switches(tones, tmp_path):
    """Released batches: planned by whole durations, seed 42, every epoch as the first."""
    written = make_trainer(tones, tmp_path, SFT)
    released = make_trainer(
        tones,
        tmp_path,
        SFT,
        batch_durations="whole",
        batch_order="first_epoch",
        batch_seed="fixed",
    )
    first = written.plan(), released.plan()
    written.progress.epoch = released.progress.epoch = 1
    assert written.plan() != first[0]
    assert released.plan() == first[1]
    other = make_trainer(tones, tmp_path, SFT, seed=5, batch_durations="whole", batch_seed="fixed")
    assert other.plan() == first[1]
    seconds = (tones[0].end - tones[0].start) / 16_000
    size = {"budget_seconds": 3.0, "buckets": 3, "epoch": 0}
    assert first[0] == plan_epoch(np.minimum(seconds, 0.5), seed=3, **size)
    assert first[1] == plan_epoch(seconds, seed=42, **size)


def test_a_run_is_so_many_epochs_or_steps(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT, epochs=2)
    batches = len(trainer.plan())
    assert trainer.total_steps(batches) == min(12, 2 * batches)
    assert make_trainer(tones, tmp_path, SFT, epochs=1, max_steps=2).total_steps(9) == 2


def test_a_loss_that_is_not_finite_stops_with_step_and_segments(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT)
    with torch.no_grad():
        trainer.policies.policy.proj_fc.weight.fill_(math.nan)
    batch = next(trainer._rest_of_epoch(trainer.plan()))
    with pytest.raises(InputError, match=r"step 1: the loss is nan; segments of the batch: tone-"):
        trainer.train_step(batch)


def test_a_state_of_other_settings_is_refused(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT)
    trainer.run(StopAfter(trainer, 2))
    for change, words in (
        ({"learning_rate": 1e-3}, r"recipe\.learning_rate: 0\.003 there, 0\.001 now"),
        ({"seed": 4}, r"seed: 3 there, 4 now"),
    ):
        with pytest.raises(InputError, match=words):
            make_trainer(tones, tmp_path, SFT, **change).restore()
    with pytest.raises(InputError, match=r"objective\.beta: None there, 0\.04 now"):
        make_trainer(tones, tmp_path, GRPO).restore()


@pytest.mark.parametrize(
    ("objective", "switches", "expected"),
    [
        (GRPO, {}, ("group", "grpo")),
        (GRPO, {"advantage": "batch"}, ("batch", "grpo")),
        ({**GRPO, "negatives": False}, {}, ("none", "none")),
        (
            {**GRPO, "negatives": False},
            {"advantage": "batch", "without_negatives": "log_probability"},
            ("none", "released_none"),
        ),
    ],
)
def test_the_loss_is_the_one_that_recipe_and_objective_name(
    tones, tmp_path, objective, switches, expected
):
    """Computed again from the logits of each policy, with other weights in each of them."""
    objective = {**objective, "beta": 0.3, "epsilon": 0.05, "group_size": 8}
    trainer = make_trainer(tones, tmp_path, objective, dropout=False, **switches)
    policies = trainer.policies
    with torch.no_grad():
        policies.old.proj_fc.bias += torch.tensor([0.3, -0.2])
        policies.reference.proj_fc.bias += torch.tensor([-0.4, 0.1])
    policies.train()
    batch = next(trainer._rest_of_epoch(trainer.plan()))
    loss, _ = policies.loss(batch, torch.Generator().manual_seed(5))
    logits, old, reference = (
        detector(batch.waveforms, batch.lengths)
        for detector in (policies.policy, policies.old, policies.reference)
    )
    correct = sample_correct(old, batch.labels, 8, torch.Generator().manual_seed(5))
    normalise, negatives = expected
    options = Grpo(8, beta=0.3, epsilon=0.05, normalise=normalise, negatives=negatives)
    again, _ = grpo_loss(
        logits, batch.labels, correct, options, reference_logits=reference, old_logits=old
    )
    assert loss.item() == pytest.approx(again.item(), rel=1e-5, abs=1e-7)


def test_gradients_are_clipped(tones, tmp_path):
    """AdamW is blind to the scale of a first gradient, so what is looked at is the gradient."""
    trainer = make_trainer(tones, tmp_path, SFT, max_gradient_norm=0.01)
    trainer.train_step(next(trainer._rest_of_epoch(trainer.plan())))
    gradients = [p.grad for p in trainer.policies.policy.parameters() if p.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm().item()
    assert norm == pytest.approx(0.01, rel=1e-3)
    assert trainer.progress.history[0][HISTORY.index("grad_norm")] > 0.1


def test_a_gradient_that_is_not_finite_changes_no_weight_and_keeps_the_state(
    tones, tmp_path, monkeypatch
):
    trainer = make_trainer(tones, tmp_path, SFT)
    trainer.run(StopAfter(trainer, 2))
    kept, before = (tmp_path / "state.pt").read_bytes(), weights(trainer)
    batch = next(trainer._rest_of_epoch(trainer.plan()))
    names = ", ".join(tones[0].segment_id[index] for index in batch.indices.tolist())
    loss = trainer.policies.loss

    def infinite_slope(*arguments):
        value, diagnostics = loss(*arguments)
        return value + (value - value.detach()).abs().sqrt(), diagnostics  # 0, of slope infinity

    monkeypatch.setattr(trainer.policies, "loss", infinite_slope)
    words = f"step 3: the gradient is nan; segments of the batch: {names}; the state of step 2 is"
    with pytest.raises(InputError, match=words):
        trainer.train_step(batch)
    assert same(weights(trainer), before)
    assert (tmp_path / "state.pt").read_bytes() == kept
    again = make_trainer(tones, tmp_path, SFT)
    again.restore()
    assert again.progress.step == 2


def test_a_state_of_other_data_or_another_start_is_refused(tones, tmp_path):
    trainer = make_trainer(tones, tmp_path, SFT)
    trainer.run(StopAfter(trainer, 2))
    segments, audio = tones
    ends = segments.end.copy()
    ends[5] -= 1
    fewer = segments.select(range(23))
    for changed, words in (
        (dataclasses.replace(segments, end=ends), r"training data\.digest: \w+ there, \w+ now"),
        (fewer, r"training data\.segments: 24 there, 23 now"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            make_trainer((changed, audio), tmp_path, SFT).restore()
        assert "validation data" in str(caught.value)
        assert "recipe" not in str(caught.value)
    other = make_trainer(tones, tmp_path, SFT)
    other.start = "other"
    with pytest.raises(InputError, match=r"settings \(start:  there, other now\); delete it"):
        other.restore()


@pytest.mark.parametrize(("patience", "end"), [(None, 12), (1, 6), (2, 9), (3, 12)])
def test_early_stopping_counts_validations_without_improvement(
    tones, tmp_path, monkeypatch, patience, end
):
    """EERs 0.1, 0.3, 0.1, 0.2 at steps 3, 6, 9, 12: none after the first is better."""
    switches = {"validate_every": 3, "early_stopping": patience}
    rates = [(0.1, 0.0), (0.3, 0.0), (0.1, 0.0), (0.2, 0.0)]
    told = iter(rates)
    monkeypatch.setattr("sdd.training.trainer.eer", lambda *_: next(told))
    trainer = make_trainer(tones, tmp_path / "whole", SFT, **switches)
    assert trainer.run(StopRequest())
    assert trainer.progress.step == end
    assert trainer.progress.best_step == 3
    # A run that goes on from the state of its last validation is as patient, and validates no more.
    trainer.save()
    again = make_trainer(tones, tmp_path / "whole", SFT, **switches)
    again.restore()
    assert again.run(StopRequest())
    assert again.progress.step == end


def test_only_the_best_weights_stay_beside_the_state(tones, tmp_path, monkeypatch):
    rates = iter([(0.3, 0.0), (0.1, 0.0), (0.2, 0.0), (0.2, 0.0)])
    monkeypatch.setattr("sdd.training.trainer.eer", lambda *_: next(rates))
    trainer = make_trainer(tones, tmp_path, SFT, validate_every=3)
    trainer.run(StopRequest())
    trainer.save()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best_6.safetensors", "state.pt"]
    (tmp_path / ".state.0123456789abcdef.pt").write_bytes(b"half")
    make_trainer(tones, tmp_path, SFT, validate_every=3).restore()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best_6.safetensors", "state.pt"]


def test_recomputed_activations_change_no_bit(tones, tmp_path):
    runs = []
    for name, recomputed in (("kept", False), ("recomputed", True)):
        trainer = make_trainer(tones, tmp_path / name, GRPO, max_steps=4)
        trainer.policies.policy.checkpoint_activations = recomputed
        assert trainer.run(StopRequest())
        runs.append(weights(trainer))
    assert same(*runs)


# ------------------------------------------------------------------------------------ the loop
def told(trainer, monkeypatch):
    """What the loop does, in order: numbers of steps, "validate" and "save"."""
    found = []
    train_step, validate, save = trainer.train_step, trainer.validate, trainer.save

    def stepping(batch):
        found.append(trainer.progress.step + 1)
        return train_step(batch)

    def validating(stop):
        found.append("validate")
        validate(stop)

    def saving():
        found.append("save")
        save()

    monkeypatch.setattr(trainer, "train_step", stepping)
    monkeypatch.setattr(trainer, "validate", validating)
    monkeypatch.setattr(trainer, "save", saving)
    return found


def test_a_step_then_a_validation_then_a_save(tones, tmp_path, monkeypatch):
    trainer = make_trainer(tones, tmp_path, SFT, max_steps=7, validate_every=3)
    found = told(trainer, monkeypatch)
    assert trainer.run(StopRequest())
    saved = ["validate", "save"]
    assert found == [1, 2, 3, *saved, 4, 5, 6, *saved, 7, "validate"]


def test_a_pending_validation_comes_first_after_a_resume(tones, tmp_path, monkeypatch):
    switches = {"max_steps": 5, "validate_every": 3}
    first = make_trainer(tones, tmp_path, SFT, **switches)
    found = told(first, monkeypatch)
    assert not first.run(StopAfter(first, 3))  # while it validates, too
    assert found == [1, 2, 3, "validate", "save"]
    second = make_trainer(tones, tmp_path, SFT, **switches)
    second.restore()
    found = told(second, monkeypatch)
    assert second.run(StopRequest())
    assert found == ["validate", 4, 5, "validate"]


def test_a_run_that_is_to_stop_at_once_takes_no_step(tones, tmp_path, monkeypatch):
    trainer = make_trainer(tones, tmp_path, SFT)
    found = told(trainer, monkeypatch)
    assert not trainer.run(StopAfter(trainer, 0))
    assert found == ["save"]


def test_a_batch_is_prepared_once_for_all_policies(tones, tmp_path, monkeypatch):
    trainer = make_trainer(tones, tmp_path, GRPO)
    calls = []
    for owner, name in ((inference, "normalise_waveforms"), (Detector, "check_input")):
        whole = getattr(owner, name)

        def counted(*arguments, whole=whole, name=name):
            calls.append(name)
            return whole(*arguments)

        monkeypatch.setattr(owner, name, counted)
    trainer.train_step(next(trainer._batches()))
    assert sorted(calls) == ["check_input", "normalise_waveforms"]


def test_a_state_of_other_audio_is_refused(tones, tmp_path):
    segments, folder = tones
    before = dataclasses.replace(segments, audio="before")
    trainer = make_trainer((before, folder), tmp_path, GRPO)
    assert not trainer.run(StopAfter(trainer, 2))
    make_trainer((before, folder), tmp_path, GRPO).restore()
    again = make_trainer((dataclasses.replace(segments, audio="after"), folder), tmp_path, GRPO)
    with pytest.raises(InputError, match=r"training data\.digest: \w+ there, \w+ now"):
        again.restore()


def test_a_state_is_saved_only_if_something_is_new(tones, tmp_path, monkeypatch):
    """Where each save is due at once: none before a step, and one that goes on repeats none."""
    machine = Machine(device="cpu", save_minutes=0.0)
    saved = []
    save = Trainer.save
    monkeypatch.setattr(Trainer, "save", lambda run: (saved.append(run.progress.step), save(run)))
    for _ in range(2):
        trainer = make_trainer(tones, tmp_path, SFT, machine=machine)
        trainer.restore()
        trainer.run(StopAfter(trainer, trainer.progress.step + 2))
    # The second of each run is that of stopping.
    assert saved == [1, 2, 3, 4]
