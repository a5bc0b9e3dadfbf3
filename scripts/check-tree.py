#!/usr/bin/env python3
"""Properties of the tree that no compiler holds: arrows between crates, modules without knots, files that say what they
are, SQL in one place, links that lead somewhere. Prints what is wrong and exits with 1."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARROWS = {"analytics": set(), "store": {"analytics"}, "server": {"analytics", "store"}}
BANNED_NAMES = {"utils", "common", "core", "helpers"}
problems = []


def code(path):
    """A file's text without comments and without its tests."""
    text = path.read_text().split("#[cfg(test)]")[0]
    return re.sub(r"^\s*//.*$", "", text, flags=re.M)


def check_arrows():
    for crate, allowed in ARROWS.items():
        manifest = (ROOT / "crates" / crate / "Cargo.toml").read_text().split("[dev-dependencies]")[0]
        for other in ARROWS:
            if re.search(rf"^{other}\b", manifest, re.M) and other not in allowed:
                problems.append(f"crates/{crate} must not depend on {other}")
    for banned in ("tokio", "axum", "duckdb", "sqlx", "hyper"):
        if re.search(rf"^{banned}\b", (ROOT / "crates/analytics/Cargo.toml").read_text(), re.M):
            problems.append(f"crates/analytics must not depend on {banned}")


def check_knots(crate):
    source = ROOT / "crates" / crate / "src"
    graph = collections.defaultdict(set)
    for path in source.rglob("*.rs"):
        module = path.relative_to(source).parts[0].removesuffix(".rs")
        if module in ("lib", "main"):
            continue
        text = code(path)
        graph[module] |= set(re.findall(r"crate::([a-z_0-9]+)", text))
        for block in re.findall(r"use crate::\{(.*?)\};", text, re.S):
            while re.search(r"\{[^{}]*\}", block):
                block = re.sub(r"\{[^{}]*\}", "", block)
            graph[module] |= {part.strip().split("::")[0] for part in block.split(",")}

    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for other in graph.get(todo.pop(), ()):
                if other in graph and other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    reached = {module: reach(module) for module in list(graph)}
    knots = {tuple(sorted(n for n in reached if n in reached[m] and m in reached[n])) for m in reached if m in reached[m]}
    for knot in sorted(knot for knot in knots if len(knot) > 1):
        problems.append(f"crates/{crate}: these modules import each other in a loop: {', '.join(knot)}")


def check_files():
    for path in [*ROOT.glob("crates/*/**/*.rs"), *ROOT.glob("bench/src/*.rs")]:
        name = path.relative_to(ROOT)
        if not path.read_text().startswith("//!"):
            problems.append(f"{name} does not open by saying what it is (//!)")
        if path.stem in BANNED_NAMES or path.name == "mod.rs":
            problems.append(f"{name}: no such name; say what it holds")
    sql = ("sql", "sql.rs", "duckdb/sql", "duckdb/sql.rs", "meta", "meta.rs")
    for crate, folders in (("store", sql), ("server", ()), ("analytics", ())):
        for path in (ROOT / "crates" / crate / "src").rglob("*.rs"):
            inside = path.relative_to(ROOT / "crates" / crate / "src")
            if any(str(parent) in folders for parent in (inside, *inside.parents)):
                continue
            for number, line in enumerate(code(path).splitlines(), 1):
                if re.search(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|ATTACH|DETACH) ', line):
                    problems.append(f"crates/{crate}/src/{inside}:{number}: SQL outside of the folders for it")


def check_scopes():
    for path in (ROOT / "crates/server/src").rglob("*.rs"):
        if "ProjectScope::granted" in code(path) and path.name != "auth.rs":
            problems.append(f"{path.relative_to(ROOT)}: only auth.rs may grant a ProjectScope")


def check_links():
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("contract/*.md"), *ROOT.glob("sdk/python/*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text()):
            # Those that begin with a slash are addresses of the server; its tests follow them.
            if not re.match(r"[a-z]+:|/", target) and not (path.parent / target).exists():
                problems.append(f"{path.relative_to(ROOT)}: the link to {target} leads nowhere")


def check_words():
    """Texts for people are free of the phrases in words.txt; a comment is not a text for people."""
    lines = (ROOT / "scripts/words.txt").read_text().splitlines()
    rows = [re.split(r" {2,}", line) for line in lines if line and not line.startswith("#")]
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("sdk/python/README.md"), *ROOT.glob("contract/*.json")]
    paths += [path for kind in ("svelte", "ts") for path in ROOT.glob(f"dashboard/src/**/*.{kind}") if not path.name.endswith(".test.ts")]
    paths += ROOT.glob("crates/*/src/**/*.rs")
    for path in paths:
        name = path.relative_to(ROOT)
        if path.name in ("CHANGELOG.md", "schema.d.ts"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # Those of the server are part of the OpenAPI document.
            comment = r"\s*(//(?!/ )|\* |/\*)" if name.parts[:2] == ("crates", "server") else r"\s*(//|\* |/\*)"
            if re.match(comment, line):
                continue
            for pattern, instead in rows:
                if re.search(rf"\b{pattern}", line, re.I):
                    problems.append(f"{name}:{number}: “{pattern}” reads badly; write: {instead}")


check_arrows()
for crate in ARROWS:
    check_knots(crate)
check_files()
check_scopes()
check_links()
check_words()
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
