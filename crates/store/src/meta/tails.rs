//! Messages of the tails of servers that share a database. PostgreSQL passes them on and keeps nothing.

use sqlx::postgres::PgListener;

use super::error::MetaError;
use super::handle::Meta;
use super::heard_tails::HeardTail;

/// Tables of another schema are another installation.
const CHANNEL: &str = "SELECT 'api_analytics_tail_' || md5(current_schema())";
const TELL: &str =
    "SELECT pg_notify('api_analytics_tail_' || md5(current_schema()), $1)::text AS told";

pub(super) async fn listen(listener: &mut PgListener) -> Result<String, sqlx::Error> {
    let channel: String = sqlx::query_scalar(CHANNEL).fetch_one(&mut *listener).await?;
    listener.listen(&channel).await?;
    Ok(channel)
}

impl Meta {
    /// Says something to all servers that share the database, also to this one.
    pub async fn tell_tails(&self, message: &str) -> Result<(), MetaError> {
        sqlx::query(TELL).bind(message).execute(&self.inner.db.pool).await?;
        Ok(())
    }

    pub async fn next_tail(&self) -> HeardTail {
        self.inner.tails.take().await
    }
}
