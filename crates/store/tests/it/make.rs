//! Stores and batches to test with.

use std::path::Path;

use analytics::batch::{AgentTraits, Batch};
use analytics::filter::Filter;
use analytics::hit::{Country, Hit, ProjectId, TextKind};
use analytics::period::Period;
use analytics::query::{ArrivalQuery, HitsQuery, ProjectScope};
use store::{Append, DuckDbLimits, HitRow, Receipt, Store, StoreError, StoreLimits, StoreOptions};

pub const P: ProjectId = ProjectId(1);
pub const Q: ProjectId = ProjectId(2);

/// A hit as a test writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    pub time_us: i64,
    pub path: String,
    pub user: String,
    pub address: String,
    pub status: u16,
    pub duration_us: Option<u64>,
    pub country: [u8; 2],
}

pub fn plain(n: i64) -> Plain {
    Plain {
        time_us: 1_790_000_000_000_000 + n * 1_000_003,
        path: format!("/items/{}", n % 7),
        user: if n % 3 == 0 { String::new() } else { format!("user-{}", n % 5) },
        address: if n % 4 == 0 { String::new() } else { format!("203.0.113.{}", n % 9) },
        status: [200, 200, 404, 500][n as usize % 4],
        duration_us: (n % 6 != 0).then_some(n as u64 * 37),
        country: if n % 2 == 0 { *b"NZ" } else { [0, 0] },
    }
}

pub fn batch(hits: &[Plain]) -> Batch {
    let mut batch = Batch { arrival_us: 1_790_000_000_000_000, ..Batch::default() };
    for hit in hits {
        let mut texts = [0; TextKind::COUNT];
        for (kind, text) in [
            (TextKind::Method, "GET"),
            (TextKind::Path, hit.path.as_str()),
            (TextKind::Route, "/items/{id}"),
            (TextKind::Agent, "curl/8.1"),
            (TextKind::User, hit.user.as_str()),
            (TextKind::Address, hit.address.as_str()),
        ] {
            let known = &mut batch.dictionary.texts[kind as usize];
            let place = known.iter().position(|other| other == text);
            texts[kind as usize] = match place {
                Some(at) => at as u32,
                None => {
                    known.push(text);
                    match kind {
                        TextKind::Agent => batch.dictionary.agents.push(
                            AgentTraits {
                                client: "curl".into(),
                                os: String::new(),
                                device: "library".into(),
                            }
                            .into(),
                        ),
                        TextKind::Path => batch.dictionary.versions.push("v1"),
                        _ => {}
                    }
                    known.len() as u32 - 1
                }
            };
        }
        batch.hits.push(Hit {
            time_us: hit.time_us,
            duration_us: hit.duration_us,
            status: hit.status,
            country: Country(hit.country),
            request_size: None,
            response_size: Some(12),
            texts,
        });
    }
    batch
}

/// The parts of a returned row that a test compares.
pub fn to_plain(row: &HitRow) -> Plain {
    let text = |kind: TextKind| &**row.text(kind);
    assert_eq!(
        [TextKind::Method, TextKind::Route, TextKind::Agent].map(text),
        ["GET", "/items/{id}", "curl/8.1"]
    );
    assert_eq!(row.words.each_ref().map(|word| &**word), ["curl", "", "library", "v1"]);
    assert_eq!((row.request_size, row.response_size), (None, Some(12)));
    Plain {
        time_us: row.time_us,
        path: text(TextKind::Path).to_owned(),
        user: text(TextKind::User).to_owned(),
        address: text(TextKind::Address).to_owned(),
        status: row.status,
        duration_us: row.duration_us,
        country: row.country.0,
    }
}

/// Small files, so that a few hits make many files.
pub fn small() -> StoreLimits {
    let duckdb = DuckDbLimits {
        active_rows: 40,
        checkpoint_every_ms: 20,
        merge_at: 3,
        merged_rows: 400,
        merge_piece_rows: 25,
        merge_piece_text_bytes: 400,
        slow_part_rows: 50,
        ..DuckDbLimits::default()
    };
    on_any_disk(duckdb)
}

/// However little space the disk has.
pub fn on_any_disk(duckdb: DuckDbLimits) -> StoreLimits {
    StoreLimits {
        disk_free_percent: 0,
        disk_free_bytes: 0,
        reserve_bytes: 0,
        duckdb,
        ..StoreLimits::default()
    }
}

/// Like `small`, with the changes of `change`.
pub fn small_but(change: impl FnOnce(&mut DuckDbLimits)) -> StoreLimits {
    let mut limits = small();
    change(&mut limits.duckdb);
    limits
}

pub async fn open(data: &Path, limits: StoreLimits) -> Store {
    try_open(data, limits).await.expect("the store opens")
}

pub async fn try_open(data: &Path, limits: StoreLimits) -> Result<Store, StoreError> {
    Store::open(StoreOptions::new(data.to_path_buf(), limits)).await
}

pub async fn append(store: &Store, project: ProjectId, hits: &[Plain]) -> Receipt {
    append_named(store, project, hits, None).await.expect("the batch is kept")
}

pub async fn append_named(
    store: &Store,
    project: ProjectId,
    hits: &[Plain],
    name: Option<u128>,
) -> Result<Receipt, StoreError> {
    store
        .append(Append {
            project,
            batch: batch(hits),
            batch_hash: name,
            rejected: Vec::new(),
            rejected_total: 0,
        })
        .await
}

pub fn scope(project: ProjectId) -> ProjectScope {
    ProjectScope::granted(project, Filter::default())
}

pub fn everything(project: ProjectId) -> ArrivalQuery {
    ArrivalQuery {
        scope: scope(project),
        period: Period::default(),
        filter: Filter::default(),
        after: None,
        up_to: None,
        offset: 0,
        limit: 1_000_000,
    }
}

pub fn latest(project: ProjectId, limit: usize) -> HitsQuery {
    HitsQuery {
        scope: scope(project),
        period: Period::default(),
        filter: Filter::default(),
        after: None,
        limit,
    }
}

/// All hits in order of arrival, once all appended ones are visible.
pub async fn all(store: &Store, project: ProjectId) -> Vec<Plain> {
    store.settle().await.expect("it settles");
    store.arrivals(everything(project)).await.expect("it reads").iter().map(to_plain).collect()
}

/// Waits until there are sealed files and none is waiting to be sealed; panics after a minute.
pub async fn until_sealed(store: &Store) {
    for _ in 0..6_000 {
        if store
            .stats()
            .duckdb
            .is_some_and(|files| files.frozen_files == 0 && files.sealed_files > 0)
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("files stay frozen: {:?}", store.stats());
}
