//! The baselines of a project's endpoints, read when first needed and cached for the hour.

use std::collections::HashMap;

use analytics::alert::timeline::{MINUTE_US, WEEK_US};
use analytics::alert::{Base, Counts, ReadyMade};
use analytics::filter::Filter;
use analytics::grid::{DAY_US, Grid, QUARTER_US};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::SumsQuery;
use analytics::tally::{Needs, Total};
use jiff::tz::TimeZone;

use super::own::{of_endpoints, rows};
use super::{HOUR_US, RuleAsker};
use crate::ask::{AskError, own_reader};

#[derive(Default)]
pub struct EndpointPast {
    week: Option<Week>,
    /// By endpoint; per window.
    bases: Option<HashMap<String, Base>>,
}

/// The 7 days before a window.
pub struct Week {
    pub endpoints: HashMap<String, Counts>,
    /// Whether every endpoint is among them.
    pub is_whole: bool,
}

impl EndpointPast {
    pub async fn week(
        &mut self,
        ask: &RuleAsker<'_>,
        project: ProjectId,
        end_us: i64,
    ) -> Result<&Week, AskError> {
        let week = match self.week.take() {
            Some(week) => week,
            None => ask_week(ask, project, end_us).await?,
        };
        Ok(self.week.insert(week))
    }

    pub async fn bases(
        &mut self,
        ask: &RuleAsker<'_>,
        project: ProjectId,
        end_us: i64,
    ) -> Result<&HashMap<String, Base>, AskError> {
        let bases = match self.bases.take() {
            Some(bases) => bases,
            None => ask_bases(ask, project, end_us).await?,
        };
        Ok(self.bases.insert(bases))
    }
}

async fn ask_week(ask: &RuleAsker<'_>, project: ProjectId, end_us: i64) -> Result<Week, AskError> {
    let window = ReadyMade::NewFailingEndpoint.rule().window_minutes;
    let before_us = end_us - i64::from(window) * MINUTE_US;
    // Rollups cover whole quarters of an hour.
    let to_us = before_us.div_euclid(QUARTER_US) * QUARTER_US;
    let total = endpoints(ask, project, to_us - 7 * DAY_US, to_us).await?;
    let is_whole = total.endpoints.count.count <= total.endpoints.rows.len() as u64;
    Ok(Week { endpoints: of_endpoints(&total).collect(), is_whole })
}

async fn ask_bases(
    ask: &RuleAsker<'_>,
    project: ProjectId,
    end_us: i64,
) -> Result<HashMap<String, Base>, AskError> {
    // The hour in which it is used, with one window on both sides.
    let window_us = i64::from(ReadyMade::SlowerThanUsual.rule().window_minutes) * MINUTE_US;
    let from_us = end_us.div_euclid(HOUR_US) * HOUR_US - window_us;
    let to_us = from_us + HOUR_US + 2 * window_us;
    let windows = ((to_us - from_us) / window_us) as u32;
    let mut weeks = HashMap::<String, Vec<Counts>>::new();
    for week in 1..=limits::BASE_WEEKS as i64 {
        let ago_us = week * WEEK_US;
        let total = endpoints(ask, project, from_us - ago_us, to_us - ago_us).await?;
        for (key, counts) in of_endpoints(&total) {
            weeks.entry(key).or_default().push(counts);
        }
    }
    let bases = weeks.into_iter();
    Ok(bases.filter_map(|(key, weeks)| Some((key, Base::of(&weeks, windows)?))).collect())
}

async fn endpoints(
    ask: &RuleAsker<'_>,
    project: ProjectId,
    from_us: i64,
    to_us: i64,
) -> Result<Total, AskError> {
    let query = SumsQuery {
        scope: (ask.scope)(project),
        grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
        filter: Filter::default(),
        needs: Needs::ENDPOINTS,
        values: Vec::new(),
        prefix: String::new(),
        top: rows(false),
    };
    ask.asker.sums(own_reader(project), query).await
}
