//! Embeds the page built in `dashboard/dist` and the client packages built in `sdk/*/dist`, if they exist, and tells the
//! binary where DuckDB's library is: beside itself. Tests and debug builds run from the build folder, so they use
//! the place where it was downloaded.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    find_duckdb();
    embed_page()?;
    embed_packages()
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

/// Each file once, with its compressed forms.
fn embed_page() -> std::io::Result<()> {
    // Relative, as cargo takes them: two checkouts that share a target folder would embed each other's files.
    let dashboard = Path::new("../../dashboard");
    let dist = dashboard.join("dist");
    // Watching a missing path would rerun every build, so the nearest existing one is watched.
    if let Some(there) = [dist.as_path(), dashboard].into_iter().find(|path| path.is_dir()) {
        println!("cargo:rerun-if-changed={}", there.display());
    }
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    collect(&dist, "", &mut files)?;
    files.sort();
    let mut code = String::from("pub static FILES: &[Asset] = &[\n");
    for (name, path) in &files {
        let is_compressed = |end: &str| {
            name.strip_suffix(end)
                .is_some_and(|plain| files.iter().any(|(other, _)| other == plain))
        };
        if is_compressed(".br") || is_compressed(".gz") {
            continue;
        }
        let beside = |end: &str| {
            let found = files.iter().find(|(other, _)| *other == format!("{name}{end}"));
            found.map_or("None".to_owned(), |(_, path)| format!("Some(include_bytes!({path:?}))"))
        };
        let tag = hash(&std::fs::read(path)?);
        let (br, gz) = (beside(".br"), beside(".gz"));
        let _ = writeln!(
            code,
            "    Asset {{ name: {name:?}, tag: \"{tag:016x}\", plain: include_bytes!({path:?}), br: {br}, gz: {gz} }},"
        );
    }
    code.push_str("];\n");
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("page.rs"), code)
}

/// Every file below `folder` by its relative path; nothing if the folder does not exist.
fn collect(folder: &Path, before: &str, files: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path().canonicalize()?));
        }
    }
    Ok(())
}

/// FNV-1a: tells versions of a file apart, nothing more.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// The languages of the clients that the server hands out: everything in `sdk/LANGUAGE/dist`, laid out as that
/// language's tool asks for it. The file `package` in there names the current one.
const CLIENTS: [&str; 4] = ["python", "node", "go", "rust"];

fn embed_packages() -> std::io::Result<()> {
    let mut files_code = String::from("pub static FILES: &[PackageFile] = &[\n");
    let mut packages_code = String::from("pub static PACKAGES: &[Package] = &[\n");
    for language in CLIENTS {
        let sdk = Path::new("../../sdk").join(language);
        let dist = sdk.join("dist");
        // Watching a missing path would rerun every build, so the nearest existing one is watched.
        if let Some(there) = [dist.as_path(), sdk.as_path()].into_iter().find(|path| path.is_dir())
        {
            println!("cargo:rerun-if-changed={}", there.display());
        }
        let mut files = Vec::new();
        collect(&dist, "", &mut files)?;
        files.sort();
        for (name, path) in &files {
            if name == "package" {
                let package = std::fs::read_to_string(path)?;
                let package = package.trim();
                let _ = writeln!(
                    packages_code,
                    "    Package {{ language: {language:?}, name: {package:?} }},"
                );
                continue;
            }
            let _ = writeln!(
                files_code,
                "    PackageFile {{ language: {language:?}, path: {name:?}, bytes: include_bytes!({path:?}) }},"
            );
        }
    }
    let code = format!(
        "/// Every file of every client.\n{files_code}];\n\n/// The current package of each client that this build has.\n{packages_code}];\n\n/// The languages that have a client.\npub const LANGUAGES: &[&str] = &{CLIENTS:?};\n"
    );
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    std::fs::write(Path::new(&out).join("packages.rs"), code)
}
