"""What is piloted of an experiment, and the table that a plan reads."""

import copy

import pytest

from sdd.errors import InputError
from sdd.experiment import settings, tree
from sdd.experiment.cells import Cell
from sdd.experiment.experiment import Experiment
from sdd.experiment.pilot import (
    PILOT_COLUMNS,
    last_objective,
    piloted_cells,
    piloted_checkpoints,
    read_pilot,
)
from sdd.runtime.csv_rows import write_rows
from tests.helpers.experiments import PAPER, experiment
from tests.helpers.pilots import training_row


def piloted(of, recipe="as_written"):
    cells = piloted_cells(of, recipe)
    return [(cell.model, cell.init, last_objective(of, cell)) for cell in cells]


def test_a_stage_of_each_number_of_frozen_policies_is_piloted():
    """GRPO has a reference and an old policy, GRPO_s a reference, SFT neither."""
    assert piloted(experiment()) == [
        (model, "post", objective)
        for model in ("xlsr_2b", "mms_1b", "mms_300m")
        for objective in ("grpo", "grpo_s", "sft")
    ]


def test_the_costliest_alone():
    of = experiment("pilot: {objectives: costliest}")
    assert piloted(of) == [(m, "post", "grpo") for m in ("xlsr_2b", "mms_1b", "mms_300m")]


def test_what_the_recipe_spares_is_not_the_costliest():
    """As released, GRPO without negatives has no old policy."""
    rows = "rows: [{model: mms_1b, init: post, algorithm: grpo_noneg}]\n"
    drift = "drift: {model: mms_1b, panels: {a: [grpo_s], b: [none]}}"
    of = experiment(rows + drift)
    assert piloted(of, "as_written") == [
        ("mms_1b", "post", "grpo_noneg"),
        ("mms_1b", "post", "grpo_s"),
    ]
    assert piloted(of, "as_released") == [("mms_1b", "post", "grpo_noneg")]


def test_a_model_without_a_post_trained_row_is_piloted_from_its_encoder():
    rows = "rows: [{model: mms_1b, init: pre, algorithm: sft}]\n"
    of = experiment(rows + "leave_out: [asv19]\nvalidation_set: for")  # without Figure 2
    assert piloted(of) == [("mms_1b", "pre", "sft")]
    assert piloted_checkpoints(of) == []
    assert piloted_checkpoints(experiment()) == ["xlsr_2b", "mms_1b", "mms_300m"]
    assert settings.piloted_training(of, piloted_cells(of, "as_written")[0], "as_written")["stage"][
        "new_back_end"
    ]


def test_a_second_stage_is_piloted_from_the_checkpoint():
    """Its own start is not there before the first stage is trained."""
    for init, new in (("post", False), ("pre", True)):
        cell = Cell("xlsr_2b", init, "sft-grpo", 1)
        of = settings.piloted_training(experiment(), cell, "as_written")
        assert of["stage"]["new_back_end"] is new
        assert of["stage"]["objective"]["kind"] == "grpo"
        assert of["identity"]["name"] == "grpo"
        assert of["run"] == {"steps": 50, "warm_up_steps": 5, "minutes": 3}


def test_what_is_piloted_does_not_reach_the_settings_of_jobs():
    """Else another number of steps would train all cells anew."""
    other = experiment("pilot: {steps: 7}\nresources: {cpu_teraflops: 2}")
    for of, cell in ((settings.finetuning, "grpo"), (settings.scoring, "none")):
        of_cell = Cell("mms_1b", "post", cell, 1)
        assert of(other, of_cell, "as_written") == of(experiment(), of_cell, "as_written")


def write(results, *rows):
    path = tree.path(tree.PILOT, results)
    write_rows(path, [{**vars(row)} for row in rows], list(vars(rows[0])))
    return path


def test_a_table_is_read_back_without_what_is_too_short_to_tell(tmp_path):
    assert read_pilot(tmp_path) == []
    row = training_row()
    write(tmp_path, row, training_row(name="sft", seconds=float("nan")))
    assert read_pilot(tmp_path) == [row]
    assert set(vars(row)) <= set(PILOT_COLUMNS)


@pytest.mark.parametrize("fault", [("18.0", "soon"), ("passes", "forward")])
def test_a_damaged_table_is_named(tmp_path, fault):
    path = write(tmp_path, training_row())
    path.write_text(path.read_text().replace(*fault))
    with pytest.raises(InputError, match=r"pilot\.csv: row 1 is not .*delete"):
        read_pilot(tmp_path)


def test_the_table_names_all_that_is_looked_for():
    config = copy.deepcopy(PAPER)
    found = settings.pilot_table(Experiment(config))
    assert found["scores"] == {"as_written": "logit", "as_released": "probability"}
    assert found["models"] == ["xlsr_2b", "mms_1b", "mms_300m"]
    assert found["clusters"]["dv"]["drawn"] == "original voices"
    assert list(found["corpora"])[-4:] == ["add23", "for", "dv", "itw"]
