//! Every state of the two databases against every other, and possible content of the folder of hits.

use super::*;
use crate::inbox::{FileRow, Identity};
use crate::meta::MetaIdentity;

const HERE: [u8; 16] = [1; 16];
const ELSEWHERE: [u8; 16] = [2; 16];

fn inbox(begun: u64, done: u64) -> InboxFacts {
    let identity = Some(Identity { folder: HERE, begun, done });
    InboxFacts { identity, highest_project: 3, last_seq: 100, ..InboxFacts::default() }
}

fn meta(folder: [u8; 16], starts: u64) -> MetaFacts {
    let identity = Some(MetaIdentity { folder, starts, ledger_key: [0; 32] });
    MetaFacts { identity, highest_project: 3, projects: vec![1, 2, 3] }
}

fn facts(inbox: Found<InboxFacts>, meta: Found<MetaFacts>, data_files: usize) -> Facts {
    Facts { inbox, meta: Some(meta), data_files, ..Facts::default() }
}

/// The verdict in a word.
fn word(facts: &Facts) -> &'static str {
    match judge(facts) {
        Verdict::Start(_) => "start",
        Verdict::Stop(stop) => {
            let text = stop.explain(Path::new("/data"));
            let of_setting = matches!(stop, Stop::HitsInFiles | Stop::HitsInClickHouse);
            assert_eq!(text.contains("api-analytics repair --data /data"), !of_setting, "{text}");
            match stop {
                Stop::InboxLost { .. } => "inbox lost",
                Stop::InboxUnreadable(_) => "inbox unreadable",
                Stop::MetaLost => "meta lost",
                Stop::MetaUnreadable(_) => "meta unreadable",
                Stop::BothLost { .. } => "both lost",
                Stop::Strangers => "strangers",
                Stop::InboxOlder(_) => "inbox older",
                Stop::MetaOlder(_) => "meta older",
                Stop::PostgresOlder(_) => "postgres older",
                Stop::ActiveUnreadable { .. } => "active unreadable",
                Stop::HitsInFiles => "hits in files",
                Stop::HitsInClickHouse => "hits in ClickHouse",
                Stop::Unfinished => "unfinished",
                Stop::FilesLost { .. } => "files lost",
                Stop::ManifestOlder { .. } => "manifest older",
            }
        }
    }
}

#[test]
fn every_state_of_the_two_databases_has_its_verdict() {
    let unused = || InboxFacts { highest_project: 0, last_seq: 0, ..inbox(1, 0) };
    let inboxes = || -> [(&str, Found<InboxFacts>); 6] {
        [
            ("missing", Found::Missing),
            ("empty", Found::Empty),
            ("unreadable", Found::Unreadable("torn".into())),
            ("begun", Found::Known(unused())),
            (
                "of a version without ids",
                Found::Known(InboxFacts { identity: None, ..inbox(0, 0) }),
            ),
            ("whole", Found::Known(inbox(7, 7))),
        ]
    };
    let metas = || -> [Found<MetaFacts>; 5] {
        [
            Found::Missing,
            Found::Empty,
            Found::Unreadable("torn".into()),
            Found::Known(MetaFacts { identity: None, ..meta(HERE, 7) }),
            Found::Known(meta(HERE, 7)),
        ]
    };
    // Columns: meta missing, empty, unreadable, from a version without ids, whole. First without data files, then with
    // some.
    let lost = "inbox lost";
    let (unread, damaged) = ("meta unreadable", "inbox unreadable");
    let expected: [(&str, [[&str; 5]; 2]); 6] = [
        (
            "missing",
            [
                ["start", "start", unread, lost, lost],
                ["both lost", "both lost", unread, lost, lost],
            ],
        ),
        (
            "empty",
            [
                ["start", "start", unread, lost, lost],
                ["both lost", "both lost", unread, lost, lost],
            ],
        ),
        ("unreadable", [[damaged; 5]; 2]),
        ("begun", [["start", "start", unread, "start", "inbox older"]; 2]),
        (
            "of a version without ids",
            [["meta lost", "meta lost", unread, "start", "inbox older"]; 2],
        ),
        ("whole", [["meta lost", "meta lost", unread, "meta older", "start"]; 2]),
    ];
    for ((name, inbox), (row, [without, with])) in inboxes().into_iter().zip(expected) {
        assert_eq!(name, row);
        for (data_files, words) in [(0, without), (4, with)] {
            let found = metas().map(|meta| word(&facts(inbox.clone(), meta, data_files)));
            assert_eq!(found, words, "inbox {name}, {data_files} data files");
        }
    }
}

#[test]
fn a_crash_between_the_writes_of_a_start_is_no_older_copy() {
    // (begun, done) of the inbox, starts of meta: each step of a start, and those of the next.
    for (begun, done, starts) in [(1, 0, 1), (1, 1, 1), (2, 1, 1), (2, 1, 2), (2, 2, 2)] {
        let found = facts(Found::Known(inbox(begun, done)), Found::Known(meta(HERE, starts)), 4);
        assert_eq!(word(&found), "start", "{begun} {done} {starts}");
    }
    for (begun, done, starts, expected) in [
        (1, 1, 2, "inbox older"),
        (2, 1, 3, "inbox older"),
        (2, 2, 1, "meta older"),
        (3, 2, 1, "meta older"),
    ] {
        let found = facts(Found::Known(inbox(begun, done)), Found::Known(meta(HERE, starts)), 4);
        assert_eq!(word(&found), expected, "{begun} {done} {starts}");
    }
    let found = facts(Found::Known(inbox(7, 7)), Found::Known(meta(ELSEWHERE, 7)), 4);
    assert_eq!(word(&found), "strangers");
}

#[test]
fn project_numbers_show_an_older_copy_of_the_same_start() {
    for (of_inbox, given, of_meta, expected) in [
        (3, 3, 3, "start"),
        (3, 2, 3, "start"),
        (4, 3, 3, "start"),
        (4, 4, 3, "meta older"),
        (5, 3, 3, "meta older"),
        (2, 2, 3, "inbox older"),
    ] {
        let inbox = InboxFacts { highest_project: of_inbox, given_project: given, ..inbox(7, 7) };
        let meta = MetaFacts { highest_project: of_meta, ..meta(HERE, 7) };
        let found = facts(Found::Known(inbox), Found::Known(meta), 4);
        assert_eq!(word(&found), expected, "inbox {of_inbox} {given}, meta {of_meta}");
    }
}

#[test]
fn hits_alone_need_no_meta() {
    let alone =
        |inbox, data_files| Facts { meta: None, ..facts(inbox, Found::Missing, data_files) };
    assert_eq!(word(&alone(Found::Missing, 0)), "start");
    assert_eq!(word(&alone(Found::Known(inbox(7, 7)), 4)), "start");
    assert_eq!(word(&alone(Found::Empty, 1)), "inbox lost");
}

fn sealed(id: u64, first_seq: u64, last_seq: u64) -> FileRow {
    FileRow { kind: FileKind::Sealed, last_seq, ..FileRow::active(id, first_seq) }
}

/// The verdict on one unnamed file beside sealed files of records 1 to 40 and 41 to 60, and an active one behind them; the
/// inbox has the records after 80.
fn beside(content: Content, missing: &[u64]) -> Verdict {
    let named = [sealed(1, 0, 40), sealed(2, 40, 60), FileRow::active(3, 60)];
    let named = named.into_iter().map(|row| (row.clone(), !missing.contains(&row.id))).collect();
    let inbox = InboxFacts { named, trimmed_to: 80, ..inbox(7, 7) };
    let unnamed = vec![UnnamedFile { name: "sealed-00000009.duckdb".into(), content }];
    let facts = facts(Found::Known(inbox), Found::Known(meta(HERE, 7)), 4);
    judge(&Facts { unnamed, ..facts })
}

#[test]
fn an_unnamed_file_is_unlinked_only_where_its_hits_are_held_elsewhere() {
    let holds = |first, last| Content::Holds { first, last };
    let name = || "sealed-00000009.duckdb".to_owned();
    let leftover = |content, missing: &[u64]| match beside(content, missing) {
        Verdict::Start(leftovers) => leftovers[0].1,
        Verdict::Stop(stop) => panic!("{stop:?}"),
    };
    for held in [holds(1, 40), holds(1, 60), holds(30, 100), Content::Nothing] {
        assert_eq!(leftover(held.clone(), &[]), Leftover::Unlink, "{held:?}");
    }
    assert_eq!(leftover(holds(81, 90), &[3]), Leftover::Unlink, "the inbox has them");
    assert_eq!(leftover(Content::Unreadable("torn".into()), &[]), Leftover::SetAside);
    for (content, missing) in
        [(holds(90, 101), vec![]), (holds(1, 40), vec![1]), (holds(61, 70), vec![3])]
    {
        let Verdict::Stop(Stop::ManifestOlder { unnamed, .. }) = beside(content.clone(), &missing)
        else {
            panic!("{content:?} {missing:?} is not said")
        };
        assert_eq!(unnamed, [name()]);
    }
}

#[test]
fn a_file_that_an_erasure_emptied_is_set_aside_and_stops_nothing() {
    // Its records are in no file: its replacement would have had no hits, so there is none.
    let named = vec![(sealed(2, 40, 60), true), (FileRow::active(3, 60), true)];
    let inbox = InboxFacts { named, trimmed_to: 80, ..inbox(7, 7) };
    let content = Content::Holds { first: 1, last: 40 };
    let unnamed = vec![UnnamedFile { name: "sealed-00000001.duckdb".into(), content }];
    let facts = Facts { unnamed, ..facts(Found::Known(inbox), Found::Known(meta(HERE, 7)), 3) };
    let Verdict::Start(leftovers) = judge(&facts) else { panic!("it stops") };
    assert_eq!(leftovers, [("sealed-00000001.duckdb".to_owned(), Leftover::SetAside)]);
}

#[test]
fn a_folder_without_any_of_its_files_is_not_taken_for_an_empty_one() {
    let named = |there: [bool; 2]| {
        let rows = [FileRow::active(1, 0), FileRow::active(2, 50)];
        rows.into_iter().zip(there).collect::<Vec<_>>()
    };
    for (trimmed_to, there, expected) in [
        (60, [false, false], "files lost"),
        (60, [false, true], "start"),
        (60, [true, true], "start"),
        // The inbox still has all of it.
        (0, [false, false], "start"),
    ] {
        let inbox = InboxFacts { trimmed_to, named: named(there), ..inbox(7, 7) };
        let found = facts(Found::Known(inbox), Found::Known(meta(HERE, 7)), 0);
        assert_eq!(word(&found), expected, "{trimmed_to} {there:?}");
    }
}

#[test]
fn a_folder_with_records_keeps_the_engine_of_its_hits() {
    let of = |last_seq, is_in_clickhouse, wants| Facts {
        for_clickhouse: wants,
        inbox: Found::Known(InboxFacts { last_seq, is_in_clickhouse, ..inbox(7, 7) }),
        ..facts(Found::Missing, Found::Known(meta(HERE, 7)), 0)
    };
    for (facts, wanted) in [
        (of(100, false, Some(false)), "start"),
        (of(100, true, Some(true)), "start"),
        (of(100, false, Some(true)), "hits in files"),
        (of(100, true, Some(false)), "hits in ClickHouse"),
        (of(0, true, Some(false)), "start"),
        (of(0, false, Some(true)), "start"),
        (of(100, true, None), "start"),
    ] {
        assert_eq!(word(&facts), wanted, "{facts:?}");
    }
}
