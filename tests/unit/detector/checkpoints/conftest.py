"""A tiny detector of either kind."""

import pytest

from tests.helpers.tiny_detectors import VARIANTS, make


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request):
    return VARIANTS[request.param]


@pytest.fixture
def detector(variant):
    return make(variant)
