//! The page in a real browser: the time until its first panel, and the bytes loaded until then.
//! `dashboard/browser/first-panel.mjs` measures; if one of its requirements is missing, a line says so and nothing is
//! measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Options, Table};

/// Names in the script's answer, unit, aim. 120 KB may be transferred before the first paint.
const MEASURED: [(&str, &str, &str); 3] =
    [("first_panel_ms", "ms", "300"), ("first_paint_ms", "ms", ""), ("bytes", "bytes", "122880")];

pub fn run(options: &Options, table: &mut Table) {
    let dashboard = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dashboard");
    if let Some(missing) = missing(&dashboard) {
        println!("the browser's numbers are left out: {missing}");
        return;
    }
    let done = Command::new("node")
        .arg("browser/first-panel.mjs")
        .current_dir(&dashboard)
        .env("API_ANALYTICS_BIN", &options.binary)
        .output()
        .expect("node runs");
    let (said, complained) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "first-panel.mjs failed: {said}{complained}");
    let line = said.lines().rev().find(|line| line.starts_with('{')).expect("a line of JSON");
    let measured: serde_json::Value = serde_json::from_str(line).expect("JSON");
    for (name, unit, aim) in MEASURED {
        let value = measured[name].as_f64().unwrap_or_else(|| panic!("{name} in {line}"));
        table.add(format!("browser_{name}"), value, unit, aim);
    }
}

/// The missing requirement, and how to get it.
fn missing(dashboard: &Path) -> Option<String> {
    if !dashboard.join("browser/first-panel.mjs").exists() {
        return Some("dashboard/browser/first-panel.mjs is not there".to_owned());
    }
    if !dashboard.join("node_modules").exists() {
        return Some("dashboard/node_modules is not there; `make page` brings it".to_owned());
    }
    if !Command::new("node").arg("--version").output().is_ok_and(|done| done.status.success()) {
        return Some("node is not there".to_owned());
    }
    let chromium = std::env::var_os("CHROMIUM").map_or("/usr/bin/chromium".into(), PathBuf::from);
    if !chromium.exists() {
        let chromium = chromium.display();
        return Some(format!(
            "{chromium} is not there; `make test-browser` installs it, or set CHROMIUM"
        ));
    }
    None
}
