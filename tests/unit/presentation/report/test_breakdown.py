"""Errors by speaker as tables."""

from sdd.presentation.report.breakdown import SHOWN, breakdown_tables


def row(group, algorithm, frr, far, *, number=1, by="speaker", counts=(5, 5)):
    return {
        "model": "m", "init": "post", "algorithm": algorithm, "round": number, "test_set": "itw",
        "by": by, "group": group, "n_real": str(counts[0]), "n_fake": str(counts[1]),
        "eer_percent": "nan", "frr_percent": str(frr), "far_percent": str(far),
    }  # fmt: skip


def test_rates_are_means_over_rounds_and_the_worst_come_first():
    rows = [row("Ann", "none", 10, 20), row("Bob", "none", 0, 0)]
    rows += [row("Ann", "grpo_s", 0, 10, number=n) for n in (1, 2)]
    rows += [row("Bob", "grpo_s", 40 * n, "nan", number=n, counts=(5, 0)) for n in (1, 2)]
    [table] = breakdown_tables(rows, {"itw": "In-the-Wild"})
    assert table.heading == "In-the-Wild, by speaker"
    assert table.columns == ("speaker", "real", "fake", "not fine-tuned", "GRPO_{s}")
    assert table.rows == (
        ("Bob", "5", "5", "0.0 / 0.0", "– / 60.0"),
        ("Ann", "5", "5", "20.0 / 10.0", "10.0 / 0.0"),
    )
    assert "Real trials are those of the whole set" not in table.remark


def test_many_groups_are_cut_short_and_said_to_be():
    rows = [row(f"A{n:03}", "none", 0, n, by="attack") for n in range(SHOWN + 5)]
    [table] = breakdown_tables(rows, {})
    assert len(table.rows) == SHOWN
    assert table.rows[0][0] == f"A{SHOWN + 4:03}"
    assert f"The {SHOWN} with most errors of {SHOWN + 5}" in table.remark
    assert "Real trials are those of the whole set" in table.remark
    assert breakdown_tables([], {}) == []
