"""The table of a pilot as text."""

import math

from sdd.presentation.pilot_table import render_pilot

MACHINE = {"recipe": "as_written", "model": "xlsr_2b", "device_name": "NVIDIA H100 80GB HBM3"}
TRAINING = {
    **MACHINE,
    "work": "training",
    "name": "grpo",
    "steps": "50",
    "seconds": "18.0",
    "speed": "252.4",
    "peak_gb": "58.71",
    "peak_of": "GPU memory, allocated",
}
SCORING = {
    **TRAINING,
    "work": "scoring",
    "name": "itw",
    "peak_gb": "12.04",
    "eer_percent": 1.5,
    "low": 0.2,
    "high": 3.96,
    "paper_percent": 1.24,
    "verdict": "inside",
}
NO_INTERVAL = {
    **SCORING,
    "name": "dv",
    "speed": "nan",
    "low": math.nan,
    "high": math.nan,
    "paper_percent": math.nan,
    "verdict": "not in the paper",
}
LONG = {**SCORING, "model": "a_model_with_a_long_name", "high": 100.0, "low": 44.44}


def lines(*rows):
    return render_pilot(rows, "Pilot of paper").splitlines()


def test_each_part_has_its_figures():
    text = lines(TRAINING, SCORING, NO_INTERVAL)
    assert text[0] == "Pilot of paper"
    assert "as_written, on NVIDIA H100 80GB HBM3" in text
    found = {row[:26].strip(): row[26:].split() for row in text}
    assert found["xlsr_2b grpo"] == ["50", "0.36", "252", "58.7"]
    assert found["xlsr_2b itw"] == ["252", "1.5", "0.2", "to", "4.0", "1.24", "inside"]
    assert found["xlsr_2b dv"] == ["?", "1.5", "not", "in", "the", "paper"]
    assert "Peaks are of GPU memory, allocated." in text
    assert "Scoring took xlsr_2b 12.0 GB." in text


def test_it_is_80_columns_wide():
    assert max(map(len, lines(TRAINING, SCORING, NO_INTERVAL, LONG))) <= 80


def test_recipes_stand_apart_and_what_was_not_piloted_is_left_out():
    text = lines(TRAINING, {**SCORING, "recipe": "as_released", "device_name": "EPYC"})
    assert text.index("as_written, on NVIDIA H100 80GB HBM3") < text.index("as_released, on EPYC")
    assert sum(row.startswith("training ") for row in text) == 1
    assert sum(row.startswith("scoring ") for row in text) == 1
