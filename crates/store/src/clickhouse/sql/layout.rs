//! Where the tables are: on the host of the address, or on all hosts of a cluster.
//!
//! In a cluster each shard has a part of the hits in `hits_local`, which its replicas copy from each other, and `hits` is a
//! view of all shards on each host. So questions and inserts are the same statements in both layouts; what makes, erases and
//! looks at parts is told where by the functions here.
//!
//! A hit's shard is chosen by its project and day. A project is then no larger than the cluster, and all shards read for
//! its page; by project alone, shards would gain nothing to who has one large project. By the hour, each shard would have
//! rows of each day's rollups. Every question asks all shards, so hits stay where they are when a shard is added.

use analytics::limits;

/// The table of lists of the busiest consumers, and of endpoints.
pub const BUSIEST: &str = "busiest_rows";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    OneHost,
    Cluster { cluster: String, database: String },
}

impl Layout {
    pub fn is_cluster(&self) -> bool {
        matches!(self, Layout::Cluster { .. })
    }

    /// The table that has the parts of `hits` or `BUSIEST`.
    pub fn parts_of(&self, table: &str) -> String {
        match self {
            Layout::OneHost => table.to_owned(),
            Layout::Cluster { .. } => format!("{table}_local"),
        }
    }

    pub fn hits(&self) -> String {
        self.parts_of("hits")
    }

    /// After the name of what a statement makes or changes.
    pub fn on_cluster(&self) -> String {
        match self {
            Layout::OneHost => String::new(),
            Layout::Cluster { cluster, .. } => format!(" ON CLUSTER {}", name(cluster)),
        }
    }

    /// A table of ours on every host, to be read: replicas' rows come once for each. A copy may be behind another one.
    pub fn everywhere(&self, table: &str) -> String {
        match self {
            Layout::OneHost => table.to_owned(),
            Layout::Cluster { cluster, database } => {
                format!("clusterAllReplicas({}, {}, {table})", text(cluster), name(database))
            }
        }
    }

    /// A table of the server itself on every host.
    pub fn system(&self, table: &str) -> String {
        match self {
            Layout::OneHost => format!("system.{table}"),
            Layout::Cluster { cluster, .. } => {
                format!("clusterAllReplicas({}, system.{table})", text(cluster))
            }
        }
    }

    /// The name of our database, in a condition. Other hosts have another current one.
    pub fn database(&self) -> String {
        match self {
            Layout::OneHost => "currentDatabase()".to_owned(),
            Layout::Cluster { database, .. } => text(database),
        }
    }

    /// The condition on a row of `system` that it is about our database.
    pub fn ours(&self) -> String {
        format!("database = {}", self.database())
    }

    /// Added to a question that hosts which are away need not answer.
    pub fn without_absent(&self) -> &'static str {
        match self {
            Layout::OneHost => "",
            Layout::Cluster { .. } => " SETTINGS skip_unavailable_shards = 1",
        }
    }

    /// The engine of a table. In a cluster a row is written to the shard that is asked, so all are read.
    pub fn engine(&self, table: &str) -> String {
        self.engine_of("MergeTree", table, "")
    }

    /// The same if the newest row of a key replaces the others, by a column.
    pub fn replacing_engine(&self, table: &str, newest: &str) -> String {
        self.engine_of("ReplacingMergeTree", table, newest)
    }

    fn engine_of(&self, kind: &str, table: &str, column: &str) -> String {
        match self {
            Layout::OneHost if column.is_empty() => kind.to_owned(),
            Layout::OneHost => format!("{kind}({column})"),
            // Not by the table's UUID: a host that is added later would get another one, and be no replica.
            Layout::Cluster { .. } => {
                let column = if column.is_empty() { String::new() } else { format!(", {column}") };
                format!(
                    "Replicated{kind}('/clickhouse/tables/{{database}}/{{shard}}/{table}', '{{replica}}'{column})"
                )
            }
        }
    }

    /// The settings of a table whose parts erasures rewrite: in a cluster a thread deletes replaced parts, which usually looks
    /// twice a minute.
    pub fn cleaning(&self) -> String {
        match self {
            Layout::OneHost => String::new(),
            Layout::Cluster { .. } => format!(
                ", cleanup_delay_period = {seconds}, max_cleanup_delay_period = {seconds}, cleanup_delay_period_random_add = 0",
                seconds = limits::CLICKHOUSE_CLEANUP_SECONDS,
            ),
        }
    }

    /// The settings by which repeated inserts of hits are recognized.
    pub fn settings_of_hits(&self) -> String {
        let tokens = limits::CLICKHOUSE_TOKENS;
        match self {
            Layout::OneHost => format!("non_replicated_deduplication_window = {tokens}"),
            Layout::Cluster { .. } => format!(
                "replicated_deduplication_window = {tokens}, replicated_deduplication_window_seconds = {}",
                limits::CLICKHOUSE_TOKEN_SECONDS,
            ),
        }
    }

    /// The statement that makes the view of all shards of `hits` or `BUSIEST`, in a cluster. `day`: of a row.
    pub fn create_view(&self, table: &str, day: &str) -> Option<String> {
        let Layout::Cluster { cluster, database } = self else { return None };
        Some(format!(
            "CREATE TABLE IF NOT EXISTS {table}{} AS {database}.{table}_local
             ENGINE = Distributed({}, {database}, {table}_local, cityHash64(project, {day}))",
            self.on_cluster(),
            text(cluster),
            database = name(database),
        ))
    }
}

/// A name from the operator, as no parameter can be one.
pub fn name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
