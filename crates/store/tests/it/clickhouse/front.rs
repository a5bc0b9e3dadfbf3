//! ClickHouse's engine behind an HTTP front, one for all tests of this process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use analytics::ranking::RankingLimits;
use analytics::tally::TallyLimits;
use store::{ClickHouse, ClickHouseOptions};

/// A running front. It ends when this process does, because its standard input ends then.
pub struct Front {
    pub port: u16,
    child: Mutex<Child>,
}

impl Front {
    /// Its data is deleted with it.
    pub fn start() -> Front {
        Front::start_with(&[])
    }

    /// With the data of a folder, at a port (0: any).
    pub fn start_in(folder: &Path, port: u16) -> Front {
        Front::start_with(&[folder.to_str().expect("a plain path"), &port.to_string()])
    }

    fn start_with(arguments: &[&str]) -> Front {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clickhouse_front/run.sh");
        let mut child = Command::new(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the front starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is piped");
        BufReader::new(out).read_line(&mut line).expect("it prints its port");
        let port: u16 = line.trim().parse().expect("a port; if there is none, the reason is above");
        Front { port, child: Mutex::new(child) }
    }

    pub fn stop(&self) {
        let mut child = self.child.lock().unwrap();
        drop(child.stdin.take());
        child.wait().expect("the front ends");
    }
}

/// A new database of the shared front.
pub fn options() -> ClickHouseOptions {
    static FRONT: OnceLock<Front> = OnceLock::new();
    options_of(FRONT.get_or_init(Front::start))
}

pub fn options_of(front: &Front) -> ClickHouseOptions {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    ClickHouseOptions {
        url: format!("http://127.0.0.1:{}", front.port),
        database: format!("test`{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        user: String::new(),
        password: String::new(),
        query_seconds: 30,
    }
}

pub async fn open(tally: TallyLimits) -> ClickHouse {
    let ranking = RankingLimits::default();
    ClickHouse::open(&options(), tally, ranking).await.expect("the tables are made")
}
