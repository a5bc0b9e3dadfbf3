"""Go's apps, built with the client of this tree and the frameworks that `apps/go/go.sum` pins."""

import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "apps/go"
SDK = Path(__file__).parents[3] / "sdk/go"


def environment() -> "dict[str, str]":
    """With modules and compiled packages in the cache, and no other toolchain than the installed one."""
    cache = Path(os.environ.get("API_ANALYTICS_CACHE") or Path.home() / ".cache/api-analytics") / "go"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GO")},
        "GOCACHE": str(cache / "build"),
        "GOMODCACHE": str(cache / "mod"),
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "HOME": str(Path.home()),
    }


def forget_client(environment: "dict[str, str]") -> None:
    """Removes from the cache what any server handed out: a version's bytes never change, but while it is being worked on."""
    modules = Path(environment["GOMODCACHE"])
    for folder in (modules / "api-analytics.local", modules / "cache/download/api-analytics.local"):
        if folder.exists():
            subprocess.run(["chmod", "-R", "u+w", folder], check=True)  # Go makes modules read-only
            shutil.rmtree(folder)


def prepare(folder: Path) -> "dict[str, str]":
    (folder / "go-apps").mkdir()
    subprocess.run(["go", "build", "-o", f"{folder}/go-apps/", "./..."], cwd=SOURCES, env=environment(), check=True)
    return {}
