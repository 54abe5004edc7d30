"""Every test begins with an MGM that nobody has started."""

import os
from collections.abc import Iterator

import pytest

# MGM reads its environment when it starts.
os.environ["MGM_FORWARDER"] = "memory"
os.environ.setdefault("MGM_LOG", "off")

import mgm  # noqa: E402


needs_router = pytest.mark.skipif(
    "MGM_SHIM_ROUTER" in os.environ, reason="needs the router's own process"
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    mgm.host.stop()
