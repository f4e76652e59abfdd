"""What a machine may lack that a test needs."""

import os
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Skip a test for what this machine lacks, but fail where all that the tests need should be installed."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
