//! The bench's client: one kept-alive connection, blocking, as cheap as possible. It shares the processors with the
//! measured server, so its cost counts against the server.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::data::Post;

/// One kept-alive connection.
pub struct Client {
    stream: TcpStream,
    /// Bytes read: `buffer[start..end]` is still unused.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// The head of an answer.
pub struct Head {
    pub status: u16,
    pub length: usize,
    chunked: bool,
}

impl Client {
    pub fn connect(address: &str) -> Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Client { stream, buffer: vec![0; 1 << 16], start: 0, end: 0 })
    }

    /// Posts a batch; returns status and body.
    pub fn post(&mut self, post: &Post) -> Result<(u16, Vec<u8>)> {
        self.stream.write_all(&post.bytes)?;
        self.read()
    }

    pub fn get(&mut self, path: &str, key: &str) -> Result<(u16, Vec<u8>)> {
        self.send("GET", path, key, &[])
    }

    /// The body as transferred, compressed.
    pub fn get_compressed(&mut self, path: &str, key: &str) -> Result<(u16, Vec<u8>)> {
        self.call("GET", path, key, "Accept-Encoding: gzip\r\n", &[])
    }

    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        key: &str,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>)> {
        self.call(method, path, key, "", body)
    }

    fn call(
        &mut self,
        method: &str,
        path: &str,
        key: &str,
        headers: &str,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>)> {
        let auth = if key.is_empty() { String::new() } else { format!("X-AUTH-TOKEN: {key}\r\n") };
        let mut whole = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{auth}{headers}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        whole.extend(body);
        self.stream.write_all(&whole)?;
        self.read()
    }

    fn read(&mut self) -> Result<(u16, Vec<u8>)> {
        let head = parse_head(&self.take_until(b"\r\n\r\n")?)?;
        let mut body = Vec::new();
        if head.chunked {
            loop {
                let line = self.take_until(b"\r\n")?;
                let size = std::str::from_utf8(&line)
                    .ok()
                    .and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
                let size = size.ok_or_else(not_http)?;
                self.take(size, &mut body)?;
                self.take_until(b"\r\n")?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.take(head.length, &mut body)?;
        }
        Ok((head.status, body))
    }

    /// The bytes before `end`, which is skipped.
    fn take_until(&mut self, end: &[u8]) -> Result<Vec<u8>> {
        loop {
            let unused = &self.buffer[self.start..self.end];
            if let Some(at) = unused.windows(end.len()).position(|window| window == end) {
                let taken = unused[..at].to_vec();
                self.start += at + end.len();
                return Ok(taken);
            }
            if self.end - self.start == self.buffer.len() {
                return Err(not_http());
            }
            self.fill()?;
        }
    }

    fn take(&mut self, mut bytes: usize, out: &mut Vec<u8>) -> Result<()> {
        out.reserve(bytes);
        while bytes > 0 {
            if self.start == self.end {
                self.fill()?;
            }
            let part = bytes.min(self.end - self.start);
            out.extend_from_slice(&self.buffer[self.start..self.start + part]);
            self.start += part;
            bytes -= part;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => Err(Error::other("the connection was closed")),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }
}

pub fn parse_head(head: &[u8]) -> Result<Head> {
    let head = std::str::from_utf8(head).map_err(|_| not_http())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let mut parsed = Head { status: status.ok_or_else(not_http)?, length: 0, chunked: false };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            parsed.length = value.trim().parse().map_err(|_| not_http())?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            parsed.chunked = value.trim().eq_ignore_ascii_case("chunked");
        }
    }
    Ok(parsed)
}

fn not_http() -> Error {
    Error::other("not an HTTP answer")
}
