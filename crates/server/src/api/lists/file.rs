//! A list as a file, written while it is sent.

use std::sync::Arc;

use analytics::limits;
use analytics::ranking::{RankedRow, Ranking, View};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};

use crate::answers::Share;
use crate::app::SharedApp;
use crate::budget::Charge;
use crate::download::name_file;
use crate::error::ApiError;
use crate::pieces::{Pieces, send_pieces, write_rows};
use crate::reads::Reader;
use crate::spreadsheet::{self, harmless};

#[derive(Clone, Copy)]
pub(super) enum Lines {
    Json,
    Csv,
}

/// The content of a file, and its format.
pub(super) struct Export {
    pub ranking: Arc<Ranking>,
    pub view: View,
    pub offset: u64,
    pub limit: usize,
    pub lines: Lines,
    /// The file's name, without its extension.
    pub name: String,
}

pub(super) async fn send_file(
    app: &SharedApp,
    reader: Reader,
    export: Export,
) -> Result<Response<Body>, ApiError> {
    let Export { ranking, view, offset, limit, lines, name } = export;
    let charge = app.answers.charge_list(reader.address(), ranking.bytes())?;
    let share = app.answers.take(reader.address()).await?;
    let (list, wanted) = (ranking.clone(), view);
    let order = write_rows(move || list.order(&wanted)).await?;
    let next = (offset as usize).min(order.len());
    let end = next.saturating_add(limit).min(order.len());
    let rows = Rows { ranking, order, next, end, lines, is_first: true, share, _charge: charge };
    let mut response = send_pieces(rows).await?;
    let (kind, suffix) = match lines {
        Lines::Json => ("application/x-ndjson", "ndjson"),
        Lines::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    name_file(headers, &format!("{name}.{suffix}"))?;
    Ok(response)
}

struct Rows {
    ranking: Arc<Ranking>,
    order: Arc<[u32]>,
    /// Next index in `order`.
    next: usize,
    end: usize,
    lines: Lines,
    is_first: bool,
    share: Share,
    _charge: Charge,
}

impl Pieces for Rows {
    async fn next(&mut self) -> Result<(Bytes, bool), ApiError> {
        let from = self.next;
        self.next = self.end.min(from + limits::LIST_PIECE_ROWS as usize);
        let (ranking, order, to) = (self.ranking.clone(), self.order.clone(), self.next);
        let (lines, with_header) = (self.lines, std::mem::take(&mut self.is_first));
        let piece = write_rows(move || match lines {
            Lines::Json => write_json(&ranking, &order[from..to]),
            Lines::Csv => write_csv(&ranking, &order[from..to], with_header),
        });
        Ok((self.share.hold(piece.await?), self.next == self.end))
    }
}

fn write_json(ranking: &Ranking, places: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(places.len() * 200);
    for at in places {
        // Writing to a vector does not fail.
        let _ = serde_json::to_writer(&mut out, &ranking.row(*at));
        out.push(b'\n');
    }
    out
}

fn write_csv(ranking: &Ranking, places: &[u32], with_header: bool) -> Vec<u8> {
    let mut writer = spreadsheet::writer(places.len() * 100);
    // Writing to a vector does not fail.
    if with_header {
        let _ = writer.write_record(RankedRow::columns(ranking.of()));
    }
    for at in places {
        let cells = ranking.row(*at).cells();
        let _ = writer.write_record(cells.iter().map(|cell| harmless(cell).into_owned()));
    }
    writer.into_inner().unwrap_or_default()
}
