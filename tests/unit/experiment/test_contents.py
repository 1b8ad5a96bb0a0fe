"""What tables and figures show, by the config."""

from sdd.experiment import contents
from tests.helpers.experiments import DEMO, DFE24, PAPER, experiment
from tests.helpers.paths import RESOURCES


def test_contents():
    paper = experiment()
    table = contents.table1(paper)
    assert len(table["rows"]) == 20
    assert table["rows"][4] == ("xlsr_2b", "post", "sft-grpo_s")
    assert (table["in_domain"], table["out_of_domain"]) == (DFE24, ["add23", "for", "dv", "itw"])
    assert table["group_titles"] == (
        "DFE24 eva. set (in-domain)",
        "Other eva. sets (out-of-domain)",
    )
    assert table["title"] == PAPER["title"]
    figure = contents.figure2(paper)
    assert figure["title"] == "Drift of XLS-R-2B"
    assert figure["panels"] == PAPER["drift"]["panels"]
    assert figure["test_sets"] == paper.test_sets
    assert figure["in_domain"] == DFE24
    assert figure["reference_set"] == PAPER["sets"]["asv19_dev_fake"].get("title", "asv19_dev_fake")
    assert figure["method"] == "mean"
    assert table["notes"] == figure["notes"] == PAPER["notes"]


def test_labels_are_the_titles_of_the_config():
    titled = experiment(
        "algorithm_titles: {sft: Supervised}\nmodels: {mms_1b: {title: MMS}}\n"
        "sets: {dv: {title: DEEP-VOICE}, mine: {corpus: dv}}"
    )
    labels = contents.labels(titled)
    assert (labels["sft"], labels["mms_1b"], labels["dv"]) == ("Supervised", "MMS", "DEEP-VOICE")
    assert labels["dfe24_4s"] == "4 s"
    assert "mine" not in labels  # without a title


def test_whether_the_paper_has_any_cell():
    def is_in_paper(*overlay, **options):
        return contents.is_in_paper(experiment(*overlay, **options), RESOURCES / "table1.csv")

    assert is_in_paper()
    assert not is_in_paper(base=DEMO)
    own = "{model: xlsr_2b, init: post, algorithm: mine}"
    assert not is_in_paper(f"algorithms: {{mine: [grpo]}}\nrows: [{own}]")
    assert is_in_paper(f"algorithms: {{mine: [grpo]}}\nrows: [{own}, "
                       "{model: mms_1b, init: post, algorithm: sft}]")  # fmt: skip
    # The paper's rows, on none of its test sets.
    elsewhere = "in_domain: {sets: []}\nout_of_domain: {sets: [asv19_dev]}"
    assert not is_in_paper(elsewhere)


def test_whether_two_rows_can_be_compared():
    row = "{model: %s, init: %s, algorithm: %s}"
    for rows, can in (
        ([("mms_1b", "post", "none"), ("mms_1b", "post", "sft")], True),
        ([("mms_1b", "post", "none"), ("mms_300m", "post", "none")], False),
        ([("mms_1b", "post", "sft"), ("mms_1b", "pre", "sft")], True),
    ):
        overlay = f"rows: [{', '.join(row % names for names in rows)}]"
        assert contents.has_comparisons(experiment(overlay)) == can


def test_files_of_another_experiment_are_answered():
    text = contents.belongs_to_another(experiment(), "demo")
    for words in ("results/demo/", "'paper'", "--configfile demo/config.yaml", "results/paper/"):
        assert words in text
    text = contents.belongs_to_another(experiment("name: mine"), "other")
    assert "--configfile FILE, whose `name` is other" in text


def test_where_training_starts():
    """From the post-trained detector, from the stage before, or from what is no cell."""
    starts = contents.figures(experiment(), "as_written")["starts"]
    assert starts["xlsr_2b/post/grpo/round3"] == "xlsr_2b/post/none/round1"
    assert starts["xlsr_2b/post/sft-grpo/round2"] == "xlsr_2b/post/sft/round2"
    assert "xlsr_2b/pre/grpo/round1" not in starts
    assert "xlsr_2b/post/none/round1" not in starts
    rows = "rows: [{model: mms_1b, init: post, algorithm: sft}]"
    assert contents.figures(experiment(rows), "as_written")["starts"] == {}


def test_cells_that_are_looked_at_closely_are_those_of_the_first_panel():
    cells = contents.main_cells(experiment())
    assert [cell.split("/")[2] for cell in cells] == ["none", *["sft"] * 3, *["grpo"] * 3]
