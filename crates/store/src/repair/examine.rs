//! Reads data files completely, without a manifest, to find out what each holds and whether it is intact.

use std::path::Path;

use duckdb::Connection;

use crate::disk::path_text;
use crate::duckdb::engine::Instance;
use crate::duckdb::failure::failed;
use crate::duckdb::files::{format_of, read_format};
use crate::duckdb::sql;
use crate::duckdb::sql::file::Tables;
use crate::inbox::{FileKind, FileRow};
use crate::types::StoreError;

use super::choose::Examined;

const ALIAS: &str = "examined";

/// Reads every value, so that no damaged file counts. `path` may have another name than the file's own.
pub fn examine(instance: &Instance, path: &Path, name: &str) -> Result<Examined, StoreError> {
    attach(instance, path, ALIAS)?;
    let examined = read(instance, name);
    instance.execute(&sql::file::detach(ALIAS)).map_err(failed("examining a data file"))?;
    examined
}

/// The projects with hits in a file.
pub fn projects_in(instance: &Instance, path: &Path) -> Result<Vec<u32>, StoreError> {
    attach(instance, path, ALIAS)?;
    let projects = instance.connect().and_then(|connection| read_projects(&connection));
    instance.execute(&sql::file::detach(ALIAS)).map_err(failed("reading a data file"))?;
    projects
}

/// Whether two files hold hits of the same record.
pub fn share_a_record(instance: &Instance, one: &Path, other: &Path) -> Result<bool, StoreError> {
    let context = "comparing data files";
    attach(instance, one, "one")?;
    attach(instance, other, "other")?;
    let shares = instance.connect().and_then(|connection| {
        connection
            .query_row(&sql::repair::share_a_record("one", "other"), [], |row| row.get(0))
            .map_err(failed(context))
    });
    for alias in ["one", "other"] {
        instance.execute(&sql::file::detach(alias)).map_err(failed(context))?;
    }
    shares
}

/// The texts of a project in a file that `matches`.
pub fn find_texts(
    instance: &Instance,
    path: &Path,
    statement: impl Fn(Tables<'_>) -> String,
    mut matches: impl FnMut(&str) -> bool,
) -> Result<Vec<String>, StoreError> {
    let context = "looking for what was erased";
    attach(instance, path, ALIAS)?;
    let found = instance.connect().and_then(|connection| {
        let mut found = Vec::new();
        let tables = Tables { file: ALIAS, format: format_of(&connection, ALIAS)? };
        let mut statement = connection.prepare(&statement(tables)).map_err(failed(context))?;
        let mut rows = statement.query([]).map_err(failed(context))?;
        while let Some(row) = rows.next().map_err(failed(context))? {
            let text = row.get_ref(0).map_err(failed(context))?;
            if let Some(text) = text.as_str().ok().filter(|text| matches(text)) {
                found.push(text.to_owned());
            }
        }
        Ok(found)
    });
    instance.execute(&sql::file::detach(ALIAS)).map_err(failed(context))?;
    found
}

fn read_projects(connection: &Connection) -> Result<Vec<u32>, StoreError> {
    let context = "reading a data file's projects";
    let mut projects = Vec::new();
    let mut statement =
        connection.prepare(&sql::repair::projects_with_hits(ALIAS)).map_err(failed(context))?;
    let mut rows = statement.query([]).map_err(failed(context))?;
    while let Some(row) = rows.next().map_err(failed(context))? {
        projects.push(row.get(0).map_err(failed(context))?);
    }
    Ok(projects)
}

fn attach(instance: &Instance, path: &Path, alias: &str) -> Result<(), StoreError> {
    instance
        .execute(&sql::file::attach(path_text(path)?, alias))
        .map_err(failed("opening a data file"))
}

fn read(instance: &Instance, name: &str) -> Result<Examined, StoreError> {
    let context = "reading a data file";
    let connection = instance.connect()?;
    read_format(&connection, ALIAS, Path::new(name))?;
    let [stretch, of_before] = sql::repair::stretch(ALIAS);
    let get = |text: &str| {
        connection
            .query_row(text, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))
    };
    let (last, first) = get(&stretch).or_else(|_| get(&of_before)).map_err(failed(context))?;
    let mut counts = [0; 2];
    for (count, text) in counts.iter_mut().zip(sql::repair::read_all(ALIAS)) {
        *count =
            connection.query_row(&text, [], |row| row.get::<_, i64>(0)).map_err(failed(context))?;
    }
    let range: Option<(i64, i64)> = connection
        .query_row(&sql::file::seq_range(ALIAS), [], |row| {
            Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
        })
        .map_err(failed(context))?;
    let projects = read_projects(&connection)?;
    let last_seq = (last as u64).max(range.map_or(0, |(_, last)| last as u64));
    let kind = if name.starts_with("sealed-") { FileKind::Sealed } else { FileKind::Frozen };
    Ok(Examined {
        name: name.to_owned(),
        id: FileRow::id_in(name).unwrap_or(0),
        kind,
        first_seq: first
            .map(|first| first as u64)
            .or(range.map(|(first, _)| (first as u64).saturating_sub(1)))
            .unwrap_or(last_seq),
        last_seq,
        rows: counts[0] as u64,
        projects,
    })
}
