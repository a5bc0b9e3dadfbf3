//! Reads the database into memory: all of it at the start, later the parts that another server has changed. Modules of
//! their own read the kinds of things that they hold.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use analytics::alert::RuleSettings;
use analytics::maintenance::MaintenanceSettings;
use sqlx::Row;

use super::directory::{Directory, KeyEntry, LinkEntry, ProjectGrant, SessionEntry, Touched};
use super::error::MetaError;
use super::parts::Part;
use super::projects::{PROJECT_COLUMNS, to_project};
use super::rows::{Can, NewShareLink, ShareLink};
use super::secrets::{SecretHash, ServerSecret};
use super::{channels, monitors, settings_rows, status_pages};
use crate::database::bounded::Pool;
use crate::database::columns::Columns as _;

/// A directory with these parts alone.
pub(super) async fn load(
    pool: &Pool,
    secret: &ServerSecret,
    parts: &BTreeSet<Part>,
) -> Result<Directory, MetaError> {
    let mut directory = Directory::default();
    for part in parts {
        match part {
            Part::Projects => load_projects(pool, secret, &mut directory).await?,
            Part::Keys => load_keys(pool, &mut directory).await?,
            Part::ImportedUserIds => load_imported_user_ids(pool, &mut directory).await?,
            Part::Sessions => load_sessions(pool, &mut directory).await?,
            Part::ShareLinks => load_share_links(pool, &mut directory).await?,
            Part::Monitors => monitors::load(pool, secret, &mut directory).await?,
            Part::Channels => channels::load(pool, secret, &mut directory).await?,
            Part::Maintenance => {
                settings_rows::load::<MaintenanceSettings>(pool, &mut directory).await?;
            }
            Part::StatusPages => status_pages::load(pool, &mut directory).await?,
            Part::Rules => settings_rows::load::<RuleSettings>(pool, &mut directory).await?,
        }
    }
    Ok(directory)
}

async fn load_projects(
    pool: &Pool,
    secret: &ServerSecret,
    directory: &mut Directory,
) -> Result<(), MetaError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {PROJECT_COLUMNS} FROM projects")));
    for row in rows.fetch_all(pool).await? {
        directory.put_project(to_project(&row)?, secret);
    }
    Ok(())
}

async fn load_keys(pool: &Pool, directory: &mut Directory) -> Result<(), MetaError> {
    let rows = sqlx::query(
        "SELECT id, project, hash, can, last_used_us FROM keys WHERE revoked_us IS NULL",
    );
    for row in rows.fetch_all(pool).await? {
        let entry = KeyEntry {
            id: row.try_get("id")?,
            project: row.project("project")?,
            can: Can::parse(row.try_get("can")?),
            used: Touched::new(row.try_get("last_used_us")?),
        };
        directory.keys.insert(to_hash(row.try_get("hash")?)?, Arc::new(entry));
    }
    Ok(())
}

async fn load_imported_user_ids(pool: &Pool, directory: &mut Directory) -> Result<(), MetaError> {
    for row in sqlx::query("SELECT hash, project FROM imported_user_ids").fetch_all(pool).await? {
        directory.imported_user_ids.insert(to_hash(row.try_get("hash")?)?, row.project("project")?);
    }
    Ok(())
}

async fn load_sessions(pool: &Pool, directory: &mut Directory) -> Result<(), MetaError> {
    let mut held: HashMap<SecretHash, Vec<ProjectGrant>> = HashMap::new();
    let rows = sqlx::query("SELECT session, project, key, generation FROM session_projects");
    for row in rows.fetch_all(pool).await? {
        held.entry(to_hash(row.try_get("session")?)?).or_default().push(ProjectGrant {
            project: row.project("project")?,
            key: row.try_get("key")?,
            generation: row.maybe_number("generation")?,
        });
    }
    for row in
        sqlx::query("SELECT hash, created_us, last_used_us FROM sessions").fetch_all(pool).await?
    {
        let hash = to_hash(row.try_get("hash")?)?;
        let entry = SessionEntry {
            created_us: row.try_get("created_us")?,
            used: Arc::new(Touched::new(row.try_get("last_used_us")?)),
            projects: held.remove(&hash).unwrap_or_default(),
        };
        directory.sessions.insert(hash, Arc::new(entry));
    }
    Ok(())
}

async fn load_share_links(pool: &Pool, directory: &mut Directory) -> Result<(), MetaError> {
    let rows = sqlx::query(
        "SELECT id, project, hash, name, q, addresses, consumers, hits, created_us, expires_us, last_used_us FROM share_links",
    );
    for row in rows.fetch_all(pool).await? {
        let link = ShareLink {
            id: row.try_get("id")?,
            project: row.project("project")?,
            new: NewShareLink {
                name: row.try_get("name")?,
                q: row.try_get("q")?,
                addresses: row.flag("addresses")?,
                consumers: row.flag("consumers")?,
                hits: row.flag("hits")?,
                expires_us: row.try_get("expires_us")?,
            },
            created_us: row.try_get("created_us")?,
            last_used_us: row.try_get("last_used_us")?,
        };
        let used = Touched::new(link.last_used_us);
        directory.links.insert(to_hash(row.try_get("hash")?)?, Arc::new(LinkEntry { link, used }));
    }
    Ok(())
}

fn to_hash(bytes: Vec<u8>) -> Result<SecretHash, MetaError> {
    bytes.try_into().map_err(|_| {
        MetaError::Database(sqlx::Error::Protocol("a hash is not 32 bytes long".into()))
    })
}
