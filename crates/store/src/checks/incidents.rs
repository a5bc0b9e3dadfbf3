//! Stored incidents: written together with the result that changed them, and edited by their owner.

use std::time::Duration;

use analytics::check::{Failure, Phase, Phases};
use analytics::hit::ProjectId;
use analytics::incident::{Cause, Change, Muted, Transition};
use analytics::notice::Hit;
use analytics::status_page::bulletin::Bulletin;
use analytics::status_page::publication::{Publication, Severity, Stage};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::source::IncidentSource;
use super::{Checks, ChecksError, bulletins, storable};
use crate::database::columns::{Columns as _, column};
use crate::sql::incidents as sql;

/// An incident as the checks or a rule found it. Each of its transitions writes it again: a field that is None keeps
/// its value.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentRow {
    pub source: IncidentSource,
    /// From 1 within its source.
    pub number: u64,
    pub project: ProjectId,
    pub cause: Cause,
    pub since_ms: i64,
    /// Time of confirmation.
    pub found_ms: i64,
    /// None: it is open.
    pub until_ms: Option<i64>,
    /// Requests succeeded while the checks failed.
    pub unconfirmed: bool,
    pub failure: Option<Failure>,
    pub detail: Option<String>,
    /// Status of the HTTP response.
    pub status: Option<u16>,
    /// Phases of the check that confirmed it.
    pub phases: Option<Phases>,
    pub last_good_ms: Option<i64>,
    pub hit: Option<Hit>,
}

/// An incident with its owner's texts.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptIncident {
    pub found: IncidentRow,
    pub acknowledged_ms: Option<i64>,
    pub note: Option<String>,
    /// None: hidden from visitors of the status page.
    pub publication: Option<Publication>,
}

/// A stored transition.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptTransition {
    pub transition: u32,
    pub at_ms: i64,
    pub change: Change,
    pub muted: Option<Muted>,
}

/// A text for visitors of a status page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentUpdate {
    pub at_ms: i64,
    pub stage: Stage,
    pub text: String,
}

/// Selects incidents of a project.
#[derive(Clone, Copy, Debug)]
pub struct IncidentQuery {
    pub project: ProjectId,
    /// None: of all sources.
    pub source: Option<IncidentSource>,
    /// Only open ones.
    pub open: bool,
    /// Only those that began before.
    pub before_ms: i64,
    pub limit: usize,
}

impl Checks {
    /// Newest first.
    pub async fn incidents(&self, query: IncidentQuery) -> Result<Vec<KeptIncident>, ChecksError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql::list()))
            .bind(column(query.project))
            .bind(query.source.map(IncidentSource::to_column))
            .bind(i64::from(query.open))
            .bind(query.before_ms)
            .bind(query.limit as i64)
            .fetch_all(&self.reading)
            .await?;
        rows.iter().map(to_incident).collect()
    }

    /// None if the project has no such incident.
    pub async fn incident(
        &self,
        project: ProjectId,
        source: IncidentSource,
        number: u64,
    ) -> Result<Option<KeptIncident>, ChecksError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(sql::get()))
            .bind(column(project))
            .bind(source.to_column())
            .bind(number as i64)
            .fetch_optional(&self.reading)
            .await?;
        row.as_ref().map(to_incident).transpose()
    }

    /// In order.
    pub async fn transitions(
        &self,
        source: IncidentSource,
        number: u64,
    ) -> Result<Vec<KeptTransition>, ChecksError> {
        let select = sqlx::query(sql::TRANSITIONS).bind(source.to_column()).bind(number as i64);
        let rows = select.fetch_all(&self.reading).await?;
        rows.iter()
            .map(|row| {
                let change: &str = row.try_get("change")?;
                let muted: Option<&str> = row.try_get("muted")?;
                Ok(KeptTransition {
                    transition: row.number("transition")?,
                    at_ms: row.try_get("at_ms")?,
                    change: serde_json::from_str(change)?,
                    muted: muted.map(serde_json::from_str).transpose()?,
                })
            })
            .collect()
    }

    /// In the order in which they were written.
    pub async fn incident_updates(
        &self,
        source: IncidentSource,
        number: u64,
    ) -> Result<Vec<IncidentUpdate>, ChecksError> {
        let select = sqlx::query_as(sql::UPDATES).bind(source.to_column()).bind(number as i64);
        let rows: Vec<(i64, String, String)> = select.fetch_all(&self.reading).await?;
        let updates = rows.into_iter().map(|(at_ms, stage, text)| {
            let stage = Stage::parse(&stage).unwrap_or_default();
            IncidentUpdate { at_ms, stage, text }
        });
        Ok(updates.collect())
    }

    /// The project's published incidents that were not over before `since_ms`, newest first, each with its updates in order.
    pub async fn published_incidents(
        &self,
        project: ProjectId,
        since_ms: i64,
        limit: usize,
    ) -> Result<Vec<(KeptIncident, Vec<IncidentUpdate>)>, ChecksError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql::published()))
            .bind(column(project))
            .bind(since_ms)
            .bind(limit as i64)
            .fetch_all(&self.reading)
            .await?;
        let mut published = Vec::with_capacity(rows.len());
        for row in &rows {
            let incident = to_incident(row)?;
            let (source, number) = (incident.found.source, incident.found.number);
            published.push((incident, self.incident_updates(source, number).await?));
        }
        Ok(published)
    }

    /// Saves the owner's changes in one transaction, which begins with the incident's own row: a server that writes a
    /// transition of it at the same time comes before or after all of this. `bulletin`: the text for the status page's subscribers. If the
    /// incident is not published, its unsent bulletins are deleted.
    pub async fn change_incident(
        &self,
        incident: &KeptIncident,
        update: Option<IncidentUpdate>,
        bulletin: Option<&Bulletin>,
    ) -> Result<(), ChecksError> {
        let source = incident.found.source.to_column();
        let number = incident.found.number as i64;
        let mut transaction = self.writing.pool.begin().await?;
        sqlx::query(sql::CHANGE)
            .bind(incident.acknowledged_ms)
            .bind(incident.note.as_deref().map(storable))
            .bind(incident.publication.as_ref().map(|public| storable(&public.title)))
            .bind(incident.publication.as_ref().map(|public| public.severity.as_str()))
            .bind(source)
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        if let Some(update) = update {
            sqlx::query(sql::ADD_UPDATE)
                .bind(source)
                .bind(number)
                .bind(update.at_ms)
                .bind(update.stage.as_str())
                .bind(storable(&update.text))
                .execute(&mut *transaction)
                .await?;
        }
        if incident.publication.is_none() {
            bulletins::forget_of_incident(&mut transaction, source, number).await?;
        }
        if let Some(bulletin) = bulletin {
            let project = incident.found.project;
            bulletins::add(&mut transaction, project, source, number, bulletin).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

impl IncidentRow {
    pub(super) fn key(&self) -> (i64, u64) {
        (self.source.to_column(), self.number)
    }

    pub(super) fn columns(&self) -> Result<Value, ChecksError> {
        let phases = self.phases.as_ref().map(|phases| {
            let of = |phase| phases.get(phase).map(|took| took.as_micros() as u64);
            json!(Phase::ALL.map(of)).to_string()
        });
        Ok(json!([
            self.source.to_column(),
            self.number,
            self.project.0,
            self.cause,
            self.since_ms,
            self.found_ms,
            self.until_ms,
            i64::from(self.unconfirmed),
            self.failure.map(Failure::code),
            self.detail,
            self.status,
            phases,
            self.last_good_ms,
            self.hit.as_ref().map(serde_json::to_string).transpose()?,
        ]))
    }
}

pub(super) fn transition_columns(
    source: IncidentSource,
    transition: &Transition,
) -> Result<Value, ChecksError> {
    let muted = transition.muted.map(|muted| serde_json::to_string(&muted)).transpose()?;
    Ok(json!([
        source.to_column(),
        transition.incident,
        transition.transition,
        transition.at_ms,
        serde_json::to_string(&transition.change)?,
        muted,
    ]))
}

fn to_incident(row: &AnyRow) -> Result<KeptIncident, ChecksError> {
    let failure: Option<&str> = row.try_get("failure")?;
    let phases: Option<&str> = row.try_get("phases")?;
    let hit: Option<&str> = row.try_get("hit")?;
    let severity: Option<&str> = row.try_get("severity")?;
    let title: Option<String> = row.try_get("public_title")?;
    let publication = title.map(|title| {
        let severity = severity.and_then(Severity::parse).unwrap_or(Severity::Major);
        Publication { title, severity }
    });
    let found = IncidentRow {
        source: IncidentSource::from_column(row.try_get("monitor")?),
        number: row.try_get::<i64, _>("number")? as u64,
        project: row.project("project")?,
        cause: read_word(row.try_get("cause")?)?,
        since_ms: row.try_get("since_ms")?,
        found_ms: row.try_get("found_ms")?,
        until_ms: row.try_get("until_ms")?,
        unconfirmed: row.flag("unconfirmed")?,
        failure: failure.map(|code| Failure::parse(code).unwrap_or(Failure::Protocol)),
        detail: row.try_get("detail")?,
        status: row.maybe_number("status")?,
        phases: phases.map(to_phases).transpose()?,
        last_good_ms: row.try_get("last_good_ms")?,
        hit: hit.map(serde_json::from_str).transpose()?,
    };
    Ok(KeptIncident {
        found,
        acknowledged_ms: row.try_get("acknowledged_ms")?,
        note: row.try_get("note")?,
        publication,
    })
}

fn to_phases(text: &str) -> Result<Phases, ChecksError> {
    let took: [Option<u64>; Phase::ALL.len()] = serde_json::from_str(text)?;
    let mut phases = Phases::default();
    for (phase, took) in Phase::ALL.into_iter().zip(took) {
        if let Some(took) = took {
            phases.add(phase, Duration::from_micros(took));
        }
    }
    Ok(phases)
}

/// Parses an enum from its serde name.
pub(super) fn read_word<T: DeserializeOwned>(word: &str) -> Result<T, ChecksError> {
    Ok(serde_json::from_value(Value::String(word.to_owned()))?)
}
