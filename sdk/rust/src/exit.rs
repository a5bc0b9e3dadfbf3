//! The end of the process: C's `atexit`, which runs after `main` has returned and in `std::process::exit`. Rust has nothing of its own for it.
//! A process that a signal ends does not come here, and none is handled: what a signal does is the host's affair.

#![allow(unsafe_code)]

use std::sync::OnceLock;

/// The process that has the thread, and what it has to do; a forked child has a copy of everything but the thread.
static AT_EXIT: OnceLock<(u32, fn())> = OnceLock::new();

/// Calls `last` at the end of this process. Once, however often it is asked.
pub(crate) fn call_at_exit(last: fn()) {
    extern "C" {
        fn atexit(function: extern "C" fn()) -> std::ffi::c_int;
    }
    if AT_EXIT.set((std::process::id(), last)).is_ok() {
        // SAFETY: `atexit` may be called at any time, and `at_exit` has no argument and does not unwind.
        unsafe { atexit(at_exit) };
    }
}

extern "C" fn at_exit() {
    if let Some((_, last)) = AT_EXIT.get().filter(|(process, _)| *process == std::process::id()) {
        // Unwinding out of here would abort the process.
        let _ = std::panic::catch_unwind(last);
    }
}
