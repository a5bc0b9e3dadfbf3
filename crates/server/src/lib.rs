//! The outside world: network, clock and operator. The binary `api-analytics` is only `cli::main`; this is a library so
//! that tests start the real thing.
//!
//! Contents:
//! - interfaces for the operator: `cli`, `config`
//! - start and stop in order: `serve`, `control` (the socket of subcommands), `jobs` (periodic work), `monitor` (checks), `rule`
//!   and `judging` (alert rules), `incident`, `notice` and `delivery` (notices about their findings)
//! - addresses: `router`; callers and their rights: `auth`, `address`, `network`, `rate`; errors: `error`, `refusals` (their lines
//!   in the log); ids of calls: `call_id`
//! - a POST of hits: `ingest`, its statistics for the project: `ingest_health`, routes from its paths: `learned_routes`; the
//!   original's addresses: `original`; ours: `api`; embedded pages and files: `web`
//! - calls to hosts chosen by users: `dial`
//! - a public status page: `status_page`, `status_view`; its rendering: `web::status`; its mails to subscribers: `subscription`,
//!   `mailing`, `subscriber_mail`
//! - shared by handlers: `app`, `ask`, `projects`, `monitor_changes`, `parameters`, `body`, `list`, `pieces`, `spreadsheet`,
//!   `download`, `answers`, `bodies`, `budget`, `schema`, `hit_schema`, `loop_health`, `metrics`, `in_flight`, `random`, `clock`
//!
//! The rules of hits are not here (`analytics`), nor is database access (`store`).

pub mod address;
pub mod answers;
pub mod api;
pub mod app;
mod arrivals;
pub mod ask;
pub mod auth;
pub mod bodies;
pub mod body;
pub mod budget;
pub mod call_id;
pub mod certificate_order;
pub mod cli;
pub mod clock;
pub mod clock_watch;
pub mod config;
pub mod control;
pub mod delivery;
pub mod dial;
pub mod download;
pub mod error;
pub mod hit_schema;
pub mod in_flight;
pub mod incident;
pub mod ingest;
pub mod ingest_health;
pub mod jobs;
pub mod json;
pub mod judging;
pub mod learned_routes;
pub mod list;
pub mod loop_health;
pub mod mail;
pub mod mailing;
pub mod metrics;
pub mod monitor;
pub mod monitor_changes;
pub mod monitor_file;
pub mod network;
pub mod notice;
pub mod original;
pub mod parameters;
pub mod pieces;
pub mod projects;
pub mod random;
pub mod rate;
pub mod reads;
pub mod refusals;
mod releases;
pub mod router;
pub mod rule;
pub mod schema;
pub mod serve;
pub mod servers;
pub mod sharing;
pub mod spreadsheet;
pub mod status_page;
pub mod status_view;
mod store_options;
pub mod subscriber_mail;
pub mod subscription;
pub mod web;
