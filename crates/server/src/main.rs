//! `api-analytics`. Everything is in the library; see `lib.rs` for its table of contents.

/// Posted bodies are many small texts: with the C library's allocator a quarter of decoding was spent in it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::cli::main()
}
