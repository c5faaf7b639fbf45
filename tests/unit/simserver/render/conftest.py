from collections.abc import Iterator

import pytest

from synthgen.simserver.render.renderer import Renderer


@pytest.fixture(scope="session")
def renderer() -> Iterator[Renderer]:
    with Renderer(1) as made:
        yield made
