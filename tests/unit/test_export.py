"""`sdd export`: a detector as a folder for others, which scores as the original does."""

import csv
import errno
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from huggingface_hub import ModelCard

from sdd.cli import main
from sdd.data.audio import SAMPLE_RATE
from sdd.detector import export_authors, load_detector, read_metadata, save_detector
from sdd.detector.checkpoints import exporting
from sdd.presentation.arena_entry import slug
from sdd.runtime.csv_rows import write_rows
from sdd.scoring.calibrations import Calibration, read_calibration, write_calibration
from tests.conftest import CONFIG, TINY
from tests.helpers.local_hub import COMMIT, local_hub, use_hub
from tests.helpers.paths import CHECKOUT

FILES = {"README.md", "config.json", "model.ckpt", "model.safetensors"}
METADATA = {
    "licence": "CC BY-NC-SA 4.0",
    "source": f"hf://nii-yamagishilab/mms-300m-anti-deepfake@{COMMIT}",
    "objective": json.dumps({"kind": "grpo", "group_size": 64}),
    "steps": "900",
    "best_step": "800",
}
CALIBRATION = Calibration(
    scores="difference of logits", scale=2.0, offset=-0.5, prior_fake=0.5, lowest=-3.0, highest=3.0,
    n_real=40, n_fake=60, cllr=0.71234, cllr_calibrated=0.4, files={},
)  # fmt: skip


@pytest.fixture
def cell(tmp_path, tiny_detector):
    """A cell's folder with all that a run leaves of it, and the intervals of its table."""
    folder = tmp_path / "results/mine/as_written/tiny/post/grpo/round1"
    save_detector(tiny_detector, folder / "model.safetensors", METADATA)
    write_calibration(folder / "calibration.json", CALIBRATION)
    rates = [
        {"test_set": "itw", "eer_percent": "12.345678", "n_real": "30", "n_fake": "50"},
        {"test_set": "add23", "eer_percent": "25", "n_real": "3", "n_fake": "5"},
        {"test_set": "for", "eer_percent": "1", "n_real": "3", "n_fake": "5"},
    ]
    write_rows(folder / "eer.csv", rates)
    row = {"model": "tiny", "init": "post", "algorithm": "grpo", "rounds": "3", "note": ""}
    of = {"clusters": "58", "drawn": "speakers"}
    intervals = [
        {**row, "test_set": "itw", "eer_percent": "13.5", "low": "9.25", "high": "18.75", **of},
        {**row, "test_set": "add23", "eer_percent": "26", "low": "nan", "high": "nan", **of},
        {**row, "algorithm": "sft", "test_set": "for", "eer_percent": "7", "low": "1",
         "high": "9", **of},
    ]  # fmt: skip
    write_rows(folder.parents[3] / "intervals.csv", intervals)
    return folder


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nseed: 7\nnotes: [Made of sand.]\n")
    return ["--config", str(CHECKOUT / "config.yaml"), "--config", str(path)]


@pytest.fixture
def recording(tmp_path):
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    soundfile.write(tmp_path / "tone.wav", 0.3 * np.sin(900 * time * (1 + time)), SAMPLE_RATE)
    return tmp_path / "tone.wav"


def export(*arguments):
    return main(["export", *map(str, arguments)])


def names(folder):
    return {path.name for path in folder.iterdir()}


def scored(recording, *arguments):
    """The row of a recording, without the calibrated columns where there are none."""
    output = recording.with_suffix(".csv")
    assert main(["score", str(recording), "-o", str(output), *map(str, arguments)]) == 0
    with output.open(newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def split_card(folder):
    _, front, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


# ---------------------------------------------------------------------------------- round trip
def test_what_is_exported_scores_the_same_to_the_bit(cell, recording, tmp_path):
    folder = tmp_path / "out"
    assert export(cell, folder) == 0
    assert names(folder) == FILES | {"calibration.json"}
    expected = scored(recording, "--model", cell)
    shape = json.dumps(json.loads((folder / "config.json").read_text())["architecture"])
    assert scored(recording, "--model", folder / "model.ckpt", "-a", shape) == expected
    calibration = folder / "calibration.json"
    row = scored(recording, "--model", folder, "--calibration", calibration)
    assert {key: row[key] for key in expected if key != "notes"} == {
        key: value for key, value in expected.items() if key != "notes"
    }
    difference = float(expected["logit_real"]) - float(expected["logit_fake"])
    assert float(row["log_likelihood_ratio"]) == pytest.approx(2 * difference - 0.5)


def test_what_is_exported_is_fetched_from_a_hub(cell, recording, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    assert export(cell, folder, "--repository", "me/mine") == 0
    with local_hub() as hub:
        use_hub(hub, tmp_path / "home", monkeypatch)
        hub.add("me/mine", {path.name: path.read_bytes() for path in folder.iterdir()})
        address = f"hf://me/mine@{COMMIT}"
        assert scored(recording, "--model", address) == scored(recording, "--model", cell)
        # And exported again, with where it is from.
        again = tmp_path / "again"
        assert export(address, again) == 0
    told = read_metadata(again / "model.safetensors")
    assert told == read_metadata(cell / "model.safetensors")


def test_the_authors_file_has_their_names(cell, tmp_path, tiny_detector):
    export(cell, tmp_path / "out")
    state = torch.load(tmp_path / "out/model.ckpt", weights_only=True)
    assert all(name.startswith(("m_ssl.model.", "proj_fc.")) for name in state)
    assert {"m_ssl.model.encoder.pos_conv.0.weight_g", "proj_fc.weight"} <= state.keys()
    loaded = load_detector(tmp_path / "out/model.ckpt", TINY)
    for name, value in tiny_detector.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_the_files_metadata_goes_with_it(cell, tmp_path, config):
    export(cell, tmp_path / "out", *config)
    told = read_metadata(tmp_path / "out/model.safetensors")
    assert told == read_metadata(cell / "model.safetensors")
    assert read_calibration(tmp_path / "out/calibration.json") == CALIBRATION
    described = json.loads((tmp_path / "out/config.json").read_text())
    assert described["id2label"] == {"0": "fake", "1": "real"}
    state = load_detector(tmp_path / "out/model.safetensors").state_dict()
    assert described["parameters"] == sum(value.numel() for value in state.values())


# ---------------------------------------------------------------------------------------- card
def test_the_card_of_a_cell(cell, tmp_path, config):
    assert export(cell, tmp_path / "out", *config, "--name", "Mine") == 0
    front, body = split_card(tmp_path / "out")
    assert front["license"] == "cc-by-nc-sa-4.0"
    assert front["base_model"] == "nii-yamagishilab/mms-300m-anti-deepfake"
    assert front["pipeline_tag"] == "audio-classification"
    assert "arxiv:2603.02914" in front["tags"]
    (entry,) = front["model-index"]
    assert [result["metrics"][0]["value"] for result in entry["results"]] == [12.3457, 25.0, 1.0]
    assert body.startswith("\n# Mine\n")
    for line in (
        "- Cell `tiny/post/grpo/round1` (model, initialisation, algorithm, round) of experiment "
        "`mine`, recipe `as_written`.",
        f"- It started from {METADATA['source']}.",
        "- Steps: 900, of which step 800 had the lowest validation error.",
        "- Training set: `dfe24_train` (corpus dfe24, read as deepfake_eval_2024, partition train, "
        "at most 15 s a segment). Weights selected on `asv19_dev` (corpus asv19, read as "
        "asvspoof2019_la, partition valid). Seed of the first round: 7.",
        "- Made of sand.",
        "| itw (ItW) | 12.35 | 30, 50 | 13.50 | 9.25 to 18.75 | 3 rounds, 58 speakers |",
        "| add23 (ADD23) | 25.00 | 3, 5 | 26.00 | – | 3 rounds, 58 speakers |",
        "| for (FoR) | 1.00 | 3, 5 | – | – | – |",
        "CC BY-NC-SA 4.0, as stated of the weights that it was made from.",
    ):
        assert line in body.splitlines(), line
    assert "`grpo` (kind grpo, group_size 64, beta 0.04," in body
    learning_rate = CONFIG["recipes"]["as_written"]["learning_rate"]
    assert f"learning_rate {learning_rate}" in body
    assert 'crop {"longer_than": 15.0' in body
    assert "2 x score -0.5, fitted to 40 real and 60 fake trials" in body
    assert "Cllr is 0.712 bits as the scores are and 0.400 calibrated" in body
    assert "no proof of either" in body


def test_the_hubs_library_reads_the_card(cell, tmp_path, config):
    export(cell, tmp_path / "out", *config)
    data = ModelCard.load(tmp_path / "out/README.md").data
    assert data.license == "cc-by-nc-sa-4.0"
    assert [(one.dataset_type, one.metric_type) for one in data.eval_results] == [
        (name, "eer") for name in ("itw", "add23", "for")
    ]


def test_without_its_config_the_card_says_what_the_file_does(cell, tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(cell, tmp_path / "out") == 0
    assert "give the config of experiment mine" in caplog.text
    _, body = split_card(tmp_path / "out")
    assert "- Objective of the last stage: kind grpo, group_size 64." in body
    assert "Training set" not in body
    assert body.startswith("\n# tiny post grpo, round 1\n")


def test_a_config_in_the_working_folder_is_its_own(cell, tmp_path, config, monkeypatch, caplog):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "name": "mine"}))
    monkeypatch.chdir(tmp_path)
    assert export(cell, tmp_path / "out") == 0
    assert "Training set: `dfe24_train`" in split_card(tmp_path / "out")[1]
    assert "give the config" not in caplog.text


def test_the_card_of_a_file_that_says_nothing(tmp_path, tiny_detector):
    export_authors(tiny_detector, tmp_path / "theirs.ckpt")
    assert export(tmp_path / "theirs.ckpt", tmp_path / "out", "-a", json.dumps(TINY)) == 0
    assert names(tmp_path / "out") == FILES
    front, body = split_card(tmp_path / "out")
    assert not {"license", "base_model", "model-index"} & front.keys()
    assert not any("arxiv" in tag for tag in front["tags"])
    assert body.startswith("\n# theirs\n")
    assert body.count("\nNot known: ") == 3
    assert "None. Its scores are no likelihood ratios" in body


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", {"license": "mit"}),
        ("CC BY-NC 4.0", {"license": "cc-by-nc-4.0"}),
        ("Our own, 2.1", {"license": "other", "license_name": "our-own-2.1"}),
    ],
)
def test_a_licence_that_the_user_states(tmp_path, tiny_detector, licence, expected):
    save_detector(tiny_detector, tmp_path / "a.safetensors")
    export(tmp_path / "a.safetensors", tmp_path / "out", "--licence", licence)
    front, _ = split_card(tmp_path / "out")
    assert {key: front[key] for key in front if key.startswith("license")} == expected
    assert read_metadata(tmp_path / "out/model.safetensors")["licence"] == licence


def test_the_entry_of_the_arena(cell, tmp_path):
    export(cell, tmp_path / "out", "--repository", "me/Mine_1")
    entry = yaml.safe_load((tmp_path / "out/meta.yaml").read_text())
    assert entry.keys() == {"system"}
    system = entry["system"]
    required = {"name", "slug", "description", "code", "checkpoint"}
    assert required | {"params_millions"} == system.keys()
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", system["slug"])
    assert system["slug"] == "mine-1"
    assert system["code"] == system["checkpoint"] == "https://huggingface.co/me/Mine_1"
    described = json.loads((tmp_path / "out/config.json").read_text())
    assert system["params_millions"] == round(described["parameters"] / 1e6, 2)
    assert "hf://me/Mine_1@COMMIT" in split_card(tmp_path / "out")[1]


def test_slugs():
    assert slug("XLS-R-2B post, GRPO (round 1)") == "xls-r-2b-post-grpo-round-1"


def test_a_cell_without_training_is_its_checkpoint(cell, tmp_path, config, tiny_detector):
    untrained = cell.parents[1] / "none/round1"
    untrained.mkdir(parents=True)
    (cell / "eer.csv").rename(untrained / "eer.csv")
    checkpoint = tmp_path / "results/mine/checkpoints/tiny/post.safetensors"
    save_detector(tiny_detector, checkpoint, {"source": "theirs.ckpt"})
    assert export(untrained, tmp_path / "out", *config) == 0
    _, body = split_card(tmp_path / "out")
    assert "- It started from theirs.ckpt.\n- It was not fine-tuned here.\n- Made of sand." in body
    assert "| itw (ItW) | 12.35 | 30, 50 |" in body


def test_a_cell_whose_weights_are_gone_is_not_its_checkpoint(cell, tmp_path, tiny_detector, capsys):
    save_detector(tiny_detector, tmp_path / "results/mine/checkpoints/tiny/post.safetensors")
    (cell / "model.safetensors").unlink()
    assert export(cell, tmp_path / "out") == 1
    assert "round1 is a folder, not a checkpoint file" in capsys.readouterr().err


def test_the_card_has_the_switches_that_were_chosen(cell, tmp_path, config):
    grid = {"learning_rate": [1.0e-6, 2.0e-6], "max_steps": [100, 200]}
    tuned = tmp_path / "tuned.yaml"
    tuned.write_text(yaml.safe_dump({"tune": {"grids": {"grpo": grid}}}))
    choice = tmp_path / "results/mine/as_written/tuning/choices/tiny/post/grpo.yaml"
    assert export(cell, tmp_path / "early", *config, "--config", str(tuned)) == 0
    assert (
        "learning_rate not known (chosen on validation data)" in split_card(tmp_path / "early")[1]
    )
    choice.parent.mkdir(parents=True)
    choice.write_text("chosen: {learning_rate: 2.0e-6, max_steps: 100}\n")
    assert export(cell, tmp_path / "out", *config, "--config", str(tuned)) == 0
    _, body = split_card(tmp_path / "out")
    assert "learning_rate 2e-06, " in body
    assert "max_steps 100, " in body


# ------------------------------------------------------------------------------------ refusals
def test_a_folder_that_is_there_is_kept(cell, tmp_path, capsys):
    folder = tmp_path / "out"
    export(cell, folder, "--repository", "me/mine")
    (folder / "README.md").write_text("edited")
    assert export(cell, folder) == 1
    assert "is there and not empty: name a new folder, or give --overwrite" in (
        capsys.readouterr().err
    )
    assert (folder / "README.md").read_text() == "edited"
    (folder / "notes.txt").write_text("mine")
    (cell / "calibration.json").unlink()
    assert export(cell, folder, "--overwrite") == 0
    assert names(folder) == FILES | {"notes.txt"}
    assert (folder / "README.md").read_text() != "edited"


def test_nothing_is_left_of_an_export_that_fails(cell, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exporting, "export_authors", lambda _, path: path.write_bytes(b"half"))
    monkeypatch.setattr(Path, "write_text", full)
    assert export(cell, tmp_path / "out") == 1
    assert "no space left on the device" in capsys.readouterr().err
    assert names(tmp_path) == {"results"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "There is no checkpoint file none"),
        (["."], "is a folder, not a checkpoint file"),
        (["hf://me/mine"], "is no checkpoint on the hub: write hf://owner/name@revision"),
        (["plain.ckpt"], "give --architecture, one of"),
        (["own.safetensors", "--config", "mine.yaml"], "--config is for a cell's model below res"),
        (["own.safetensors", "--licence", "MIT"], "states the licence 'CC BY': leave out --lic"),
        (["own.safetensors", "--calibration", "none.json"], "none.json"),
        (["CELL", "--config", "other.yaml"], "The config is that of experiment 'other', and the"),
        (["CELL", "--config", "mine.yaml"], "The config has no 'algorithms', which tiny/post/grpo"),
        (["CELL", "--config", "list.yaml"], "list.yaml is no config: it is no mapping"),
        (["CELL", "--config", "odd.yaml"], "odd.yaml is no YAML"),
    ],
)
def test_errors_are_one_line(
    cell, tmp_path, tiny_detector, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    export_authors(tiny_detector, tmp_path / "plain.ckpt")
    save_detector(tiny_detector, tmp_path / "own.safetensors", {"licence": "CC BY"})
    texts = {"mine": "name: mine", "other": "name: other", "list": "[1]", "odd": "a: ["}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    named = [str(cell) if argument == "CELL" else argument for argument in arguments]
    assert main(["export", named[0], "out", *named[1:]]) == 1
    shown = capsys.readouterr().err
    assert message in shown
    assert sum(line.startswith("error: ") for line in shown.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_repository_is_an_owner_and_a_name(cell, capsys):
    with pytest.raises(SystemExit) as caught:
        export(cell, "out", "--repository", "mine")
    assert caught.value.code == 2
    assert "'mine' is no OWNER/NAME of a repository" in capsys.readouterr().err
