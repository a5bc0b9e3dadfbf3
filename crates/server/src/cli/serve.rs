//! `serve`: starts, prints the addresses, waits for the signal to stop.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::say;
use crate::clock::Clock;
use crate::config::Settings;
use crate::serve::{RunningServer, bind};

pub(super) async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be received")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be received")?;
    let mut hangup = signal(SignalKind::hangup()).context("signals cannot be received")?;
    let listeners = bind(&settings.listen)?;
    let running = tokio::select! {
        running = RunningServer::start(settings, Clock::system(), listeners) => running?,
        // Nothing is lost by exiting during the start.
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    // The parent may have closed standard output: that is no reason to stop serving.
    if let Err(error) = say_where_to_go(&running) {
        tracing::debug!(%error, "nobody reads what is said");
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => running.reload().await,
        }
    }
    tracing::info!("stopping");
    running.stop().await
}

fn say_where_to_go(running: &RunningServer) -> anyhow::Result<()> {
    let settings = &running.app.settings;
    let addresses: Vec<String> = match &settings.public_url {
        Some(public) => vec![public.as_text()],
        None => {
            let scheme = settings.scheme();
            running.addresses.iter().map(|address| format!("{scheme}://{address}")).collect()
        }
    };
    let address = addresses.join(" and ");
    tracing::info!(%address, data = %settings.data.display(), "serving");
    say(format!("API Analytics {} is ready: open {address}/", env!("CARGO_PKG_VERSION")))?;
    let data = settings.data.display();
    // The demo doesn't count.
    if running.app.meta.projects().iter().any(|project| project.demo_until_us.is_none()) {
        return Ok(());
    }
    let first = addresses.first().map_or("", String::as_str);
    if running.app.registration_is_open {
        say(format!("There is no project yet. To create one:  curl {first}/api/generate"))
    } else {
        say(format!(
            "There is no project yet. To create one:  api-analytics project create --data {data} --name NAME"
        ))
    }
}
