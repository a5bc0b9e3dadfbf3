//! A running read: a snapshot of the files, connections to their engines, and its cancellation on timeout or when its
//! caller is gone.
//!
//! All results are streamed: nothing here makes an engine build one in memory.

use std::cell::{Cell, OnceCell};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use analytics::hit::TextKind;
use duckdb::Connection;
use duckdb::arrow::array::{AsArray, RecordBatch};
use duckdb::arrow::datatypes::UInt32Type;

use crate::blocking;
use crate::duckdb::column_scan::Chunk;
use crate::duckdb::engine::Engine;
use crate::duckdb::failure::failed;
use crate::duckdb::files::{DataFile, Snapshot};
use crate::duckdb::joined_routes::{JoinedRoutes, ReadRoutes};
use crate::duckdb::sql;
use crate::duckdb::sql::file::Tables;
use crate::duckdb::sql::filter::TextField;
use crate::types::StoreError;

/// Runs a read of these files off the async threads. It is cancelled after `seconds`, or when its caller is gone.
pub async fn run<T: Send + 'static>(
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
    routes: ReadRoutes,
    seconds: u64,
    work: impl FnOnce(&Reading<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let connections = Arc::new(OpenConnections::default());
    let stop = StopOnDrop(connections.clone());
    let reading = blocking::run("a read", move || {
        let answer = work(&Reading { snapshot: &snapshot, routes, connections: &connections });
        connections.end();
        // TRICKY: the snapshot outlives the connections' last use of its files.
        drop(snapshot);
        answer.inspect_err(|error| engine.note_read_error(error))
    });
    let answer = tokio::time::timeout(Duration::from_secs(seconds), reading).await;
    drop(stop);
    answer.map_err(|_| StoreError::Timeout(seconds))??
}

/// A running read.
pub struct Reading<'a> {
    pub snapshot: &'a Snapshot,
    pub routes: ReadRoutes,
    connections: &'a OpenConnections,
}

impl<'a> Reading<'a> {
    /// Connections for one thread.
    pub fn connections(&self) -> Connections<'_> {
        Connections { reading: self, writing: OnceCell::new(), sealed: OnceCell::new() }
    }

    /// An error if nobody waits for the answer any more. An interruption between two statements reaches none of them.
    pub fn check(&self) -> Result<(), StoreError> {
        let state = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.stopped { Err(StoreError::Cancelled) } else { Ok(()) }
    }
}

/// One thread's connections, made when they are first needed.
pub struct Connections<'a> {
    reading: &'a Reading<'a>,
    writing: OnceCell<PooledConnection<'a>>,
    sealed: OnceCell<PooledConnection<'a>>,
}

impl Connections<'_> {
    pub fn open<'b>(&'b self, file: &'b DataFile) -> Result<OpenFile<'b>, StoreError> {
        let cell = if file.is_sealed() { &self.sealed } else { &self.writing };
        let lent = match cell.get() {
            Some(lent) => lent,
            None => {
                let lent = self.reading.connections.connection_to(file)?;
                cell.get_or_init(|| lent)
            }
        };
        Ok(OpenFile { reading: self.reading, lent, file })
    }
}

/// A file with a connection to its engine.
#[derive(Clone, Copy)]
pub struct OpenFile<'a> {
    reading: &'a Reading<'a>,
    lent: &'a PooledConnection<'a>,
    file: &'a DataFile,
}

impl OpenFile<'_> {
    /// The file's name in its engine.
    pub fn alias(&self) -> &str {
        &self.file.alias
    }

    pub fn file(&self) -> &DataFile {
        self.file
    }

    /// Its tables, for statements with columns that it may lack.
    pub fn tables(&self) -> Tables<'_> {
        self.file.tables()
    }

    pub fn is_sealed(&self) -> bool {
        self.file.is_sealed()
    }

    /// The project's routes that a rule of today joins. None: there are none.
    pub fn joined_routes(&self, project: u32) -> Result<Option<Arc<JoinedRoutes>>, StoreError> {
        let field = [TextField::Text];
        let all = sql::filter::texts(self.tables(), project, TextKind::Route, &field, None);
        let each_route = |take: &mut dyn FnMut(u32, &str)| {
            self.each(&all.sql, &all.values, |batch| {
                let id = batch.column(0).as_primitive::<UInt32Type>().values();
                let text = batch.column(1).as_string::<i32>();
                id.iter().enumerate().for_each(|(row, id)| take(*id, text.value(row)));
            })
        };
        let kept_as = self.is_sealed().then(|| self.alias());
        self.reading.routes.of_file(kept_as, project, &each_route)
    }

    pub fn routes(&self) -> &ReadRoutes {
        &self.reading.routes
    }

    /// Runs a statement and passes its rows to `take` as they come.
    pub fn each(
        &self,
        text: &str,
        values: &[String],
        mut take: impl FnMut(&RecordBatch),
    ) -> Result<(), StoreError> {
        let context = "reading hits";
        self.reading.check()?;
        let mut statement = self.lent.connection().prepare(text).map_err(failed(context))?;
        // TRICKY: this iterator panics if a read is interrupted; `step` reports it instead.
        drop(
            statement
                .stream_arrow(duckdb::params_from_iter(values.iter()))
                .map_err(failed(context))?,
        );
        self.lent.has_rows_left.set(true);
        while let Some(rows) = statement.step().map_err(failed(context))? {
            self.reading.check()?;
            take(&RecordBatch::from(&rows));
        }
        self.lent.has_rows_left.set(false);
        Ok(())
    }

    /// Runs a statement of numbers and passes its rows to `take`, chunk by chunk, in no order and on several threads.
    pub fn scan_columns(
        &self,
        text: &str,
        values: &[String],
        take: impl Fn(&Chunk<'_>) + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        self.reading.check()?;
        self.file.instance().scans().run(self.lent.connection(), text, values, take)
    }
}

/// A connection that returns to the pool when it is dropped.
struct PooledConnection<'a> {
    connection: Option<Connection>,
    /// TRICKY: a statement that has rows left and did not fail keeps its transaction open even after it is dropped, and a
    /// transaction older than the last commit blocks checkpoints. Only the next statement, or closing the connection, ends it.
    has_rows_left: Cell<bool>,
    engine: Arc<Engine>,
    is_sealed: bool,
    connections: &'a OpenConnections,
}

impl PooledConnection<'_> {
    fn connection(&self) -> &Connection {
        // Set until this is dropped.
        self.connection.as_ref().unwrap_or_else(|| unreachable!())
    }
}

impl Drop for PooledConnection<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.has_rows_left.get() {
            return;
        }
        let mut state = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.idle.push((self.engine.clone(), self.is_sealed, connection));
    }
}

#[derive(Default)]
struct OpenConnections(Mutex<OpenConnectionsState>);

#[derive(Default)]
struct OpenConnectionsState {
    stopped: bool,
    /// Handles of this read's own connections. After its end they may belong to another.
    interrupts: Vec<Arc<duckdb::InterruptHandle>>,
    /// Each with its engine, and whether it reads sealed files.
    idle: Vec<(Arc<Engine>, bool, Connection)>,
}

impl OpenConnections {
    /// A connection to the instance that has the file.
    fn connection_to(&self, file: &DataFile) -> Result<PooledConnection<'_>, StoreError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(engine, is_sealed, _): &(Arc<Engine>, bool, Connection)| {
            Arc::ptr_eq(engine, file.engine()) && *is_sealed == file.is_sealed()
        };
        let connection = match state.idle.iter().position(is_it) {
            Some(at) => state.idle.swap_remove(at).2,
            None => {
                let connection = file.instance().connect()?;
                state.interrupts.push(connection.interrupt_handle());
                connection
            }
        };
        Ok(PooledConnection {
            connection: Some(connection),
            has_rows_left: Cell::new(false),
            engine: file.engine().clone(),
            is_sealed: file.is_sealed(),
            connections: self,
        })
    }

    fn end(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.interrupts.clear();
        for (engine, is_sealed, connection) in state.idle.drain(..) {
            let instance = if is_sealed { &engine.reading } else { &engine.writing };
            instance.give_back(connection);
        }
    }
}

struct StopOnDrop(Arc<OpenConnections>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.stopped = true;
        state.interrupts.iter().for_each(|interrupt| interrupt.interrupt());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::types::{StoreLimits, StoreOptions};

    async fn store(data: &std::path::Path) -> Store {
        let limits = StoreLimits { disk_free_percent: 0, reserve_bytes: 0, ..Default::default() };
        Store::open(StoreOptions::new(data.to_path_buf(), limits)).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_read_that_panics_is_an_error_and_the_next_one_is_not() {
        let data = tempfile::tempdir().unwrap();
        let store = store(data.path()).await;
        let panics = |_: &Reading<'_>| -> Result<(), StoreError> { panic!("on purpose") };
        let answer = store.duckdb().unwrap().read(panics).await;
        assert!(matches!(answer, Err(StoreError::Panicked("a read"))), "{answer:?}");
        store.duckdb().unwrap().read(|reading| reading.check()).await.unwrap();
        store.close().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_read_without_an_asker_is_cancelled_which_is_not_closing() {
        let data = tempfile::tempdir().unwrap();
        let store = store(data.path()).await;
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let (ended, has_ended) = tokio::sync::oneshot::channel();
        let shared = store.duckdb().unwrap().clone();
        let asking = tokio::spawn(async move {
            let work = move |reading: &Reading<'_>| {
                began.send(()).unwrap();
                let problem = loop {
                    match reading.check() {
                        Ok(()) => std::thread::sleep(Duration::from_millis(1)),
                        Err(problem) => break problem,
                    }
                };
                ended.send(problem).unwrap();
                Ok(())
            };
            shared.read(work).await
        });
        has_begun.await.unwrap();
        asking.abort();
        let problem = has_ended.await.unwrap();
        assert!(matches!(problem, StoreError::Cancelled), "{problem:?}");
        store.close().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_read_that_is_cancelled_midway_does_not_block_checkpoints() {
        let data = tempfile::tempdir().unwrap();
        let store = store(data.path()).await;
        let shared = store.duckdb().unwrap().clone();
        let engine = shared.engine().unwrap();
        let file = shared.files.now().entries[0].file.alias.clone();
        let numbers =
            format!("CREATE TABLE {file}.numbers AS SELECT range AS n FROM range(200000)");
        engine.writing.execute(&numbers).unwrap();
        for is_given_up in [false, true] {
            let (began, has_begun) = tokio::sync::oneshot::channel();
            let (gives_up, given_up) = std::sync::mpsc::channel::<()>();
            let reader = shared.clone();
            let asking = tokio::spawn(async move {
                let work = move |reading: &Reading<'_>| {
                    let connections = reading.connections();
                    let open = connections.open(&reading.snapshot.entries[0].file)?;
                    let (mut began, mut rows) = (Some(began), 0);
                    open.each(&format!("SELECT n FROM {}.numbers", open.alias()), &[], |batch| {
                        if let Some(began) = began.take() {
                            began.send(()).unwrap();
                            given_up.recv().unwrap();
                        }
                        rows += batch.num_rows();
                    })?;
                    Ok(rows)
                };
                reader.read(work).await
            });
            has_begun.await.unwrap();
            if is_given_up {
                asking.abort();
            }
            gives_up.send(()).unwrap();
            match asking.await {
                Ok(rows) => assert_eq!((rows.unwrap(), is_given_up), (200_000, false)),
                Err(aborted) => assert!(aborted.is_cancelled() && is_given_up),
            }
            let newer = format!("CREATE TABLE {file}.newer_{is_given_up} (n INTEGER)");
            engine.writing.execute(&newer).unwrap();
            // A cancelled read may take a moment to stop.
            let began = std::time::Instant::now();
            while let Err(refused) =
                engine.writing.execute(&crate::duckdb::sql::file::checkpoint(&file))
            {
                assert!(began.elapsed() < Duration::from_secs(30), "{refused}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        drop(engine);
        store.close().await.unwrap();
    }
}
