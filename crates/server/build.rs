//! Embeds the Python wheels that lie in `sdk/python/dist`, where there are any, and tells the binary where DuckDB's
//! library is: beside itself. Tests and debug builds run from the build folder, so they look where it was fetched to.

use std::fmt::Write;
use std::path::Path;

fn main() -> std::io::Result<()> {
    find_duckdb();
    embed_wheels()
}

fn find_duckdb() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo:rustc-link-arg-bins=-Wl,-rpath,$ORIGIN");
    let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") else { return };
    println!("cargo:rustc-link-arg-tests=-Wl,-rpath,{folder}");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{folder}");
    }
}

fn embed_wheels() -> std::io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut wheels = Vec::new();
    if let Ok(entries) = std::fs::read_dir(&dist) {
        for entry in entries {
            let path = entry?.path();
            let name =
                path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if name.ends_with(".whl") {
                wheels.push((name, path.canonicalize()?));
            }
        }
    }
    wheels.sort();
    let mut code =
        String::from("/// File name and bytes.\npub static WHEELS: &[(&str, &[u8])] = &[\n");
    for (name, path) in wheels {
        let _ = writeln!(code, "    ({name:?}, include_bytes!({path:?})),");
    }
    code.push_str("];\n");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("wheels.rs"), code)
}
