"""Score files of every form, keys of every form, and the forms that are written."""

import io
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.tables import TEXT_TOKENS, _variants
from tests.fuzz.target import Target

_TRIALS = 24


def _trials() -> Iterator[tuple[int, float, float, int]]:
    for number in range(_TRIALS):
        yield number, (number * 7 % 11) / 3 - 1, (number * 5 % 13) / 4 - 1, number % 2


def _csv(folder: Path) -> list[bytes]:
    two = "".join(f'u{n},"[{fake}, {real}]",{label}\n' for n, fake, real, label in _trials())
    one = "".join(f"u{n},{real},{label}\n" for n, _, real, label in _trials())
    header = "ID,Score,Label\n"
    return [
        *_variants(header + two),
        *_variants(header + one),
        (header + two).replace('"', "").replace(",", ";").replace("; ", ", ").encode(),
    ]


def _text(folder: Path) -> list[bytes]:
    labels = ("spoof", "bonafide")
    trials = [(n, real, labels[label]) for n, _, real, label in _trials()]
    return [
        *_variants("".join(f"T E{n} {score} {label}\n" for n, score, label in trials)),
        "".join(f"E{n} A07 {label} {score}\n" for n, score, label in trials).encode(),
    ]


def _pairs(folder: Path) -> list[bytes]:
    (folder / "key.txt").write_text(_key_lines("{} {}\n"))
    scores = [(f"s{n}", real) for n, _, real, _ in _trials()]
    return [
        *_variants("".join(f"{name} {score}\n" for name, score in scores)),
        b"filename\tcm-score\n" + b"".join(f"{n}\t{s}\n".encode() for n, s in scores),
    ]


def _key_lines(line: str) -> str:
    words = ("spoof", "bonafide")
    return "".join(line.format(f"s{n}", words[label]) for n, _, _, label in _trials())


def _keys(folder: Path) -> list[bytes]:
    return [
        *_variants("file_name,label\n" + _key_lines("{},{}\n")),
        *(
            form.encode()
            for form in (
                "ID,Speaker,Label\n" + _key_lines("{},-,{}\n"),
                "filename\tcm-label\n" + _key_lines("{}\t{}\n"),
                _key_lines("{} {}\n"),
                _key_lines("T {} - A07 {}\n"),
                _key_lines("T {} alaw x A07 {} notrim eval\n"),
                _key_lines("T {} F - - - AC1 A05 {} -\n"),
            )
        ),
    ]


def _parquet(folder: Path) -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers, fakes, reals, labels = zip(*_trials(), strict=True)
    columns = {
        "label": ["real" if label else "fake" for label in labels],
        "logit_fake": pa.array(fakes, pa.float32()),
        "logit_real": pa.array(reals, pa.float32()),
    }
    contents = []
    for names in ([f"s{number}" for number in numbers], list(numbers)):
        for options in ({}, {"compression": "none", "use_dictionary": False}):
            buffer = io.BytesIO()
            pq.write_table(pa.table({"segment_id": names, **columns}), buffer, **options)
            contents.append(buffer.getvalue())
    return contents


def _evaluate(folder: Path, path: Path) -> None:
    from sdd.analysis.score_file_evaluation import as_json, as_table, evaluate_files

    found, errors = evaluate_files([path], "logit")
    as_table(found)
    as_json(found)
    if errors:
        raise errors[0]


def _evaluate_with_key(folder: Path, path: Path) -> None:
    from sdd.scoring.score_files import read_labelled_scores
    from sdd.scoring.trial_keys import read_trial_key

    read_labelled_scores(path, read_trial_key(folder / "key.txt"))


def _read_key(folder: Path, path: Path) -> None:
    from sdd.scoring.trial_keys import read_trial_key

    key = read_trial_key(path)
    assert key.labels
    assert set(key.labels.values()) <= {"real", "fake"}


def _convert_to_each(folder: Path, path: Path) -> None:
    from sdd.errors import InputError
    from sdd.scoring.score_lines import read_score_lines
    from sdd.scoring.score_writing import FORMS, write_scores_as
    from sdd.scoring.trial_matching import match_trials

    lines = match_trials(read_score_lines(path))
    for form, written in FORMS.items():
        target = folder / f"converted-{form}{written.suffixes[0]}"
        try:
            write_scores_as(form, target, lines, "difference")
        except InputError as error:
            if "has a space" not in str(error) and "absolute path" not in str(error):
                raise
            continue
        assert read_score_lines(target).names == lines.names


def _convert(folder: Path, path: Path) -> None:
    from sdd.scoring.score_files import read_score_file, write_score_file

    write_score_file(folder / "converted.tsv", read_score_file(path))


TARGETS = (
    Target("score-csv", "scores.csv", _csv, _evaluate, TEXT_TOKENS),
    Target("score-text", "scores.txt", _text, _evaluate, TEXT_TOKENS),
    Target("score-parquet", "scores.parquet", _parquet, _evaluate, (b"PAR1", b"\x15", b"\x19")),
    Target("score-convert", "convert.csv", _csv, _convert, TEXT_TOKENS),
    Target("score-pairs", "pairs.txt", _pairs, _evaluate_with_key, TEXT_TOKENS),
    Target("score-key", "trials.txt", _keys, _read_key, TEXT_TOKENS),
    Target("score-forms", "forms.txt", _text, _convert_to_each, TEXT_TOKENS, inputs=60),
)
