//! Properties of the source: permissions are tied to the file that may use them.

use std::path::{Path, PathBuf};

use crate::app::root;

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// Names of this crate's files that contain `needle`, outside of their tests.
fn files_with(needle: &str) -> Vec<String> {
    let folder = root().join("crates/server/src");
    let mut found = Vec::new();
    sources(&folder, &mut found);
    let mut names: Vec<String> = found
        .into_iter()
        .filter(|(_, text)| text.split("#[cfg(test)]").next().unwrap_or_default().contains(needle))
        .map(|(path, _)| path.strip_prefix(&folder).unwrap_or(&path).display().to_string())
        .collect();
    names.sort();
    names
}

#[test]
fn only_authentication_makes_a_project_scope() {
    assert_eq!(files_with("ProjectScope::granted"), ["auth.rs"]);
}

#[test]
fn only_one_file_reads_the_clock() {
    assert_eq!(files_with("SystemTime::now"), ["clock.rs"]);
    // These measure durations, and decide nothing that is stored.
    assert_eq!(
        files_with("Instant::now"),
        [
            "api/tail.rs",
            "app.rs",
            "ask.rs",
            "cli/progress.rs",
            "clock.rs",
            "dial.rs",
            "dial/resolve/witness.rs",
            "loop_health.rs",
            "monitor.rs",
            "reads.rs",
            "rule.rs",
            "serve/access_log.rs",
            "serve/connections.rs",
            "serve/watched.rs"
        ]
    );
}

#[test]
fn only_one_file_chooses_the_status_of_an_error() {
    // Health is not an error: it is the answer.
    assert_eq!(files_with("StatusCode::INTERNAL_SERVER_ERROR"), ["error.rs", "original/health.rs"]);
    for status in [
        "BAD_REQUEST",
        "UNAUTHORIZED,",
        "FORBIDDEN",
        "NOT_FOUND",
        "SERVICE_UNAVAILABLE",
        "TOO_MANY_REQUESTS",
    ] {
        assert_eq!(files_with(&format!("StatusCode::{status}")), Vec::<String>::new());
    }
}

#[test]
fn every_file_says_what_it_is() {
    let mut found = Vec::new();
    for folder in ["crates/server/src", "crates/server/tests"] {
        sources(&root().join(folder), &mut found);
    }
    for (path, text) in found {
        assert!(text.starts_with("//!"), "{}", path.display());
        assert!(text.lines().count() <= 500, "{} is long", path.display());
    }
}

#[test]
fn no_sql_outside_the_store() {
    for word in ["SELECT ", "INSERT INTO", "DELETE FROM"] {
        assert_eq!(files_with(word), Vec::<String>::new(), "{word}");
    }
}
