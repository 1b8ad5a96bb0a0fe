"""The command `sdd`: what can be done without the workflow.

Each sub-command has a function that adds its arguments and one that runs it. What is heavy to
import is imported where it runs.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from sdd.errors import InputError

INPUT_ERROR = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Parameters
    ----------
    arguments
        As on the command line, without the name of the program; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 after an error in what was given, which is shown as one line, or if
        some of it could not be used. Wrong arguments leave with status 2, as argparse does.
    """
    parser = argparse.ArgumentParser(prog="sdd", description="Speech deepfake detection.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_protocol(commands)
    _add_score(commands)
    _add_evaluate(commands)
    _add_eer(commands)
    _add_convert_scores(commands)
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
    try:
        status: int | None = parsed.run(parsed)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return INPUT_ERROR
    return status or 0


def _add_protocol(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "protocol",
        help="write the protocol of a corpus as AntiDeepfake's CSV",
        description="Read a corpus as released and write its protocol as AntiDeepfake's CSV.",
    )
    command.add_argument(
        "name",
        metavar="NAME",
        help="deepfake_eval_2024 (dfe24), add2023 (add23), fake_or_real (for), deep_voice (dv), "
        "in_the_wild (itw), asvspoof2019_la (asv19); csv or folders for a corpus of your own",
    )
    command.add_argument("root", metavar="ROOT", type=Path, help="the folder that holds corpora")
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to write; else standard output"
    )
    command.add_argument(
        "--partition",
        action="append",
        choices=["train", "valid", "test"],
        help="keep this partition only; may be given several times",
    )
    command.add_argument(
        "--allowed-missing",
        type=int,
        default=0,
        metavar="N",
        help="leave out up to N missing audio files instead of failing (default: 0)",
    )
    command.add_argument("--path", metavar="FILE", help="csv: the user's table")
    command.add_argument("--real", metavar="FOLDER", help="folders: real recordings")
    command.add_argument("--fake", metavar="FOLDER", help="folders: fake recordings")
    command.add_argument("--corpus", metavar="WORD", help="folders: what IDs begin with")
    command.set_defaults(run=_protocol)


def _protocol(arguments: argparse.Namespace) -> None:
    from sdd.data.corpora import read_corpus
    from sdd.data.corpora.protocol import format_protocol, write_protocol

    given = {name: getattr(arguments, name) for name in ("path", "real", "fake", "corpus")}
    protocol = read_corpus(
        arguments.name,
        arguments.root,
        partitions=arguments.partition,
        allowed_missing=arguments.allowed_missing,
        **{name: value for name, value in given.items() if value is not None},
    )
    if arguments.output is not None:
        write_protocol(protocol, arguments.output)
    else:
        # As bytes: a line end within a name must not be translated.
        sys.stdout.buffer.write(format_protocol(protocol).encode())
        sys.stdout.buffer.flush()


def _add_score(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "score",
        help="score recordings with a detector",
        description="Show the probability that recordings are fake, as a table or CSV. It is what "
        "the detector says, and not calibrated: see docs/scoring.md.",
    )
    command.add_argument(
        "recordings", metavar="AUDIO", type=Path, nargs="+", help="recordings, or folders of them"
    )
    command.add_argument(
        "-m",
        "--model",
        type=Path,
        required=True,
        metavar="FILE",
        help="the detector: a model.safetensors of the workflow, or the authors' .ckpt",
    )
    command.add_argument(
        "-a",
        "--architecture",
        metavar="NAME",
        help="of the detector, where its file does not say (.ckpt): xlsr_2b, xlsr_1b, mms_1b, "
        "mms_300m, w2v_large, w2v_small, or fairseq's keys as JSON",
    )
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="CSV to write; else a table is shown"
    )
    command.add_argument(
        "--window",
        type=_positive,
        default=15.0,
        metavar="SECONDS",
        help="cut longer recordings into windows of at most this; inf: never (default: 15)",
    )
    command.add_argument(
        "--each-window", action="store_true", help="a row for each window, not for each recording"
    )
    _add_computing(command)
    command.set_defaults(run=_score)


def _add_computing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:1, ...; auto: cuda where there is one"
    )
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's)")
    command.add_argument(
        "--batch-seconds",
        type=_positive,
        metavar="SECONDS",
        help="audio of a forward pass (default: 8 on a CPU, 100 elsewhere)",
    )


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _score(arguments: argparse.Namespace) -> int:
    from sdd.scoring.command import score_command

    return score_command(
        arguments.recordings,
        arguments.model,
        architecture=arguments.architecture,
        output=arguments.output,
        window_seconds=arguments.window,
        each_window=arguments.each_window,
        device=arguments.device,
        threads=arguments.threads,
        batch_seconds=arguments.batch_seconds,
    )


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "evaluate",
        help="error rates, detection costs and calibration of score files",
        description="Show EER and AUC (%), minDCF and actDCF (ASVspoof 5), Cllr and Cllr_min "
        "(bits) of score files. actDCF and Cllr take scores as natural-log likelihood ratios: the "
        "logit of REAL less that of FAKE, or a single score as it is.",
    )
    _add_score_files(command)
    more = command.add_mutually_exclusive_group()
    more.add_argument(
        "--json",
        action="store_true",
        help="print a list of objects, in which eer and auc are fractions",
    )
    more.add_argument(
        "--validation",
        type=Path,
        metavar="FILE",
        help="also show which share of real trials is rejected (FRR), and of fakes accepted (FAR), "
        "at the threshold where this score file has its EER",
    )
    command.set_defaults(run=_evaluate)


def _add_eer(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "eer",
        help="equal error rate of score files: the short form of evaluate",
        description="Show EER and AUC (%) of score files.",
    )
    _add_score_files(command)
    command.set_defaults(run=_eer)


def _add_score_files(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "scores",
        metavar="FILE",
        type=Path,
        nargs="+",
        help="Parquet of the workflow, AntiDeepfake's CSV or TSV (ID, Score, Label), or ASVspoof "
        "5's text (speaker, utterance, score, bonafide or spoof); a higher single score is more "
        "likely real",
    )
    command.add_argument(
        "--score",
        choices=["logit", "probability"],
        default="logit",
        help="what EER and AUC rank: the logit of REAL, or its softmax probability in float32, as "
        "AntiDeepfake's evaluation.py does (default: logit)",
    )


def _evaluate(arguments: argparse.Namespace) -> int:
    from sdd.analysis.score_file_evaluation import as_json, as_table, evaluate_files

    found, errors = evaluate_files(arguments.scores, arguments.score, arguments.validation)
    return _show(as_json(found) if arguments.json else as_table(found), errors)


def _eer(arguments: argparse.Namespace) -> int:
    from sdd.analysis.score_file_evaluation import as_short_table, evaluate_files

    found, errors = evaluate_files(arguments.scores, arguments.score)
    return _show(as_short_table(found), errors)


def _show(text: str, errors: Sequence[InputError]) -> int:
    """Show what could be measured, and then what could not be, and why."""
    sys.stdout.write(text)
    sys.stdout.flush()
    sys.stderr.write("".join(f"error: {error}\n" for error in errors))
    return INPUT_ERROR if errors else 0


def _add_convert_scores(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "convert-scores",
        help="AntiDeepfake's score CSV from our Parquet, or the other way",
        description="Convert a score file; the suffixes .csv, .tsv and .parquet say what to what.",
    )
    command.add_argument("source", metavar="FROM", type=Path, help="score file")
    command.add_argument("target", metavar="TO", type=Path, help="score file to write")
    command.set_defaults(run=_convert_scores)


def _convert_scores(arguments: argparse.Namespace) -> None:
    from sdd.scoring.score_files import read_score_file, write_score_file

    write_score_file(arguments.target, read_score_file(arguments.source))
