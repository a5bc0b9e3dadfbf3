//! One kept-alive connection to the server, and the reading of its answers. Only the poster's thread uses it.
//!
//! Not a library's HTTP client: the small ones log the head of a request, with the key, at level `trace`, and cannot be told otherwise. A
//! whole try has one deadline: a server that sends a byte now and then must not hold the thread.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::config::ServerUrl;

const CONNECT: Duration = Duration::from_secs(5);
const TRY: Duration = Duration::from_secs(15);
const MAX_ANSWER_BYTES: usize = 1 << 20;
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);
const MAX_HEADERS: usize = 128;

/// The server's answer. `body` is null unless it is JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Value,
    pub retry_after: Option<Duration>,
    pub location: Option<String>,
}

pub(crate) struct Connection {
    url: ServerUrl,
    head: String,
    stream: Option<Box<dyn Stream>>,
    #[cfg(feature = "tls")]
    tls: Option<std::sync::Arc<rustls::ClientConfig>>,
}

/// A connection's bytes, in clear or not.
trait Stream: Read + Write + Send {
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

#[cfg(feature = "tls")]
impl Stream for rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

impl Connection {
    pub(crate) fn new(url: ServerUrl, key: &str) -> Self {
        let head = format!(
            "POST {}/api/requests HTTP/1.1\r\nHost: {}\r\nUser-Agent: api-analytics-rust/{}\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Encoding: gzip\r\nX-AUTH-TOKEN: {key}\r\n",
            url.path,
            url.authority,
            crate::VERSION
        );
        Self {
            url,
            head,
            stream: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// One try. The error says why there is no answer.
    pub(crate) fn post(&mut self, body: &[u8]) -> Result<Answer, String> {
        let deadline = Instant::now() + TRY;
        let was_kept_alive = self.stream.is_some();
        let answer = match self.try_post(body, deadline) {
            // The server closed the idle connection in the meantime, as servers may. Posting again is safe even if it
            // read the batch: the batch has an id.
            Err(error) if was_kept_alive && is_closed(&error) => self.try_post(body, deadline),
            other => other,
        };
        answer.map_err(|error| match error.kind() {
            // The text of the system says "try again".
            ErrorKind::WouldBlock | ErrorKind::TimedOut => "no whole answer in time".to_owned(),
            _ => error.to_string(),
        })
    }

    pub(crate) fn close(&mut self) {
        self.stream = None;
    }

    fn try_post(&mut self, body: &[u8], deadline: Instant) -> io::Result<Answer> {
        // Taken out, so that a connection after which something failed is not used again.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open(deadline)?,
        };
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, body.len());
        write_until(&mut *stream, head.as_bytes(), deadline)?;
        write_until(&mut *stream, body, deadline)?;
        let (answer, keep) = Reader { stream: &mut *stream, deadline, bytes: Vec::new() }.read_answer()?;
        if keep {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    fn open(&mut self, deadline: Instant) -> io::Result<Box<dyn Stream>> {
        // TRICKY: a name that the system's resolver is slow to find holds this thread for longer than the deadline; nobody waits for it.
        let addresses: Vec<_> = (self.url.host.as_str(), self.url.port).to_socket_addrs()?.collect();
        let until = deadline.min(Instant::now() + CONNECT);
        let mut failed = io::Error::new(ErrorKind::NotFound, "the host has no address");
        for (at, address) in addresses.iter().enumerate() {
            // An address that leads nowhere leaves time for the others.
            let share = left(until)? / (addresses.len() - at) as u32;
            match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return self.secure(socket, deadline);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    #[cfg(not(feature = "tls"))]
    fn secure(&mut self, socket: TcpStream, _deadline: Instant) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(socket))
    }

    #[cfg(feature = "tls")]
    fn secure(&mut self, socket: TcpStream, deadline: Instant) -> io::Result<Box<dyn Stream>> {
        if !self.url.secure {
            return Ok(Box::new(socket));
        }
        let config = match &self.tls {
            Some(config) => config.clone(),
            None => self.tls.insert(new_tls_config()?).clone(),
        };
        let name = rustls::pki_types::ServerName::try_from(self.url.host.clone()).map_err(io::Error::other)?;
        let session = rustls::ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(session, socket);
        while stream.conn.is_handshaking() {
            set_timeouts(&stream.sock, deadline)?;
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Box::new(stream))
    }
}

/// The authorities of the system, or those that `SSL_CERT_FILE` names; Mozilla's where the system has none, as in small containers.
#[cfg(feature = "tls")]
fn new_tls_config() -> io::Result<std::sync::Arc<rustls::ClientConfig>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    // With its own provider: the process's default is the host's affair.
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(std::sync::Arc::new(config))
}

fn is_closed(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    Ok(left)
}

fn set_timeouts(socket: &TcpStream, deadline: Instant) -> io::Result<()> {
    let left = Some(left(deadline)?);
    socket.set_read_timeout(left)?;
    socket.set_write_timeout(left)
}

fn write_until(stream: &mut dyn Stream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        set_timeouts(stream.socket(), deadline)?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

/// An answer's bytes until a deadline, however slowly they arrive.
struct Reader<'a> {
    stream: &'a mut dyn Stream,
    deadline: Instant,
    bytes: Vec<u8>,
}

/// How an answer's body ends.
enum Framing {
    Length(usize),
    Chunks,
    Close,
}

struct Head {
    status: u16,
    length: usize,
    framing: Framing,
    keep_alive: bool,
    retry_after: Option<Duration>,
    location: Option<String>,
}

impl Reader<'_> {
    /// The answer, and whether the connection can be used again.
    fn read_answer(mut self) -> io::Result<(Answer, bool)> {
        let head = self.read_head()?;
        self.bytes.drain(..head.length);
        let body = match head.framing {
            Framing::Length(length) => {
                while self.bytes.len() < length {
                    self.read_some()?;
                }
                let rest = self.bytes.split_off(length);
                std::mem::replace(&mut self.bytes, rest)
            }
            Framing::Chunks => self.read_chunks()?,
            Framing::Close => loop {
                match self.read_some() {
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => break std::mem::take(&mut self.bytes),
                    other => other?,
                }
            },
        };
        // Bytes that nobody asked for would be taken for the next answer.
        let keep = head.keep_alive && self.bytes.is_empty();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Ok((Answer { status: head.status, body, retry_after: head.retry_after, location: head.location }, keep))
    }

    fn read_head(&mut self) -> io::Result<Head> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response
                .parse(&self.bytes)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, format!("the answer is not HTTP: {error}")))?;
            match parsed {
                httparse::Status::Partial => self.read_some()?,
                httparse::Status::Complete(length) => {
                    let status = response.code.unwrap_or_default();
                    // 100 Continue and its like come before the answer.
                    if (100..200).contains(&status) {
                        self.bytes.drain(..length);
                        continue;
                    }
                    return to_head(&response, status, length);
                }
            }
        }
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let wrong = || io::Error::new(ErrorKind::InvalidData, "the answer's chunks are broken");
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(&self.bytes).map_err(|_| wrong())? {
                httparse::Status::Partial => self.read_some()?,
                httparse::Status::Complete((start, 0)) => {
                    self.bytes.drain(..start);
                    return self.read_trailers().map(|()| body);
                }
                httparse::Status::Complete((start, size)) => {
                    let size = usize::try_from(size).ok().filter(|size| body.len() + size <= MAX_ANSWER_BYTES);
                    let size = size.ok_or_else(too_long)?;
                    while self.bytes.len() < start + size + 2 {
                        self.read_some()?;
                    }
                    body.extend_from_slice(&self.bytes[start..start + size]);
                    self.bytes.drain(..start + size + 2);
                }
            }
        }
    }

    /// Lines up to an empty one.
    fn read_trailers(&mut self) -> io::Result<()> {
        loop {
            match self.bytes.iter().position(|byte| *byte == b'\n') {
                None => self.read_some()?,
                Some(end) => {
                    let line: Vec<u8> = self.bytes.drain(..=end).collect();
                    if line == b"\r\n" || line == b"\n" {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn read_some(&mut self) -> io::Result<()> {
        if self.bytes.len() > MAX_ANSWER_BYTES {
            return Err(too_long());
        }
        let mut piece = [0; 8192];
        loop {
            set_timeouts(self.stream.socket(), self.deadline)?;
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.bytes.extend_from_slice(&piece[..count]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn too_long() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "an answer of more than 1 MiB")
}

fn to_head(response: &httparse::Response<'_, '_>, status: u16, length: usize) -> io::Result<Head> {
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok()).map(str::trim)
    };
    let has_token =
        |name: &str, token: &str| header(name).is_some_and(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(token)));
    let framing = match header("content-length") {
        _ if matches!(status, 204 | 304) => Framing::Length(0),
        _ if has_token("transfer-encoding", "chunked") => Framing::Chunks,
        Some(length) => match length.parse() {
            Ok(length) if length <= MAX_ANSWER_BYTES => Framing::Length(length),
            _ => return Err(too_long()),
        },
        None => Framing::Close,
    };
    let keep_alive = response.version == Some(1) && !has_token("connection", "close") && !matches!(framing, Framing::Close);
    let retry_after = header("retry-after").and_then(|value| to_wait(value, SystemTime::now()));
    let location = header("location").map(|place| place.chars().take(200).collect());
    Ok(Head { status, length, framing, keep_alive, retry_after, location })
}

/// `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3); at most an hour.
fn to_wait(value: &str, now: SystemTime) -> Option<Duration> {
    let wait = match value.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() => return None,
        Ok(seconds) => Duration::from_secs_f64(seconds.clamp(0.0, MAX_RETRY_AFTER.as_secs_f64())),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The pause after so many failures: 1, 2, 4 ... 30 seconds, less up to a half.
pub(crate) fn to_backoff(failures: u32, jitter: f64) -> Duration {
    let seconds = 2_f64.powi(failures.clamp(1, 11) as i32 - 1).min(30.0);
    Duration::from_secs_f64(seconds * (1.0 - jitter / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Posts to a server that sends `answer` in pieces of one byte and closes; the answer, and whether the connection is kept.
    fn read(answer: &'static [u8]) -> (Result<Answer, String>, bool) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = crate::config::to_server_url(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\nbody") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            stream.set_nodelay(true).unwrap();
            for byte in answer {
                if stream.write_all(&[*byte]).is_err() {
                    break;
                }
            }
        });
        let mut connection = Connection::new(url, "k");
        let answer = connection.post(b"body");
        server.join().unwrap();
        (answer, connection.stream.is_some())
    }

    #[test]
    fn answers_are_read_in_each_framing() {
        for (answer, keep) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"[..], true),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}", false),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}", true),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\nT: 1\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\n\r\n{\"a\":1}", false),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}", false),
        ] {
            let (read, kept) = read(answer);
            assert_eq!((read.unwrap().body, kept), (serde_json::json!({"a": 1}), keep));
        }
        let (empty, kept) = read(b"HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!((empty.unwrap().status, kept), (204, true));
    }

    #[test]
    fn broken_answers_are_none() {
        for answer in [
            &b""[..],
            b"SSH-2.0-OpenSSH\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        ] {
            let (read, kept) = read(answer);
            assert!(read.is_err() && !kept, "{answer:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_an_hour() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let seconds = |value| to_wait(value, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("7"), Some(7));
        assert_eq!(seconds("-7"), Some(0));
        assert_eq!(seconds("1e30"), Some(3600));
        assert_eq!(seconds("NaN"), None);
        assert_eq!(seconds("soon"), None);
        assert_eq!(seconds("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(seconds("Thu, 06 Nov 1997 08:00:00 GMT"), Some(3600));
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let pauses: Vec<_> = [1, 2, 3, 5, 6, 100].map(|failures| to_backoff(failures, 0.0).as_secs()).to_vec();
        assert_eq!(pauses, [1, 2, 4, 16, 30, 30]);
        assert_eq!(to_backoff(1, 1.0), Duration::from_millis(500));
    }
}
