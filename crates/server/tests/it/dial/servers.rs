//! Servers that misbehave, and a name server with a test's answers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinHandle;

/// Ends when it is dropped.
pub struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A name server's answer.
pub enum Lookup {
    Addresses(Vec<IpAddr>),
    NoName,
    /// SERVFAIL.
    Broken,
    Silent,
}

impl Lookup {
    pub fn addresses(texts: &[&str]) -> Lookup {
        Lookup::Addresses(texts.iter().map(|text| text.parse().unwrap()).collect())
    }
}

pub struct NameServer {
    pub address: SocketAddr,
    _task: Task,
}

impl NameServer {
    /// `answer` gets the name, with its dot, and how often its addresses (A) were requested before.
    pub async fn start(answer: impl Fn(&str, usize) -> Lookup + Send + 'static) -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut asked: HashMap<String, usize> = HashMap::new();
            let mut buffer = [0; 4_096];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let question = query.queries[0].clone();
                let name = question.name().to_string().to_ascii_lowercase();
                let wanted = question.query_type();
                // A and AAAA are requested together.
                let count = asked.entry(format!("{name} {wanted}")).or_default();
                let said = answer(&name, *count);
                *count += 1;
                let mut message = Message::response(query.metadata.id, query.metadata.op_code);
                message.metadata.message_type = MessageType::Response;
                message.metadata.recursion_available = true;
                message.add_query(question.clone());
                match said {
                    Lookup::Silent => continue,
                    Lookup::NoName => message.metadata.response_code = ResponseCode::NXDomain,
                    Lookup::Broken => message.metadata.response_code = ResponseCode::ServFail,
                    Lookup::Addresses(addresses) => {
                        let fits = |address: &IpAddr| match wanted {
                            RecordType::A => address.is_ipv4(),
                            RecordType::AAAA => address.is_ipv6(),
                            _ => false,
                        };
                        for address in addresses.into_iter().filter(fits) {
                            // A day, which must be ignored.
                            let data = RData::from(address);
                            message.add_answer(Record::from_rdata(
                                question.name().clone(),
                                86_400,
                                data,
                            ));
                        }
                    }
                }
                socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
            }
        });
        NameServer { address, _task: Task(task) }
    }
}

pub struct TcpServer {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// The heads of requests that `read_head` has read.
    pub heads: Arc<Mutex<Vec<String>>>,
    _task: Task,
}

impl TcpServer {
    /// Passes each connection to `answer`, and closes it afterwards.
    pub async fn start<F>(at: &str, answer: impl Fn(TcpStream) -> F + Send + 'static) -> TcpServer
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                open.spawn(answer(stream));
            }
        });
        TcpServer { address, connections, heads: Arc::default(), _task: Task(task) }
    }

    /// Answers every request with `answer`, which gets the head of the request, and closes.
    pub async fn http(
        at: &str,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> TcpServer {
        let (answer, heads) = (Arc::new(answer), Arc::new(Mutex::new(Vec::new())));
        let kept = heads.clone();
        let started = TcpServer::start(at, move |mut stream| {
            let (answer, kept) = (answer.clone(), kept.clone());
            async move {
                let head = read_head(&mut stream).await;
                let said = answer(&head);
                kept.lock().unwrap().push(head);
                let _ = stream.write_all(said.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        TcpServer { heads, ..started.await }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Up to the empty line.
pub async fn read_head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

pub fn redirect_to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}
