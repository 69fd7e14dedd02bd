from __future__ import annotations

import pytest
from simulated_scan import Simulated, simulated_and_fitted


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulated_and_fitted(tmp_path_factory.mktemp("data"))
