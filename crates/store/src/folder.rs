//! The whole data folder: hits and projects, which must match.

use std::path::Path;

use analytics::hit::ProjectId;
use sqlx::{ConnectOptions, Connection};

use crate::checks;
use crate::clock::now_us;
use crate::facts;
use crate::inbox::identity::FolderId;
use crate::inbox::{self, Change, Identity, ProjectNumbers};
use crate::meta::{self, Meta, MetaError, MetaIdentity, Moved};
use crate::open::{lock, random_key};
use crate::store::Store;
use crate::types::{HitsPlace, MetaPlace, StoreError, StoreOptions};
use crate::verdict::{self, Found, Verdict};

/// Opens or creates the data folder: first the store, which locks it against a second server, then the projects.
/// Refuses a folder in which a file was lost or replaced by an older copy (`StoreError::NotWhole`), and changes nothing
/// in it.
///
/// `fresh_secret`: 32 random bytes, stored as the server's secret if there is none yet.
pub async fn open_folder(
    options: StoreOptions,
    fresh_secret: [u8; 32],
    now_us: i64,
) -> Result<(Store, Meta), StoreError> {
    let (data, place) = (options.data.clone(), options.meta.clone());
    let store = Store::open_as(options, true).await?;
    let shared = store.shared().clone();
    let opening = async {
        let numbers = ProjectNumbers::new(shared.inbox.clone());
        // With hits in files, another server would not show them.
        let in_clickhouse = matches!(shared.options.hits, HitsPlace::ClickHouse(_));
        let shares_as = in_clickhouse.then_some(shared.identity.folder);
        let opening = Meta::open_as_server(&place, &data, fresh_secret, now_us, numbers, shares_as);
        let meta = opening.await?;
        // A crash may have happened between the two places that store the number.
        meta.skip_project_numbers(shared.highest_project).await?;
        let identity = MetaIdentity {
            folder: shared.identity.folder,
            starts: shared.identity.begun,
            ledger_key: shared.key,
        };
        meta.set_identity(&identity).await?;
        Ok::<Meta, MetaError>(meta)
    };
    let opened = match opening.await {
        Ok(meta) => shared.inbox.change(Change::Started).await.map(|()| meta),
        Err(problem) => Err(StoreError::ProjectFiles {
            context: "the projects cannot be read",
            cause: Box::new(problem),
        }),
    };
    match opened {
        Ok(meta) => {
            note_orphans(&store, &meta);
            Ok((store, meta))
        }
        Err(problem) => {
            store.close().await?;
            Err(problem)
        }
    }
}

/// Logs projects that have hits but are in no table: nobody can see them.
fn note_orphans(store: &Store, meta: &Meta) {
    let Some(hits) = store.duckdb() else { return };
    for entry in &hits.files.now().entries {
        for (project, share) in entry.file.stats.load().iter() {
            if share.rows > 0 && meta.project(*project).is_none() {
                let id = project.0;
                hits.notes.note(
                    &format!("project {id}"),
                    format!(
                        "project {id} has hits and stands in no table, so nobody can see them; \
                         `api-analytics repair` makes it a project that the operator can open"
                    ),
                );
            }
        }
    }
}

/// Gives both databases a new identity, so that a file of the replaced folder no longer matches them. Deleted projects
/// are deleted from `meta.sqlite`, if there is one, and no number up to `highest` is given again.
///
/// `folder`: an id to keep, by which ClickHouse knows it; none: a new one.
pub async fn give_identity(
    data: &Path,
    folder: Option<FolderId>,
    deleted: &[ProjectId],
    highest: ProjectId,
) -> Result<(), StoreError> {
    let context = "giving the folder an id";
    let wrong = |source: MetaError| StoreError::ProjectFiles { context, cause: Box::new(source) };
    let folder = match folder {
        Some(folder) => folder,
        None => {
            let mut fresh = [0; 16];
            fresh.copy_from_slice(&random_key()?[..16]);
            fresh
        }
    };
    let mut db = inbox::connect_options(&data.join("inbox.sqlite"))
        .connect()
        .await
        .map_err(inbox::failed(context))?;
    let ledger_key = inbox::ledger_key(&mut db).await?;
    let mut highest = highest.max(ProjectId(inbox::identity::highest_project(&mut db).await?));
    let has_meta = data.join(meta::FILE).exists();
    if has_meta {
        let meta = Meta::open(data, random_key()?, now_us()).await.map_err(wrong)?;
        meta.skip_project_numbers(highest).await.map_err(wrong)?;
        for project in deleted {
            meta.begin_delete(*project).await.map_err(wrong)?;
            meta.finish_delete(*project).await.map_err(wrong)?;
        }
        let live = meta.all_monitors();
        let live = live.iter().map(|monitor| (monitor.id, monitor.created_us)).collect();
        let rules = meta.all_rules();
        let rules = rules.iter().map(|rule| (rule.id, rule.created_us)).collect();
        checks::keep_only_in(data, &live, &rules)
            .await
            .map_err(|source| StoreError::ProjectFiles { context, cause: Box::new(source) })?;
        highest = highest.max(meta.highest_number().await.map_err(wrong)?);
        let identity = MetaIdentity { folder, starts: 1, ledger_key };
        meta.set_identity(&identity).await.map_err(wrong)?;
        meta.close().await.map_err(wrong)?;
    }
    let starts = u64::from(has_meta);
    inbox::identity::raise_highest_project(&mut db, highest).await?;
    let identity = Identity { folder, begun: starts, done: starts };
    inbox::identity::write(&mut db, &identity).await?;
    db.close().await.map_err(inbox::failed(context))
}

/// Moves projects and settings of the folder from `options.meta` to another database, which must be empty. The folder is
/// opened with that one from then on. No server may hold the folder, or use either database.
pub async fn move_projects(options: StoreOptions, to: MetaPlace) -> Result<Moved, StoreError> {
    let (data, from) = (options.data, options.meta);
    let _lock = lock(&data)?;
    let facts = facts::gather(&data, Some(&from), &options.limits).await?;
    if let Verdict::Stop(stop) = verdict::judge(&facts) {
        return Err(StoreError::NotWhole(stop.explain(&data)));
    }
    let identity = match &facts.inbox {
        Found::Known(inbox) => inbox.identity,
        _ => None,
    };
    let Some(identity) = identity else {
        return Err(StoreError::UnusablePath(format!(
            "{} holds no projects yet: start a server with the database that you want",
            data.display()
        )));
    };
    let context = "the projects cannot be moved";
    let failed = |source: MetaError| StoreError::ProjectFiles { context, cause: Box::new(source) };
    // Brings the tables up to date.
    let opened = Meta::open_at(&from, &data, random_key()?, now_us()).await.map_err(failed)?;
    opened.close().await.map_err(failed)?;
    let moving = meta::move_meta(&data, identity.folder, &from, &to);
    moving.await.map_err(failed)
}
