//! The state of rules' alerts, written in one transaction with their incidents and notices.

use std::collections::HashSet;

use analytics::alert::{Lateness, RuleState};
use analytics::incident::Transition;
use serde_json::json;
use sqlx::Row;

use super::incidents::IncidentRow;
use super::outbox::NewNotice;
use super::source::IncidentSource;
use super::{Changes, Checks, ChecksError, clean};
use crate::sql::rules as sql;

/// The rule of a row: its number, and when it was created (microseconds).
pub type RuleKey = (i64, i64);

/// A rule after a judgement.
#[derive(Clone, Debug, Default)]
pub struct RuleRecord {
    pub id: i64,
    /// When the rule was made, microseconds.
    pub created_us: i64,
    pub state: RuleState,
    /// The alerts that began and ended, as incidents.
    pub transitions: Vec<Transition>,
    /// The incidents of these transitions.
    pub incidents: Vec<IncidentRow>,
    /// Notices about these changes, one per channel.
    pub notices: Vec<NewNotice>,
}

/// Whether rules can be judged. `notices`: set if that has changed.
#[derive(Clone, Debug, Default)]
pub struct LatenessRecord {
    pub lateness: Lateness,
    pub notices: Vec<NewNotice>,
}

impl Checks {
    /// One transaction: all of it is written, or nothing.
    pub async fn write_rules(
        &self,
        group: &[RuleRecord],
        lateness: Option<&LatenessRecord>,
    ) -> Result<(), ChecksError> {
        let mut states = Vec::with_capacity(group.len());
        let mut changes = Changes::default();
        for record in group {
            let state = serde_json::to_string(&record.state)?;
            states.push(json!([record.id, record.created_us, state]));
            let source = IncidentSource::Rule(record.id);
            changes.add(source, &record.incidents, &record.transitions, &record.notices)?;
        }
        if let Some(late) = lateness {
            changes.add_notices(&late.notices)?;
        }
        let mut transaction = self.writing.pool.begin().await?;
        // In order of their ids, so that two servers that write the same ones wait for each other.
        states.sort_by_key(|state| state[0].as_i64());
        let states = clean(states)?;
        sqlx::query(self.engine().with_rows(sql::PUT))
            .bind(states)
            .execute(&mut *transaction)
            .await?;
        if let Some(late) = lateness {
            let state = serde_json::to_string(&late.lateness)?;
            sqlx::query(sql::PUT_LATENESS).bind(state).execute(&mut *transaction).await?;
        }
        changes.write(&mut transaction, self.engine()).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The last state of every rule's alerts.
    pub async fn rule_states(&self) -> Result<Vec<(RuleKey, RuleState)>, ChecksError> {
        let rows = sqlx::query(sql::STATES).fetch_all(&self.writing.pool).await?;
        rows.iter()
            .map(|row| {
                let state: &str = row.try_get("state")?;
                let key = (row.try_get("id")?, row.try_get("created_us")?);
                Ok((key, serde_json::from_str(state)?))
            })
            .collect()
    }

    pub async fn lateness(&self) -> Result<Lateness, ChecksError> {
        let kept: Option<String> =
            sqlx::query_scalar(sql::LATENESS).fetch_optional(&self.writing.pool).await?;
        Ok(kept.map(|kept| serde_json::from_str(&kept)).transpose()?.unwrap_or_default())
    }

    /// Deletes everything of rules that are not among `live`. Returns how many there were.
    pub async fn keep_rules(&self, live: &HashSet<RuleKey>) -> Result<usize, ChecksError> {
        let known: Vec<RuleKey> = sqlx::query_as(sql::IDS).fetch_all(&self.writing.pool).await?;
        let gone: Vec<RuleKey> = known.into_iter().filter(|key| !live.contains(key)).collect();
        for (rule, _) in &gone {
            let source = IncidentSource::Rule(*rule).to_column();
            for statement in crate::sql::checks::FORGET_INCIDENTS {
                sqlx::query(statement).bind(source).execute(&self.writing.pool).await?;
            }
            sqlx::query(sql::FORGET).bind(rule).execute(&self.writing.pool).await?;
        }
        if !gone.is_empty() {
            self.writing.forget_deleted().await?;
        }
        Ok(gone.len())
    }
}
