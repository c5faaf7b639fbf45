"""Options and fixtures of the whole test suite."""

import importlib
from types import ModuleType

import pytest
from hypothesis import settings

# How long an example takes says nothing on a machine that others use, too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture(scope="session")
def open3d() -> ModuleType:
    """Open3D as an oracle; its tests skip where the system lacks a library that it links."""
    try:
        return importlib.import_module("open3d")
    except OSError as err:
        pytest.skip(f"open3d: {err} (synthgen doctor says what to install)")
