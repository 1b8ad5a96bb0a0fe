"""Counts of a run's jobs, and how long the rest may take, computed by hand."""

import pytest

from snakemake_logger_plugin_sdd.jobs import Job, Jobs, Remaining


def job(rule, since):
    return Job(rule, f"{rule} of something", since)


def run(*, planned, ended):
    """Jobs of which some ended, one after the other: (rule, seconds)."""
    jobs, now = Jobs(), 0.0
    jobs.plan(planned)
    for number, (rule, seconds) in enumerate(ended):
        jobs.start(number, job(rule, now))
        now += seconds
        jobs.finish(number, now)
    return jobs, now


def test_nothing_is_said_before_anything_ended():
    jobs, now = run(planned={"train": 3}, ended=[])
    assert jobs.remaining(now) is None
    jobs.start(1, job("train", 0.0))
    assert jobs.remaining(100.0) is None


def test_the_rest_takes_the_mean_of_what_ended():
    jobs, now = run(planned={"train": 5}, ended=[("train", 10.0), ("train", 20.0)])
    assert jobs.remaining(now) == Remaining(3 * 15.0, whole=True)


def test_what_a_running_job_has_behind_it_counts_up_to_the_mean():
    jobs, now = run(planned={"train": 3}, ended=[("train", 10.0)])
    jobs.start(9, job("train", now))
    assert jobs.remaining(now + 4).seconds == pytest.approx(6 + 10)
    assert jobs.remaining(now + 400).seconds == pytest.approx(10)


def test_jobs_beside_each_other_share_the_time():
    jobs = Jobs()
    jobs.plan({"train": 8})
    for number in range(4):
        jobs.start(number, job("train", 0.0))
    for number in range(4):
        jobs.finish(number, 10.0)
    assert jobs.remaining(10.0) == Remaining(10.0, whole=True)


def test_rules_of_which_nothing_is_known_make_it_a_lower_bound():
    jobs, now = run(planned={"train": 3, "score": 2}, ended=[("train", 10.0)])
    assert jobs.remaining(now) == Remaining(20.0, whole=False)
    # A tenth of what remains may be unknown.
    jobs, now = run(planned={"train": 19, "score": 2}, ended=[("train", 10.0)])
    assert jobs.remaining(now) == Remaining(180.0, whole=True)


def test_jobs_that_a_checkpoint_adds_are_unknown():
    jobs, now = run(planned={"train": 3}, ended=[("train", 10.0)])
    assert jobs.remaining(now).whole
    jobs.progress(1, 9)
    assert (jobs.done, jobs.total) == (1, 9)
    assert jobs.remaining(now) == Remaining(20.0, whole=False)


def test_a_job_that_is_tried_again_is_timed_from_its_last_start():
    jobs = Jobs()
    jobs.plan({"train": 2})
    jobs.start(1, job("train", 0.0))
    assert jobs.fail(1) == job("train", 0.0)
    assert (jobs.failed, jobs.done, jobs.running) == (1, 0, {})
    jobs.start(1, job("train", 50.0))
    jobs.finish(1, 60.0)
    # 10 seconds of work in the minute that passed: no fewer than one job at once.
    assert jobs.remaining(60.0) == Remaining(10.0, whole=True)


def test_a_job_that_was_never_heard_of_is_counted():
    jobs, _ = run(planned={"train": 2}, ended=[])
    assert jobs.finish(7, 1.0) is None
    assert jobs.fail(8) is None
    assert (jobs.done, jobs.failed) == (1, 1)
