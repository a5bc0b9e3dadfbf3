//! The command line. The commands are described in one place, so `--help` is their documentation.
//!
//! A subcommand talks to the running server through its socket in the data folder; if no server runs it opens the
//! folder itself and answers with the same routes.

mod data;
mod drain;
mod health;
mod migrate;
mod operator;
mod progress;
mod serve;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tracing_subscriber::EnvFilter;

use crate::config::{
    LogFormat, Origin, Setting, Settings, Values, read_file, settings, unknown_variables,
};

/// Runs the program; an error is one readable message.
pub fn main() -> ExitCode {
    // Every file of this program holds secrets or other people's requests.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let matches = command().get_matches();
    match run(&matches) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "api-analytics: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let whole = |()| ExitCode::SUCCESS;
    let Some((name, matches)) = matches.subcommand() else { return Ok(ExitCode::SUCCESS) };
    if name == "version" {
        return say(format!("api-analytics {}", env!("CARGO_PKG_VERSION"))).map(whole);
    }
    if name == "openapi" {
        return say(crate::api::openapi::to_text()).map(whole);
    }
    let leaf = deepest(matches);
    let values = read_values(leaf)?;
    let settings = Settings::from_values(&values)?;
    if name == "check-config" {
        return check_config(&settings, &values).map(whole);
    }
    start_log(&settings, name == "serve")?;
    if name == "serve" {
        for unknown in unknown_variables(variable_names()) {
            tracing::warn!("{unknown}");
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    let done = runtime.block_on(async {
        let done = match name {
            "serve" => serve::serve(settings).await,
            "project" => operator::project(&settings, matches).await,
            "key" => operator::key(&settings, matches).await,
            "health" => health::health(&settings).await,
            "backup" => data::backup(&settings, matches).await,
            "repair" => data::repair(&settings, matches).await,
            "restore" => data::restore(&settings, matches).await,
            "drain" => drain::drain(&settings).await,
            "migrate" => return migrate::migrate(&settings, matches).await,
            _ => Ok(()),
        };
        done.map(whole)
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    done
}

fn command() -> Command {
    Command::new("api-analytics")
        .about("Analytics for HTTP APIs: who calls, how often, how fast, what fails. One program, one data folder.")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(
            "To begin:\n  api-analytics serve                         start the server on http://127.0.0.1:8080\n  \
             api-analytics project create --name shop    a project and its key, also while the server runs\n\n\
             Every setting is a flag (--public-url), a variable (API_ANALYTICS_PUBLIC_URL) or a line in a file\n\
             (public_url = \"...\", --config FILE); flags win over variables, and those over the file.",
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(with_settings(Command::new("serve").about("Start the server, in the foreground"), true))
        .subcommand(
            Command::new("project")
                .about("Create, list and delete projects")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(with_settings(
                    Command::new("create")
                        .about("Create a project; prints its key, only once")
                        .arg(Arg::new("name").long("name").value_name("NAME").help("Its name").default_value(""))
                        .arg(
                            Arg::new("privacy-level")
                                .long("privacy-level")
                                .value_name("0|1|2")
                                .value_parser(value_parser!(u8).range(0..=2))
                                .default_value("0")
                                .help("0 keeps addresses; 1 takes the country from them and drops them; 2 never looks at them"),
                        )
                        .arg(
                            Arg::new("keep-hits-days")
                                .long("keep-hits-days")
                                .value_name("DAYS")
                                .value_parser(value_parser!(u32).range(1..))
                                .help("Erase hits that are older [default: as the setting keep_hits says]"),
                        ),
                    false,
                ))
                .subcommand(with_settings(Command::new("list").about("List the projects"), false))
                .subcommand(with_settings(
                    Command::new("delete")
                        .about("Delete a project with its keys and hits; returns once every copy on disk is gone")
                        .arg(Arg::new("id").value_name("ID").required(true).value_parser(value_parser!(u32)))
                        .arg(yes()),
                    false,
                )),
        )
        .subcommand(
            Command::new("key")
                .about("Add, list and revoke keys")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(with_settings(
                    Command::new("add")
                        .about("Add a key to a project, or register keys of the original API Analytics")
                        .after_help(
                            "Examples:\n  api-analytics key add --project 1 --ingest-only     a new key that an app may carry\n  \
                             api-analytics key add 0b0f5a6e-2a33-4c55-9d1e-...   a key that exists elsewhere: a new project that it opens\n  \
                             api-analytics key add --file keys.csv               one `key` or `key,user_id` a line, a project each",
                        )
                        .arg(Arg::new("key").value_name("KEY").help("A UUID; without it a new key is created"))
                        .arg(
                            Arg::new("file")
                                .long("file")
                                .value_name("FILE")
                                .value_parser(value_parser!(PathBuf))
                                .conflicts_with_all(["key", "project"])
                                .help("Register every `key[,user_id]` line of a file; - is standard input"),
                        )
                        .arg(
                            Arg::new("project")
                                .long("project")
                                .value_name("ID")
                                .value_parser(value_parser!(u32))
                                .help("The project; without it a new one is created for the key"),
                        )
                        .arg(Arg::new("name").long("name").value_name("NAME").help("Name of the new project").default_value(""))
                        .arg(
                            Arg::new("ingest-only")
                                .long("ingest-only")
                                .action(ArgAction::SetTrue)
                                .help("Ingest-only: the key may post hits and see nothing"),
                        ),
                    false,
                ))
                .subcommand(with_settings(
                    Command::new("list").about("List the keys by their first characters").arg(
                        Arg::new("project").long("project").value_name("ID").value_parser(value_parser!(u32)).help("Only this project's"),
                    ),
                    false,
                ))
                .subcommand(with_settings(
                    Command::new("revoke")
                        .about("Revoke a key: it stops working at once")
                        .arg(Arg::new("id").value_name("KEY_ID").required(true).value_parser(value_parser!(i64)).help("Its number in `key list`")),
                    false,
                )),
        )
        .subcommand(with_settings(
            Command::new("backup")
                .about("Copy everything into a new folder, while the server runs or not")
                .after_help("The copy holds the server's secret and every hit: keep it as safe as the data folder.")
                .arg(Arg::new("folder").value_name("FOLDER").required(true).value_parser(value_parser!(PathBuf)).help("Must not exist yet")),
            false,
        ))
        .subcommand(with_settings(
            Command::new("restore")
                .about("Put a backup in place of the data folder; the server must not run")
                .after_help(
                    "The backup is checked before anything is changed. What was erased from the present folder after the\n\
                     backup was made is erased from the restored one too, before it is served.",
                )
                .arg(Arg::new("folder").value_name("FOLDER").required(true).value_parser(value_parser!(PathBuf)).help("A folder that `backup` made"))
                .arg(
                    Arg::new("erasures")
                        .long("erasures")
                        .value_name("FILE")
                        .value_parser(value_parser!(PathBuf))
                        .help("The ledger of erasures to apply, where the present data folder has none"),
                ),
            false,
        ))
        .subcommand(with_settings(
            Command::new("repair")
                .about("Make a data folder whole again of which a file was lost or damaged; the server must not run")
                .after_help(
                    "Says what it has found and what it will do, and asks. Everything that is there is kept in a folder beside; what was\n\
                     erased stays erased. Can be interrupted at any moment and begun again. Where there is a backup, compare: `restore`.",
                )
                .arg(yes()),
            false,
        ))
        .subcommand(with_settings(
            Command::new("migrate")
                .about("Move projects, keys and settings to PostgreSQL or hits to ClickHouse, or either back into the data folder")
                .after_help(
                    "Projects: from where --meta says (without it: the data folder) to where --to says; the server must not run. Hits: from the\n\
                     data folder to ClickHouse, or from where --hits says to `files`.\n\
                     The new place must be empty, and the copy is compared with the original before anything changes. Start the server with the new\n\
                     place from then on.\n\
                     Hits move while the server runs: the command copies those that there are, says that the move is not finished, and ends with\n\
                     exit code 3. Stop the server and run it again: it moves what has come since, and finishes. Stopped at any moment, it goes on\n\
                     where it was.",
                )
                .arg(
                    Arg::new("to")
                        .long("to")
                        .value_name("postgres://USER@HOST/DATABASE|folder|clickhouse://USER@HOST:PORT/DATABASE|files")
                        .required(true)
                        .help("The new place; meta_password_file, or hits_password_file, has the password"),
                ),
            false,
        ))
        .subcommand(with_settings(
            Command::new("drain")
                .about("Put the hits that wait in a data folder into ClickHouse, so that its disk can be deleted; the server must not run")
                .after_help(
                    "For one of several servers that is taken away for good. Says whether the folder may be deleted. Until then an erasure\n\
                     waits for it, since the folder may hold hits that ClickHouse lacks.",
                ),
            false,
        ))
        .subcommand(with_settings(
            Command::new("health")
                .about("Ask the running server whether it is well; fails where it is not, or does not answer"),
            false,
        ))
        .subcommand(with_settings(
            Command::new("check-config").about("Check the settings and print them with where each comes from"),
            true,
        ))
        .subcommand(Command::new("version").about("Print the version"))
        .subcommand(Command::new("openapi").about("Print the OpenAPI document of the HTTP API").hide(true))
}

/// Adds the settings as flags: all of them, or those that every command uses.
fn with_settings(command: Command, all: bool) -> Command {
    let chosen = settings().into_iter().filter(|setting| all || setting.everywhere);
    chosen.fold(command, |command, setting| command.arg(setting_argument(&setting))).arg(
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .env("API_ANALYTICS_CONFIG")
            .value_parser(value_parser!(PathBuf))
            .help_heading("Settings")
            .help("A file of `key = value` lines (TOML) with any of the settings"),
    )
}

fn setting_argument(setting: &Setting) -> Arg {
    let default = if setting.default.is_empty() {
        String::new()
    } else {
        format!(" [default: {}]", setting.default)
    };
    Arg::new(setting.key)
        .long(setting.flag())
        .env(setting.environment())
        .hide_env_values(true)
        .value_name(setting.value_name)
        .help(format!("{}{default}", setting.help))
        .help_heading(if setting.limit.is_some() { "Limits" } else { "Settings" })
        .hide_short_help(setting.limit.is_some())
}

fn yes() -> Arg {
    Arg::new("yes").long("yes").short('y').action(ArgAction::SetTrue).help("Do not ask")
}

/// `project create`'s matches and not `project`'s.
fn deepest(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| deepest(inner))
}

/// File, environment and flags, in this order.
fn read_values(matches: &ArgMatches) -> anyhow::Result<Values> {
    let mut values = Values::default();
    if let Some(file) = matches.get_one::<PathBuf>("config") {
        read_file(&mut values, file)?;
    }
    for setting in settings() {
        let Ok(Some(text)) = matches.try_get_one::<String>(setting.key) else {
            continue;
        };
        let origin = match matches.value_source(setting.key) {
            Some(clap::parser::ValueSource::EnvVariable) => {
                Origin::Environment(setting.environment())
            }
            _ => Origin::Flag(format!("--{}", setting.flag())),
        };
        values.set(setting.key, text.clone(), origin)?;
    }
    Ok(values)
}

fn check_config(settings: &Settings, values: &Values) -> anyhow::Result<()> {
    if let Some(file) = &settings.country_database {
        analytics::enrich::Countries::open(file)
            .with_context(|| format!("`country_database`: {} cannot be used", file.display()))?;
    }
    EnvFilter::try_new(&settings.log).context("`log` is not a level or a filter")?;
    if let Some(source) = &settings.tls {
        crate::serve::ServerTls::open(source, &settings.data)?;
    }
    if let Some(file) = &settings.monitors {
        crate::monitor_file::read(file, &settings.allow_networks)?;
    }
    if let Some(file) = &settings.trusted_certificates {
        crate::dial::read_authorities(file).map_err(|problem| {
            anyhow::anyhow!("`trusted_certificates` cannot be used: {problem}")
        })?;
    }
    for unknown in unknown_variables(variable_names()) {
        writeln!(std::io::stderr(), "{unknown}").context("the answer could not be written")?;
    }
    for found in values.all() {
        say(format!("{} = {:?}    # {}", found.key, found.text, found.origin))?;
    }
    Ok(())
}

fn variable_names() -> impl Iterator<Item = String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

/// Logs go to standard error, answers to standard output.
fn start_log(settings: &Settings, is_server: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log)
        .context("`log` is not a level or a filter such as info,server=debug")?;
    // The messages of opening the folder must not bury a command's answer.
    let filter = if is_server { filter } else { EnvFilter::try_new("warn").unwrap_or(filter) };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Log(std::io::stderr()))
        // It would go to the same place, and a failure there would end the logging thread.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let _ = match settings.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_ansi(false).try_init(),
    };
    Ok(())
}

/// Standard error, which may be a file on a full disk or a pipe without a reader: a line that cannot be written is no
/// reason to stop working.
struct Log(std::io::Stderr);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Prints a line of the answer.
fn say(line: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("the answer could not be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_fit_together() {
        command().debug_assert();
    }

    #[test]
    fn help_names_every_setting() {
        let mut command = command();
        let serve = command.find_subcommand_mut("serve").unwrap();
        let help = serve.render_long_help().to_string();
        for setting in settings() {
            assert!(help.contains(&format!("--{} ", setting.flag())), "{}", setting.key);
            assert!(help.contains(&setting.environment()), "{}", setting.key);
        }
    }

    #[test]
    fn a_flag_reaches_its_setting() {
        let matches = command().try_get_matches_from([
            "api-analytics",
            "serve",
            "--get-delete",
            "on",
            "--inbox-bytes",
            "1GiB",
        ]);
        let matches = matches.unwrap();
        let settings = Settings::from_values(&read_values(deepest(&matches)).unwrap()).unwrap();
        assert!(settings.get_delete);
        assert_eq!(settings.limits.get("inbox_bytes"), 1 << 30);
    }
}
