"""The fork server of tests that need processes of their own."""

import sys

import pytest


@pytest.fixture(scope="session", autouse=True)
def server():
    """Start it before anything starts one that knows less; where such tests were collected."""
    if processes := sys.modules.get("tests.helpers.processes"):
        processes.start_server()
