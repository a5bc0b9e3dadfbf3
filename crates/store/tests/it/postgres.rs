//! A PostgreSQL server that all tests of this process share.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// It stops with this process, whose end closes its standard input.
struct Server {
    _process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    databases: u32,
}

/// The address of an empty database.
pub fn new_database() -> String {
    static SERVER: OnceLock<Mutex<Server>> = OnceLock::new();
    let mut server = SERVER.get_or_init(|| Mutex::new(start())).lock().unwrap();
    server.databases += 1;
    let name = format!("test_{}\n", server.databases);
    server.ask.write_all(name.as_bytes()).unwrap();
    let mut address = String::new();
    server.answers.read_line(&mut address).unwrap();
    assert!(!address.is_empty(), "PostgreSQL did not start");
    address.trim_end().to_owned()
}

fn start() -> Server {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/test-postgres.sh");
    let mut process =
        Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (ask, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
    Server { _process: process, ask, answers: BufReader::new(answers), databases: 0 }
}
