"""The page of errors has the words of the errors: each is made to happen."""

import errno
import math
import re

import pytest
import torch

from sdd.data.audio.decoding import decode
from sdd.data.batch_loading import load_batches
from sdd.data.corpora import read_corpus
from sdd.data.dataset import SegmentDataset
from sdd.detector import load_detector, save_detector
from sdd.detector.checkpoints.conversion import save_encoder
from sdd.detector.checkpoints.download import fetch
from sdd.errors import InputError
from sdd.experiment.schema import check_config
from sdd.runtime.atomic_files import atomic_path
from sdd.training.finetuning import finetune
from sdd.training.policies import Policies
from tests.conftest import RECIPE
from tests.helpers.experiments import PAPER, merge
from tests.helpers.local_hub import COMMIT, local_hub, use_hub
from tests.helpers.paths import CHECKOUT
from tests.helpers.runs import StopAfter, finetune_arguments, make_trainer

SFT = {"kind": "sft"}


def checked(overlay):
    schema = CHECKOUT / "workflow/schemas/config.schema.yaml"
    check_config(merge(PAPER, overlay), schema, ["mine.yaml"])


def write(path, content):
    path.write_bytes(content)
    return path


class Errors:
    """Each method ends in an error of the page."""

    def __init__(self, folder, tones, detector, monkeypatch):
        self.folder, self.tones, self.detector = folder, tones, detector
        self.monkeypatch = monkeypatch

    def misspelt_key(self):
        checked({"rouns": 5})

    def number_as_text(self):
        checked({"recipes": {"as_written": {"learning_rate": "1e-6"}}})

    def corpus_that_is_not_there(self):
        read_corpus("in_the_wild", self.folder)

    def source_that_is_not_there(self):
        fetch(str(self.folder / "none.ckpt"), self.folder)

    def address_that_is_not_there(self):
        self.monkeypatch.setattr("sdd.detector.checkpoints.download.ATTEMPTS", 1)
        fetch("http://127.0.0.1:1/a.ckpt", self.folder)

    def on_hub(self, rest):
        """Fetch from a hub of one repository; a gated one is beside it."""
        with local_hub() as hub:
            use_hub(hub, self.folder, self.monkeypatch)
            hub.add("lab/open", {"model.safetensors": b"weights"})
            hub.add("lab/gated", {}, gated=True)
            return fetch(f"hf://{rest}", self.folder)

    def address_without_a_revision(self):
        fetch("hf://lab/open", self.folder)

    def branch_of_the_hub(self):
        self.on_hub("lab/open@main")

    def commit_that_is_not_there(self):
        self.on_hub(f"lab/open@{40 * '1'}")

    def gated_repository(self):
        self.on_hub(f"lab/gated@{COMMIT}")

    def repository_that_is_not_there(self):
        self.on_hub(f"lab/none@{COMMIT}")

    def file_that_is_not_on_the_hub(self):
        self.on_hub(f"lab/open@{COMMIT}/none.ckpt")

    def no_hub(self):
        self.on_hub("lab/open@v1")
        fetch(f"hf://lab/open@{40 * '1'}", self.folder)  # the hub is gone

    def checkpoint_that_is_not_there(self):
        load_detector(self.folder / "none.safetensors")

    def other_checkpoint(self):
        path = write(self.folder / "a.ckpt", b"other")
        fetch(str(path), self.folder, f"md5:{'0' * 32}")

    def encoder_for_a_detector(self):
        path = self.folder / "pre.safetensors"
        save_encoder(self.detector, path, {})
        load_detector(path)

    def checkpoint_without_architecture(self):
        path = self.folder / "plain.ckpt"
        torch.save(self.detector.state_dict(), path)
        load_detector(path)

    def no_audio(self):
        decode(write(self.folder / "a.wav", b"RIFF, but no more"))

    def read_csv(self, content):
        read_corpus("csv", self.folder, path=write(self.folder / "a.csv", content))

    def files_that_are_not_there(self):
        self.read_csv(b"ID,Label,Path\na,real,a.wav\n")

    def latin_1(self):
        self.read_csv("ID,Label,Path\nMüller,real,a.wav\n".encode("latin-1"))

    def open_quote(self):
        self.read_csv(b'ID,Label,Path\na,real,"a.wav\nb,fake,b.wav\nc,real,c.wav"\n')

    def small_gpu(self):
        def loss(*_):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB.")

        self.monkeypatch.setattr(Policies, "loss", loss)
        start = self.folder / "start.safetensors"
        save_detector(self.detector, start, {})
        finetune(**finetune_arguments(self.tones, self.folder, start, SFT, recipe=RECIPE))

    def dying_worker(self):
        def dying():
            yield from ()
            raise EOFError

        start = "sdd.data.batch_loading.start_workers"
        self.monkeypatch.setattr(start, lambda _start, imports: (dying(), set()))
        list(load_batches(SegmentDataset.of(*self.tones), [[0]], epoch=0, workers=1))

    def infinite_loss(self):
        trainer = make_trainer(self.tones, self.folder, SFT)
        with torch.no_grad():
            trainer.policies.policy.proj_fc.weight.fill_(math.nan)
        trainer.train_step(next(trainer._rest_of_epoch(trainer.plan())))

    def other_settings(self):
        trainer = make_trainer(self.tones, self.folder, SFT)
        trainer.run(StopAfter(trainer, 1))
        make_trainer(self.tones, self.folder, SFT, seed=4).restore()

    def full_disk(self):
        with atomic_path(self.folder / "a"):
            raise OSError(errno.ENOSPC, "No space left on device")


CASES = [name for name in vars(Errors) if not name.startswith(("_", "read_", "on_"))]


def quoted():
    """Patterns of what the page says is shown; of its last table, which others say, none."""
    text = (CHECKOUT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    ours = text.split("## Snakemake's")[0]
    rows = re.findall(r"^\| `(.*?)` \| ", ours, re.M)
    return {row: ".*".join(map(re.escape, row.split("…"))) for row in rows}


@pytest.mark.parametrize("case", CASES)
def test_an_error_is_on_the_page(case, tmp_path, tones, tiny_detector, monkeypatch):
    with pytest.raises(InputError) as caught:
        getattr(Errors(tmp_path, tones, tiny_detector, monkeypatch), case)()
    found = [row for row, pattern in quoted().items() if re.search(pattern, str(caught.value))]
    assert len(found) == 1, str(caught.value)


def test_the_page_has_no_error_that_is_not_made_to_happen():
    assert len(quoted()) == len(CASES)
