"""Rust: the apps of `apps/rust`, compiled with the client of this tree. One target folder in the cache serves every run."""

import os
import subprocess
from pathlib import Path

APPS = Path(__file__).parents[2] / "apps/rust"
TARGET = Path(os.environ.get("API_ANALYTICS_CACHE", Path.home() / ".cache/api-analytics")) / "rust-apps"


def cargo(*words: str, folder: Path = APPS, **settings: str) -> None:
    """Runs cargo with the apps' target folder."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), **settings}
    subprocess.run(["cargo", *words], cwd=folder, check=True, env=environment)


def prepare(folder: Path) -> "dict[str, str]":
    cargo("build", "--locked", "--quiet")
    for app in (APPS / "src/bin").iterdir():
        (folder / "rust" / app.stem).symlink_to(TARGET / "debug" / app.stem)
    return {}
