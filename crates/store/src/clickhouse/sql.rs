//! All SQL text for ClickHouse. Functions here make text; they run nothing.
//!
//! Every statement that reads hits names a project. Text from users is only ever a parameter, which the server takes as
//! data (`Params`); numbers of ours stand in the text.

pub mod busiest;
pub mod erase;
pub mod filter;
pub mod layout;
pub mod moving;
pub mod node;
pub mod outdated_routes;
pub mod params;
pub mod rollups;
pub mod rows;
pub mod schema;
pub mod series;
pub mod sums;
pub mod tail;
pub mod top;
pub mod windows;
