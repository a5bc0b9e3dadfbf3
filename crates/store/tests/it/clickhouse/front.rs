//! ClickHouse's engine behind an HTTP front, one for all tests of this process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use store::{ClickHousePlace, HitsPlace, Store, StoreError, StoreLimits, StoreOptions};

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
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/tests/clickhouse_front/run.sh");
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
pub fn place() -> ClickHousePlace {
    place_at(shared())
}

/// The same as a setting.
pub fn new_database() -> String {
    let ClickHousePlace { url, database, .. } = place();
    format!("{}/{}", url.replacen("http", "clickhouse", 1), database.replace('`', "%60"))
}

fn shared() -> u16 {
    static FRONT: OnceLock<Front> = OnceLock::new();
    FRONT.get_or_init(Front::start).port
}

/// A new database of the front at a port.
pub fn place_at(port: u16) -> ClickHousePlace {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    ClickHousePlace {
        url: format!("http://127.0.0.1:{port}"),
        database: format!("test`{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        ..ClickHousePlace::default()
    }
}

/// A folder whose hits go to a new database.
pub async fn open(data: &Path, limits: StoreLimits) -> Store {
    open_in(data, 0, &place(), limits).await.expect("it opens")
}

pub async fn open_in(
    data: &Path,
    node: u8,
    place: &ClickHousePlace,
    limits: StoreLimits,
) -> Result<Store, StoreError> {
    let hits = HitsPlace::ClickHouse(place.clone());
    let options = StoreOptions { hits, node, ..StoreOptions::new(data.to_path_buf(), limits) };
    Store::open(options).await
}
