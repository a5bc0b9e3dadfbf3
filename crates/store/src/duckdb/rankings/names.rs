//! The names of a file's rows.

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

/// Rows up to which their texts are asked for by id. More are found sooner in a scan of all texts.
const FEW: u64 = 1_000;
/// Batches of some 2,000 texts that are read before they are named.
const READ_AHEAD: usize = 4;

/// Names the texts of a file that these rows need.
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

/// Shows the texts of a kind to `take`, or the words that are read from them and that rows are named by: all, or those of some
/// ids.
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
    // The engine reads the next texts meanwhile.
    let (read, naming) = sync_channel::<RecordBatch>(READ_AHEAD);
    std::thread::scope(|scope| {
        let taking = scope.spawn(move || {
            for batch in naming {
                let id = batch.column(0).as_primitive::<UInt32Type>().values();
                let name = batch.column(1).as_string::<i32>();
                let ipv4 = batch.column(2).as_primitive::<UInt32Type>().values();
                for row in 0..batch.num_rows() {
                    match ipv4[row] {
                        0 => take(id[row], name.value(row)),
                        number => take(id[row], Ipv4Text::new(number).as_str()),
                    }
                }
            }
        });
        let all = file.each(&text, &[], |batch| {
            // It ends early only by a panic.
            let _ = read.send(batch.clone());
        });
        drop(read);
        all.and(taking.join().map_err(|_| StoreError::Panicked("a read")))
    })
}
