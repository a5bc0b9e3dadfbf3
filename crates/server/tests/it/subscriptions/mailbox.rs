//! A mail server on loopback that accepts and keeps everything. It knows only as much SMTP as that needs;
//! `tests/test_subscribers.py` has a real one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone)]
pub struct Mailbox {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

#[derive(Clone, Debug)]
pub struct Taken {
    pub to: String,
    /// Headers and parts, decoded.
    pub text: String,
}

impl Taken {
    /// "" where there is no such header.
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        let start = format!("{name}: ");
        let found = head.lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned));
        found.unwrap_or_default()
    }

    /// The path of our link that ends with `end`.
    pub fn link(&self, end: &str) -> String {
        let words = self.text.split_whitespace();
        let mut urls = words.filter_map(|word| word.strip_prefix("https://stats.example.com"));
        let found = urls.find(|path| path.starts_with("/subscription/") && path.ends_with(end));
        found.unwrap_or_else(|| panic!("no link {end} in {}", self.text)).to_owned()
    }
}

impl Mailbox {
    pub async fn start() -> Mailbox {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mailbox = Mailbox { address, taken: Arc::default() };
        let taken = mailbox.taken.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, taken.clone()));
            }
        });
        mailbox
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// All of them, once there are `count`.
    pub async fn wait_for(&self, count: usize) -> Vec<Taken> {
        let began = Instant::now();
        loop {
            let taken = self.taken();
            if taken.len() >= count {
                return taken;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{} of {count}: {taken:?}",
                taken.len()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(stream: TcpStream, taken: Arc<Mutex<Vec<Taken>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.test\r\n").await?;
    let (mut to, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let word = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "RCPT" => {
                to = line.trim().trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned()
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut text).await?;
                }
                taken.lock().unwrap().push(Taken { to: to.clone(), text: decode(&text) });
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n").await,
            _ => {}
        }
        stream.write_all(b"250 ok\r\n").await?;
    }
}

/// Quoted-printable, which leaves our other texts as they are.
fn decode(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut pieces = text.split('=');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte.is_ascii() => {
                decoded.push(byte as char);
                decoded.push_str(&piece[2..]);
            }
            _ => {
                decoded.push('=');
                decoded.push_str(piece);
            }
        }
    }
    decoded
}
