"""What the paper's and the demo's experiments consist of, and how their scoring is cut."""

import re
from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sdd.detector.architectures import ARCHITECTURES, find_architecture
from sdd.detector.checkpoints.hub import read_address
from sdd.errors import InputError
from sdd.experiment import contents
from sdd.experiment.cells import Cell
from sdd.experiment.consistency import check_experiment
from sdd.experiment.experiment import Experiment
from sdd.experiment.schema import check_config
from tests.helpers.experiments import CONTROLS, DEMO, DFE24, PAPER, experiment, merge
from tests.helpers.paths import CHECKOUT


# ------------------------------------------------------------------------------------- cells
def test_cells_of_the_paper():
    """20 rows; three of them are without fine-tuning, and have one round each: 17 * 3 + 3."""
    cells = experiment().cells()
    assert len(cells) == len(set(cells)) == 54
    finetuned = [cell for cell in cells if cell.algorithm != "none"]
    assert len(finetuned) == 51
    assert Counter(cell.round for cell in finetuned) == {1: 17, 2: 17, 3: 17}
    assert cells[:4] == [
        Cell("xlsr_2b", "post", "none", 1),
        Cell("xlsr_2b", "post", "sft", 1),
        Cell("xlsr_2b", "post", "sft", 2),
        Cell("xlsr_2b", "post", "sft", 3),
    ]
    assert experiment().zero_shot_cells() == [
        Cell(model, "post", "none", 1) for model in ("xlsr_2b", "mms_1b", "mms_300m")
    ]


def test_rounds_are_a_value_of_the_config():
    assert list(experiment().rounds("sft")) == [1, 2, 3]
    assert list(experiment().rounds("none")) == [1]
    one = experiment("rounds: 1")
    assert len(one.cells()) == 20
    five = experiment("rounds: 5")
    assert list(five.rounds("grpo")) == [1, 2, 3, 4, 5]
    assert list(five.rounds("none")) == [1]


def test_pattern_of_finetuned_cells():
    paper = experiment()
    for cell in paper.cells():
        matches = re.fullmatch(paper.finetuned_cells, cell.path) is not None
        assert matches == (cell.algorithm != "none")
    for path in (
        "m/post/sftx/round1",
        "m/post/sft/round",
        "m/post/sft/round1/x",
        "post/sft/round1",
    ):
        assert not re.fullmatch(paper.finetuned_cells, path)
    nothing = Experiment({**PAPER, "algorithms": {"none": []}})
    assert not re.fullmatch(nothing.finetuned_cells, "xlsr_2b/post/none/round1")


def test_cells_of_controls():
    """Each is trained or averaged, and the figures have histories of the trained ones alone."""
    controls = Experiment(merge(PAPER, CONTROLS))
    check_config(
        controls.config, CHECKOUT / "workflow/schemas/config.schema.yaml", ["controls.yaml"]
    )
    check_experiment(controls)
    kinds = Counter()
    for cell in controls.cells():
        trained, averaged = (
            re.fullmatch(pattern, cell.path) is not None
            for pattern in (controls.finetuned_cells, controls.averaged_cells)
        )
        assert averaged == cell.algorithm.endswith("-half")
        assert trained == (cell.algorithm != "none" and not averaged)
        kinds[trained, averaged] += 1
    assert kinds == {(False, False): 1, (True, False): 30, (False, True): 6}
    shown = contents.figures(controls, "as_written")
    assert len(shown["trained"]) == 30
    half = "xlsr_2b/post/grpo-half/round2"
    assert half in shown["cells"]
    assert half not in shown["trained"]
    assert shown["starts"].keys() == set(shown["trained"])


def test_detectors_of_the_hub():
    """hub.yaml is valid and trains nothing; its sources are the authors' repositories, unpinned."""
    config = yaml.safe_load((CHECKOUT / "hub.yaml").read_text(encoding="utf-8"))
    of = Experiment(merge(PAPER, config))
    check_config(of.config, CHECKOUT / "workflow/schemas/config.schema.yaml", ["hub.yaml"])
    check_experiment(of)
    assert not of.trains()
    assert len(of.rows()) == 14
    for model, spec in config["models"].items():
        (checkpoint,) = spec["checkpoints"].values()
        address = read_address(checkpoint["source"])
        owner, name = address.repository.split("/")
        assert owner == "nii-yamagishilab"
        assert name.endswith("-anti-deepfake-nda" if model.endswith("_nda") else "-anti-deepfake")
        assert address.revision == "main"
        assert find_architecture(spec["architecture"]) == ARCHITECTURES[model.removesuffix("_nda")]


def test_controls_repeat_the_papers_values():
    """What a control changes is what it is named after; anchors do not reach between files."""
    paper, ours = PAPER["objectives"], CONTROLS["objectives"]
    said = {"trainable": "all"}
    assert ours["grpo_exact"] == {**paper["grpo"], **said, "rollouts": "exact"}
    assert ours["grpo_batch"] == {**paper["grpo"], **said, "switches": {"advantage": "batch"}}
    lora = ours["sft_lora"]["trainable"]
    assert ours["grpo_lora"] == {**paper["grpo"], "trainable": lora}
    assert ours["sft_kl"] == {"kind": "sft", "beta": paper["grpo"]["beta"], "kl": "k3"}
    assert ours["sft_kl1"]["beta"] == paper["grpo_beta1"]["beta"]


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]*", fullmatch=True)


@given(st.builds(Cell, names, names, names, st.integers(1, 10**6)))
def test_cell_from_its_path(cell):
    assert Cell.parse(cell.path) == cell
    assert cell.path.split("/") == [cell.model, cell.init, cell.algorithm, f"round{cell.round}"]


# -------------------------------------------------------------------------------------- sets
def test_sets_and_corpora_of_the_paper():
    paper = experiment()
    assert paper.in_domain == DFE24
    assert paper.out_of_domain == ["add23", "for", "dv", "itw"]
    assert paper.test_sets == [*DFE24, "add23", "for", "dv", "itw"]
    assert paper.reference_set == "asv19_dev_fake"
    assert paper.corpora() == ["dfe24", "add23", "for", "dv", "itw", "asv19"]
    assert experiment(base=DEMO).corpora() == [*paper.corpora(), "toy_post"]


def test_leaving_out_corpora():
    less = experiment("leave_out: [dv, itw]")
    assert less.test_sets == [*DFE24, "add23", "for"]
    assert less.corpora() == ["dfe24", "add23", "for", "asv19"]
    assert less.cells() == experiment().cells()
    assert {job.name for job in less.scoring_jobs()} == {"dfe24", "add23", "for", "asv19"}
    assert contents.figure2(less)["test_sets"] == less.test_sets
    assert contents.table1(less)["out_of_domain"] == ["add23", "for"]


def test_without_a_reference_corpus_there_is_no_drift():
    without = experiment("leave_out: [asv19]\nvalidation_set: itw")
    assert without.reference_set is None
    assert without.drift_cells() == []
    assert without.corpora() == ["dfe24", "add23", "for", "dv", "itw"]
    assert all(not job.embeddings for job in without.scoring_jobs())
    assert sorted(name for job in without.scoring_jobs() for name in job.sets) == sorted(
        without.test_sets
    )


def test_without_training_only_the_test_sets_are_read():
    """The second example of docs/own-corpus.md: recordings of one's own and a detector."""
    own = """
corpora: {calls: {reader: folders, real: real, fake: fake}}
sets: {calls: {corpus: calls, partition: test}}
in_domain: {sets: [calls]}
out_of_domain: {sets: []}
rows: [{model: xlsr_2b, init: post, algorithm: none}]
"""
    no_drift = "drift: {panels: {a: [], b: []}}\n"
    subject = experiment(own + no_drift)
    assert not subject.trains()
    assert subject.sets_in_use() == ["calls"]
    assert subject.corpora() == ["calls"]
    assert subject.scored_validation_set is None
    assert {job.name for job in subject.scoring_jobs()} == {"calls"}
    asked = experiment(own + no_drift + "scoring: {validation: true}\n")
    assert asked.sets_in_use() == ["calls", "asv19_dev"]
    assert asked.corpora() == ["calls", "asv19"]
    with_drift = experiment(own + "drift: {panels: {a: [none], b: []}}\n")
    assert with_drift.sets_in_use() == ["calls", "asv19_dev_fake"]
    # Cells of Figure 2 may be trained though no row is.
    trained = experiment(own + "drift: {panels: {a: [none, sft], b: []}}\n")
    assert trained.sets_in_use() == ["calls", "dfe24_train", "asv19_dev", "asv19_dev_fake"]


def test_corpora_of_unused_sets_are_not_read():
    more = experiment("corpora: {mine: {reader: csv, path: x}}\nsets: {mine: {corpus: mine}}")
    assert "mine" not in more.corpora()


# ----------------------------------------------------------------------------------- training
def test_stages_and_what_they_start_from():
    paper = experiment()
    assert paper.stages("sft-grpo_s") == ["sft", "grpo_s"]
    assert paper.algorithm_before("sft-grpo_s") == "sft"
    assert paper.algorithm_before("sft-grpo") == "sft"
    for algorithm in ("none", "sft", "grpo", "grpo_s", "grpo_noneg"):
        assert paper.algorithm_before(algorithm) is None
    three = experiment("algorithms: {long: [sft, grpo, sft]}")
    assert three.algorithm_before("long") == "sft-grpo"
    with pytest.raises(InputError, match=r"algorithms\.lone: its first stages \['grpo', 'sft'\]"):
        experiment("algorithms: {lone: [grpo, sft, grpo]}").algorithm_before("lone")


def test_checkpoints():
    paper, demo = experiment(), experiment(base=DEMO)
    assert paper.trained_checkpoints() == []
    assert paper.fetched_checkpoints() == [
        f"{model}/{init}" for model in ("xlsr_2b", "mms_1b", "mms_300m") for init in ("post", "pre")
    ]
    assert sorted(demo.trained_checkpoints()) == sorted(
        (f"tiny_{size}", init) for size in "lms" for init in ("pre", "post")
    )
    assert demo.checkpoint_training_set("training_set") == "toy_post"
    assert paper.checkpoint_training_set("training_set") is None
    assert (demo.pretraining_set(), paper.pretraining_set()) == ("toy_post", None)
    own = experiment(
        "sets: {speech: {corpus: toy_post, label: real}}\n"
        "checkpoint_training: {pre: {training_set: speech}}",
        DEMO,
    )
    assert (own.pretraining_set(), own.checkpoint_training_set("training_set")) == (
        "speech",
        "toy_post",
    )
    assert set(own.sets_in_use()) == {*demo.sets_in_use(), "speech"}


def test_checkpoints_in_use():
    paper = experiment()
    assert paper.checkpoints_in_use() == [
        "xlsr_2b/post",
        "xlsr_2b/pre",
        "mms_1b/post",
        "mms_300m/post",
    ]


def test_checkpoints_of_selected_models_only_are_trained():
    row = "rows: [{model: tiny_m, init: post, algorithm: sft}]"
    trained = experiment(f"{row}\ndrift: {{model: tiny_s}}", base=DEMO).trained_checkpoints()
    assert {model for model, _ in trained} == {"tiny_m", "tiny_s"}  # the second for Figure 2
    trained = experiment(f"{row}\ndrift: {{panels: {{a: [], b: []}}}}", base=DEMO)
    assert {model for model, _ in trained.trained_checkpoints()} == {"tiny_m"}


# ------------------------------------------------------------------------------------ scoring
def jobs_for(subject, cell, set_name):
    """List the scoring jobs that make the scores of a cell on a set."""
    path = f"{cell.path}/scores/{set_name}.parquet"
    return [
        job
        for job in subject.scoring_jobs()
        if set_name in job.sets
        and re.fullmatch(f"(?P<cell>{job.cells})/scores/{set_name}\\.parquet", path)
    ]


EXPERIMENTS = {
    "paper": experiment(),
    "demo": experiment(base=DEMO),
    "ten rounds and more": experiment("rounds: 12"),
    "less": experiment("leave_out: [dv, for]"),
    "together": experiment("scoring: {together: {small: [add23, for], ood: [asv19, itw]}}"),
    "no drift": experiment("drift: {panels: {a: [], b: []}}"),
    "no reference": experiment("leave_out: [asv19]\nvalidation_set: itw"),
    "reference is a test set": experiment("reference_set: itw"),
    "no validation scores": experiment("scoring: {validation: false}"),
    "validation is a test set": experiment("validation_set: itw"),
    "conditions": experiment(
        "sets:\n"
        "  itw_gsm: {corpus: itw, condition: {codec: gsm}}\n"
        "  for_gsm: {corpus: for, partition: test, condition: {codec: gsm}}\n"
        "  dev_loud: {corpus: asv19, partition: valid, label: fake, condition: {gain: 6}}\n"
        "out_of_domain: {sets: [itw_gsm, itw, for_gsm]}\nreference_set: dev_loud\n"
        "scoring: {together: {small: [for, itw]}}"
    ),
    "reference elsewhere": experiment("reference_set: for\nscoring: {together: {a: [asv19]}}"),
}


@pytest.mark.parametrize("subject", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_every_score_has_exactly_one_job(subject):
    drift = subject.drift_cells()
    for cell in {*subject.cells(), *drift}:
        for name in subject.test_sets:
            jobs = jobs_for(subject, cell, name)
            assert len(jobs) == 1, (cell, name, jobs)
            assert jobs[0].embeddings == (cell in drift)


@pytest.mark.parametrize("subject", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_every_cell_scores_the_validation_set_once_or_not_at_all(subject):
    wanted = subject.config["scoring"]["validation"] == "auto"  # and all of them train
    for cell in {*subject.cells(), *subject.drift_cells()}:
        jobs = jobs_for(subject, cell, subject.config["validation_set"])
        assert len(jobs) == int(wanted)
        assert [job for job in jobs if not job.is_for(cell)] == []


def test_a_cell_is_for_one_job_of_a_group():
    """As Snakemake's wildcard constraints have it; rules of one name differ in their cells."""
    for subject in EXPERIMENTS.values():
        jobs = subject.scoring_jobs()
        assert len({(job.name, job.embeddings) for job in jobs}) == len(jobs)
        for cell in {*subject.cells(), *subject.drift_cells()}:
            names = [job.name for job in jobs if job.is_for(cell)]
            assert len(set(names)) == len(names)


def test_embeddings_are_of_test_sets_and_reference_alone():
    """The fakes of the validation set are the reference set already."""
    (job,) = (job for job in experiment().scoring_jobs() if job.name == "asv19" and job.embeddings)
    assert job.sets == ("asv19_dev", "asv19_dev_fake")
    assert job.embedded == ("asv19_dev_fake",)


@pytest.mark.parametrize("subject", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_drift_cells_have_embeddings_of_every_set_and_of_the_reference(subject):
    for cell in subject.drift_cells():
        for name in {*subject.test_sets, subject.reference_set}:
            (job,) = jobs_for(subject, cell, name)
            assert name in job.embedded
    for job in subject.scoring_jobs():
        assert len(set(job.sets)) == len(job.sets) > 0


def test_pattern_tells_round_1_from_round_10():
    subject = EXPERIMENTS["ten rounds and more"]
    (embedding,) = {job.cells for job in subject.scoring_jobs() if job.embeddings}
    (plain,) = {job.cells for job in subject.scoring_jobs() if not job.embeddings}
    for cell, pattern in (
        (Cell("xlsr_2b", "post", "sft", 10), embedding),
        (Cell("xlsr_2b", "post", "none", 1), embedding),
        (Cell("xlsr_2b", "post", "none", 10), plain),
        (Cell("xlsr_2b", "post", "sft-grpo", 1), plain),
        (Cell("xlsr_2b", "pre", "sft", 1), plain),
        (Cell("mms_1b", "post", "sft", 1), plain),
    ):
        other = plain if pattern is embedding else embedding
        assert re.fullmatch(f"{pattern}/", f"{cell.path}/")
        assert not re.fullmatch(f"{other}/", f"{cell.path}/")


def test_drift_cells_of_the_paper():
    """Figure 2 shows five algorithms of XLS-R-2B: three rounds of four, and one of none."""
    cells = experiment().drift_cells()
    assert len(cells) == len(set(cells)) == 13
    assert {cell.algorithm for cell in cells} == {"none", "sft", "grpo", "grpo_beta0", "grpo_beta1"}
    assert {(cell.model, cell.init) for cell in cells} == {("xlsr_2b", "post")}
    assert set(cells) <= set(experiment().cells())


def test_jobs_are_cut_by_corpus():
    jobs = {(job.name, job.embeddings): job.sets for job in experiment().scoring_jobs()}
    corpora = ["dfe24", "add23", "for", "dv", "itw"]
    plain = {(name, False): (name,) for name in corpora} | {("dfe24", False): tuple(DFE24)}
    embedding = {(name, True): sets for (name, _), sets in plain.items()}
    # All cells score the validation set; only those with drift need the reference set.
    assert jobs == plain | embedding | {
        ("asv19", False): ("asv19_dev",),
        ("asv19", True): ("asv19_dev", "asv19_dev_fake"),
    }


def test_adding_a_corpus_leaves_other_jobs_unchanged():
    before = experiment().scoring_jobs()
    after = experiment(
        "corpora: {mine: {reader: csv, path: x}}\nsets: {mine: {corpus: mine}}\n"
        "out_of_domain: {sets: [add23, for, mine, dv, itw]}"
    ).scoring_jobs()
    assert set(before) < set(after)
    assert {(job.name, job.sets) for job in set(after) - set(before)} == {("mine", ("mine",))}


def test_scoring_together():
    jobs = EXPERIMENTS["together"].scoring_jobs()
    assert {(job.name, job.sets) for job in jobs if not job.embeddings} == {
        ("dfe24", tuple(DFE24)),
        ("small", ("add23", "for")),
        ("ood", ("itw", "asv19_dev")),
        ("dv", ("dv",)),
    }
    assert {job.sets for job in jobs if job.name == "ood" and job.embeddings} == {
        ("itw", "asv19_dev", "asv19_dev_fake")
    }
    (demo_with, demo_without) = sorted(
        EXPERIMENTS["demo"].scoring_jobs(), key=lambda job: not job.embeddings
    )
    assert demo_without.sets == (*EXPERIMENTS["demo"].test_sets, "asv19_dev")
    assert demo_with.sets == (*demo_without.sets, "asv19_dev_fake")
    # A group of corpora that are not scored is no job.
    subject = experiment("leave_out: [dv]\nscoring: {together: {none: [dv]}}")
    assert "none" not in {job.name for job in subject.scoring_jobs()}
