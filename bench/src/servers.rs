//! Several servers that share ClickHouse and PostgreSQL, against one: hits accepted and stored a second, and the processor
//! time of each part. All share this machine, so three servers can't be three times as fast here: the cost of a hit shows
//! what more machines would give.
//!
//! ClickHouse is the engine of the tests behind their HTTP front (`crates/store/tests/clickhouse_front`), PostgreSQL that of
//! `scripts/test-postgres.sh`, without fsync; both are started for it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::ingest::{load, wait_until_applied};
use crate::server::{Server, own_cpu};
use crate::{Options, Table};

const CONNECTIONS: usize = 6;

/// A program that ends when its standard input does.
struct Helper {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Helper {
    fn start(script: &str, arguments: &[&str]) -> Helper {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut child = Command::new(root.join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script is there");
        let (ask, answers) = (child.stdin.take(), child.stdout.take());
        let (Some(ask), Some(answers)) = (ask, answers) else { unreachable!("both are piped") };
        Helper { child, ask, answers: BufReader::new(answers) }
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        assert!(!line.is_empty(), "it ended: see above");
        line.trim_end().to_owned()
    }

    fn cpu(&self) -> f64 {
        cpu_of_tree(self.child.id())
    }

    fn end(self) {
        let Helper { mut child, ask, answers } = self;
        drop((ask, answers));
        let _ = child.wait();
    }
}

/// CPU seconds of a process and all that it started, also of those that have ended.
fn cpu_of_tree(root: u32) -> f64 {
    let mut parents: HashMap<u32, u32> = HashMap::new();
    let mut spent: HashMap<u32, f64> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok());
        parents.insert(id, number(1).unwrap_or_default() as u32);
        // User and system, own and of children that ended, in hundredths of a second.
        spent.insert(id, (11..15).filter_map(number).sum::<f64>() / 100.0);
    }
    let is_below = |id: &u32| {
        let mut at = *id;
        while at != root && at != 0 {
            at = parents.get(&at).copied().unwrap_or_default();
        }
        at == root
    };
    spent.iter().filter(|(id, _)| is_below(id)).map(|(_, cpu)| cpu).sum()
}

pub fn run(options: &Options, table: &mut Table) {
    let folder = options.folder.join("servers");
    let front_folder = folder.join("clickhouse").display().to_string();
    let mut front = Helper::start("crates/store/tests/clickhouse_front/run.sh", &[&front_folder]);
    let port = front.read_line();
    let mut postgres = Helper::start("scripts/test-postgres.sh", &[]);
    for count in [1, 3] {
        let database = format!("bench_{count}");
        writeln!(postgres.ask, "{database}").expect("it reads");
        let hits = format!("clickhouse://127.0.0.1:{port}/{database}");
        let places = ["--hits", &hits, "--meta", &postgres.read_line()];
        let servers: Vec<Server> = (0..count)
            .map(|n| {
                Server::start(&options.binary, &folder.join(format!("{database}-{n}")), &places)
            })
            .collect();
        let load_seconds = Duration::from_secs(options.seconds);
        measure(table, &servers, (&front, &postgres), load_seconds, count);
        let stored = count_hits(&port, &database);
        table.add(format!("servers_{count}_hits_in_clickhouse"), stored, "hits", "");
        servers.into_iter().for_each(Server::stop);
    }
    postgres.end();
    front.end();
}

fn measure(
    table: &mut Table,
    servers: &[Server],
    (front, postgres): (&Helper, &Helper),
    time: Duration,
    count: usize,
) {
    let keys: Vec<String> = (0..4).map(|_| servers[0].new_key()).collect();
    // The others learn of the new projects, and each makes its connections.
    thread::sleep(Duration::from_secs(2));
    let cpu = || {
        let of_servers: f64 = servers.iter().map(Server::cpu_of_process).sum();
        [of_servers, front.cpu(), postgres.cpu(), own_cpu()]
    };
    let (before, began) = (cpu(), Instant::now());
    let accepted: u64 = thread::scope(|scope| {
        let of_server = |server: &Server| {
            let (address, keys) = (server.address.clone(), keys.clone());
            let connections = CONNECTIONS / servers.len();
            scope.spawn(move || load(&address, &keys, connections, 1_000, u64::MAX, time).0)
        };
        let threads: Vec<_> = servers.iter().map(of_server).collect();
        threads.into_iter().map(|thread| thread.join().expect("it ends well")).sum()
    });
    let accepted_in = began.elapsed().as_secs_f64();
    for server in servers {
        wait_until_applied(server);
    }
    let stored_in = began.elapsed().as_secs_f64();
    let name = |what: &str| format!("servers_{count}_{what}");
    let hits = accepted as f64;
    table.add(name("accepted"), hits / accepted_in, "hits/s", "");
    table.add(name("stored"), hits / stored_in, "hits/s", "");
    table.add(name("hits_accepted"), hits, "hits", "");
    let parts = ["servers", "clickhouse", "postgresql", "client"];
    for ((part, after), before) in parts.iter().zip(cpu()).zip(before) {
        table.add(name(&format!("cpu_per_hit_of_{part}")), (after - before) / hits * 1e6, "us", "");
    }
}

fn count_hits(port: &str, database: &str) -> f64 {
    let mut client = Client::connect(&format!("127.0.0.1:{port}")).expect("it listens");
    let path = format!("/?database={database}");
    let (status, answer) =
        client.send("POST", &path, "", b"SELECT count() FROM hits").expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(status, 200, "{answer}");
    answer.trim().parse().expect("a number")
}
