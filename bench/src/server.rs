//! The server under test: the release binary on a fresh folder, and the kernel's statistics of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Client;

pub struct Server {
    child: Child,
    pub address: String,
    pub data: PathBuf,
    binary: PathBuf,
    settings: Vec<String>,
}

impl Server {
    pub fn start(binary: &Path, data: &Path, settings: &[&str]) -> Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
        let child = spawn(binary, data, &address, &settings);
        let server = Server {
            child,
            address,
            data: data.to_path_buf(),
            binary: binary.to_path_buf(),
            settings,
        };
        server.wait_until_ready();
        server
    }

    pub fn wait_until_ready(&self) -> Duration {
        let started = Instant::now();
        loop {
            if let Ok(mut client) = Client::connect(&self.address)
                && client.get("/api/health", "").is_ok_and(|(status, _)| status == 200)
            {
                return started.elapsed();
            }
            assert!(started.elapsed() < Duration::from_secs(120), "the server does not come up");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills it as a power cut would, restarts it, and returns how long it took to answer.
    pub fn crash_and_restart(&mut self) -> Duration {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
        let started = Instant::now();
        self.child = spawn(&self.binary, &self.data, &self.address, &self.settings);
        self.wait_until_ready();
        started.elapsed()
    }

    /// The peak resident memory since its start, in MB.
    pub fn peak_memory(&self) -> f64 {
        self.of_status("VmHWM:")
    }

    /// (resident, anonymous) in MB.
    pub fn memory(&self) -> (f64, f64) {
        (self.of_status("VmRSS:"), self.of_status("RssAnon:"))
    }

    fn of_status(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or("");
        line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
            / 1024.0
    }

    /// CPU seconds so far by thread name.
    pub fn cpu(&self) -> Vec<(String, f64)> {
        let mut by_name: std::collections::BTreeMap<String, f64> = Default::default();
        let Ok(tasks) = std::fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return Vec::new();
        };
        for task in tasks.flatten() {
            let Some((name, cpu)) = read_stat(&task.path().join("stat")) else { continue };
            *by_name.entry(name).or_default() += cpu;
        }
        by_name.into_iter().collect()
    }

    /// CPU seconds so far, including ended threads.
    pub fn cpu_of_process(&self) -> f64 {
        let stat = format!("/proc/{}/stat", self.child.id());
        read_stat(Path::new(&stat)).map_or(0.0, |(_, cpu)| cpu)
    }

    pub fn metric(&self, name: &str) -> f64 {
        let mut client = Client::connect(&self.address).expect("it answers");
        let (_, text) = client.get("/metrics", "").expect("it answers");
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines()
            .filter(|line| line.split([' ', '{']).next() == Some(name))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    pub fn new_key(&self) -> String {
        let mut client = Client::connect(&self.address).expect("it answers");
        let (status, body) = client.get("/api/generate", "").expect("it answers");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        String::from_utf8_lossy(&body).trim().trim_matches('"').to_owned()
    }

    /// Runs a subcommand beside the server.
    pub fn command(&self, arguments: &[&str]) {
        let done = Command::new(&self.binary)
            .args(arguments)
            .arg("--data")
            .arg(&self.data)
            .stdout(Stdio::null())
            .status()
            .expect("it runs");
        assert!(done.success(), "{arguments:?}");
    }

    pub fn stop(mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds that the bench itself has spent so far.
pub fn own_cpu() -> f64 {
    read_stat(Path::new("/proc/self/stat")).map_or(0.0, |(_, cpu)| cpu)
}

/// The name and the CPU seconds, user and system, of a process or a thread.
fn read_stat(file: &Path) -> Option<(String, f64)> {
    let stat = std::fs::read_to_string(file).ok()?;
    let (open, close) = (stat.find('(')?, stat.rfind(')')?);
    let fields: Vec<&str> = stat[close + 2..].split(' ').collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    // The kernel counts in hundredths of a second on every machine that we know.
    Some((stat[open + 1..close].to_owned(), (ticks(11)? + ticks(12)?) / 100.0))
}

fn spawn(binary: &Path, data: &Path, address: &str, settings: &[String]) -> Child {
    Command::new(binary)
        .args(["serve", "--listen", address, "--data"])
        .arg(data)
        .args(settings)
        .env("API_ANALYTICS_LOG", "error")
        .env("API_ANALYTICS_DEMO", "off")
        .stdout(Stdio::null())
        .spawn()
        .expect("the server starts")
}
