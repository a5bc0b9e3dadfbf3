//! The rules: hits, the way from posted bytes to hits, and the queries about them.
//!
//! Pure data in, data out. No async runtime, no HTTP, no database engine, no clock: time and randomness are passed in.
//!
//! To add a field of a hit: a row in `hit_fields::FIELDS`.
//! A step of enrichment: a file in `enrich/`, a line in the order that `enrich.rs` lists.
//! A ready-made rule: a row in `alert::READY_MADE`. A channel: a file in `notice/`, a row in `notice::CHANNELS`.
//! A limit: a row in `limits`.

pub mod address;
pub mod alert;
pub mod answer;
pub mod batch;
pub mod certificate;
pub mod changes;
pub mod check;
pub mod clients;
pub mod clock_watch;
pub mod cron;
pub mod demo;
pub mod deploy;
pub mod enrich;
pub mod fields;
pub mod filter;
pub mod grid;
pub mod health;
pub mod hit;
pub mod hit_fields;
pub mod identity;
pub mod incident;
pub mod ingest;
pub mod latency;
pub mod learned_routes;
pub mod limits;
pub mod maintenance;
pub mod monitor;
pub mod notice;
pub mod panels;
pub mod period;
pub mod query;
pub mod ranking;
pub mod slots;
pub mod status_page;
pub mod tally;
pub mod target;
pub mod text_list;
pub mod uptime;
pub mod view;
