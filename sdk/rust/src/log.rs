//! Where messages go. A library must not fill its host's output, so all goes to the `log` facade. Only what nobody would find out otherwise
//! is printed where no logger is set up: a wrong or missing key and a setting that cannot be used, once each.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

pub(crate) const TARGET: &str = "api_analytics";

/// Says something that its host's developer must know, once in the process's life.
pub(crate) fn complain_once(message: &str) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    {
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        if said.iter().any(|other| other == message) {
            return;
        }
        said.push(message.to_owned());
    }
    if log::log_enabled!(target: TARGET, log::Level::Error) {
        log::error!(target: TARGET, "{message}");
    } else {
        // Not `eprintln!`, which panics if the host has closed its output.
        let _ = writeln!(std::io::stderr(), "api-analytics: {message}");
    }
}

/// Says something that may be of interest when somebody looks for it.
pub(crate) fn tell(message: &str) {
    log::warn!(target: TARGET, "{message}");
}
