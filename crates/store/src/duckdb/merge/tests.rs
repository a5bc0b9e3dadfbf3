//! Files of each format merged, copied and brought up to date; how merges are cut.

use analytics::hit::TextKind;

use super::*;
use crate::duckdb::column_scan::ColumnScans;
use crate::duckdb::engine::Instance;
use crate::duckdb::renumber::NewNumbers;
use crate::duckdb::stats::ProjectStats;

fn stats(rows: &[(u32, u64)]) -> Arc<FileStats> {
    let stats =
        |&(project, rows)| (ProjectId(project), ProjectStats { rows, ..ProjectStats::none() });
    Arc::new(rows.iter().map(stats).collect())
}

#[test]
fn small_projects_share_a_range_and_a_large_one_has_its_own() {
    let files =
        [stats(&[(1, 30), (2, 300), (3, 10)]), stats(&[(1, 30), (3, 10), (7, 20), (9, 61)])];
    let inputs = Inputs {
        files: &[],
        stats: &files,
        piece_rows: 100,
        piece_text_bytes: 1_000,
        routes: None,
    };
    let found = |texts: &[(u32, u64)]| -> Vec<_> {
        let found = ranges(&inputs, &texts.iter().copied().collect());
        found.into_iter().map(|(range, rows)| (range.first, range.last, rows)).collect()
    };
    assert_eq!(found(&[]), [(1, 1, 60), (2, 2, 300), (3, 7, 40), (9, 9, 61)]);
    let wanted = [(1, 1, 60), (2, 2, 300), (3, 3, 20), (7, 9, 81)];
    assert_eq!(found(&[(3, 600), (7, 401)]), wanted, "texts cut where hits do not");
    assert_eq!(found(&[(3, 600), (7, 400)]).len(), 4);
}

#[test]
fn cuts_are_times_and_each_is_there_once() {
    assert_eq!(cuts(vec![5, 1, 4, 2, 3, 6, 7], 3), [4, 7]);
    assert_eq!(cuts(vec![1, 1, 1, 1, 1, 1, 2], 2), [1, 2]);
    assert_eq!(cuts(vec![1, 2], 3), Vec::<i64>::new());
    assert_eq!(cuts(Vec::<i64>::new(), 3), Vec::<i64>::new());
}

/// All columns of a file's hits, with texts instead of their ids, in its order.
fn hits(connection: &Connection, file: &str) -> Vec<String> {
    let format = format_of(connection, file).unwrap();
    let text = |kind: TextKind| {
        format!(
            "(SELECT {} FROM {file}.strings s WHERE s.kind = {} AND s.project = h.project AND s.id = h.{})",
            Tables { file, format }.full_text(kind),
            kind as u8,
            kind.column()
        )
    };
    let statement = format!(
        "SELECT row(h.project, h.time_us, h.hit_id, h.status, h.duration_us, {}, {}, {}, {})::VARCHAR FROM {file}.hits h ORDER BY h.rowid",
        text(TextKind::Path),
        text(TextKind::User),
        text(TextKind::Address),
        "CASE WHEN h.country = 0 THEN '' WHEN h.country < 1024 THEN chr((h.country // 32 + 64)::INTEGER) || chr((h.country % 32 + 64)::INTEGER)
         ELSE chr((h.country // 256)::INTEGER) || chr((h.country % 256)::INTEGER) END",
    );
    let mut statement = connection.prepare(&statement).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A file like active ones, and like sealed ones of the first format.
fn fill(connection: &Connection, file: &str, first: u64) {
    let run = |text: &str| connection.execute_batch(text).unwrap();
    run(&format!("ATTACH ':memory:' AS {file}"));
    run(&sql::file::create(file));
    run(&sql::file::first_progress(file, 0));
    let letters = |code: &[u8; 2]| u16::from_be_bytes(*code);
    run(&format!(
        "INSERT INTO {file}.hits BY NAME SELECT 1 + i % 3 AS project, 1000 - i % 50 AS time_us,
             ((i + {first}) // 10) * 131072 + i % 10 AS hit_id, i AS duration_us, 200 + i % 9 AS status,
             CASE i % 4 WHEN 0 THEN 0 WHEN 1 THEN {} WHEN 2 THEN {} ELSE {} END AS country, 3 AS response_size,
             1 + (i % 3) * 10 + (i // 3) % 10 AS path, 1 + (i % 3) * 10 + (i // 3) % 10 AS address, CASE WHEN i % 2 = 0 THEN 0 ELSE 1 + i % 3 END AS user_id
         FROM range({first}, {first} + 120) r(i)",
        letters(b"AA"),
        letters(b"NZ"),
        letters(b"ZZ")
    ));
    run(&format!(
        "INSERT INTO {file}.strings BY NAME SELECT {} AS kind, 1 + n // 10 AS project, n + 1 AS id,
             '/things/' || (n * 7 + {first}) % 31 AS literal, 'v1' AS version FROM range(30) r(n)",
        TextKind::Path as u8
    ));
    run(&format!(
        "INSERT INTO {file}.strings BY NAME SELECT {} AS kind, 1 + n // 10 AS project, n + 1 AS id,
             CASE WHEN n % 5 > 0 THEN 3405803776 + (n * 7 + {first}) % 31 ELSE 0 END AS ipv4,
             CASE WHEN n % 5 > 0 THEN '' ELSE '2001:db8::' || (n * 7 + {first}) % 31 END AS literal FROM range(30) r(n)",
        TextKind::Address as u8
    ));
    run(&format!(
        "INSERT INTO {file}.strings BY NAME SELECT {} AS kind, 1 + n AS project, n + 1 AS id, 'user ' || n AS literal FROM range(3) r(n)",
        TextKind::User as u8
    ));
}

/// A file of the third format.
fn make_older(connection: &Connection, file: &str) {
    let older = Tables { file, format: 3 };
    let latency = format!("ALTER TABLE {file}.hits ADD COLUMN latency USMALLINT DEFAULT 5");
    connection.execute_batch(&latency).unwrap();
    for kind in TextKind::ALL.into_iter().filter(|kind| !older.has(*kind)) {
        let column = kind.column();
        let statement = format!("ALTER TABLE {file}.hits DROP COLUMN {column}");
        connection.execute_batch(&statement).unwrap();
    }
    let made = Tables { file, format: sql::file::FORMAT };
    let statement = format!(
        "CREATE TABLE {file}.older AS SELECT kind, project, id, {} AS text, client, os, device, version FROM {file}.strings;
         DROP TABLE {file}.strings;
         ALTER TABLE {file}.older RENAME TO strings;
         UPDATE {file}.progress SET format = {}",
        made.full_text_of_any_kind(),
        older.format
    );
    connection.execute_batch(&statement).unwrap();
}

#[test]
fn an_active_file_of_an_older_format_gets_what_it_lacks() {
    let connection = Connection::open_in_memory().unwrap();
    crate::duckdb::functions::register(&connection).unwrap();
    fill(&connection, "today", 0);
    fill(&connection, "older", 0);
    make_older(&connection, "older");
    let format = format_of(&connection, "older").unwrap();
    assert_eq!(format, 3);
    for statement in sql::file::upgrade_active("older", format) {
        connection.execute_batch(&statement).unwrap();
    }
    assert_eq!(format_of(&connection, "older").unwrap(), sql::file::FORMAT);
    let all = |file: &str| -> Vec<String> {
        let columns = TextKind::ALL.map(TextKind::column).join(", ");
        let statement =
            format!("SELECT row(hit_id, {columns})::VARCHAR FROM {file}.hits ORDER BY ALL");
        let mut statement = connection.prepare(&statement).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(all("today"), all("older"));
    assert_eq!(all("older").len(), 120);
    assert_eq!(hits(&connection, "today"), hits(&connection, "older"));
    assert!(hits(&connection, "older").iter().any(|row| row.contains("203.0.113.7")));
    let numbers =
        "SELECT count(*) FILTER (ipv4 > 0), count(*) FILTER (literal <> '') FROM older.strings";
    let numbers: (u64, u64) =
        connection.query_row(numbers, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(numbers, (24, 30 + 6 + 3));
}

/// Also one whose texts were computed at each insert.
#[test]
fn an_active_file_of_format_6_becomes_like_one_of_today() {
    let connection = Connection::open_in_memory().unwrap();
    crate::duckdb::functions::register(&connection).unwrap();
    fill(&connection, "today", 0);
    fill(&connection, "older", 0);
    let text = Tables { file: "older", format: 6 }.full_text_of_any_kind();
    let older = format!(
        "CREATE TABLE older.older (kind UTINYINT, project UINTEGER, id UINTEGER, literal VARCHAR DEFAULT '', ipv4 UINTEGER DEFAULT 0,
             text VARCHAR GENERATED ALWAYS AS ({text}) VIRTUAL, client VARCHAR, os VARCHAR, device VARCHAR, version VARCHAR);
         INSERT INTO older.older BY NAME FROM older.strings;
         DROP TABLE older.strings;
         ALTER TABLE older.older RENAME TO strings;
         UPDATE older.progress SET format = 6"
    );
    connection.execute_batch(&older).unwrap();
    let columns = |file: &str| -> Vec<String> {
        let columns = format!(
            "SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE database_name = '{file}' ORDER BY ALL"
        );
        let mut statement = connection.prepare(&columns).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert!(columns("older").contains(&"strings.text".to_owned()));
    for statement in sql::file::upgrade_active("older", 6) {
        connection.execute_batch(&statement).unwrap();
    }
    assert_eq!(columns("older"), columns("today"));
    assert_eq!(hits(&connection, "older"), hits(&connection, "today"));
    assert!(hits(&connection, "older").iter().any(|row| row.contains("203.0.113.7")));
}

#[test]
fn files_of_either_shape_are_merged_and_copied_alike() {
    let connection = Connection::open_in_memory().unwrap();
    crate::duckdb::functions::register(&connection).unwrap();
    let (scans, new_numbers) = (ColumnScans::default(), NewNumbers::default());
    scans.register(&connection).unwrap();
    new_numbers.register(&connection).unwrap();
    let run = |text: &str| connection.execute_batch(text).unwrap();
    for file in ["sealed", "merged", "copied", "copied_again"] {
        run(&format!("ATTACH ':memory:' AS {file}"));
        run(&sql::file::create_sealed(file));
        run(&sql::build::finish(file, 0, 0));
    }
    fill(&connection, "one", 0);
    fill(&connection, "two", 1_000);
    make_older(&connection, "two");
    let all = stats(&[(1, 40), (2, 40), (3, 40)]);
    let merge = |into: &str, files: &[&str], piece_rows: u64, piece_text_bytes: u64| {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let stats: Vec<_> = files.iter().map(|_| all.clone()).collect();
        let inputs =
            Inputs { files: &files, stats: &stats, piece_rows, piece_text_bytes, routes: None };
        let connection = &connection;
        let target = Target { connection, scans: &scans, new_numbers: &new_numbers, into };
        merge(target, &inputs, &|| Ok(())).unwrap();
    };
    // Several projects in a range, and one alone in two pieces; all texts at once, and in stretches of a few.
    merge("sealed", &["one"], 90, 1 << 20);
    merge("merged", &["sealed", "two"], 50, 200);
    let sorted = |files: &[&str]| {
        let mut rows: Vec<String> = files.iter().flat_map(|file| hits(&connection, file)).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&["one"]).len(), 120);
    assert!(sorted(&["one"]).iter().any(|row| row.contains("AA") && row.contains("user 1")));
    assert_eq!(sorted(&["sealed"]), sorted(&["one"]));
    assert_eq!(sorted(&["merged"]), sorted(&["one", "two"]));
    assert!(sorted(&["merged"]).iter().any(|row| row.contains("203.0.113.7")));
    // However texts are cut, each occurs once and its id is its rank.
    for file in ["sealed", "merged"] {
        let text = format!(
            "SELECT count(*) FROM (SELECT id, row_number() OVER (PARTITION BY kind, project ORDER BY literal, ipv4) AS place
             FROM {file}.strings) WHERE id <> place"
        );
        let wrong: i64 = connection.query_row(&text, [], |row| row.get(0)).unwrap();
        assert_eq!(wrong, 0, "{file}");
    }
    let order: Vec<String> = {
        let text = "SELECT row(project, time_us, hit_id)::VARCHAR FROM merged.hits ORDER BY project, time_us, hit_id";
        let mut statement = connection.prepare(text).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for (row, wanted) in hits(&connection, "merged").iter().zip(&order) {
        assert!(row.starts_with(wanted.trim_end_matches(')')), "{row} is not {wanted}");
    }
    // An erasure gives the same result from a file of either form.
    let edit = sql::build::Edit {
        project: 2,
        drop_rows: Some("project = 2 AND (status > 203 OR hit_id < 524288)".into()),
        clear_rows: Some("project = 2 AND status = 201".into()),
        cleared: vec!["country"],
    };
    for (into, from) in [("copied", "one"), ("copied_again", "sealed")] {
        let from = Tables { file: from, format: sql::file::FORMAT };
        run(&sql::build::copy_hits(into, from, &edit));
        run(&sql::build::copy_strings(into, from, 2));
    }
    assert_eq!(sorted(&["copied"]), sorted(&["copied_again"]));
    let left = sorted(&["copied"]);
    let wanted: Vec<String> = sorted(&["one"])
        .into_iter()
        .filter(|row| {
            let number = |n: usize| row.split(", ").nth(n).unwrap().parse::<u64>().unwrap();
            !row.starts_with("(2,") || (number(3) <= 203 && number(2) >= 524_288)
        })
        .collect();
    assert!(left.len() == wanted.len() && left.len() < 120);
    for (row, wanted) in left.iter().zip(&wanted) {
        let cleared = row.starts_with("(2,") && row.split(", ").nth(3) == Some("201");
        let country = if cleared {
            ""
        } else {
            wanted.rsplit(", ").next().unwrap().trim_matches([')', '\''])
        };
        assert_eq!(row.rsplit(", ").next().unwrap().trim_matches([')', '\'']), country, "{row}");
    }
    let texts = |file: &str| -> u64 {
        connection
            .query_row(
                &format!("SELECT count(DISTINCT (kind, project, id)) FROM {file}.strings"),
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    assert!(texts("copied") < texts("one") && texts("copied") == texts("copied_again"));
}

/// Everything below `/b/` but `/b/word`, which a client sent.
struct Below;

impl RouteRules for Below {
    fn join(&self, project: ProjectId, route: &str) -> Option<String> {
        let joins = project.0 == 1 && route.starts_with("/b/") && route != "/b/word";
        joins.then(|| "/b/{slug}".to_owned())
    }

    fn version(&self) -> u64 {
        1
    }

    fn version_of(&self, _: ProjectId) -> u64 {
        1
    }
}

/// However the texts are cut: what a route becomes may stand in another stretch than it, and be there already.
#[test]
fn routes_that_a_rule_joins_are_one_text() {
    for piece_text_bytes in [1 << 20, 600] {
        let connection = Connection::open_in_memory().unwrap();
        crate::duckdb::functions::register(&connection).unwrap();
        let new_numbers = NewNumbers::default();
        new_numbers.register(&connection).unwrap();
        let run = |text: &str| connection.execute_batch(text).unwrap();
        let route = TextKind::Route as u8;
        let names = ["one".to_owned(), "two".to_owned()];
        for (n, name) in names.iter().enumerate() {
            run(&format!("ATTACH ':memory:' AS {name}"));
            run(&sql::file::create(name));
            run(&sql::file::first_progress(name, 0));
            run(&format!(
                "INSERT INTO {name}.hits BY NAME SELECT 1 + i // 100 AS project, i AS time_us, (i + {n} * 1000) * 131072 AS hit_id,
                     1 AS duration_us, 200 AS status, 0 AS country, 1 + i % 100 AS route FROM range(200) r(i);
                 INSERT INTO {name}.strings BY NAME SELECT {route} AS kind, 1 + i // 100 AS project, i % 100 + 1 AS id,
                     CASE WHEN i % 100 = 7 THEN '/b/word' WHEN i % 100 = 8 AND {n} = 1 THEN '/b/{{slug}}'
                          ELSE '/' || chr(97 + (i % 3)::INTEGER) || '/' || (i % 100 * 7 + {n}) % 89 END AS literal
                 FROM range(200) r(i)"
            ));
        }
        run("ATTACH ':memory:' AS merged");
        run(&sql::file::create_sealed("merged"));
        let stats: Vec<_> = names.iter().map(|_| stats(&[(1, 100), (2, 100)])).collect();
        let inputs = Inputs {
            files: &names,
            stats: &stats,
            piece_rows: 150,
            piece_text_bytes,
            routes: Some(&Below),
        };
        let scans = ColumnScans::default();
        scans.register(&connection).unwrap();
        let target = Target {
            connection: &connection,
            scans: &scans,
            new_numbers: &new_numbers,
            into: "merged",
        };
        merge(target, &inputs, &|| Ok(())).unwrap();
        let routes = |file: &str| -> Vec<(u32, i64, String)> {
            let statement = format!(
                "SELECT h.project, h.time_us, s.literal FROM {file}.hits h
                 JOIN {file}.strings s ON s.kind = {route} AND s.project = h.project AND s.id = h.route"
            );
            let mut statement = connection.prepare(&statement).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.unwrap().map(Result::unwrap).collect()
        };
        let mut wanted: Vec<_> = names.iter().flat_map(|name| routes(name)).collect();
        for (project, _, route) in &mut wanted {
            if let Some(joined) = Below.join(ProjectId(*project), route) {
                *route = joined;
            }
        }
        let mut found = routes("merged");
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{piece_text_bytes}");
        assert!(found.iter().filter(|(_, _, route)| route == "/b/{slug}").count() > 60);
        let texts = format!(
            "SELECT count(*), count(DISTINCT (project, literal)), count(DISTINCT (project, id)), max(id) FROM merged.strings WHERE kind = {route}"
        );
        let [rows, texts, ids, greatest]: [u64; 4] = connection
            .query_row(&texts, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
            .unwrap();
        assert!(rows == texts && texts == ids, "{rows} rows, {texts} texts, {ids} numbers");
        assert!(greatest < rows, "dense in each project: {greatest} of {rows}");
    }
}

/// An erasure copies other projects' rollups. Those of format 5 had other columns for the same facts.
#[test]
fn rollups_of_either_shape_are_copied_alike() {
    let connection = Connection::open_in_memory().unwrap();
    let run = |text: &str| connection.execute_batch(text).unwrap();
    for file in ["today", "older", "from_today", "from_older"] {
        run(&format!("ATTACH ':memory:' AS {file}"));
        run(&sql::file::create_sealed(file));
    }
    // Of three consumers one has no country, and one was elsewhere after its country was last known.
    run("INSERT INTO today.by_consumer BY NAME SELECT 1 + n % 2 AS project, 3 AS day, n AS address, n % 3 AS country,
             n % 3 * 7 AS country_ago, 5 AS requests, 1_000 + n AS last_us, n AS identity FROM range(12) r(n);
         INSERT INTO today.by_latency SELECT 1 + n % 2, n // 4, n % 4, 2 FROM range(12) r(n);
         INSERT INTO today.by_hour SELECT 1 + n % 2, n // 4, sum(n) FROM range(12) r(n) GROUP BY ALL;
         DROP TABLE older.by_consumer;
         CREATE TABLE older.by_consumer AS SELECT * EXCLUDE (country_ago) FROM today.by_consumer;
         DROP TABLE older.by_latency;
         CREATE TABLE older.by_latency AS SELECT 1 + n % 2 AS project, (n // 4)::INTEGER AS hour, (n % 4)::USMALLINT AS latency,
             2::UBIGINT AS requests, n::UBIGINT AS duration_us FROM range(12) r(n);
         DROP TABLE older.by_hour");
    for (into, file, format) in
        [("from_today", "today", sql::file::FORMAT), ("from_older", "older", 5)]
    {
        let from = Tables { file, format };
        sql::build::copy_other_derived(into, from, 2).iter().for_each(|text| run(text));
    }
    for table in ["by_consumer", "by_latency", "by_hour"] {
        let rows = |file: &str| -> Vec<String> {
            let text = format!("SELECT t::VARCHAR FROM {file}.{table} t ORDER BY ALL");
            let mut statement = connection.prepare(&text).unwrap();
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let (copied, again) = (rows("from_today"), rows("from_older"));
        let wanted = format!("SELECT count(*) FROM today.{table} WHERE project = 1");
        let wanted: usize = connection.query_row(&wanted, [], |row| row.get(0)).unwrap();
        assert_eq!((copied.len(), &copied), (wanted, &again), "{table}");
        let lost = format!(
            "SELECT count(*) FROM (SELECT * FROM today.{table} WHERE project = 1 EXCEPT SELECT * FROM from_today.{table})"
        );
        let lost: usize = connection.query_row(&lost, [], |row| row.get(0)).unwrap();
        assert_eq!(lost, 0, "{table}");
    }
}

/// As many addresses as hits, in an engine whose memory holds neither all texts nor a table of all their numbers.
#[test]
fn files_of_very_many_texts_are_merged_in_little_memory() {
    const FILES: u64 = 4;
    const HITS: u64 = 15_000;
    let folder = tempfile::tempdir().unwrap();
    let engine = Instance::open(folder.path(), "building", 24 << 20).unwrap();
    let connection = engine.connect().unwrap();
    let run = |text: &str| connection.execute_batch(text).unwrap();
    let attach = |name: &str| {
        let path = folder.path().join(format!("{name}.duckdb"));
        run(&sql::file::attach_making(path.to_str().unwrap(), name));
    };
    let names: Vec<String> = (0..FILES).map(|n| format!("f{n}")).collect();
    let (address, user) = (TextKind::Address as u8, TextKind::User as u8);
    for (n, name) in names.iter().enumerate() {
        attach(name);
        run(&sql::file::create(name));
        run(&sql::file::first_progress(name, 0));
        let first = n as u64 * HITS;
        run(&format!(
            "INSERT INTO {name}.hits BY NAME SELECT 1 AS project, i AS time_us, i AS hit_id, 1 AS duration_us,
                 200 AS status, 0 AS country, i + 1 - {first} AS address,
                 CASE WHEN i % 2 = 0 THEN 0 ELSE i + 1 - {first} END AS user_id
             FROM range({first}, {first} + {HITS}) r(i);
             INSERT INTO {name}.strings BY NAME SELECT {address} AS kind, 1 AS project, i + 1 AS id,
                 1 + (i * 7919 + {first}) % 1000003 AS ipv4
             FROM range({HITS}) r(i);
             INSERT INTO {name}.strings BY NAME SELECT {user} AS kind, 1 AS project, i + 1 AS id, 'user ' || i % 5 AS literal FROM range({HITS}) r(i) WHERE i % 2 = 1;
             CHECKPOINT {name}"
        ));
    }
    attach("merged");
    run(&sql::file::create_sealed("merged"));
    let stats: Vec<_> = names.iter().map(|_| stats(&[(1, HITS)])).collect();
    let inputs = Inputs {
        files: &names,
        stats: &stats,
        piece_rows: 8_000,
        piece_text_bytes: 256 << 10,
        routes: None,
    };
    let (scans, new_numbers) = (engine.scans(), engine.new_numbers());
    let target = Target { connection: &connection, scans, new_numbers, into: "merged" };
    merge(target, &inputs, &|| Ok(())).unwrap();
    let wrong = format!(
        "SELECT count(*), count(*) FILTER (a.ipv4 IS DISTINCT FROM 1 + ((i % {HITS}) * 7919 + i // {HITS} * {HITS}) % 1000003),
             count(*) FILTER (coalesce(u.literal, '') <> CASE WHEN i % 2 = 0 THEN '' ELSE 'user ' || i % {HITS} % 5 END)
         FROM (SELECT time_us AS i, address, user_id FROM merged.hits)
         LEFT JOIN (SELECT id, ipv4 FROM merged.strings WHERE kind = {address}) a ON a.id = address
         LEFT JOIN (SELECT id, literal FROM merged.strings WHERE kind = {user}) u ON u.id = user_id"
    );
    let found: (u64, u64, u64) = connection
        .query_row(&wrong, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(found, (FILES * HITS, 0, 0));
    let texts = "SELECT kind, count(*), count(DISTINCT (literal, ipv4)), count(DISTINCT id), max(id) FROM merged.strings GROUP BY kind ORDER BY kind";
    let mut statement = connection.prepare(texts).unwrap();
    let texts = statement
        .query_map([], |row| {
            Ok([row.get::<_, u64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
        })
        .unwrap();
    let texts: Vec<[u64; 5]> = texts.map(Result::unwrap).collect();
    assert_eq!(texts.len(), 2);
    for [_, rows, texts, ids, greatest] in &texts {
        assert!(
            rows == texts && texts == ids && ids == greatest,
            "{rows} rows, {texts} texts, {ids} to {greatest}"
        );
    }
    assert_eq!(texts[1][1], 5);
}
