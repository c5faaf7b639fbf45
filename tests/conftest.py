"""Options of the whole test suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--carla-host",
        default=None,
        metavar="HOST:PORT",
        help="run tests/client against this CARLA server, not against ours",
    )
    parser.addoption(
        "--export-dataset",
        default=None,
        metavar="FOLDER",
        help="read this dataset in tests/exports, instead of making one (exports.yaml there)",
    )
