//! `health`: whether the server of a data folder is healthy, for health checks of containers and scripts.
//!
//! It asks through the socket of subcommands, so it needs no ports, TLS or inherited sockets.

use std::time::Duration;

use analytics::limits;
use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;

use super::say;
use crate::config::Settings;
use crate::control;

/// Fails if no server answers in time, or if it is unhealthy.
pub(super) async fn health(settings: &Settings) -> anyhow::Result<()> {
    let data = settings.data.display();
    let time = Duration::from_secs(limits::HEALTH_SECONDS);
    let answer = tokio::time::timeout(time, ask(settings)).await;
    let (is_well, text) = answer
        .with_context(|| {
            format!("the server of {data} does not answer within {} s", time.as_secs())
        })?
        .with_context(|| format!("the server of {data} cannot be asked"))?;
    say(text)?;
    if !is_well {
        bail!("the server of {data} is not healthy");
    }
    Ok(())
}

async fn ask(settings: &Settings) -> anyhow::Result<(bool, String)> {
    let stream = control::connect(&settings.data).await?.context("no server runs")?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/health").header("host", "localhost").body(Body::empty())?;
    let response = sender.send_request(request).await?;
    let is_well = response.status().is_success();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((is_well, String::from_utf8_lossy(&body).into_owned()))
}
