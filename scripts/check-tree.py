#!/usr/bin/env python3
"""Properties of the tree that no compiler holds: arrows between crates, modules without knots, files that say what they
are, SQL in one place, links that lead somewhere. Prints what is wrong and exits with 1."""

import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARROWS = {"analytics": set(), "store": {"analytics"}, "server": {"analytics", "store"}}
BANNED_NAMES = {"utils", "common", "core", "helpers"}
problems = []


def code(path):
    """A file's text without comments and without its tests."""
    if path.name == "tests.rs":
        return ""
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


def paths_used(text, module):
    """The absolute paths (`a::b`) of this crate that a file of `module` (a tuple) names, by `crate::` or `super::`."""
    found = set()

    def add(base, rest):
        """`rest` may hold braces: a::{b, c::{d}}."""
        head, brace, inside = rest.partition("{")
        prefix = base + tuple(part for part in head.split("::") if part)
        if not brace:
            found.add(prefix)
            return
        depth, begin = 0, 0
        inside = inside[: inside.rfind("}")]
        for place, sign in enumerate(inside + ","):
            depth += (sign == "{") - (sign == "}")
            if sign == "," and depth == 0:
                add(prefix, re.sub(r"\s+", "", inside[begin:place]))
                begin = place + 1

    for root, rest in re.findall(r"\b(crate|super(?:::super)*)::((?:[A-Za-z_0-9]+::)*(?:[A-Za-z_0-9]+|\{[^;]*\}(?=;)))", text):
        base = () if root == "crate" else module[: len(module) - root.count("super")]
        add(base, re.sub(r"\s+", "", rest))
    return found


def check_knots(crate):
    """Modules beside each other, at every depth, import each other in no loop."""
    source = ROOT / "crates" / crate / "src"
    uses = {}
    for path in source.rglob("*.rs"):
        module = path.relative_to(source).with_suffix("").parts
        if module[0] not in ("lib", "main"):
            uses[module] = paths_used(code(path), module)
    for folder in {module[:depth] for module in uses for depth in range(len(module))}:
        graph = collections.defaultdict(set)
        at = len(folder)
        children = {module[at] for module in uses if module[:at] == folder and len(module) > at}
        for module, used in uses.items():
            if module[:at] == folder and len(module) > at:
                graph[module[at]] |= {path[at] for path in used if path[:at] == folder and len(path) > at and path[at] in children}
        for knot in knots_of(graph):
            where = "/".join((f"crates/{crate}/src", *folder))
            problems.append(f"{where}: these modules import each other in a loop: {', '.join(knot)}")


def knots_of(graph):
    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for other in graph.get(todo.pop(), ()):
                if other in graph and other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    reached = {node: reach(node) for node in list(graph)}
    knots = {tuple(sorted(n for n in reached if n in reached[m] and m in reached[n])) for m in reached if m in reached[m]}
    return sorted(knot for knot in knots if len(knot) > 1)


def check_paths():
    """Files named in the documents for developers exist; `x.rs` may be in any folder."""
    files = [str(path) for folder in ("crates", "dashboard/src", "dashboard/browser", "tests", "scripts", "sdk", "bench", "contract", "docs") for path in (ROOT / folder).rglob("*.*")]
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        for named in re.findall(r"\b[a-z_0-9/.{},-]+\.(?:rs|py|ts)\b", (ROOT / name).read_text()):
            prefix, brace, rest = named.partition("{")
            alternatives, _, suffix = rest.partition("}")
            for each in [prefix + one + suffix for one in alternatives.split(",")] if brace else [named]:
                if not any(path.endswith(f"/{each}") or f"/{each.replace('/', '/src/', 1)}" in path for path in files):
                    problems.append(f"{name}: there is no {each}")


def check_files():
    for path in [*ROOT.glob("crates/*/**/*.rs"), *ROOT.glob("bench/src/*.rs")]:
        name = path.relative_to(ROOT)
        if not path.read_text().startswith("//!"):
            problems.append(f"{name} does not open by saying what it is (//!)")
        if path.stem in BANNED_NAMES or path.name == "mod.rs":
            problems.append(f"{name}: no such name; say what it holds")
    sql = ("sql", "sql.rs", "duckdb/sql", "duckdb/sql.rs", "clickhouse/sql", "clickhouse/sql.rs", "meta", "meta.rs")
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
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("contract/*.md"), *ROOT.glob("sdk/*.md"), *ROOT.glob("sdk/*/*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text()):
            # Targets that begin with a slash are addresses of the server; its tests follow them.
            if not re.match(r"[a-z]+:|/", target) and not (path.parent / target).exists():
                problems.append(f"{path.relative_to(ROOT)}: the link to {target} leads nowhere")


def check_comments():
    """No comment begins with "What", as a translation would: its subject comes first."""
    kinds = (".rs", ".ts", ".svelte", ".mjs", ".js", ".py", ".go", ".sh", ".css")
    for path in (ROOT / name for name in subprocess.check_output(["git", "-C", ROOT, "ls-files"], text=True).split("\n")):
        if path.suffix not in kinds or not path.exists():
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.match(r"""\s*(//[/!]?|/?\*{1,2}|#|\"{3}) ?What\b""", line):
                problems.append(f"{path.relative_to(ROOT)}:{number}: a comment begins with “What”; begin with its subject")


def check_words():
    """Texts for people are free of the phrases in words.txt; comments are not checked."""
    lines = (ROOT / "scripts/words.txt").read_text().splitlines()
    rows = [re.split(r" {2,}", line) for line in lines if line and not line.startswith("#")]
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sdk/*/README.md"), *ROOT.glob("contract/*.json")]
    paths += [path for kind in ("svelte", "ts") for path in ROOT.glob(f"dashboard/src/**/*.{kind}") if not path.name.endswith(".test.ts")]
    paths += ROOT.glob("crates/*/src/**/*.rs")
    for path in paths:
        name = path.relative_to(ROOT)
        if path.name in ("CHANGELOG.md", "schema.d.ts"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # Doc comments of the server are part of the OpenAPI document.
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
check_comments()
check_links()
check_paths()
check_words()
for problem in problems:
    print(problem)
sys.exit(1 if problems else 0)
