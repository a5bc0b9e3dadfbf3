//! State shared by all handlers: settings, clock, databases, counters. Opened once.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::enrich::{Countries, Enricher};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::query::{ArrivalQuery, HitsQuery, ProjectScope, SlowestQuery, SumsQuery};
use analytics::tally::Total;
use anyhow::Context;
use store::checks::{ChannelKey, Checks, MonitorKey};
use store::meta::{Meta, Standing};
use store::{Found, HitRow, Looked, MetaPlace, Part, Slowest, Store};
use tokio::sync::Semaphore;

use crate::address::own_host;
use crate::answers::{AnswerLimits, Answers};
use crate::arrivals::Arrivals;
use crate::ask::{Asker, estimate};
use crate::bodies::Bodies;
use crate::budget::Budget;
use crate::call_id::CallIds;
use crate::certificate_order::CertificateOrder;
use crate::clock::{Clock, US_PER_DAY};
use crate::clock_watch::Watch;
use crate::config::{PublicUrl, Settings};
use crate::dial::{DialOptions, Dialer, read_authorities};
use crate::error::ApiError;
use crate::in_flight::InFlightPosts;
use crate::ingest_health::IngestHealth;
use crate::learned_routes::LearnedRoutesByProject;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::monitor::Monitors;
use crate::notice::{Carriers, Outbox};
use crate::random::random_bytes;
use crate::rate::RateLimit;
use crate::reads::{QueueLimits, ReadQueue, Reader};
use crate::refusals::RefusalLog;
use crate::releases::Releases;
use crate::rule::{Rules, live_rules};
use crate::sharing::Sharing;
use crate::status_view::StatusViews;
use crate::store_options::{explain, store_options};
use crate::subscriber_mail::SubscriberMail;

pub type SharedApp = Arc<App>;

pub struct App {
    pub settings: Settings,
    pub clock: Clock,
    pub clock_watch: Watch,
    pub store: Store,
    pub meta: Meta,
    /// Results of monitor checks.
    pub checks: Checks,
    pub monitors: Arc<Monitors>,
    pub outbox: Arc<Outbox>,
    pub status_views: StatusViews,
    pub subscriber_mail: SubscriberMail,
    pub certificate_order: CertificateOrder,
    pub rules: Rules,
    pub enricher: Enricher,
    /// Large batches that may be decoded at once: one per processor. More would only use more memory.
    pub decoding: Semaphore,
    pub metrics: Arc<Metrics>,
    /// Held while jobs run: one after the other, whoever starts them.
    pub running_jobs: tokio::sync::Mutex<JobMemory>,
    pub ingest_health: IngestHealth,
    pub learned_routes: Arc<LearnedRoutesByProject>,
    pub sharing: Sharing,
    pub arrivals: Arrivals,
    pub releases: Releases,
    /// Held by posts from reading their project's settings to storing their hits.
    pub in_flight: InFlightPosts,
    pub refusals: RefusalLog,
    pub call_ids: CallIds,
    pub unknown_keys: RateLimit,
    pub project_creations: RateLimit,
    pub checks_by_hand: RateLimit,
    pub channel_tests: RateLimit,
    pub deploys: RateLimit,
    pub subscriptions_asked: RateLimit,
    pub reads: Arc<ReadQueue>,
    pub asker: Asker,
    pub answers: Answers,
    /// Clients that follow hits.
    pub watchers: Budget<ProjectId>,
    pub bodies: Arc<Bodies>,
    /// The only way to call out.
    pub dialer: Dialer,
    pub carriers: Carriers,
    pub ingest: IngestLimits,
    pub registration_is_open: bool,
    /// Whether the server offers a demo.
    pub offers_demo: bool,
    pub started_us: i64,
}

/// The part of the jobs' progress that is of this server alone.
#[derive(Default)]
pub struct JobMemory {
    /// When jobs that each server runs last succeeded here.
    pub ended_us: HashMap<&'static str, i64>,
    /// Among the servers, in the last round.
    pub standing: Option<Standing>,
}

/// The settings that every POST needs, looked up once.
#[derive(Clone, Copy, Debug)]
pub struct IngestLimits {
    pub body_bytes: usize,
    /// None: no limit.
    pub max_age_us: Option<i64>,
    /// For projects without their own setting; none: for ever.
    pub keep_us: Option<i64>,
}

impl App {
    /// Opens the data folder, creating it if it is missing, and everything in it.
    ///
    /// `listens_on` decides whether registration is open, unless the operator did.
    pub async fn open(
        settings: Settings,
        clock: Clock,
        listens_on: &[SocketAddr],
    ) -> anyhow::Result<SharedApp> {
        let countries = match &settings.country_database {
            Some(file) => Countries::open(file).with_context(|| {
                format!("`country_database`: {} cannot be used", file.display())
            })?,
            None => Countries::embedded(),
        };
        let authorities = match &settings.trusted_certificates {
            Some(file) => read_authorities(file).map_err(|problem| {
                anyhow::anyhow!("`trusted_certificates` cannot be used: {problem}")
            })?,
            None => Vec::new(),
        };
        let mailer = match &settings.mail {
            Some(server) => Some(Mailer::new(server, &own_host(&settings), &authorities)?),
            None => None,
        };
        let dialing = DialOptions {
            allowed: settings.allow_networks.clone(),
            name_servers: settings.name_servers.clone(),
            authorities,
        };
        create_private_folder(&settings.data).with_context(|| {
            format!("`data`: the folder {} cannot be used", settings.data.display())
        })?;
        let now_us = clock.now_us();
        let options = store_options(&settings)?;
        let place = options.meta.clone();
        let opening = store::open_folder(options, random_bytes()?, now_us);
        let (store, meta) = opening.await.map_err(explain)?;
        let clock_watch = Watch::open(&meta, &clock, store.newest_arrival())
            .await
            .context("the last known time cannot be read")?;
        let checks = open_checks(&place, &settings.data, &meta).await?;
        let registration_is_open = settings.registration_is_open(listens_on);
        let limit = |name: &str| settings.limits.get(name);
        let remembered = limit("rate_limited_addresses");
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let metrics = Arc::new(Metrics::default());
        let reads = ReadQueue::new(QueueLimits {
            running: processors + 1,
            running_of_one: processors,
            waiting: limit("reads_waiting") as usize,
            waiting_of_one: limit("reads_waiting_per_address") as usize,
            wait: Duration::from_secs(limit("read_wait_seconds")),
        });
        let outbox = Arc::new(Outbox::new(settings.public_url.as_ref().map(PublicUrl::as_text)));
        let dialer = Dialer::new(dialing, clock.clone());
        let carriers = Carriers { dialer: dialer.clone(), mailer, clock: clock.clone() };
        let loading =
            Monitors::load(&meta, &checks, clock.clone(), metrics.clone(), outbox.clone());
        let monitors = loading.await.context("where monitors stood cannot be read")?;
        monitors.allow_at_once(limit("checks_at_once") as usize);
        let rules = Rules::load(&checks, outbox.clone(), meta.is_shared()).await;
        let rules = rules.context("where rules stood cannot be read")?;
        let learned_routes = LearnedRoutesByProject::load(&meta).await;
        let learned_routes = Arc::new(learned_routes.context("the learned routes cannot be read")?);
        store.set_route_rules(learned_routes.clone());
        let timed = metrics.clone();
        let timed: Arc<dyn Fn(Duration) + Send + Sync> =
            Arc::new(move |took| timed.note_query(took));
        let asker = Asker { store: store.clone(), reads: reads.clone(), timed };
        Ok(Arc::new(App {
            refusals: RefusalLog::default(),
            call_ids: CallIds::default(),
            unknown_keys: RateLimit::new(limit("unknown_keys_per_minute"), 60, remembered),
            project_creations: RateLimit::new(
                limit("project_creations_per_hour"),
                3_600,
                remembered,
            ),
            checks_by_hand: RateLimit::new(limits::CHECKS_BY_HAND_PER_MINUTE, 60, remembered),
            channel_tests: RateLimit::new(limits::CHANNEL_TESTS_PER_MINUTE, 60, remembered),
            deploys: RateLimit::new(limits::DEPLOYS_PER_MINUTE, 60, remembered),
            subscriptions_asked: RateLimit::new(limit("subscriptions_per_hour"), 3_600, remembered),
            reads,
            asker,
            rules,
            watchers: Budget::new(limit("tail_watchers") as usize),
            answers: Answers::new(AnswerLimits {
                lists: (limit("lists_at_once") as usize).min(Semaphore::MAX_PERMITS),
                wait: Duration::from_secs(limit("answer_wait_seconds")),
                waiting: limit("lists_waiting") as usize,
                whole_bytes: limit("whole_answers_bytes") as usize,
                names_bytes: limit("answer_names_bytes") as usize,
                lists_bytes: limits::LISTS_SENT_BYTES as usize,
            }),
            bodies: Bodies::new(
                limit("bodies_in_flight_bytes") as usize,
                Duration::from_secs(limit("body_read_seconds")),
                metrics.clone(),
            ),
            dialer,
            carriers,
            ingest: IngestLimits {
                body_bytes: limit("body_bytes") as usize,
                max_age_us: settings.limits.get_days("max_age").map(to_us),
                keep_us: settings.limits.get_days("keep_hits").map(to_us),
            },
            registration_is_open,
            offers_demo: settings.demo.unwrap_or(registration_is_open),
            enricher: Enricher::new(countries),
            decoding: Semaphore::new(processors),
            metrics,
            running_jobs: tokio::sync::Mutex::default(),
            ingest_health: IngestHealth::default(),
            learned_routes,
            sharing: Sharing::default(),
            arrivals: Arrivals::default(),
            releases: Releases::default(),
            status_views: StatusViews::default(),
            subscriber_mail: SubscriberMail::default(),
            certificate_order: CertificateOrder::default(),
            in_flight: InFlightPosts::default(),
            started_us: now_us,
            settings,
            clock,
            clock_watch,
            store,
            meta,
            checks,
            monitors: Arc::new(monitors),
            outbox,
        }))
    }

    /// The counterpart of `open`. The caller ensures that nobody uses it any more.
    pub async fn close(&self) -> anyhow::Result<()> {
        let counted = self.ingest_health.write(&self.meta).await;
        counted.context("ingest health could not be written")?;
        let learned = self.learned_routes.write(&self.meta).await;
        learned.context("the learned routes could not be written")?;
        // The store last: it releases the folder.
        self.monitors.write_all(&self.checks).await;
        self.checks.close().await;
        self.meta.close().await.context("the projects could not be written")?;
        self.store.close().await.context("the hits could not be written")?;
        Ok(())
    }

    /// `Store::hits` for small queries: all hits are in memory. Each part waits for its turn.
    pub async fn hits(&self, reader: Reader, query: HitsQuery) -> Result<Vec<HitRow>, ApiError> {
        let (mut hits, mut rest) = (Vec::new(), Some(query));
        while let Some(query) = rest {
            let part = self.part_of_hits(reader, query, usize::MAX).await?;
            hits.extend(part.hits);
            rest = part.rest;
        }
        Ok(hits)
    }

    /// `Store::part_of_hits`, in this reader's turn.
    pub async fn part_of_hits(
        &self,
        reader: Reader,
        query: HitsQuery,
        most_bytes: usize,
    ) -> Result<Part<HitsQuery>, ApiError> {
        let _turn = self.reads.take(reader, part_estimate()).await?;
        Ok(self.timed(self.store.part_of_hits(query, most_bytes)).await?)
    }

    /// `Store::slowest`, with a turn for each part.
    pub async fn slowest(
        &self,
        reader: Reader,
        query: SlowestQuery,
    ) -> Result<Vec<HitRow>, ApiError> {
        let mut looked = Looked::default();
        loop {
            let _turn = self.reads.take(reader, part_estimate()).await?;
            match self.timed(self.store.slowest(query.clone(), looked)).await? {
                Slowest::Hits(hits) => return Ok(hits),
                Slowest::Looked(so_far) => looked = so_far,
            }
        }
    }

    /// `Store::part_of_arrivals`, in this reader's turn.
    pub async fn part_of_arrivals(
        &self,
        reader: Reader,
        query: ArrivalQuery,
        most_bytes: usize,
    ) -> Result<Part<ArrivalQuery>, ApiError> {
        let _turn = self.reads.take(reader, part_estimate()).await?;
        Ok(self.timed(self.store.part_of_arrivals(query, most_bytes)).await?)
    }

    /// `Store::fetch`, in this reader's turn.
    pub async fn fetch(
        &self,
        reader: Reader,
        scope: &ProjectScope,
        found: Found,
        most_bytes: usize,
    ) -> Result<(Vec<HitRow>, Found), ApiError> {
        let _turn = self.reads.take(reader, estimate(limits::HITS_PAGE)).await?;
        Ok(self.timed(self.store.fetch(scope, found, most_bytes)).await?)
    }

    /// `Store::sums`, in this reader's turn.
    pub async fn sums(&self, reader: Reader, query: SumsQuery) -> Result<Total, ApiError> {
        Ok(self.asker.sums(reader, query).await?)
    }

    async fn timed<T>(&self, query: impl Future<Output = T>) -> T {
        // Measures, decides nothing.
        let began = Instant::now();
        let answer = query.await;
        self.metrics.note_query(began.elapsed());
        answer
    }
}

/// The estimate of a part of a list: its bound, which it mostly stays far below.
fn part_estimate() -> Duration {
    estimate(limits::LIST_PART_ROWS / 10)
}

fn to_us(days: u32) -> i64 {
    i64::from(days) * US_PER_DAY
}

/// Results of monitors and alerts of rules that no longer exist, as after `meta.sqlite` was restored from an older
/// copy, are deleted here.
async fn open_checks(place: &MetaPlace, data: &Path, meta: &Meta) -> anyhow::Result<Checks> {
    let checks = Checks::open_at(place, data).await.with_context(|| match place {
        MetaPlace::Folder => format!(
            "the results of checks cannot be read; take {} out of the data folder to begin with none",
            store::checks::FILE
        ),
        MetaPlace::Postgres(_) => "the results of checks cannot be read".to_owned(),
    })?;
    if *place != MetaPlace::Folder && data.join(store::checks::FILE).exists() {
        tracing::warn!(
            "{} is not used: the results of checks are in PostgreSQL",
            store::checks::FILE
        );
    }
    checks
        .keep_only(&live_monitors(meta))
        .await
        .context("old results of checks cannot be deleted")?;
    let kept = checks.keep_rules(&live_rules(meta)).await;
    kept.context("alerts of rules that are gone cannot be deleted")?;
    checks
        .keep_channels(&live_channels(meta))
        .await
        .context("notices for channels that are gone cannot be deleted")?;
    Ok(checks)
}

/// The monitors whose results are kept.
pub fn live_monitors(meta: &Meta) -> HashSet<MonitorKey> {
    meta.all_monitors().iter().map(|monitor| (monitor.id, monitor.created_us)).collect()
}

/// The channels whose notices are kept.
pub fn live_channels(meta: &Meta) -> HashSet<ChannelKey> {
    meta.all_channels().iter().map(|channel| (channel.id, channel.created_us)).collect()
}

/// Other users of the machine must not read it; an existing folder stays as its owner made it.
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
