"""The examples of docs/python.md: they run, and print what stands below them."""

import json
import re

import numpy as np
import pytest
import soundfile

from sdd.data.toy.releases import write_corpus
from sdd.detector import load_detector, save_detector
from tests.helpers.paths import CHECKOUT, GOLDEN

PAGE = (CHECKOUT / "docs/python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```\n\n```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the examples read: a detector, a corpus, and recordings of which one is empty."""
    folder = tmp_path_factory.mktemp("user")
    keys = json.loads((GOLDEN / "variants.json").read_text())["layer_norm_pre"]
    save_detector(load_detector(GOLDEN / "layer_norm_pre.ckpt", keys), folder / "model.safetensors")
    write_corpus("in_the_wild", folder / "data", seed=1, scale=0.1)
    (folder / "calls").mkdir()
    generator = np.random.default_rng(0)
    for name, seconds in (("first.wav", 3.0), ("second.flac", 1.5)):
        wave = 0.1 * generator.standard_normal(round(seconds * 16_000))
        soundfile.write(folder / "calls" / name, wave, 16_000)
    (folder / "calls/third.mp3").touch()
    return folder


def test_every_example_says_what_it_prints():
    assert len(EXAMPLES) == PAGE.count("```python") >= 7


@pytest.mark.parametrize(("example", "printed"), EXAMPLES, ids=map(str, range(len(EXAMPLES))))
def test_example(example, printed, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    exec(compile(example, "docs/python.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == printed
