"""Score files from one form of the field to another."""

from pathlib import Path

from sdd.runtime.outputs import check_output
from sdd.scoring.score_files import TABLES
from sdd.scoring.score_lines import PARQUET, read_score_lines
from sdd.scoring.score_writing import FORMS, Single, form_of, write_scores_as
from sdd.scoring.trial_keys import read_trial_key
from sdd.scoring.trial_matching import Matching, match_trials


def convert_scores(
    source: Path,
    target: Path,
    *,
    to: str | None = None,
    key: Path | None = None,
    subset: str | None = None,
    matching: Matching | None = None,
    single: Single = "difference",
) -> None:
    """Write a score file of any form, told by its content, in another one.

    Parameters
    ----------
    to
        A form of `sdd.scoring.score_writing`; None for that of the suffix of `target`:
        `antideepfake` or `parquet`.
    key
        Says which trials there are, and which of them are real.
    subset
        Of an ASVspoof 2021 key.
    matching
        How scores find trials, and what may be left out: nothing, unless it says so.
    single
        What stands for two logits in forms with one score.

    Raises
    ------
    InputError
        If a file cannot be read or written, the suffix of `target` is none of the form, trials and
        scores do not fit each other, or the form needs labels that nothing gives.
    """
    form = to or form_of(target)
    suffixes = [*TABLES, PARQUET] if form is None else FORMS[form].suffixes
    check_output(target, suffixes=suffixes, inputs=[source, *([key] if key else [])])
    trials = read_trial_key(key, subset) if key else None
    lines = match_trials(read_score_lines(source), trials, matching or Matching())
    write_scores_as(str(form), target, lines, single)
