"""An installed wheel does what the checkout does, and needs nothing of it."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sdd.detector import save_detector
from tests.helpers.audio_files import chirp, write_container
from tests.helpers.faces import FACES
from tests.helpers.paths import CHECKOUT
from tests.helpers.tiny_detectors import make

VERSION = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
SCORE = ("score", "--model", "model.safetensors", "--threads", "1", "--window", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A detector, recordings of several kinds, and score files."""
    folder = tmp_path_factory.mktemp("user")
    save_detector(make(), folder / "model.safetensors")
    calls = folder / "calls"
    calls.mkdir()
    for name, rate in (("a.wav", 16_000), ("b.flac", 22_050), ("c.mp3", 44_100), ("d.ogg", 8_000)):
        soundfile.write(calls / name, chirp(2.3, rate), rate)
    write_container(calls / "e.m4a", chirp(1.7, 48_000)[None], 48_000, "aac", "mp4")
    (calls / "f.wav").write_bytes(b"no sound")
    generator = np.random.default_rng(0)
    rows = [(f"trial{number}", number % 2) for number in range(60)]
    text = "".join(f'{name},"[{generator.normal()}, {real}]",{real}\n' for name, real in rows)
    (folder / "scores.csv").write_text("ID,Score,Label\n" + text)
    return folder


def by_checkout(*arguments, cwd, status=0):
    command = [Path(sys.executable).with_name("sdd"), *arguments]
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, check=False, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    return done


def test_scores_are_the_checkout_s_to_the_bit(installed, folder):
    output = ("--each-window", "-o", "-", "calls")
    ours = by_checkout(*SCORE, *output, cwd=folder, status=1)
    theirs = installed.run("sdd", *SCORE, *output, cwd=folder, status=1)
    assert theirs.stdout == ours.stdout
    assert theirs.stderr == ours.stderr
    assert theirs.stdout.count("calls/") == 14
    assert "calls/f.wav" in theirs.stderr


@pytest.fixture(scope="module")
def exported(installed, folder):
    """The detector as a folder for others, written by the wheel."""
    installed.run("sdd", "export", "model.safetensors", "exported", cwd=folder)
    return "exported"


@pytest.mark.parametrize("file", ["", "/model.ckpt"])
def test_an_exported_detector_has_the_same_scores(installed, folder, exported, file):
    config = json.loads((folder / exported / "config.json").read_text())
    architecture = ("-a", json.dumps(config["architecture"])) if file else ()
    command = (
        "score",
        "--model",
        f"{exported}{file}",
        *SCORE[3:],
        *architecture,
        "-o",
        "-",
        "calls/a.wav",
    )
    theirs = installed.run("sdd", *command, cwd=folder)
    assert theirs.stdout == by_checkout(*SCORE, "-o", "-", "calls/a.wav", cwd=folder).stdout


@pytest.mark.skipif(not os.environ.get("AUDIO"), reason="no AUDIO=folder of recordings is named")
def test_recordings_of_the_user_have_the_same_scores(installed, folder, exported):
    command = (*SCORE[3:-1], "15", "-o", "-", Path(os.environ["AUDIO"]).resolve())
    theirs = installed.run("sdd", "score", "--model", exported, *command, cwd=folder)
    ours = by_checkout("score", "--model", "model.safetensors", *command, cwd=folder)
    assert theirs.stdout == ours.stdout
    assert theirs.stdout.count("\n") > 1


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "scores.csv", "--json"),
        ("evaluate", "scores.csv", "--leaderboard"),
        ("eer", "scores.csv"),
        ("convert-scores", "scores.csv", "scores.parquet"),
        ("convert-scores", "--to", "asvspoof5", "scores.parquet", "asvspoof5.txt"),
        ("calibrate", "scores.csv", "-o", "calibration.json"),
        (*SCORE, "--calibration", "calibration.json", "calls/a.wav"),
        ("protocol", "folders", ".", "--real", "$ROOT/calls", "--fake", "$ROOT/calls", "--corpus",
         "mine"),
    ],
    ids=lambda command: " ".join(command[:3]),
)  # fmt: skip
def test_other_commands_say_what_the_checkout_s_say(installed, folder, command):
    status = command[0] == "protocol"  # one recording is none
    theirs = installed.run("sdd", *command, cwd=folder, status=status)
    written = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    ours = by_checkout(*command, cwd=folder, status=status)
    assert (theirs.stdout, theirs.stderr) == (ours.stdout, ours.stderr)
    for name, content in written.items():
        assert (folder / name).read_bytes() == content


def test_a_picture_is_refused_with_the_remedy_which_helps(installed, folder):
    command = ("calibrate", "scores.csv", "-o", "other.json", "--picture", "picture.png")
    refused = installed.run("sdd", *command, cwd=folder, status=1)
    assert refused.stderr == (
        "error: --picture needs matplotlib, which is not installed here: "
        "pip install 'sdd-grpo[figures]'.\n"
    )
    assert not (folder / "other.json").exists()
    installed.install("sdd-grpo[figures]", "--find-links", installed.wheel.parent)
    installed.run("sdd", *command, cwd=folder)
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_version(installed, folder):
    shown = installed.run("sdd", "--version", cwd=folder).stdout
    assert shown.startswith(f"sdd-grpo {VERSION} (torch ")


def python(installed, folder, code):
    return json.loads(installed.run("python", "-c", code, cwd=folder).stdout)


def test_the_workflow_is_not_there(installed, folder):
    names = ["snakemake", "torchaudio", "snakemake_logger_plugin_sdd", "tests", "sdd"]
    code = (
        "from importlib.util import find_spec; import json; "
        f"print(json.dumps([find_spec(name) is not None for name in {names}]))"
    )
    assert python(installed, folder, code) == [False, False, False, False, True]


def test_every_name_that_packages_hand_out_is_there(installed, folder):
    homes = {face: import_module(face).__all__ for face in FACES}
    code = (
        f"import importlib as i, json, sys\n"
        f"for face, names in {homes}.items():\n"
        f"    for name in names: getattr(i.import_module(face), name)\n"
        f"print(json.dumps(sorted(sys.modules)))"
    )
    loaded = python(installed, folder, code)
    assert {"torch", "sdd.scoring.recordings", "sdd.metrics.eer_interval"} <= set(loaded)
    assert not {"snakemake", "matplotlib"} & set(loaded)


def test_importing_sdd_loads_nothing_but_python_s_own(installed, folder):
    code = (
        "import sys; before = set(sys.modules); import sdd, json; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = {name.split(".")[0] for name in python(installed, folder, code)}
    assert loaded - set(sys.stdlib_module_names) == {"sdd"}


def test_nothing_was_read_from_the_checkout(installed, folder):
    """Not by this process, nor by any above."""
    installed.run("sdd", *SCORE, "calls/e.m4a", cwd=folder)
    opened = set(installed.opened.read_text().splitlines())
    library = installed.folder / "lib"
    assert any(name.startswith(f"{library}/") and "/sdd/cli/" in name for name in opened)
    assert any(name.endswith("/calls/e.m4a") for name in opened)
    environment = Path(sys.prefix).resolve()
    for place in (CHECKOUT, environment):
        assert not [name for name in opened if name.startswith(f"{place}/")]
