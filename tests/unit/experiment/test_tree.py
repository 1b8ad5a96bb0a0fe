"""The names of files: as rules ask for them, and as Python finds them."""

import re
from pathlib import Path

import pytest

from sdd.experiment import tree
from sdd.experiment.cells import CELL_PATTERN, Cell

PATTERNS = {name: value for name, value in vars(tree).items() if name.isupper()}
CELL = Cell("mms_1b", "post", "sft-grpo", 2)


@pytest.mark.parametrize(
    ("pattern", "names", "expected"),
    [
        (tree.EER, {"cell": CELL.path}, "as_written/mms_1b/post/sft-grpo/round2/eer.csv"),
        (
            tree.SCORES,
            {"cell": CELL.path, "set": "itw"},
            "as_written/mms_1b/post/sft-grpo/round2/scores/itw.parquet",
        ),
        (tree.INTERVALS, {}, "as_written/intervals.csv"),
        (tree.AUDIO, {"corpus": "dv"}, "audio/dv.csv"),
        (tree.SEGMENTS, {"set": "dv"}, "segments/dv.parquet"),
        (tree.CHECKPOINT, {"checkpoint": "mms_1b/post"}, "checkpoints/mms_1b/post.safetensors"),
    ],
)
def test_paths(pattern, names, expected):
    path = tree.path(pattern, tree.folder("paper"), recipe="as_written", **names)
    assert path == Path("results/paper") / expected


def test_a_missing_name_is_an_error():
    with pytest.raises(KeyError, match="set"):
        tree.path(tree.SCORES, "results/paper", recipe="as_written", cell=CELL.path)


def test_filling_leaves_other_wildcards():
    filled = tree.fill(tree.SCORES, set="itw", cell=CELL.path)
    assert filled == f"<results>/{{recipe}}/{CELL.path}/scores/itw.parquet"


def test_no_two_files_share_a_name():
    assert len(set(PATTERNS.values())) == len(PATTERNS)
    assert all(pattern.startswith("<results>/") for pattern in PATTERNS.values())


def test_the_cell_of_a_file_is_read_from_its_folder():
    path = tree.path(tree.EER, "/elsewhere/results/paper", recipe="as_written", cell=CELL.path)
    assert Cell.parse(path.parent) == CELL
    assert re.fullmatch(CELL_PATTERN, CELL.path)
    with pytest.raises(ValueError, match="unpack"):
        Cell.parse("post/sft/round1")


def test_no_rule_and_no_module_writes_a_name_itself():
    """Names of result files stand in the tree alone."""
    checkout = Path(__file__).parents[3]
    files = [checkout / "Snakefile", *(checkout / "workflow").glob("*/*.smk")]
    files += (checkout / "workflow/scripts").glob("*.py")
    rooms = ("experiment", "analysis", "presentation")
    for room in rooms:
        files += (checkout / "src/sdd" / room).rglob("*.py")
    files.remove(checkout / "src/sdd/experiment/tree.py")
    endings = [re.search(r"[^/]+$", pattern)[0] for pattern in PATTERNS.values()]
    names = [name for name in endings if "." in name and "{" not in name]
    assert {"eer.csv", "model.safetensors", "intervals.csv", "report.html"} <= set(names)
    for file in files:
        for quoted in re.findall(
            r"""(?<![`"\w])f?"([^"\n]*)\"""", file.read_text(encoding="utf-8")
        ):
            assert "<results>" not in quoted, (file, quoted)
            assert quoted.rpartition("/")[2] not in names, (file, quoted)


def test_files_of_a_pattern_are_found_at_their_depth_alone(tmp_path):
    cell = "as_written/small/post/sft/round1"
    for name in (
        f"{cell}/history.csv",
        f"as_written/tuning/fast/{cell.removeprefix('as_written/')}/history.csv",
        "checkpoints/small/pre.csv",
        "checkpoints/small/pre.safetensors",
        f"{cell}/scores/dogs.parquet",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def found(pattern):
        return [str(path.relative_to(tmp_path)) for path in tree.find(tmp_path, pattern)]

    assert found(tree.HISTORY) == [f"{cell}/history.csv"]
    assert found(tree.CANDIDATE_HISTORY) == [
        "as_written/tuning/fast/small/post/sft/round1/history.csv"
    ]
    assert found(tree.CHECKPOINT) == ["checkpoints/small/pre.safetensors"]
    assert found(tree.SCORES) == [f"{cell}/scores/dogs.parquet"]
    assert found(tree.fill(tree.SCORES, recipe="as_released")) == []
