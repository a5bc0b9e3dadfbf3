"""Python: the client's wheel, unpacked, and the environments with the newest and the oldest frameworks, which the client's tests also use."""

import subprocess
import zipfile
from pathlib import Path

SDK = Path(__file__).parents[3] / "sdk/python"


def prepare(folder: Path) -> "dict[str, str]":
    apps = folder / "python"
    for name, requirements in (("newest", "test"), ("oldest", "oldest")):
        command = [SDK / "venv.sh", f"requirements-{requirements}.txt"]
        (apps / name).symlink_to(subprocess.check_output(command, text=True).strip())
    wheel = SDK.parents[1] / subprocess.check_output([SDK / "build.sh"], text=True).strip()
    zipfile.ZipFile(wheel).extractall(apps / "client")
    return {"PYTHONPATH": f"{apps / 'client'}:{apps}", "PYTHONDONTWRITEBYTECODE": "1"}
