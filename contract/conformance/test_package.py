"""The Node package as the server hands it out: installed by npm as the documentation says, and its example run as it stands."""

import hashlib
import json
import re
import subprocess
import urllib.request
from pathlib import Path

from languages import node
from product import Product
from running import App
from test_hits import new_key, product, wait_for_hits  # noqa: F401

DOCS = Path(__file__).parent.parent.parent / "docs"


def blocks(page: str, language: str) -> "list[str]":
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.S)


def test_npm_installs_what_the_server_hands_out(product: Product, tmp_path: Path) -> None:  # noqa: F811
    (line,) = [block for block in blocks("getting-started.md", "sh") if block.startswith("npm install ")]
    (example,) = [block for block in blocks("getting-started.md", "js") if "expressAnalytics" in block]
    key = new_key(product)
    here = lambda text: text.replace("http://127.0.0.1:8080", product.url)  # noqa: E731

    (tmp_path / "package.json").write_text('{"type": "module"}')
    command = [*here(line).split(), "--no-audit", "--no-fund", "--cache", str(tmp_path / "npm")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=400)
    package = json.loads((tmp_path / "node_modules/api-analytics-client/package.json").read_text())
    assert "devDependencies" not in package and "dependencies" not in package and "scripts" not in package
    lock = json.loads((tmp_path / "package-lock.json").read_text())["packages"]["node_modules/api-analytics-client"]
    assert lock["resolved"].startswith(product.url + "/sdk/node/") and lock["integrity"].startswith("sha512-")
    # The list has the hash that whoever pins it otherwise needs.
    file = lock["resolved"].rpartition("/")[2]
    with urllib.request.urlopen(f"{product.url}/sdk/node/") as listed, urllib.request.urlopen(lock["resolved"]) as sent:
        assert hashlib.sha256(sent.read()).hexdigest() in listed.read().decode()
    assert file == f"api-analytics-client-{package['version']}.tgz"
    # And what is handed out is what is built from this tree.
    with urllib.request.urlopen(lock["resolved"]) as sent:
        assert sent.read() == node.client().read_bytes(), "the server was built before the client changed"
    subprocess.run(["npm", "ci", "--cache", tmp_path / "npm"], cwd=tmp_path, check=True, capture_output=True, timeout=400)

    node.link_frameworks(tmp_path / "node_modules")
    rest = "app.get('/items/:id', (_, answer) => answer.send('yes'));\nconst server = app.listen(process.env.PORT, '127.0.0.1');\n"
    (tmp_path / "app.mjs").write_text(here(example) + rest + "process.once('SIGTERM', () => server.close());\n")
    app = App(tmp_path, {"command": ["node", "app.mjs"], "env": {"KEY": key}}, "", "", tmp_path / "log")
    try:
        app.items(1, 2)
        app.stop()
    finally:
        app.kill()
    found = wait_for_hits(product, key, 2)
    assert [(hit["path"], hit["route"]) for hit in found] == [("/items/1", "/items/{id}"), ("/items/2", "/items/{id}")]
    assert app.printed() == ""
