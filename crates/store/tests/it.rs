//! The store on a real disk with the real engines.

use store::checks::Checks;
use store::meta::{FILE, Meta, MetaError};
use store::{MetaPlace, PostgresUrl};

#[path = "it/bulletins.rs"]
mod bulletins;
#[path = "it/checks.rs"]
mod checks;
#[path = "it/clickhouse.rs"]
mod clickhouse;
#[path = "it/damage.rs"]
mod damage;
#[path = "it/erasing.rs"]
mod erasing;
#[path = "it/failures.rs"]
mod failures;
#[path = "it/formats.rs"]
mod formats;
#[path = "it/hanging.rs"]
mod hanging;
#[path = "it/home.rs"]
mod home;
#[path = "it/joined_routes.rs"]
mod joined_routes;
#[path = "it/make.rs"]
mod make;
#[path = "it/meta.rs"]
mod meta;
#[path = "it/model.rs"]
mod model;
#[path = "it/notices.rs"]
mod notices;
#[path = "it/paging.rs"]
mod paging;
#[path = "it/rankings.rs"]
mod rankings;
#[path = "it/restoring.rs"]
mod restoring;
#[path = "it/servers.rs"]
mod servers;
#[path = "it/sharing.rs"]
mod sharing;
#[path = "it/slowest.rs"]
mod slowest;
#[path = "it/status_pages.rs"]
mod status_pages;
#[path = "it/subscribers.rs"]
mod subscribers;
#[path = "it/sums.rs"]
mod sums;
#[path = "it/tail.rs"]
mod tail;
