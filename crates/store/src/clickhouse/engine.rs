//! The connection to ClickHouse: runs statements, bounds them in time, and kills those whose caller is gone.

use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use analytics::limits;
use bytes::Bytes;
use clickhouse::query::Query;
use clickhouse::{Client, Compression, Row, RowOwned, RowRead};
use serde::Deserialize;

use super::connections;
use super::failure::failed;
use super::sql::layout::Layout;
use super::sql::params::{Param, Params};
use crate::types::{ClickHousePlace, StoreError};

/// Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    place: Arc<ClickHousePlace>,
    layout: Arc<Layout>,
    hosts: Arc<Hosts>,
    seconds: u64,
    ids: Arc<QueryIds>,
}

/// The hosts of the address. All calls go to one of them; when it is away, to the next.
struct Hosts {
    clients: Vec<Client>,
    current: AtomicUsize,
}

/// The hosts that a call may go to, in their order.
struct Tries<'a> {
    hosts: &'a Hosts,
    place: usize,
    left: usize,
}

/// Ids that no other node gives.
struct QueryIds {
    start: u64,
    next: AtomicU64,
}

/// A row with one number.
#[derive(Row, Deserialize)]
pub struct Number {
    pub number: u64,
}

impl Engine {
    /// Connects to nothing yet.
    pub fn new(place: &ClickHousePlace, query_seconds: u64) -> Engine {
        let client = |url: &String| {
            let client = connections::client(url)
                .with_database(&place.database)
                .with_compression(Compression::None);
            match place.user.is_empty() {
                true => client,
                false => client.with_user(&place.user).with_password(&place.password),
            }
        };
        let urls = std::iter::once(&place.url).chain(&place.other_urls);
        let layout = match &place.cluster {
            None => Layout::OneHost,
            Some(cluster) => {
                Layout::Cluster { cluster: cluster.clone(), database: place.database.clone() }
            }
        };
        let ids = QueryIds { start: RandomState::new().hash_one(0), next: AtomicU64::new(0) };
        Engine {
            place: Arc::new(place.clone()),
            layout: Arc::new(layout),
            hosts: Arc::new(Hosts {
                clients: urls.map(client).collect(),
                current: AtomicUsize::new(0),
            }),
            seconds: query_seconds,
            ids: Arc::new(ids),
        }
    }

    /// For another runtime. TRICKY: connections are driven by the runtime that opened them. One that is shared stands
    /// still while that runtime does nothing.
    pub fn with_own_connections(&self) -> Engine {
        Engine::new(&self.place, self.seconds)
    }

    pub fn database(&self) -> &str {
        &self.place.database
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The rows of a question. Dropping the future ends it on the server too.
    pub async fn ask<T>(
        &self,
        context: &'static str,
        sql: &str,
        params: &Params,
    ) -> Result<Vec<T>, StoreError>
    where
        T: RowOwned + RowRead,
    {
        let mut rows = Vec::new();
        let put = |row| {
            rows.push(row);
            ControlFlow::Continue(())
        };
        self.each(context, sql, params, put).await?;
        Ok(rows)
    }

    /// Hands the rows of a question to `take`, one by one, until it has enough. Like `ask`.
    pub async fn each<T>(
        &self,
        context: &'static str,
        sql: &str,
        params: &Params,
        mut take: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), StoreError>
    where
        T: RowOwned + RowRead,
    {
        let mut tries = self.hosts.tries();
        loop {
            let mut taken = false;
            let take = |row| {
                taken = true;
                take(row)
            };
            let answer = self.each_of(tries.client(), context, sql, params, take).await;
            // Rows that were handed out can't be taken back.
            if taken || !tries.goes_on_after(&answer) {
                return answer;
            }
        }
    }

    /// The same from one host.
    async fn each_of<T>(
        &self,
        client: &Client,
        context: &'static str,
        sql: &str,
        params: &Params,
        mut take: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), StoreError>
    where
        T: RowOwned + RowRead,
    {
        let id = self.ids.next();
        let query = with_params(client.query_raw(sql), params)
            .with_setting("query_id", &id)
            .with_setting("max_execution_time", self.seconds.to_string())
            // The whole answer or an error, never a part of one.
            .with_setting("http_wait_end_of_query", "1")
            // As in other engines: a condition means the column, and not a result with its name.
            .with_setting("prefer_column_name_to_alias", "1")
            .with_setting(
                "max_bytes_before_external_group_by",
                limits::CLICKHOUSE_GROUP_BYTES.to_string(),
            );
        let mut running = Running { client, seconds: self.seconds, id, done: false };
        let answer = async {
            let mut cursor = query.fetch::<T>()?;
            while let Some(row) = cursor.next().await? {
                if take(row).is_break() {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        let whole = self.within(context, answer).await;
        // A server that did not answer in time may still be at it.
        running.done = !matches!(whole, Ok(false) | Err(StoreError::Timeout(_)));
        whole.map(drop)
    }

    pub async fn ask_number(
        &self,
        context: &'static str,
        sql: &str,
        params: &Params,
    ) -> Result<u64, StoreError> {
        let rows = self.ask::<Number>(context, sql, params).await?;
        Ok(rows.first().map_or(0, |row| row.number))
    }

    /// Runs a statement without an answer, however long it takes.
    pub async fn run(
        &self,
        context: &'static str,
        sql: &str,
        params: &Params,
    ) -> Result<(), StoreError> {
        let mut tries = self.hosts.tries();
        loop {
            let query = with_params(tries.client().query_raw(sql), params);
            let done = query.execute().await.map_err(failed(context, self.seconds));
            if !tries.goes_on_after(&done) {
                return done;
            }
        }
    }

    /// The same outside of any database.
    pub async fn run_outside(&self, context: &'static str, sql: &str) -> Result<(), StoreError> {
        let mut tries = self.hosts.tries();
        loop {
            let client = tries.client().clone().with_database("default");
            let query = client.query_raw(sql);
            let done = query.execute().await.map_err(failed(context, self.seconds));
            if !tries.goes_on_after(&done) {
                return done;
            }
        }
    }

    /// The texts of a question outside of any database.
    pub async fn ask_outside(
        &self,
        context: &'static str,
        sql: &str,
        params: &Params,
    ) -> Result<Vec<String>, StoreError> {
        let mut tries = self.hosts.tries();
        loop {
            let client = tries.client().clone().with_database("default");
            let query = with_params(client.query_raw(sql), params);
            let texts = self.within(context, query.fetch_all::<String>()).await;
            if !tries.goes_on_after(&texts) {
                return texts;
            }
        }
    }

    /// Inserts rows once: again with the same token they are no more. `rows`: as RowBinaryWithNamesAndTypes.
    pub async fn insert(&self, sql: &str, token: &str, rows: Bytes) -> Result<(), StoreError> {
        let mut tries = self.hosts.tries();
        loop {
            let done = self.insert_at(tries.client(), sql, token, rows.clone()).await;
            if !tries.goes_on_after(&done) {
                return done;
            }
        }
    }

    async fn insert_at(
        &self,
        client: &Client,
        sql: &str,
        token: &str,
        rows: Bytes,
    ) -> Result<(), StoreError> {
        let mut insert = client
            .insert_formatted_with(sql)
            .with_setting("insert_deduplication_token", token)
            .with_setting("async_insert", "0")
            // One block, so that the token covers all rows.
            .with_setting("max_insert_block_size", limits::CLICKHOUSE_BLOCK_ROWS.to_string())
            // A batch may have hits of any month.
            .with_setting("max_partitions_per_insert_block", "0");
        if self.layout.is_cluster() {
            // Answered when each shard has its rows, which get the same token there.
            insert = insert.with_setting("distributed_foreground_insert", "1");
        }
        let whole = async {
            insert.send(rows).await?;
            insert.end().await
        };
        self.within("inserting hits", whole).await
    }

    /// `max_execution_time` ends a statement on the server. This ends the wait for a server that says nothing.
    async fn within<T>(
        &self,
        context: &'static str,
        answer: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, StoreError> {
        let patience = Duration::from_secs(self.seconds + limits::CLICKHOUSE_SILENT_SECONDS);
        match tokio::time::timeout(patience, answer).await {
            Ok(answer) => answer.map_err(failed(context, self.seconds)),
            Err(_) => Err(StoreError::Timeout(self.seconds)),
        }
    }
}

impl Hosts {
    fn tries(&self) -> Tries<'_> {
        Tries {
            hosts: self,
            place: self.current.load(Ordering::Relaxed),
            left: self.clients.len() - 1,
        }
    }
}

impl<'a> Tries<'a> {
    fn client(&self) -> &'a Client {
        &self.hosts.clients[self.place]
    }

    /// Whether the next host is to be asked. TRICKY: what every host runs may run twice: an insert has its token, and
    /// other statements do nothing where their work is done.
    fn goes_on_after<T>(&mut self, answer: &Result<T, StoreError>) -> bool {
        let is_away = matches!(answer, Err(StoreError::EngineAway { .. }));
        let is_silent = matches!(answer, Err(StoreError::Timeout(_)));
        if is_away || is_silent {
            self.place = (self.place + 1) % self.hosts.clients.len();
            self.hosts.current.store(self.place, Ordering::Relaxed);
        }
        let goes_on = is_away && self.left > 0;
        self.left = self.left.saturating_sub(1);
        goes_on
    }
}

fn with_params(query: Query, params: &Params) -> Query {
    params.iter().fold(query, |query, (name, param)| match param {
        Param::Text(text) => query.param(&name, text),
        Param::Texts(texts) => query.param(&name, texts),
        Param::Numbers(numbers) => query.param(&name, numbers),
    })
}

impl QueryIds {
    fn next(&self) -> String {
        format!("api-analytics-{:016x}-{}", self.start, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// A running question. Dropped before its end, it is killed on the server.
struct Running<'a> {
    client: &'a Client,
    seconds: u64,
    id: String,
    done: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.done {
            return;
        }
        let mut params = Params::default();
        let sql = super::sql::rows::kill(&self.id, &mut params);
        let (client, seconds) = (self.client.clone(), self.seconds);
        runtime.spawn(async move {
            let done = with_params(client.query_raw(&sql), &params).execute().await;
            if let Err(problem) = done.map_err(failed("killing a query", seconds)) {
                tracing::debug!(%problem, "a query whose caller is gone could not be killed");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::mpsc;
    use std::time::Instant;

    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A server that never answers a question; hands out the calls that it gets.
    fn silent_server() -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (calls, received) = mpsc::channel();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let calls = calls.clone();
                std::thread::spawn(move || {
                    let mut call = Vec::new();
                    let mut piece = [0; 4096];
                    while let Ok(size @ 1..) = stream.read(&mut piece) {
                        call.extend(&piece[..size]);
                        let text = String::from_utf8_lossy(&call).into_owned();
                        let is_whole = text.contains("SELECT 1") || text.contains("ASYNC");
                        if is_whole && text.contains("ASYNC") == text.contains("--\r\n") {
                            let _ = calls.send(text);
                            if call.windows(5).any(|part| part == b"ASYNC") {
                                let _ = stream
                                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                            }
                            call.clear();
                        }
                    }
                });
            }
        });
        (url, received)
    }

    fn engine(url: &str, query_seconds: u64) -> Engine {
        let place = ClickHousePlace {
            url: url.to_owned(),
            database: "default".into(),
            ..ClickHousePlace::default()
        };
        Engine::new(&place, query_seconds)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_whose_caller_is_gone_is_killed_on_the_server() {
        let (url, calls) = silent_server();
        let engine = engine(&url, 30);
        let asking = {
            let engine = engine.clone();
            tokio::spawn(async move {
                engine.ask_number("asking", "SELECT 1", &Params::default()).await
            })
        };
        let patience = Duration::from_secs(10);
        let question = calls.recv_timeout(patience).expect("the question arrives");
        let id = question.split("query_id=").nth(1).unwrap().split(['&', ' ']).next().unwrap();
        assert!(id.starts_with("api-analytics-"), "{question}");
        assert!(calls.recv_timeout(Duration::from_millis(200)).is_err(), "it is not killed yet");
        asking.abort();
        let kill = calls.recv_timeout(patience).expect("the server is told");
        assert!(kill.contains("KILL QUERY WHERE query_id = {p0:String} ASYNC"), "{kill}");
        assert!(kill.contains(id), "{kill}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_away_is_said_at_once_with_the_reason() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let failed = engine(&url, 30).ask_number("asking", "SELECT 1", &Params::default()).await;
        match failed {
            Err(StoreError::EngineAway { cause }) => assert!(cause.contains("refused"), "{cause}"),
            other => panic!("{other:?}"),
        }
    }

    /// A host that lets no new connection in, and answers no packet of one: its queue of them is full.
    struct DeadHost {
        socket: Socket,
        _queue: Vec<TcpStream>,
    }

    impl DeadHost {
        fn start() -> DeadHost {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
            socket.listen(0).unwrap();
            let address = socket.local_addr().unwrap().as_socket().unwrap();
            let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
            let queue = std::iter::from_fn(|| connect().ok()).take(9).collect();
            assert!(connect().is_err(), "it is dead");
            DeadHost { socket, _queue: queue }
        }

        fn url(&self) -> String {
            format!("http://{}", self.socket.local_addr().unwrap().as_socket().unwrap())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_host_that_takes_no_packets_is_away_after_seconds_and_the_next_one_is_asked() {
        let dead = DeadHost::start();
        let started = Instant::now();
        let failed =
            engine(&dead.url(), 60).ask_number("asking", "SELECT 1", &Params::default()).await;
        match failed {
            Err(StoreError::EngineAway { cause }) => {
                assert!(cause.contains("tcp connect error"), "{cause}")
            }
            other => panic!("{other:?}"),
        }
        let (url, calls) = silent_server();
        let place = ClickHousePlace {
            url: dead.url(),
            other_urls: vec![url],
            database: "default".into(),
            ..ClickHousePlace::default()
        };
        let both = Engine::new(&place, 60);
        let asking =
            tokio::spawn(
                async move { both.ask_number("asking", "SELECT 1", &Params::default()).await },
            );
        calls.recv_timeout(Duration::from_secs(30)).expect("the next one is asked");
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
        asking.abort();
    }
}
