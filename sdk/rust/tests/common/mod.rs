//! A server that keeps what is posted to it, and processes of their own.

#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Answers every post as the product does.
#[derive(Clone)]
pub struct Sink {
    pub url: String,
    posts: Arc<Mutex<Vec<Value>>>,
}

impl Sink {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Self { url: format!("http://{}", listener.local_addr().unwrap()), posts: Arc::default() };
        let posts = sink.posts.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let posts = posts.clone();
                std::thread::spawn(move || serve(BufReader::new(stream), &posts));
            }
        });
        sink
    }

    pub fn posts(&self) -> Vec<Value> {
        self.posts.lock().unwrap().clone()
    }

    pub fn hits(&self) -> Vec<Value> {
        self.posts().iter().flat_map(|post| post["requests"].as_array().unwrap().clone()).collect()
    }

    /// Flushes this process's client, and returns the hits; fails if there are not so many.
    pub fn flushed(&self, count: usize) -> Vec<Value> {
        let until = Instant::now() + Duration::from_secs(5);
        while self.hits().len() < count && Instant::now() < until {
            api_analytics_client::flush(Duration::from_secs(2));
            std::thread::sleep(Duration::from_millis(5));
        }
        let hits = self.hits();
        assert_eq!(hits.len(), count, "{hits:?}");
        hits
    }
}

fn serve(mut stream: BufReader<std::net::TcpStream>, posts: &Mutex<Vec<Value>>) -> Option<()> {
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let post: Value = serde_json::from_reader(flate2::read::GzDecoder::new(&body[..])).unwrap();
        let answer = format!("{{\"accepted\":{},\"rejected\":[]}}", post["requests"].as_array().unwrap().len());
        posts.lock().unwrap().push(post);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
        stream.get_mut().write_all(format!("{head}{answer}").as_bytes()).ok()?;
    }
}

/// Runs one of this file's ignored tests, whose name begins with `child_`, in a process of its own.
pub fn run(child: &str, server_url: &str, key: &str) -> (Output, Duration) {
    let began = Instant::now();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([child, "--exact", "--ignored", "--nocapture", "--test-threads=1", "--quiet"]);
    command.env("API_ANALYTICS_SERVER_URL", server_url).env("API_ANALYTICS_KEY", key);
    let output = command.output().unwrap();
    (output, began.elapsed())
}

/// A child's output, without the lines of the test harness.
pub fn printed(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    text.lines()
        .filter(|line| {
            !line.is_empty()
                && !line.starts_with("running 1 test")
                && !line.starts_with("test result")
                && !line.starts_with("test child_")
                && *line != "."
        })
        .collect::<Vec<_>>()
        .join("\n")
}
