//! Queries about hits, as data.

use jiff::tz::TimeZone;

use crate::filter::Filter;
use crate::grid::Grid;
use crate::hit::ProjectId;
use crate::limits;
use crate::period::Period;
use crate::ranking::{Ranked, SearchWords};
use crate::tally::{Dimension, Needs, Sort, Top};

/// Permission to see one project's hits, with the filters that its holder cannot remove. Only authentication makes one,
/// and no query can be made without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectScope {
    project: ProjectId,
    locked: Filter,
}

impl ProjectScope {
    /// TRICKY: only authentication may call it; a test looks for other callers.
    pub fn granted(project: ProjectId, locked: Filter) -> ProjectScope {
        ProjectScope { project, locked }
    }

    pub fn project(&self) -> ProjectId {
        self.project
    }

    pub fn locked(&self) -> &Filter {
        &self.locked
    }

    /// A query's filter together with the locked one.
    pub fn with_locked(&self, filter: &Filter) -> Filter {
        let conditions = self.locked.conditions.iter().chain(&filter.conditions).cloned();
        Filter { conditions: conditions.collect() }
    }
}

/// Raw hits, newest first by (time, hit id).
#[derive(Clone, Debug)]
pub struct HitsQuery {
    pub scope: ProjectScope,
    pub period: Period,
    pub filter: Filter,
    /// (time_us, hit id) of the last hit of the previous page.
    pub after: Option<(i64, i64)>,
    pub limit: usize,
}

/// A hit's place among the slowest: its duration (none comes last), its time, its id; the greatest comes first.
pub type SlowPlace = (Option<u64>, i64, i64);

/// Raw hits, slowest first.
#[derive(Clone, Debug)]
pub struct SlowestQuery {
    pub scope: ProjectScope,
    pub period: Period,
    pub filter: Filter,
    /// The last hit of the previous page.
    pub after: Option<SlowPlace>,
    pub limit: usize,
}

/// The original's pages: hits in order of arrival.
#[derive(Clone, Debug)]
pub struct ArrivalQuery {
    pub scope: ProjectScope,
    pub period: Period,
    pub filter: Filter,
    /// Only hits that arrived after this hit id.
    pub after: Option<i64>,
    /// Only hits up to this hit id.
    pub up_to: Option<i64>,
    /// The number of hits after `after` to skip.
    pub offset: u64,
    pub limit: usize,
}

/// Sums over hits, for panels, menus and headlines.
#[derive(Clone, Debug)]
pub struct SumsQuery {
    pub scope: ProjectScope,
    /// The period and its buckets.
    pub grid: Grid,
    pub filter: Filter,
    pub needs: Needs,
    /// The texts and countries whose values are listed by name. Their needs are added.
    pub values: Vec<Dimension>,
    /// Lists only texts that begin with this, in lower case; "" for all.
    pub prefix: String,
    pub top: Top,
}

/// Every row of a breakdown with its sums, for lists that are searched, sorted and paged through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankingQuery {
    pub scope: ProjectScope,
    /// Included.
    pub from_us: i64,
    /// Excluded.
    pub to_us: i64,
    pub filter: Filter,
    pub of: Ranked,
    /// Whether consumers without a user are listed by their address.
    pub addresses: bool,
    /// Lists only rows that have these words, if all rows are too many to list; else empty.
    pub search: SearchWords,
}

/// Counts by status of many projects at once, cell by cell: the input of most alert rules. Nothing is filtered, so a
/// scope with a locked filter is left out.
#[derive(Clone, Debug)]
pub struct CellsQuery {
    pub scopes: Vec<ProjectScope>,
    /// Included.
    pub from_us: i64,
    /// Excluded.
    pub to_us: i64,
    /// The length of a cell; cells are counted from 1970.
    pub cell_us: i64,
}

/// Counts and response times per endpoint, of many projects at once. Like `CellsQuery`, it filters nothing.
#[derive(Clone, Debug)]
pub struct EndpointsQuery {
    pub scopes: Vec<ProjectScope>,
    /// Included.
    pub from_us: i64,
    /// Excluded.
    pub to_us: i64,
}

/// The times at which some consumers of many projects were seen, each by its user or, without one, its address. Like
/// `CellsQuery`, it filters nothing else.
#[derive(Clone, Debug)]
pub struct PresenceQuery {
    pub consumers: Vec<(ProjectScope, Vec<String>)>,
    /// Included.
    pub from_us: i64,
    /// Excluded.
    pub to_us: i64,
}

impl RankingQuery {
    /// Only the rows with most hits.
    pub fn busiest(&self) -> SumsQuery {
        let (needs, values) = match self.of {
            Ranked::Value(value) => (Needs::default(), vec![value]),
            other => (other.needs(), Vec::new()),
        };
        SumsQuery {
            scope: self.scope.clone(),
            grid: Grid::whole(self.from_us, self.to_us, &TimeZone::UTC),
            filter: self.filter.clone(),
            needs,
            values,
            prefix: String::new(),
            top: Top { consumers: true, rows: limits::PANEL_ROWS as usize, sort: Sort::Requests },
        }
    }
}

impl SumsQuery {
    pub fn all_needs(&self) -> Needs {
        self.values.iter().fold(self.needs, |needs, value| needs.and(value.needs()))
    }
}
