//! Monitors in the operator's file (TOML), each with an `id` that identifies it from one version of the file to the
//! next. A file with any mistake changes nothing. A monitor removed from the file stays, paused, with its results, and
//! belongs to its project's owner from then on: a slip in a file must not delete a year of history.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use analytics::fields::FieldError;
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::monitor::{Monitor, MonitorSettings};
use anyhow::Context;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Map, Value};
use store::meta::{MonitorRow, NewMonitor};

use crate::app::App;

/// A monitor in the file.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub project: ProjectId,
    pub settings: MonitorSettings,
    /// The `id` of another entry of the same project.
    pub part_of: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MonitorFileError {
    #[error("{file} cannot be read: {problem}")]
    Unreadable { file: String, problem: std::io::Error },
    #[error("{file}{}: {message}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Syntax { file: String, line: Option<usize>, message: String },
    #[error("{file}: monitor {place} has no `id`, a name of your choice that stays the same")]
    NoId { file: String, place: usize },
    #[error("{file}: two monitors have the `id` {id:?}")]
    Twice { file: String, id: String },
    #[error("{file}: more than {} monitors", limits::MONITORS_IN_FILE)]
    TooMany { file: String },
    #[error("{file}: monitor {id:?}: {problem}")]
    Field { file: String, id: String, problem: FieldError },
}

/// The entries of the file, each after its parent. `allowed`: networks that may be called although they are not public.
pub fn read(path: &Path, allowed: &[IpNet]) -> Result<Vec<Entry>, MonitorFileError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|problem| MonitorFileError::Unreadable { file: file.clone(), problem })?;
    parse(&text, file, allowed)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    monitors: Vec<Map<String, Value>>,
}

fn parse(text: &str, file: String, allowed: &[IpNet]) -> Result<Vec<Entry>, MonitorFileError> {
    let document: Document = toml::from_str(text).map_err(|problem| {
        // The library's message repeats the line, which may hold a secret.
        let line = problem.span().map(|span| text[..span.start].matches('\n').count() + 1);
        MonitorFileError::Syntax { file: file.clone(), line, message: problem.message().to_owned() }
    })?;
    if document.monitors.len() as u64 > limits::MONITORS_IN_FILE {
        return Err(MonitorFileError::TooMany { file });
    }
    let mut entries = BTreeMap::new();
    for (place, mut fields) in document.monitors.into_iter().enumerate() {
        let id = match fields.remove("id") {
            Some(Value::String(id)) if !id.trim().is_empty() => id,
            _ => return Err(MonitorFileError::NoId { file, place: place + 1 }),
        };
        let entry = to_entry(&id, fields, allowed).map_err(|problem| MonitorFileError::Field {
            file: file.clone(),
            id: id.clone(),
            problem,
        })?;
        if entries.insert(id.clone(), entry).is_some() {
            return Err(MonitorFileError::Twice { file, id });
        }
    }
    in_order(entries).map_err(|(id, problem)| MonitorFileError::Field { file, id, problem })
}

fn to_entry(
    id: &str,
    mut fields: Map<String, Value>,
    allowed: &[IpNet],
) -> Result<Entry, FieldError> {
    let project = fields.remove("project").and_then(|project| project.as_u64());
    let project = project.and_then(|project| u32::try_from(project).ok()).ok_or_else(|| {
        FieldError::new("project", "is missing; it is a project's number, as the page shows it")
    })?;
    let part_of = match fields.remove("part_of") {
        None => None,
        Some(Value::String(parent)) => Some(parent),
        Some(_) => return Err(FieldError::new("part_of", "is the `id` of another monitor here")),
    };
    fields.entry("name").or_insert_with(|| Value::String(id.to_owned()));
    let settings = MonitorSettings::default().changed(fields)?;
    let settings = Monitor::compile(settings, Some(allowed))?.settings;
    Ok(Entry { id: id.to_owned(), project: ProjectId(project), settings, part_of })
}

/// Parents first. An error names the entry that cannot be placed.
fn in_order(mut entries: BTreeMap<String, Entry>) -> Result<Vec<Entry>, (String, FieldError)> {
    for entry in entries.values() {
        let Some(parent) = &entry.part_of else { continue };
        let found = entries.get(parent).filter(|parent| parent.project == entry.project);
        if found.is_none() {
            let message = format!("names {parent:?}, which its project doesn't have in this file");
            return Err((entry.id.clone(), FieldError::new("part_of", message)));
        }
    }
    let mut ordered: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut placed = BTreeSet::new();
    while !entries.is_empty() {
        let has_place =
            |entry: &Entry| entry.part_of.as_ref().is_none_or(|parent| placed.contains(parent));
        let (ready, rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
            entries.into_iter().partition(|(_, entry)| has_place(entry));
        if ready.is_empty() {
            let id = rest.into_keys().next().unwrap_or_default();
            return Err((id, FieldError::new("part_of", "makes the monitor a part of itself")));
        }
        placed.extend(ready.keys().cloned());
        ordered.extend(ready.into_values());
        entries = rest;
    }
    Ok(ordered)
}

/// The effect of a file on the existing monitors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub added: usize,
    pub changed: usize,
    pub released: usize,
    /// Their project doesn't exist (any more).
    pub skipped: usize,
}

/// Makes the monitors match the file. None: there is no file any more, and its monitors belong to their projects'
/// owners.
pub async fn apply(app: &App, entries: Option<Vec<Entry>>) -> anyhow::Result<Applied> {
    let mut applied = Applied::default();
    let has_file = entries.is_some();
    let rows = app.meta.all_monitors().into_iter();
    let mut known: BTreeMap<(u32, String), Arc<MonitorRow>> =
        rows.filter_map(|row| Some(((row.project.0, row.file_entry.clone()?), row))).collect();
    let mut numbers = BTreeMap::new();
    for entry in entries.unwrap_or_default() {
        if app.meta.project(entry.project).is_none_or(|project| project.deleting) {
            tracing::warn!(
                project = entry.project.0,
                monitor = entry.id,
                "a monitor in the file names a project that doesn't exist"
            );
            applied.skipped += 1;
            continue;
        }
        let part_of = entry.part_of.and_then(|parent| numbers.get(&parent).copied());
        let settings = MonitorSettings { part_of, ..entry.settings };
        let row = match known.remove(&(entry.project.0, entry.id.clone())) {
            Some(row) if row.settings == settings => row,
            Some(row) => {
                applied.changed += 1;
                put(app, app.meta.change_monitor(row.project, row.id, settings).await?)?
            }
            None => {
                applied.added += 1;
                let file_entry = Some(entry.id.clone());
                let new = NewMonitor { settings, original_url: None, file_entry };
                // The file is not subject to the operator's own limit.
                let (most, now_us) = (usize::MAX, app.clock.now_us());
                put(app, app.meta.add_monitor(entry.project, new, most, now_us).await?)?
            }
        };
        numbers.insert(entry.id, row.id);
    }
    for row in known.into_values() {
        applied.released += 1;
        if has_file {
            let settings = MonitorSettings { paused: Some(true), ..row.settings.clone() };
            put(app, app.meta.change_monitor(row.project, row.id, settings).await?)?;
            tracing::warn!(
                monitor = row.id,
                "a monitor is no longer in the file: it is paused, and can be changed on the page"
            );
        }
        app.meta.release_monitor(&row).await?;
    }
    Ok(applied)
}

fn put(app: &App, row: Option<Arc<MonitorRow>>) -> anyhow::Result<Arc<MonitorRow>> {
    let row = row.context("the project of a monitor in the file was deleted just now")?;
    app.monitors.put(row.clone());
    Ok(row)
}

#[cfg(test)]
mod tests;
