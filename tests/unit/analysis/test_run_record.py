"""The record of a run."""

import numpy as np
import pandas as pd
import pytest

from sdd.analysis.run_record import keep_record, read_recorded_scores, restore_record
from sdd.data.segments import write_segments
from sdd.errors import InputError
from sdd.scoring.score_tables import read_scores, write_score_columns

CELL = "as_written/small/post/sft/round1"
CONFIG = {"seed": 1, "tune": {"rounds": 1, "grids": {"sft": {"learning_rate": [0.1, 0.3]}}}}
CODE = {"finetune": "a", "score": "b"}
MADE_BY = {"commit": "c", "code": CODE}
NAMES = ["d-1", "d-2", "d-3"]


def put_segments(results, *, end=16_000, audio="x"):
    rows = [
        {"segment_id": name, "source": name, "label": label, "attack": "-", "speaker": "-",
         "path": "p", "file": "f", "start": 0, "end": end}
        for name, label in zip(NAMES, ("real", "fake", "fake"), strict=True)
    ]  # fmt: skip
    path = results / "segments/dogs.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_segments(pd.DataFrame(rows), path, audio=audio)


@pytest.fixture
def results(tmp_path):
    """A run of one cell that has scored two sets, one of its candidates, and two checkpoints."""
    results = tmp_path / "run"
    put_segments(results)
    for number, name in enumerate(("dogs", "cats")):
        path = results / CELL / f"scores/{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        logits = np.array([[0.1, 1 / 3], [-2e-30, 7], [3, number]], dtype=np.float32)
        write_score_columns(path, NAMES, ["real", "fake", "fake"], logits)
    texts = {
        f"{CELL}/history.csv": "step\n7\n",
        f"{CELL}/model.safetensors": "weights",
        f"{CELL}/embeddings/dogs.parquet": "embeddings",
        f"as_written/tuning/learning_rate=0.1/{CELL.removeprefix('as_written/')}/history.csv": "s",
        "as_written/tuning/choices/small/post/sft.yaml": "chosen",
        "as_written/trade_off/fast/step50/small/post/sft/round1/scores/dogs.parquet": "scores",
        "checkpoints/small/pre.safetensors": "pre",
        "checkpoints/small/post.safetensors": "fetched",
        "audio/dogs/one.flac": "audio",
    }
    for name, text in texts.items():
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(text)
    return results


@pytest.fixture
def record(results, tmp_path):
    keep(results, tmp_path / "record")
    return tmp_path / "record"


def keep(results, record, config=CONFIG, made_by=MADE_BY):
    keep_record(results, record, checkpoints=["small/pre"], config=config, made_by=made_by)


def restore(record, results, config=CONFIG, code=CODE):
    return restore_record(record, results, config=config, code=code)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_audio_embeddings_and_weights_stay_behind(record):
    assert files(record) == {
        "record.yaml",
        "segments/dogs.parquet",
        f"{CELL}/history.csv",
        f"{CELL}/scores.parquet",
        "as_written/tuning/choices/small/post/sft.yaml",
        "checkpoints/small/pre.safetensors",
    }


def test_scores_come_back_to_the_bit(results, record, tmp_path):
    restore(record, tmp_path / "new")
    for name in ("dogs", "cats"):
        before = read_scores(results / CELL / f"scores/{name}.parquet")
        kept = read_recorded_scores(record / CELL / "scores.parquet")[name]
        after = read_scores(tmp_path / "new" / CELL / f"scores/{name}.parquet")
        for scores in (kept, after):
            assert scores.segment_id == before.segment_id
            assert scores.real.tolist() == before.real.tolist()
            assert scores.logits.tobytes() == before.logits.tobytes()


def test_what_is_restored_has_one_time_and_what_is_there_stays(record, tmp_path):
    new = tmp_path / "new"
    put_segments(new)
    (new / CELL).mkdir(parents=True)
    (new / CELL / "history.csv").write_text("made here")
    restored = restore(record, new)
    moment = (new / "segments/dogs.parquet").stat().st_mtime_ns
    assert {path.stat().st_mtime_ns for path in restored} == {moment}
    assert {str(path.relative_to(new)) for path in restored} == files(new) - {
        "segments/dogs.parquet", f"{CELL}/history.csv"
    }  # fmt: skip
    assert (new / CELL / "history.csv").read_text() == "made here"
    assert restore(record, new) == []


def test_into_nothing_all_get_one_time_too(record, tmp_path):
    restored = restore(record, tmp_path / "new")
    assert len({path.stat().st_mtime_ns for path in restored}) == 1


def test_keeping_again_writes_what_is_new_alone(results, record):
    before = {path: path.stat().st_mtime_ns for path in record.rglob("*.*") if path.is_file()}
    (results / CELL / "history.csv").write_text("step\n8\n")
    keep(results, record)
    changed = {path.name for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert changed == {"history.csv", "record.yaml"}  # the first for its content
    assert (record / CELL / "history.csv").read_text() == "step\n8\n"


def test_what_the_run_lacks_stays_in_the_record(results, record):
    (results / CELL / "scores/cats.parquet").unlink()
    (results / CELL / "history.csv").unlink()
    keep(results, record)
    assert (record / CELL / "history.csv").exists()
    assert set(read_recorded_scores(record / CELL / "scores.parquet")) == {"dogs", "cats"}


def test_a_record_of_two_configs_is_of_both(results, record, tmp_path):
    """As of the study: the second recipe lacks rows of the first."""
    wider = {**CONFIG, "objectives": {"half": 0.5}}
    keep(results, record, wider, {**MADE_BY, "commit": "d"})
    keep(results, record, CONFIG)
    restore(record, tmp_path / "new", wider)
    text = (record / "record.yaml").read_text()
    assert "half: 0.5" in text
    assert text.count("commit: ") == 2


@pytest.mark.parametrize("seeds", [(1, 2), (2, 1)])
def test_another_config_is_refused_by_its_key(results, tmp_path, seeds):
    kept, asked = ({**CONFIG, "seed": seed} for seed in seeds)
    keep(results, tmp_path / "record", kept)
    message = f"record was made with seed: {seeds[0]}, and this config has {seeds[1]}"
    with pytest.raises(InputError, match=message):
        keep(results, tmp_path / "record", asked)
    with pytest.raises(InputError, match=message):
        restore(tmp_path / "record", tmp_path / "new", asked)
    assert not (tmp_path / "new").exists()


def test_another_grid_is_refused(record, tmp_path):
    wider = {"tune": {"rounds": 1, "grids": {"sft": {"learning_rate": [0.1, 0.3, 1.0]}}}}
    with pytest.raises(InputError, match=r"tune\.grids\.sft\.learning_rate: \[0\.1, 0\.3\]"):
        restore(record, tmp_path / "new", wider)


def test_scores_of_other_segments_are_refused(record, tmp_path):
    put_segments(tmp_path / "new", end=15_999)
    with pytest.raises(InputError, match=r"has other segments than .* \(column end\)"):
        restore(record, tmp_path / "new")


def test_other_samples_and_other_code_are_said(record, tmp_path, caplog):
    put_segments(tmp_path / "new", audio="y")
    restore(record, tmp_path / "new", code={**CODE, "score": "other"})
    assert "made by other code of training or scoring" in caplog.text
    assert "not the same samples as the record's" in caplog.text


def test_the_same_code_and_samples_are_not_said(record, tmp_path, caplog):
    put_segments(tmp_path / "new")
    restore(record, tmp_path / "new")
    assert not caplog.text


def test_a_folder_that_is_no_record_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"has no record\.yaml: it is no record of a run"):
        restore(tmp_path, tmp_path / "new")


def test_a_damaged_file_is_named(record, tmp_path):
    path = record / CELL / "scores.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"scores\.parquet cannot be read"):
        restore(record, tmp_path / "new")
