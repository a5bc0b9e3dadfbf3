//! Connections whose statements end in bounded time. A database that hangs, or a cut network, closes no connection: without
//! a limit of our own a call would wait until the system gives the connection up, which may take a quarter of an hour. A
//! connection that was left in the middle of a statement is closed.
//!
//! SQLite needs none of this: a statement there is our own work, and its end is sure.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _, unfold};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyPool, Either, Execute, Executor, SqlStr};
use tokio::time::{Instant, timeout, timeout_at};

#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pool: AnyPool,
    /// How long a statement may take; None: as long as it needs.
    longest: Option<Duration>,
}

/// A connection in a transaction.
#[derive(Debug)]
pub(crate) struct Connection {
    inner: sqlx::Transaction<'static, Any>,
    longest: Option<Duration>,
}

/// Rolled back unless it is committed.
#[derive(Debug)]
pub(crate) struct Transaction(Connection);

impl Pool {
    pub(crate) fn new(pool: AnyPool, longest: Option<Duration>) -> Pool {
        Pool { pool, longest }
    }

    pub(crate) async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let inner = bounded(self.longest, self.pool.begin()).await?;
        Ok(Transaction(Connection { inner, longest: self.longest }))
    }

    /// Waits for calls in progress, but not for a database that does not answer.
    pub(crate) async fn close(&self) {
        match self.longest {
            Some(longest) => drop(timeout(longest, self.pool.close()).await),
            None => self.pool.close().await,
        }
    }
}

impl Transaction {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        bounded(self.0.longest, self.0.inner.commit()).await
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

/// An error like that of a connection that was lost, if it takes longer.
pub(crate) async fn bounded<T, E: From<sqlx::Error>>(
    longest: Option<Duration>,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match longest {
        Some(longest) => timeout(longest, call).await.unwrap_or_else(|_| Err(too_long().into())),
        None => call.await,
    }
}

fn too_long() -> sqlx::Error {
    let kind = std::io::ErrorKind::TimedOut;
    sqlx::Error::Io(std::io::Error::new(kind, "the database gave no answer in time"))
}

type Step = Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>;

fn bounded_rows(longest: Option<Duration>, rows: BoxStream<'_, Step>) -> BoxStream<'_, Step> {
    let Some(longest) = longest else { return rows };
    let end = Instant::now() + longest;
    let steps = unfold(Some(rows), move |rows| async move {
        let mut rows = rows?;
        match timeout_at(end, rows.next()).await {
            Ok(step) => step.map(|step| (step, Some(rows))),
            Err(_) => Some((Err(too_long()), None)),
        }
    });
    Box::pin(steps)
}

impl<'c> Executor<'c> for &Pool {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        bounded_rows(self.longest, self.pool.fetch_many(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(bounded(self.longest, self.pool.fetch_optional(query)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        Box::pin(bounded(self.longest, self.pool.prepare_with(sql, parameters)))
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        bounded_rows(self.longest, (&mut *self.inner).fetch_many(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(bounded(self.longest, (&mut *self.inner).fetch_optional(query)))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        Box::pin(bounded(self.longest, (&mut *self.inner).prepare_with(sql, parameters)))
    }
}
