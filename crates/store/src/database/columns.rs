//! Columns as the rest of the program has them. `sqlx::Any` has the types that both databases have: numbers are `i64`,
//! and a flag is 0 or 1.

use analytics::hit::ProjectId;
use sqlx::Row;
use sqlx::any::AnyRow;

/// A project's number in a statement.
pub(crate) fn column(project: ProjectId) -> i64 {
    i64::from(project.0)
}

pub(crate) trait Columns {
    /// An error if the number is not one of `N`.
    fn number<N: TryFrom<i64>>(&self, name: &str) -> Result<N, sqlx::Error>;
    fn maybe_number<N: TryFrom<i64>>(&self, name: &str) -> Result<Option<N>, sqlx::Error>;
    fn flag(&self, name: &str) -> Result<bool, sqlx::Error>;
    fn project(&self, name: &str) -> Result<ProjectId, sqlx::Error>;
}

impl Columns for AnyRow {
    fn number<N: TryFrom<i64>>(&self, name: &str) -> Result<N, sqlx::Error> {
        to_number(name, self.try_get(name)?)
    }

    fn maybe_number<N: TryFrom<i64>>(&self, name: &str) -> Result<Option<N>, sqlx::Error> {
        let number: Option<i64> = self.try_get(name)?;
        number.map(|number| to_number(name, number)).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, sqlx::Error> {
        Ok(self.try_get::<i64, _>(name)? != 0)
    }

    fn project(&self, name: &str) -> Result<ProjectId, sqlx::Error> {
        self.number(name).map(ProjectId)
    }
}

fn to_number<N: TryFrom<i64>>(name: &str, number: i64) -> Result<N, sqlx::Error> {
    let wrong = || sqlx::Error::Decode(format!("{number} is no value of `{name}`").into());
    N::try_from(number).map_err(|_| wrong())
}
