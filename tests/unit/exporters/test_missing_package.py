from __future__ import annotations

import sys

import pytest

from exporters.formats import load_format
from synthgen.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "package", "module"),
    [("mcap", "foxglove", "exporters.mcap.writer"), ("rerun", "rerun", "exporters.rerun.writer")],
)
def test_a_missing_package_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, module: str
) -> None:
    for loaded in [m for m in sys.modules if m == package or m.startswith(f"exporters.{name}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"{name}: needs the package {package}.*\[{name}\]'$"):
        load_format(name)
