//! Reads the names of a file's rows.

use std::sync::mpsc::sync_channel;

use analytics::hit::TextKind;
use analytics::hit_fields::Word;
use analytics::identity::Ipv4Text;
use analytics::query::RankingQuery;
use analytics::ranking::{FileTexts, FoundRows, Ranked, RankingBuilder, TooManyRows};
use analytics::tally::Dimension;
use duckdb::arrow::array::{AsArray, RecordBatch};
use duckdb::arrow::datatypes::UInt32Type;

use crate::duckdb::reading::OpenFile;
use crate::duckdb::sql;
use crate::types::StoreError;

/// Texts of at most this many rows are selected by id. For more rows, a scan of all texts is faster.
const FEW: u64 = 1_000;
/// Batches of about 2,000 texts that are read ahead of `take`.
const READ_AHEAD: usize = 4;

/// Reads the texts that these rows need, and adds them to `builder`.
pub fn read(
    builder: &mut RankingBuilder,
    file: &OpenFile<'_>,
    query: &RankingQuery,
    found: &FoundRows,
) -> Result<Result<FileTexts, TooManyRows>, StoreError> {
    let (of, project) = (query.of, query.scope.project().0);
    let mut texts = FileTexts::new(found);
    let mut named = Ok(());
    for (place, kind) in of.texts().into_iter().enumerate() {
        let wanted = found.texts(place);
        builder.reserve(place, wanted.iter().filter(|(_, wanted)| **wanted).count());
        let ids = || wanted.iter().filter(|(_, wanted)| **wanted).map(|(id, _)| id).collect();
        let few: Option<Vec<u32>> = (found.count() <= FEW).then(ids);
        each_name(file, project, (of, kind), few.as_deref(), &mut |id, text| {
            let is_wanted = wanted.get(id).copied().unwrap_or_default();
            if is_wanted && named.is_ok() {
                named = builder.put_text(&mut texts, place, id, text);
            }
        })?;
    }
    Ok(named.map(|()| texts))
}

/// Passes each text of a kind to `take`, or the word derived from it if rows are named by that; of a route, what a rule of
/// today makes of it. `ids`: only these; None for
/// all.
pub fn each_name(
    file: &OpenFile<'_>,
    project: u32,
    (of, kind): (Ranked, TextKind),
    ids: Option<&[u32]>,
    take: &mut (dyn FnMut(u32, &str) + Send),
) -> Result<(), StoreError> {
    let word = match of {
        Ranked::Value(Dimension::Client) => Some(Word::Client),
        Ranked::Value(Dimension::Os) => Some(Word::Os),
        Ranked::Value(Dimension::Device) => Some(Word::Device),
        Ranked::Value(Dimension::Version) => Some(Word::Version),
        _ => None,
    };
    let text = sql::sums::row_names(file.tables(), project, kind, word, ids);
    // `take` runs on a thread of its own, while the engine reads the next texts.
    let routes = file.routes();
    let (read, naming) = sync_channel::<RecordBatch>(READ_AHEAD);
    std::thread::scope(|scope| {
        let taking = scope.spawn(move || {
            for batch in naming {
                let id = batch.column(0).as_primitive::<UInt32Type>().values();
                let name = batch.column(1).as_string::<i32>();
                let ipv4 = batch.column(2).as_primitive::<UInt32Type>().values();
                for row in 0..batch.num_rows() {
                    match ipv4[row] {
                        0 if kind == TextKind::Route => {
                            let joined = routes.join(project, name.value(row));
                            take(id[row], joined.as_deref().unwrap_or(name.value(row)));
                        }
                        0 => take(id[row], name.value(row)),
                        number => take(id[row], Ipv4Text::new(number).as_str()),
                    }
                }
            }
        });
        let all = file.each(&text, &[], |batch| {
            // The receiver ends early only by a panic.
            let _ = read.send(batch.clone());
        });
        drop(read);
        all.and(taking.join().map_err(|_| StoreError::Panicked("a read")))
    })
}
