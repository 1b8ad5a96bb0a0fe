"""A pilot of training: the largest batches, by the trainer of real jobs, timed, nothing kept."""

import signal

import numpy as np
import pytest
import torch

from sdd.data.dataset import Batch
from sdd.detector import save_detector
from sdd.errors import InputError
from sdd.experiment.pilot import MACHINE_COLUMNS
from sdd.runtime.stopping import STOPPED, StopRequest
from sdd.training import pilot
from sdd.training.finetuning import StageInputs
from sdd.training.gpu_memory import NOTE
from sdd.training.pilot import PilotRun, largest_batches, pilot_training, time_steps
from sdd.training.trainer import Trainer
from tests.conftest import GRPO
from tests.helpers.runs import finetune_arguments, make_trainer

RUN = PilotRun(steps=3, warm_up_steps=2, minutes=10.0)


def batch(seconds, segments=2):
    lengths = torch.full((segments,), round(16_000 * seconds / segments))
    return Batch(torch.zeros(segments, 1), lengths, torch.zeros(segments), torch.arange(segments))


class Clock:
    """Shows what steps have taken; the first takes longest, as everything starts in it."""

    def __init__(self, *seconds):
        self.now, self.seconds = 100.0, iter(seconds)

    def __call__(self):
        return self.now

    def step(self, _batch):
        self.now += next(self.seconds)


def timed(run, *seconds, batches=None, stop=None):
    clock = Clock(*seconds)
    given = iter(batches or [batch(1.0) for _ in seconds])
    return time_steps(given, clock.step, run, stop or StopRequest(), clock), given


def test_the_first_steps_are_not_timed():
    batches = [batch(10.0), batch(8.0), batch(6.0), batch(4.0, segments=4), batch(2.0)]
    found, _ = timed(RUN, 90.0, 9.0, 1.0, 2.0, 3.0, batches=batches)
    assert (found.steps, found.segments) == (3, 8)
    assert found.audio_seconds == pytest.approx(12.0)
    assert found.seconds == pytest.approx(6.0)


def test_minutes_end_it_but_one_step_is_timed():
    run = PilotRun(steps=50, warm_up_steps=5, minutes=1.0)
    found, left = timed(run, 100.0, 70.0, 70.0, 70.0)
    assert (found.steps, found.seconds) == (1, pytest.approx(70.0))
    assert len(list(left)) == 2
    found, left = timed(run, *[5.0] * 20)
    assert (found.steps, found.seconds) == (8, pytest.approx(40.0))  # 13 steps take over a minute
    assert len(list(left)) == 7


def test_asked_to_stop_it_has_nothing_to_say():
    stop = StopRequest()
    stop.signalled = True
    assert timed(RUN, 1.0, 1.0, stop=stop)[0] is None


def test_the_largest_batches_come_first_and_again_if_there_are_too_few(tones, tmp_path):
    crop = {"longer_than": 0.7, "shortest": 0.7, "longest": 0.7}
    trainer = make_trainer(tones, tmp_path, GRPO, crop=crop)
    seconds = np.minimum(trainer.data.training.durations, 0.7)

    def size(rows):
        return len(rows) * seconds[rows].max()

    count = len(trainer.plan())
    chosen = largest_batches(trainer, count + 2)
    assert sorted(chosen[:count]) == sorted(trainer.plan())
    assert [size(rows) for rows in chosen[:count]] == sorted(map(size, trainer.plan()))[::-1]
    assert chosen[count:] == chosen[:2]
    assert size(chosen[0]) > size(chosen[count - 1])


@pytest.fixture
def arguments(tones, tmp_path, tiny_detector):
    start = tmp_path / "start.safetensors"
    save_detector(tiny_detector, start, {})
    of_job = finetune_arguments(tones, tmp_path, start, GRPO)
    return {
        "stage": of_job["stage"],
        "files": StageInputs(start, start, tmp_path / "pilot/state/grpo"),
        "data": of_job["data"],
        "run": RUN,
        "machine": of_job["machine"],
        "code": "this",
    }


def test_steps_are_those_of_the_trainer_and_leave_nothing(arguments, tmp_path, monkeypatch):
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    seen, step = [], Trainer.train_step

    def noting(trainer, given):
        seen.append((trainer, given))
        return step(trainer, given)

    monkeypatch.setattr(Trainer, "train_step", noting)
    found = pilot_training(**arguments)
    assert list(found) == list(MACHINE_COLUMNS)
    trainer = seen[0][0]
    taken = [given.indices.tolist() for _, given in seen]
    assert taken == largest_batches(trainer, 5)
    # Real audio, cropped and augmented as in the first epoch.
    item, _, _ = trainer.dataset[0, taken[0][0]]
    np.testing.assert_array_equal(seen[0][1].waveforms[0][: len(item)], item)
    audio = sum(given.lengths.sum().item() for _, given in seen[2:]) / 16_000
    assert found["audio_seconds"] == pytest.approx(audio)
    assert found["speed"] == pytest.approx(audio / found["seconds"])
    assert (found["steps"], found["passes"], found["device"]) == (3, 5, "cpu")
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_a_signal_ends_it_with_the_status_of_a_job(arguments, tmp_path, monkeypatch):
    step = Trainer.train_step

    def signalled(trainer, given):
        signal.raise_signal(signal.SIGTERM)
        return step(trainer, given)

    monkeypatch.setattr(Trainer, "train_step", signalled)
    with pytest.raises(SystemExit) as left:
        pilot_training(**arguments)
    assert left.value.code == STOPPED
    assert not (tmp_path / "pilot").exists()


def test_memory_that_runs_out_is_explained_and_not_tried_again(arguments, monkeypatch):
    def too_large(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB.")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", too_large)
        with pytest.raises(InputError, match="step 0 of the pilot: not enough GPU memory") as first:
            pilot_training(**arguments)
    note = arguments["files"].state / NOTE
    assert note.read_text(encoding="utf-8") == str(first.value)
    with pytest.raises(InputError) as again:
        pilot_training(**arguments, attempt=2)
    assert str(again.value) == str(first.value)
    assert pilot_training(**arguments)["steps"] == 3  # the next run of the workflow tries
    assert not note.parent.exists()


def test_a_gpu_is_waited_for(tones, tmp_path, monkeypatch):
    trainer = make_trainer(tones, tmp_path, GRPO)
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(trainer, "train_step", lambda _: 0.0)
    pilot._step(trainer, batch(1.0))
    assert waited == []
    monkeypatch.setattr(
        type(trainer.policies.policy), "device", property(lambda _: torch.device("cuda", 0))
    )
    pilot._step(trainer, batch(1.0))
    assert waited == [torch.device("cuda", 0)]
