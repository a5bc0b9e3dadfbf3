"""The folder from which apps are started, made once a run."""

import shutil
from pathlib import Path

import pytest
from running import APPS, prepare


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `apps` that has what the chosen tests need of each language."""
    folder = tmp_path_factory.mktemp("apps") / "apps"
    shutil.copytree(APPS, folder)
    given = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    prepare(folder, [params["app"] for params in given if "app" in params])
    return folder
