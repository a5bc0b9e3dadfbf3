//! `meta.sqlite` as a file: copied, and prepared while a backup is restored. PostgreSQL has its own backups.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::error::MetaError;
use super::facts::has_table;
use super::migrate::FILE;

/// Writes a consistent copy of the file in `data` into the folder `into`, without changing it.
pub async fn copy_to(data: &Path, into: &Path) -> Result<(), MetaError> {
    let options = SqliteConnectOptions::new().filename(data.join(FILE));
    let mut db = options.connect().await?;
    sqlx::query("VACUUM INTO ?")
        .bind(into.join(FILE).to_string_lossy().into_owned())
        .execute(&mut db)
        .await?;
    db.close().await?;
    Ok(())
}

/// Marks the learned routes of a folder being restored: words in their paths may belong to someone erased since.
pub async fn mark_restored_routes(restored: &Path) -> Result<(), sqlx::Error> {
    let file = restored.join(FILE);
    if !file.exists() {
        return Ok(());
    }
    let mut db = SqliteConnectOptions::new().filename(&file).connect().await?;
    if has_table(&mut db, "learned_routes").await? {
        sqlx::query("UPDATE learned_routes SET restored = 1").execute(&mut db).await?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await?;
    }
    db.close().await
}

/// Deletes the subscribers of the file in `restored` that are not in that of `replaced`: they have unsubscribed since
/// the backup. Nobody is deleted if `replaced` is another server's, or cannot be read.
pub async fn forget_those_who_left(restored: &Path, replaced: &Path) -> Result<(), sqlx::Error> {
    let file = restored.join(FILE);
    if !file.exists() || !replaced.join(FILE).exists() {
        return Ok(());
    }
    let Ok(Some((secret, stayed))) = secret_and_links(&replaced.join(FILE)).await else {
        return Ok(());
    };
    let Some((same_secret, _)) = secret_and_links(&file).await? else { return Ok(()) };
    if same_secret != secret {
        return Ok(());
    }
    let options = SqliteConnectOptions::new().filename(&file).pragma("secure_delete", "on");
    let mut db = options.connect().await?;
    let delete = "DELETE FROM subscribers WHERE hex(link) NOT IN (SELECT value FROM json_each(?))";
    sqlx::query(delete).bind(serde_json::json!(stayed).to_string()).execute(&mut db).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut db).await?;
    db.close().await
}

/// The server's secret, and the hash of each subscriber's link in hexadecimal digits. None if the file is from a
/// version without subscribers.
async fn secret_and_links(file: &Path) -> Result<Option<(Vec<u8>, Vec<String>)>, sqlx::Error> {
    let mut db = SqliteConnectOptions::new().filename(file).connect().await?;
    if !has_table(&mut db, "subscribers").await? {
        return Ok(None);
    }
    let secret = sqlx::query_scalar("SELECT secret FROM server").fetch_one(&mut db).await?;
    let links = sqlx::query_scalar("SELECT hex(link) FROM subscribers").fetch_all(&mut db).await?;
    db.close().await?;
    Ok(Some((secret, links)))
}
