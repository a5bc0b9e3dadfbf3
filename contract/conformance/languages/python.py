"""Python: the client's wheel, unpacked, and the environments with the newest and the oldest frameworks, which the client's tests also use."""

import subprocess
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
SDK = ROOT / "sdk/python"


def prepare(folder: Path) -> "dict[str, str]":
    apps = folder / "python"
    for name, requirements in (("newest", "test"), ("oldest", "oldest")):
        command = [ROOT / "scripts/venv.sh", SDK / f"requirements-{requirements}.txt", f"python-{requirements}"]
        (apps / name).symlink_to(subprocess.check_output(command, text=True).strip())
    wheel = ROOT / subprocess.check_output([SDK / "build.sh"], text=True).strip()
    zipfile.ZipFile(wheel).extractall(apps / "client")
    return {"PYTHONPATH": f"{apps / 'client'}:{apps}", "PYTHONDONTWRITEBYTECODE": "1"}
