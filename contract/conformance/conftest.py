"""The folder from which apps are started, made once a run."""

from pathlib import Path

import pytest
from running import make_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("apps") / "apps")
