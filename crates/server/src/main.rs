//! `api-analytics`. Everything is in the library; see `lib.rs` for its table of contents.

/// Posted bodies have many small texts: the C library's allocator took a quarter of the decoding time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::cli::main()
}
