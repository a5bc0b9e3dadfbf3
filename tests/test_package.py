"""The Debian package: installed, upgraded, removed and purged by dpkg, in a copy of this system that is thrown away.

The copy is an overlay over `/`, so nothing is downloaded and nothing of this system changes. No systemd runs in it: the units
are judged by `systemd-analyze`, and the program is started by hand as they start it.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from server import ROOT, binary, clean_environment

SUDO = [] if os.geteuid() == 0 else ["sudo"]


def build(folder: Path, version: str) -> Path:
    """Built from the binary under test and its library."""
    environment = clean_environment() | {"PACKAGE_VERSION": version, "PACKAGE_COMPRESSOR": "none"}
    command = [ROOT / "packaging/debian/build.sh", binary(), folder]
    return Path(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip())


class System:
    """A copy of this system, without the checkout and its build."""

    def __init__(self, packages: list[Path]):
        # Not in the test's folder, which is searched for logs: that would search the whole system.
        self.folder = Path(tempfile.mkdtemp(prefix="api-analytics-package-"))
        # In memory, because an overlay's layer must not be inside the covered folder.
        subprocess.run([*SUDO, "mount", "-t", "tmpfs", "tmpfs", self.folder], check=True)
        self.root = self.folder / "root"
        upper, work = self.folder / "upper", self.folder / "work"
        for made in (self.root, upper, work):
            made.mkdir()
        options = f"lowerdir=/,upperdir={upper},workdir={work}"
        subprocess.run([*SUDO, "mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        self.run(f"rm -rf {ROOT}/.duckdb && mkdir -p /packages")
        for package in packages:
            subprocess.run([*SUDO, "cp", package, self.root / "packages"], check=True)

    def run(self, script: str, fails: bool = False) -> str:
        # `/proc` as in the unit.
        prepare = (
            'mount --rbind /dev "$1/dev"; mount -t proc -o subset=pid,hidepid=invisible proc "$1/proc"; '
            'exec chroot "$1" sh -ec "$2"'
        )
        isolated = ["unshare", "--mount", "--pid", "--fork", "--net", "sh", "-ec", prepare, "sh", self.root, script]
        command = [*SUDO, *isolated]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
        assert (done.returncode != 0) == fails, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def close(self) -> None:
        for mounted in (self.root, self.folder):
            subprocess.run([*SUDO, "umount", mounted], check=True)
        self.folder.rmdir()


def may_mount() -> bool:
    """Whether mounting works: a container may forbid it, whatever its user is."""
    return subprocess.run([*SUDO, "unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).returncode == 0


@pytest.fixture
def system(tmp_path):
    if not may_mount():
        pytest.skip("nothing may be mounted here: the package is not installed anywhere")
    made = System([build(tmp_path, "1.0.0"), build(tmp_path, "1.0.1")])
    yield made
    made.close()


# As the unit starts it, with a socket of its own instead of systemd's.
SERVE = """
ip link set lo up 2> /dev/null || true
setpriv --reuid api-analytics --regid api-analytics --clear-groups \\
  /usr/bin/api-analytics serve --config /etc/api-analytics/config.toml > /tmp/log 2>&1 &
for _ in $(seq 600); do [ -S /var/lib/api-analytics/data/control.sock ] && break; sleep 0.1; done
"""


def test_the_package_is_installed_upgraded_removed_and_purged(system):
    system.run("dpkg -i /packages/api-analytics_1.0.0_*.deb")
    # The library beside the program, and not that of a build.
    assert "=> /usr/lib/api-analytics/libduckdb.so" in system.run("ldd /usr/lib/api-analytics/api-analytics")
    assert system.run("stat -c '%U %a' /var/lib/api-analytics/data /etc/api-analytics/config.toml").split() == [
        "api-analytics", "700", "root", "640",
    ]  # fmt: skip
    create = "api-analytics project create --config /etc/api-analytics/config.toml --name shop"
    made = system.run(
        f"{SERVE}\n{create}\napi-analytics health --config /etc/api-analytics/config.toml; kill -TERM $!; wait $!"
    )
    key = re.search(r"key +([0-9a-f-]{36})", made)[1]
    assert '{"status":"healthy"}' in made

    system.run("echo '# mine' >> /etc/api-analytics/config.toml; dpkg -i /packages/api-analytics_1.0.1_*.deb")
    listed = "api-analytics key list --config /etc/api-analytics/config.toml"
    assert key[:6] in system.run(listed), "an upgrade keeps the data"
    assert "# mine" in system.run("cat /etc/api-analytics/config.toml"), "and the settings"
    assert system.run("find /var/lib/api-analytics ! -user api-analytics") == ""

    system.run(
        "dpkg --remove api-analytics; test ! -e /usr/bin/api-analytics; test -e /var/lib/api-analytics/data/meta.sqlite"
    )
    system.run("dpkg --purge api-analytics")
    system.run("test ! -e /var/lib/api-analytics; test ! -e /etc/api-analytics; ! getent passwd api-analytics")


def test_the_unit_is_hardened(tmp_path):
    assert shutil.which("systemd-analyze"), "systemd is missing, which run.sh installs"
    unit = ROOT / "packaging/api-analytics.service"
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=15", unit],
        capture_output=True, text=True,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout + judged.stderr
    level = float(re.search(r"exposure level for \S+: ([0-9.]+)", judged.stdout)[1])
    assert level < 1.5, judged.stdout
    # The counter-example: a service without any of it.
    bare = tmp_path / "api-analytics.service"
    bare.write_text("[Service]\nExecStart=/usr/bin/api-analytics serve\n")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=15", bare], capture_output=True
    )
    assert judged.returncode != 0
