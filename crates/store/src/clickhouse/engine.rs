//! The connection to ClickHouse: runs statements, bounds them in time, and kills those whose caller is gone.

use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use analytics::limits;
use bytes::Bytes;
use clickhouse::query::Query;
use clickhouse::{Client, Compression, Row, RowOwned, RowRead};
use serde::Deserialize;

use super::failure::failed;
use super::sql::params::{Param, Params};
use crate::types::StoreError;

/// The address of a server (or of what distributes calls to several), the database, and who asks.
#[derive(Clone)]
pub struct ClickHouseOptions {
    /// `http://host:8123` or `https://host:8443`.
    pub url: String,
    pub database: String,
    /// "" for the server's default user.
    pub user: String,
    pub password: String,
    pub query_seconds: u64,
}

impl std::fmt::Debug for ClickHouseOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ClickHouseOptions { url, database, user, .. } = self;
        write!(f, "ClickHouseOptions {{ {url}, database {database}, user {user:?} }}")
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    options: Arc<ClickHouseOptions>,
    client: Client,
    seconds: u64,
    ids: Arc<QueryIds>,
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
    pub fn new(options: &ClickHouseOptions) -> Engine {
        let mut client = Client::default()
            .with_url(&options.url)
            .with_database(&options.database)
            .with_compression(Compression::None);
        if !options.user.is_empty() {
            client = client.with_user(&options.user).with_password(&options.password);
        }
        let ids = QueryIds { start: RandomState::new().hash_one(0), next: AtomicU64::new(0) };
        let seconds = options.query_seconds;
        Engine { options: Arc::new(options.clone()), client, seconds, ids: Arc::new(ids) }
    }

    /// For another runtime. TRICKY: connections are driven by the runtime that opened them. One that is shared stands
    /// still while that runtime does nothing.
    pub fn with_own_connections(&self) -> Engine {
        Engine::new(&self.options)
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
        let id = self.ids.next();
        let query = with_params(self.client.query_raw(sql), params)
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
        let mut running = Running { engine: self, id, done: false };
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
        with_params(self.client.query_raw(sql), params)
            .execute()
            .await
            .map_err(failed(context, self.seconds))
    }

    /// The same outside of any database.
    pub async fn run_outside(&self, context: &'static str, sql: &str) -> Result<(), StoreError> {
        let client = self.client.clone().with_database("default");
        client.query_raw(sql).execute().await.map_err(failed(context, self.seconds))
    }

    /// Inserts rows once: again with the same token they are no more. `rows`: as RowBinaryWithNamesAndTypes.
    pub async fn insert(&self, sql: String, token: &str, rows: Bytes) -> Result<(), StoreError> {
        let mut insert = self
            .client
            .insert_formatted_with(sql)
            .with_setting("insert_deduplication_token", token)
            .with_setting("async_insert", "0")
            // One block, so that the token covers all rows.
            .with_setting("max_insert_block_size", limits::CLICKHOUSE_BLOCK_ROWS.to_string())
            // A batch may have hits of any month.
            .with_setting("max_partitions_per_insert_block", "0");
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
    engine: &'a Engine,
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
        let engine = self.engine.clone();
        runtime.spawn(async move {
            if let Err(problem) = engine.run("killing a query", &sql, &params).await {
                tracing::debug!(%problem, "a query whose caller is gone could not be killed");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

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
        Engine::new(&ClickHouseOptions {
            url: url.to_owned(),
            database: "default".into(),
            user: String::new(),
            password: String::new(),
            query_seconds,
        })
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
}
