"""Commands of score files: `sdd evaluate`, `sdd eer`, `sdd convert-scores`, `sdd calibrate`."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdd.cli import values
from sdd.errors import InputError, one_line
from sdd.runtime.extras import require_extra
from sdd.runtime.outputs import check_output
from sdd.runtime.standard_streams import require_output, tell, write_out

if TYPE_CHECKING:
    from sdd.analysis.calibration import CalibratedFile
    from sdd.analysis.score_file_evaluation import Reading
    from sdd.scoring.trial_matching import Matching

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

NOT_ALL_SCORED = 1
FORMS = (
    "antideepfake",
    "asvspoof5",
    "asvspoof5-package",
    "df-arena",
    "antispoofing-arena",
    "parquet",
)


def add_commands(commands: "Commands") -> None:
    """Add the commands of score files."""
    _add_evaluate(commands)
    _add_eer(commands)
    _add_convert_scores(commands)
    _add_calibrate(commands)


def _add_evaluate(commands: "Commands") -> None:
    command = commands.add_parser(
        "evaluate",
        help="error rates, detection costs and calibration of score files",
        description="Show EER and AUC (%), minDCF and actDCF (ASVspoof 5), Cllr and Cllr_min "
        "(bits) of score files. actDCF and Cllr take scores as natural-log likelihood ratios: the "
        "logit of REAL less that of FAKE, or a single score as it is.",
    )
    _add_score_files(command)
    _add_keys(command)
    command.add_argument(
        "--calibration",
        type=values.path,
        metavar="FILE",
        help="take calibrated scores for likelihood ratios (sdd calibrate)",
    )
    command.add_argument(
        "--json",
        action="store_true",
        help="print JSON; eer, auc, f1 and accuracy are fractions",
    )
    more = command.add_mutually_exclusive_group()
    more.add_argument(
        "--leaderboard",
        action="store_true",
        help="show EER, F1 and accuracy at its threshold instead, their averages, and those of all "
        "trials under one threshold, as Speech DF Arena does",
    )
    more.add_argument(
        "--validation",
        type=values.path,
        metavar="FILE",
        help="also show which share of real trials is rejected (FRR), and of fakes accepted (FAR), "
        "at the threshold where this score file has its EER",
    )
    command.set_defaults(run=_evaluate)


def _add_eer(commands: "Commands") -> None:
    command = commands.add_parser(
        "eer",
        help="equal error rate of score files: the short form of evaluate",
        description="Show EER and AUC (%) of score files.",
    )
    _add_score_files(command)
    _add_keys(command)
    command.set_defaults(run=_eer)


def _add_score_files(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "scores",
        metavar="FILE",
        type=values.path,
        nargs="+",
        help="score files, recognised by their content: Parquet of the workflow, AntiDeepfake's "
        "CSV, tables and lines of ASVspoof, lines of a name and a score; a higher single score is "
        "more likely real",
    )
    command.add_argument(
        "--score",
        choices=["logit", "probability"],
        default="logit",
        help="what EER and AUC rank: the logit of REAL, or its softmax probability in float32, as "
        "AntiDeepfake's evaluation.py does (default: logit)",
    )


def _add_keys(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--key",
        type=values.path,
        action="append",
        default=[],
        metavar="FILE",
        help="which trials are real: AntiDeepfake's protocol, `file_name,label`, a key of ASVspoof "
        "2019, 2021 or 5; one for all files, or given once for each",
    )
    command.add_argument(
        "--subset", type=values.text, metavar="NAME", help="of an ASVspoof 2021 key: eval, ..."
    )
    command.add_argument(
        "--match",
        choices=["name", "stem"],
        default="name",
        help="how scores find trials: by the same name, or by names without folder and ending "
        "(default: name)",
    )
    command.add_argument(
        "--allow-unknown", action="store_true", help="leave out scores that match no trial"
    )
    command.add_argument(
        "--allow-unscored", action="store_true", help="leave out trials without a score"
    )
    command.add_argument(
        "--allow-repeated",
        action="store_true",
        help="of several scores of a trial, take the first",
    )


def _matching(arguments: argparse.Namespace) -> "Matching":
    from sdd.scoring.trial_matching import Matching

    return Matching(
        arguments.match,
        unknown=arguments.allow_unknown,
        unscored=arguments.allow_unscored,
        repeated=arguments.allow_repeated,
    )


def _reading(arguments: argparse.Namespace) -> "Reading":
    from sdd.analysis.score_file_evaluation import Reading
    from sdd.scoring.calibrations import read_calibration
    from sdd.scoring.trial_keys import read_trial_key

    _refuse_special([*arguments.scores, *arguments.key])
    keys = [read_trial_key(path, arguments.subset) for path in arguments.key]
    calibration = getattr(arguments, "calibration", None)
    return Reading(
        arguments.score,
        keys,
        _matching(arguments),
        None if calibration is None else read_calibration(calibration),
    )


def _evaluate(arguments: argparse.Namespace) -> int:
    from sdd.analysis.score_file_evaluation import as_json, as_table, evaluate_files

    require_output()
    _refuse_special([arguments.validation])
    reading = _reading(arguments)
    if arguments.leaderboard:
        return _leaderboard(arguments, reading)
    found, errors = evaluate_files(
        arguments.scores, arguments.score, arguments.validation, reading=reading
    )
    return _show(as_json(found) if arguments.json else as_table(found), errors)


def _leaderboard(arguments: argparse.Namespace, reading: "Reading") -> int:
    from sdd.analysis import score_file_evaluation as evaluation

    trials, errors = evaluation.read_trials_of_files(arguments.scores, reading)
    if errors:  # an average over some of the files would look like that over all
        return _show("", errors)
    board = evaluation.leaderboard(trials)
    write_out(
        evaluation.leaderboard_as_json(board)
        if arguments.json
        else evaluation.leaderboard_as_table(board)
    )
    return 0


def _eer(arguments: argparse.Namespace) -> int:
    from sdd.analysis.score_file_evaluation import as_short_table, evaluate_files

    require_output()
    found, errors = evaluate_files(arguments.scores, arguments.score, reading=_reading(arguments))
    return _show(as_short_table(found), errors)


def _refuse_special(paths: Iterable[Path | None]) -> None:
    """Refuse pipes: score files are read more than once."""
    from sdd.data.paths import refuse_special

    for path in paths:
        if path is not None:
            refuse_special(path)


def _show(text: str, errors: Sequence[InputError]) -> int:
    """Show what could be measured, and then what could not be, and why."""
    try:
        write_out(text)
    except BrokenPipeError:
        if not errors:
            raise
    finally:
        tell("".join(f"error: {one_line(str(error))}\n" for error in errors))
    return NOT_ALL_SCORED if errors else 0


def _add_convert_scores(commands: "Commands") -> None:
    command = commands.add_parser(
        "convert-scores",
        help="a score file in another form: of another tool, or of a leaderboard",
        description="Convert a score file of any form, recognised by its content.",
    )
    command.add_argument("source", metavar="FROM", type=values.path, help="score file")
    command.add_argument("target", metavar="TO", type=values.path, help="score file to write")
    command.add_argument(
        "--to",
        choices=FORMS,
        help="the form to write (default: by the ending of TO, antideepfake for .csv and .tsv, "
        "parquet for .parquet)",
    )
    command.add_argument(
        "--score",
        choices=["difference", "logit", "probability"],
        default="difference",
        help="what stands for two logits in forms with one score: REAL less FAKE, which can be "
        "taken for a log-likelihood ratio, the logit of REAL, or its softmax (default: difference)",
    )
    _add_keys(command)
    command.set_defaults(run=_convert_scores)


def _convert_scores(arguments: argparse.Namespace) -> None:
    from sdd.scoring.conversion import convert_scores

    source, target, key = arguments.source, arguments.target, arguments.key
    _refuse_special([source, *key])
    if len(key) > 1:
        raise InputError(f"{len(key)} keys for one score file: give --key once.")
    convert_scores(
        source,
        target,
        to=arguments.to,
        key=key[0] if key else None,
        subset=arguments.subset,
        matching=_matching(arguments),
        single=arguments.score,
    )


def _add_calibrate(commands: "Commands") -> None:
    command = commands.add_parser(
        "calibrate",
        help="make likelihood ratios of a detector's scores",
        description="Fit a scale and an offset by which scores become natural-log likelihood "
        "ratios of real to fake, on files of trials whose labels are known, and show what that is "
        "worth, there and on other files: Cllr (bits) and actDCF before and after.",
    )
    command.add_argument(
        "scores",
        metavar="SCORES",
        type=values.path,
        nargs="+",
        help="score files of any form, taken together; all of one detector",
    )
    command.add_argument(
        "-o",
        "--output",
        type=values.path,
        required=True,
        metavar="FILE",
        help="calibration to write (.json)",
    )
    command.add_argument(
        "--try",
        dest="tried",
        type=values.path,
        action="append",
        default=[],
        metavar="FILE",
        help="a score file with labels that it is tried on, but not fitted; may be given again",
    )
    command.add_argument(
        "--prior",
        type=values.share,
        default=0.5,
        metavar="P",
        help="prior probability of fake at which the ratios are to be best (default: 0.5)",
    )
    command.add_argument(
        "--picture",
        type=values.path,
        metavar="FILE",
        help="a reliability diagram to draw, before and after (.png, .pdf)",
    )
    _add_keys(command)
    command.set_defaults(run=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> None:
    from sdd.analysis.calibration import read_scored, try_calibration, worth_as_table
    from sdd.scoring.calibrations import fit_calibration, write_calibration
    from sdd.scoring.trial_keys import read_trial_key
    from sdd.scoring.trial_matching import Matching

    require_output()
    inputs = [*arguments.scores, *arguments.tried, *arguments.key]
    _refuse_special(inputs)
    check_output(arguments.output, suffixes=[".json"], inputs=inputs)
    if arguments.picture is not None:
        require_extra("matplotlib", "figures", what="--picture")
        check_output(arguments.picture, suffixes=[".png", ".pdf"], inputs=inputs)
    keys = [read_trial_key(path, arguments.subset) for path in arguments.key]
    parts = read_scored(arguments.scores, keys, _matching(arguments))
    others = read_scored(arguments.tried, [], Matching())
    calibration = fit_calibration(parts, arguments.prior)
    files = try_calibration(calibration, parts, True) + try_calibration(calibration, others, False)
    write_calibration(arguments.output, calibration)
    if arguments.picture is not None:
        _draw_reliability(files, arguments.picture)
    write_out(worth_as_table(calibration, files))
    if calibration.scale == 0:
        tell(
            "warning: higher scores are not more often real in these files, so that every ratio is "
            "1, which says nothing: is higher more likely real?\n"
        )


def _draw_reliability(files: "Sequence[CalibratedFile]", picture: Path) -> None:
    from sdd.presentation.figures.reliability import plot_reliability, reliability_curve
    from sdd.presentation.figures.style import save_figure

    groups = [
        (
            f"{'fitted on' if file.fitted else 'tried on'} {file.path.name}",
            [
                reliability_curve(name, ratios[file.real], ratios[~file.real])
                for name, ratios in (("as it was", file.before), ("calibrated", file.after))
            ],
        )
        for file in files
    ]
    figure = plot_reliability(groups, labels={}, title="Reliability before and after calibration")
    save_figure(figure, [picture])
