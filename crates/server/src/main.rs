//! `api-analytics`. Everything is in the library; see `lib.rs` for its table of contents.

fn main() -> std::process::ExitCode {
    server::cli::main()
}
