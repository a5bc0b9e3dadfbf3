"""The Rust crate as the server hands it out: cargo installs it as the documentation and the start page say, and their examples run as they
stand. One project holds all of them, since most of the time is the compiler's."""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from languages import rust
from product import Product
from running import App
from test_hits import hits, new_key, product  # noqa: F401

ROOT = Path(__file__).parents[2]
# All listen on the same address; the test chooses it.
ADDRESS, CHOSEN = '"127.0.0.1:3000"', 'std::env::var("LISTEN").unwrap()'
PACKAGE = subprocess.check_output(["bash", "-c", "./build.sh > /dev/null && cat dist/package"], cwd=ROOT / "sdk/rust", text=True).strip()
# By the names of the start page's snippets.
FRAMEWORKS = {"axum": "Axum", "actix": "Actix Web", "rocket": "Rocket"}


def snippets(server: str, key: str) -> "dict[str, dict[str, str]]":
    """The start page's snippets, by the page's own code."""
    script = f"""
        import ts from '{ROOT}/dashboard/node_modules/typescript/lib/typescript.js';
        import {{ readFileSync }} from 'node:fs';
        const source = readFileSync('{ROOT}/dashboard/src/start/snippets.ts', 'utf8');
        const options = {{ module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }};
        const code = ts.transpileModule(source, {{ compilerOptions: options }}).outputText;
        const {{ toSnippets }} = await import('data:text/javascript,' + encodeURIComponent(code));
        console.log(JSON.stringify(toSnippets('{server}', '{key}', [{{ language: 'rust', package: '{PACKAGE}' }}])));
    """
    said = subprocess.check_output(["node", "--input-type=module", "-e", script], text=True)
    return {snippet["name"]: snippet for snippet in json.loads(said)}


def blocks(language: str) -> "list[str]":
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs/clients/rust.md").read_text(), re.S)


class Project:
    """A fresh project with the dependencies of `contract/apps/rust`, whose compiled ones are used again, and the crate of the server."""

    def __init__(self, folder: Path, server: str, key: str) -> None:
        self.folder = folder
        (folder / "src/bin").mkdir(parents=True)
        shutil.copy(rust.APPS / "Cargo.lock", folder)
        manifest = (rust.APPS / "Cargo.toml").read_text()
        (folder / "Cargo.toml").write_text(re.sub(r"^api-analytics-client .*\n", "", manifest, flags=re.M))
        self.page = snippets(server, key)
        (install,) = blocks("sh")
        (example,) = blocks("rust")
        for name, code in {"docs": example, **{name: self.page[name]["code"] for name in FRAMEWORKS}}.items():
            assert code.count(ADDRESS) == (name != "rocket")
            code = code.replace("http://127.0.0.1:8080", server).replace(ADDRESS, CHOSEN)
            (folder / f"src/bin/fresh_{name}.rs").write_text(code)
        self.run(install.replace("http://127.0.0.1:8080", server))
        for name in FRAMEWORKS:
            registry, _, add = self.page[name]["install"].rpartition("; ")
            # Cargo refuses a second registry of the same name, so the page's is compared.
            before = (folder / ".cargo/config.toml").read_text()
            (folder / ".cargo/config.toml").unlink()
            for _ in range(2):  # the second time it is there
                self.run(registry)
            assert (folder / ".cargo/config.toml").read_text() == before
            self.run(add)

    def run(self, line: str) -> None:
        said = subprocess.run(["bash", "-euc", line], cwd=self.folder, capture_output=True, text=True, timeout=900)
        if "index.crates.io" in said.stderr and said.returncode != 0:
            pytest.skip(f"the public registry cannot be reached: {said.stderr[-300:]}")
        assert said.returncode == 0, said.stderr


@pytest.fixture(scope="module")
def project(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: F811
    key = new_key(product)
    subprocess.run([ROOT / "sdk/rust/build.sh"], check=True, capture_output=True)
    registry = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry"
    places = [rust.TARGET / "debug", *(rust.TARGET / "debug" / name for name in ("deps", ".fingerprint", "build")),
              *(registry / name for name in ("index", "cache", "src"))]  # fmt: skip
    before = {place: set(place.glob("*")) for place in places}
    project = Project(tmp_path_factory.mktemp("fresh") / "project", product.url, key)
    project.key = key
    rust.cargo("build", "--quiet", "--bins", folder=project.folder, CARGO_INCREMENTAL="0")
    yield project
    # Each run has another address, under which cargo would keep all of this for ever.
    for place, names in before.items():
        for new in set(place.glob("*")) - names:
            shutil.rmtree(new) if new.is_dir() else new.unlink(missing_ok=True)


def test_what_is_handed_out_is_built_from_this_tree(product: Product, project: Any) -> None:  # noqa: F811
    lock = (project.folder / "Cargo.lock").read_text()
    (entry,) = [entry for entry in lock.split("[[package]]") if 'name = "api-analytics-client"' in entry]
    assert f'source = "sparse+{product.url}/sdk/rust/"' in entry and "checksum" in entry
    file = f"crates/{PACKAGE.replace('@', '-')}.crate"
    with urllib.request.urlopen(f"{product.url}/sdk/rust/{file}") as sent:
        assert sent.read() == (ROOT / "sdk/rust/dist" / file).read_bytes(), "the server was built before the client changed"


@pytest.mark.parametrize("name", ["docs", *FRAMEWORKS])
def test_examples_run_as_they_stand(name: str, product: Product, project: Any, tmp_path: Path) -> None:  # noqa: F811
    path = "/items/7" if name == "docs" else "/"
    command = f"LISTEN=127.0.0.1:$PORT ROCKET_PORT=$PORT exec {rust.TARGET}/debug/fresh_{name}"
    row = {"command": ["bash", "-c", command], "env": {"KEY": project.key, "ROCKET_LOG_LEVEL": "off"}}
    app = App(tmp_path, row, "", "", tmp_path / "log")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{app.port}{path}") as answer:
            assert answer.status == 200
        framework = FRAMEWORKS.get(name, "Axum")
        mine = lambda hit: (hit["path"], hit["framework"]) == (path, framework)  # noqa: E731
        (hit,) = [hit for hit in wait_for(product, project.key, mine) if mine(hit)]
    finally:
        app.kill()
    route = "/items/{id}" if name == "docs" else "/"
    assert (hit["route"], hit["status"], hit["address"]) == (route, 200, "127.0.0.1")
    assert app.printed() == ""


def wait_for(product: Product, key: str, met: Any) -> "list[dict[str, Any]]":  # noqa: F811
    deadline = time.monotonic() + 60
    while not any(map(met, found := hits(product, key))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
