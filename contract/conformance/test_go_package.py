"""The Go modules as the server hands them out: installed by go as the documentation says, and its example run as it stands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from languages import go
from product import Product
from running import App
from test_hits import new_key, product, wait_for_hits  # noqa: F401
from test_package import blocks


def test_go_gets_what_the_server_hands_out(product: Product, tmp_path: Path) -> None:  # noqa: F811
    (install,) = blocks("clients/go.md", "sh")
    (example,) = blocks("clients/go.md", "go")
    key = new_key(product)
    here = lambda text: text.replace("http://127.0.0.1:8080", product.url)  # noqa: E731
    environment = go.environment()
    # A module from an earlier run may have the same version and other bytes.
    go.forget_client(environment)

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("go", "mod", "init", "example")
    try:
        run("bash", "-ec", here(install))
    except AssertionError as error:
        if "proxy.golang.org" in str(error) and product.url not in str(error):
            pytest.skip(f"the module proxy is out of reach: {error}")
        raise
    (tmp_path / "main.go").write_text(here(example))
    run("go", "build", "-o", "app", ".")
    sums = (tmp_path / "go.sum").read_text()
    assert re.search(r"^api-analytics\.local/go v\S+ h1:", sums, re.M), sums

    # The modules handed out are those built from this tree.
    built = subprocess.check_output([go.SDK / "build.sh"], text=True).strip()
    cached = Path(environment["GOMODCACHE"]) / "cache/download/api-analytics.local/go/gin/@v"
    for file in (go.SDK.parents[1] / built / "api-analytics.local/go/gin/@v").iterdir():
        if file.suffix in (".mod", ".zip"):
            assert file.read_bytes() == (cached / file.name).read_bytes(), "the server was built before the client changed"
    # It can be taken along where the server is out of reach.
    run("go", "mod", "vendor")
    shutil.rmtree(tmp_path / "vendor")

    app = App(tmp_path, {"command": ["./app"], "env": {"KEY": key, "GIN_MODE": "release"}}, "", "", tmp_path / "log")
    try:
        app.items(1, 2)
        app.stop()
    finally:
        app.kill()
    found = wait_for_hits(product, key, 2)
    assert [(hit["path"], hit["route"]) for hit in found] == [("/items/1", "/items/{id}"), ("/items/2", "/items/{id}")]
    assert app.printed() == ""
