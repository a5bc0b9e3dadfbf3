//! Announces maintenance to subscribers of status pages: each window once, when it appears on the page. A moved window
//! appears again. The job compares the shown windows with the announced ones, so it misses none, whatever a crash has
//! interrupted.

use analytics::status_page::bulletin::{Bulletin, News};
use store::checks::Announcement;

use crate::app::SharedApp;
use crate::status_page;
use crate::subscription::missing_settings;

pub async fn announce(app: SharedApp) -> anyhow::Result<()> {
    if missing_settings(&app).is_some() {
        return Ok(());
    }
    let now_ms = app.clock.now_us().div_euclid(1_000);
    let mut shown = Vec::new();
    // Also for pages without subscribers: windows from before the first subscription are no news.
    for row in app.meta.all_status_pages() {
        for view in status_page::maintenance(&app, &row, now_ms) {
            let (from_ms, to_ms, services) = (view.from_ms, view.to_ms, view.services);
            let news = News::Maintenance { from_ms, to_ms, services };
            let bulletin = Bulletin { at_ms: now_ms, title: view.title, text: view.text, news };
            shown.push(Announcement { project: row.project, id: view.id, bulletin });
        }
    }
    app.checks.announce(&shown).await?;
    app.subscriber_mail.wake();
    Ok(())
}
