//! Results of lists: their order and their pages.

use super::make::{
    P, Plain, Q, all, append, append_named, everything, latest, open, plain, scope, small,
    small_but, to_plain, until_sealed,
};
use analytics::filter;
use analytics::hit::TextKind;
use analytics::period::Period;
use analytics::query::{ArrivalQuery, HitsQuery};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use store::{Erasure, StoreLimits};

async fn filled(data: &std::path::Path, limits: StoreLimits) -> (store::Store, Vec<Plain>) {
    let store = open(data, limits).await;
    let hits: Vec<Plain> = (0..300).map(plain).collect();
    for (n, chunk) in hits.chunks(25).enumerate() {
        append(&store, P, chunk).await;
        append(&store, Q, &[plain(1_000 + n as i64)]).await;
        store.settle().await.unwrap();
    }
    until_sealed(&store).await;
    assert!(store.stats().duckdb.unwrap().sealed_files > 1, "the test is about several files");
    (store, hits)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_by_number_and_by_cursor_is_the_list_cut_in_pieces() {
    let data = tempfile::tempdir().unwrap();
    let (store, hits) = filled(data.path(), small()).await;
    assert_eq!(all(&store, P).await, hits);
    let ids: Vec<i64> =
        store.arrivals(everything(P)).await.unwrap().iter().map(|hit| hit.hit_id).collect();
    for after in (0..hits.len()).step_by(9) {
        for offset in [1, 13, 30, 60, 200] {
            let query = ArrivalQuery {
                after: Some(ids[after]),
                offset: offset as u64,
                limit: 5,
                ..everything(P)
            };
            let rows = store.arrivals(query).await.unwrap();
            let rows: Vec<Plain> = rows.iter().map(to_plain).collect();
            let wanted: Vec<Plain> =
                hits.iter().skip(after + 1 + offset).take(5).cloned().collect();
            assert_eq!(rows, wanted, "{offset} hits after {after}");
        }
    }
    for size in [1, 7, 100, 299, 300, 301] {
        for page in 0..hits.len().div_ceil(size) + 1 {
            let query = ArrivalQuery { offset: (page * size) as u64, limit: size, ..everything(P) };
            let rows: Vec<Plain> =
                store.arrivals(query).await.unwrap().iter().map(to_plain).collect();
            assert_eq!(
                rows,
                hits.iter().skip(page * size).take(size).cloned().collect::<Vec<_>>(),
                "{size} {page}"
            );
        }
        if size == 1 {
            continue;
        }
        let mut after = None;
        let mut walked = Vec::new();
        loop {
            let rows =
                store.arrivals(ArrivalQuery { after, limit: size, ..everything(P) }).await.unwrap();
            walked.extend(rows.iter().map(to_plain));
            match rows.last() {
                Some(last) => after = Some(last.hit_id),
                None => break,
            }
        }
        assert_eq!(walked, hits);
        let mut newest_first: Vec<Plain> = Vec::new();
        let mut cursor = None;
        loop {
            let rows = store.hits(HitsQuery { after: cursor, ..latest(P, size) }).await.unwrap();
            newest_first.extend(rows.iter().map(to_plain));
            match rows.last() {
                Some(last) => cursor = Some((last.time_us, last.hit_id)),
                None => break,
            }
        }
        newest_first.reverse();
        assert_eq!(newest_first, hits);
    }
    store.close().await.unwrap();
}

/// As after a move of hits from ClickHouse: then a file that is rewritten has a greater id than all others.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_the_same_records_stay_in_order_of_arrival() {
    let data = tempfile::tempdir().unwrap();
    let limits = small_but(|limits| limits.merge_at = 1_000);
    let store = open(data.path(), limits.clone()).await;
    let first = Plain { user: "the first".into(), ..plain(0) };
    append(&store, P, &[first]).await;
    store.close().await.unwrap();
    let (store, hits) = filled(data.path(), limits.clone()).await;
    store.close().await.unwrap();
    let options = SqliteConnectOptions::new().filename(data.path().join("inbox.sqlite"));
    let mut inbox = options.connect().await.unwrap();
    let same = "UPDATE files SET first_seq = 0, last_seq = (SELECT max(last_seq) FROM files WHERE kind = 'sealed')
        WHERE kind = 'sealed'";
    sqlx::query(same).execute(&mut inbox).await.unwrap();
    inbox.close().await.unwrap();

    let store = open(data.path(), limits.clone()).await;
    assert_eq!(all(&store, P).await.len(), hits.len() + 1);
    assert_eq!(store.erase(Erasure::User(P, "the first".into())).await.unwrap(), 1);
    assert_eq!(all(&store, P).await, hits);
    store.close().await.unwrap();
    let store = open(data.path(), limits).await;
    assert_eq!(all(&store, P).await, hits);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_and_its_negation_split_the_hits() {
    let data = tempfile::tempdir().unwrap();
    let (store, hits) = filled(data.path(), small()).await;
    type Test = (&'static str, fn(&Plain) -> bool);
    let cases: [Test; 16] = [
        ("status:404", |hit| hit.status == 404),
        ("status:5xx", |hit| hit.status == 500),
        ("status:404,500", |hit| hit.status != 200),
        ("path:/items/3", |hit| hit.path == "/items/3"),
        ("path:/items/*", |_| true),
        ("path:*_*", |_| false),
        ("user:\"\"", |hit| hit.user.is_empty()),
        ("user:user-1", |hit| hit.user == "user-1"),
        ("country:NZ", |hit| hit.country == *b"NZ"),
        ("duration:>5ms", |hit| hit.duration_us.is_some_and(|us| us > 5_000)),
        ("duration:1ms..5ms", |hit| {
            hit.duration_us.is_some_and(|us| (1_000..=5_000).contains(&us))
        }),
        ("consumer:u:user-2", |hit| hit.user == "user-2"),
        ("consumer:a:203.0.113.3", |hit| hit.user.is_empty() && hit.address == "203.0.113.3"),
        ("consumer:203.0.113.3", |hit| hit.user.is_empty() && hit.address == "203.0.113.3"),
        ("address:203.0.113.3", |hit| hit.address == "203.0.113.3"),
        ("client:curl version:v1 device:library status:200", |hit| hit.status == 200),
    ];
    for (text, expect) in cases {
        let filter = filter::parse(text).unwrap();
        let query = ArrivalQuery { filter: filter.clone(), ..everything(P) };
        let rows: Vec<Plain> =
            store.arrivals(query.clone()).await.unwrap().iter().map(to_plain).collect();
        let expected: Vec<Plain> = hits.iter().filter(|hit| expect(hit)).cloned().collect();
        assert_eq!(rows, expected, "{text}");
        let page = ArrivalQuery { offset: 5, limit: 9, ..query };
        let rows: Vec<Plain> = store.arrivals(page).await.unwrap().iter().map(to_plain).collect();
        assert_eq!(
            rows,
            expected.iter().skip(5).take(9).cloned().collect::<Vec<_>>(),
            "a page of {text}"
        );
        if filter.conditions.len() == 1 {
            let filter = filter::parse(&format!("-{text}")).unwrap();
            let rows = store.arrivals(ArrivalQuery { filter, ..everything(P) }).await.unwrap();
            let rows: Vec<Plain> = rows.iter().map(to_plain).collect();
            assert_eq!(
                rows,
                hits.iter().filter(|hit| !expect(hit)).cloned().collect::<Vec<_>>(),
                "-{text}"
            );
        }
    }
    let period = Period { from_us: Some(hits[50].time_us), to_us: Some(hits[150].time_us) };
    let rows = store.hits(HitsQuery { period, ..latest(P, 1_000) }).await.unwrap();
    assert_eq!(rows.len(), 100);
    assert_eq!(to_plain(&rows[0]), hits[149]);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_filters_cannot_be_taken_off() {
    let data = tempfile::tempdir().unwrap();
    let (store, hits) = filled(data.path(), small()).await;
    let locked = analytics::query::ProjectScope::granted(P, filter::parse("status:404").unwrap());
    let rows = store.arrivals(ArrivalQuery { scope: locked, ..everything(P) }).await.unwrap();
    assert_eq!(rows.len(), hits.iter().filter(|hit| hit.status == 404).count());
    assert!(rows.iter().all(|row| row.status == 404) && !rows.is_empty());
    assert_eq!(scope(P).project(), P);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_id_counts_once_also_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small()).await;
    let hits: Vec<Plain> = (0..3).map(plain).collect();
    let first = append_named(&store, P, &hits, Some(77)).await.unwrap();
    let again = append_named(&store, P, &hits, Some(77)).await.unwrap();
    assert_eq!(
        (first.accepted, first.replayed, again.accepted, again.replayed),
        (3, false, 3, true)
    );
    let (a, b) = tokio::join!(
        append_named(&store, P, &hits, Some(78)),
        append_named(&store, P, &hits, Some(78))
    );
    assert_eq!(
        u32::from(a.unwrap().replayed) + u32::from(b.unwrap().replayed),
        1,
        "two at once: one is the retry"
    );
    store.close().await.unwrap();
    let store = open(data.path(), small()).await;
    assert!(append_named(&store, P, &hits, Some(77)).await.unwrap().replayed);
    assert_eq!(all(&store, P).await.len(), 6);
    assert!(store.last_arrival(P).await.unwrap().is_some());
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_refuses_and_says_so() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), StoreLimits { inbox_bytes: 10, ..small() }).await;
    let refused = append_named(&store, P, &[plain(1)], None).await;
    assert!(matches!(refused, Err(store::StoreError::Full)), "{refused:?}");
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_in_pieces_that_fit_however_fat_its_hits_are() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path(), small_but(|limits| limits.active_rows = 3_000)).await;
    // Small hits first, then large ones, so that the size learnt from the first is wrong for the others.
    let fat = |n: i64| Plain {
        path: if n < 3_000 { "/slim".to_owned() } else { format!("/{n}/{}", "x".repeat(2_000)) },
        ..plain(n)
    };
    let hits: Vec<Plain> = (0..5_000).map(fat).collect();
    for part in hits.chunks(500) {
        append(&store, P, part).await;
    }
    assert_eq!(all(&store, P).await, hits);
    const MOST: usize = 200_000;
    let part = store.part_of_arrivals(everything(P), MOST).await.unwrap();
    assert!(part.rest.is_none());
    let (mut found, mut pieces) = (part.found, vec![part.hits]);
    assert_eq!(found.total(), hits.len());
    while !found.is_empty() {
        let (piece, left) = store.fetch(&scope(P), found, MOST).await.unwrap();
        assert!(!piece.is_empty());
        pieces.push(piece);
        found = left;
    }
    for piece in &pieces {
        let bytes: usize = piece.iter().map(store::HitRow::size_bytes).sum();
        assert!(bytes <= 3 * MOST, "{bytes} of {} hits", piece.len());
    }
    assert!(pieces.len() > 20 && pieces.len() < 100, "{}", pieces.len());
    let read: Vec<Plain> = pieces.iter().flatten().map(to_plain).collect();
    assert!(read == hits, "the pieces are the list");

    // Hits erased between two pieces are not shown; those of rewritten files are.
    let part = store.part_of_hits(latest(P, 5_000), MOST).await.unwrap();
    store.erase(store::Erasure::User(P, "user-1".to_owned())).await.unwrap();
    let (mut found, mut read) = (part.found, part.hits);
    let first = read.len();
    while !found.is_empty() {
        let (piece, left) = store.fetch(&scope(P), found, MOST).await.unwrap();
        read.extend(piece);
        found = left;
    }
    assert!(read[first..].iter().all(|hit| &**hit.text(TextKind::User) != "user-1"));
    let erased = hits[..5_000 - first].iter().filter(|hit| hit.user == "user-1").count();
    assert!(erased > 0);
    assert_eq!(read.len(), hits.len() - erased);
    store.close().await.unwrap();
}
