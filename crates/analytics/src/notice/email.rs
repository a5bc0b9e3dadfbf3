//! E-mail, as data: subject, text, HTML and headers. Sending it over SMTP is the server's part.

use serde::{Deserialize, Serialize};

use super::kind::{Channel, ChannelError};
use super::message::Message;
use super::request::{Answer, Email, Judgement, Sending};
use super::text::{self, LengthUnit, escape_all, fit, html, plain};
use super::{Notice, Stage};

pub(super) const CHANNEL: Channel =
    Channel { name: "email", label: "E-mail", secrets: &[], gap_ms: 0, keeps_state: false };

const SUBJECT: usize = 200;
const RECIPIENTS: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub to: Vec<String>,
}

impl Mailbox {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let expected = "a list of 1 to 20 addresses, such as `ops@example.com`";
        let are_addresses = self.to.iter().all(|address| is_address(address));
        match are_addresses && (1..=RECIPIENTS).contains(&self.to.len()) {
            true => Ok(()),
            false => Err(ChannelError::Invalid { field: "to", expected }),
        }
    }

    pub(super) fn render(&self, notice: &Notice, sending: Sending<'_>) -> Email {
        render(notice, sending, self.to.clone())
    }
}

fn render(notice: &Notice, sending: Sending<'_>, to: Vec<String>) -> Email {
    let message = Message::of(notice);
    let subject = fit(
        &format!("[{}] {}", notice.cleaned().project, message.title),
        SUBJECT,
        LengthUnit::Characters,
        plain,
    );
    let foot = message.link_lines();
    let mut rows = String::new();
    for fact in &message.facts {
        let value = escape_all(&fact.value, html);
        rows.push_str(&format!(
            "<tr><th align=\"left\">{}</th><td>{value}</td></tr>\n",
            fact.label
        ));
    }
    let mut links = String::new();
    for (label, link) in &message.links {
        links.push_str(&format!("<p><a href=\"{}\">{label}</a></p>\n", escape_all(link, html)));
    }
    let host = text::id(sending.host, 200);
    let id_of = |id: &str| format!("<{}@{host}>", text::id(id, 100));
    let mut headers = vec![("Auto-Submitted", "auto-generated".to_owned())];
    // The first message of a thread has the thread's id, so that later ones can refer to it without knowing it.
    match notice.stage {
        Stage::Opening => headers.push(("Message-ID", id_of(&notice.thread))),
        Stage::Resolved if notice.combined => headers.push(("Message-ID", id_of(&notice.thread))),
        Stage::Digest | Stage::Test => headers.push(("Message-ID", id_of(&notice.id))),
        Stage::Update | Stage::Resolved => {
            headers.push(("Message-ID", id_of(&notice.id)));
            headers.push(("In-Reply-To", id_of(&notice.thread)));
            headers.push(("References", id_of(&notice.thread)));
        }
    }
    let text = format!("{}\n\n{}\n\n{}\n", message.title, message.lines(), foot.trim());
    let title = escape_all(&message.title, html);
    let html = format!(
        "<!doctype html>\n<html><body>\n<h2>{title}</h2>\n<table>\n{rows}</table>\n{links}</body></html>\n"
    );
    Email { to, subject, text, html, headers }
}

/// By the code of the SMTP reply.
pub(super) fn judge(answer: Answer<'_>) -> Judgement {
    match answer.status {
        200..300 => Judgement::DELIVERED,
        500..600 => answer.permanent(false),
        _ => answer.again(None),
    }
}

/// Enough to write a header safely; only sending shows whether it exists.
pub(crate) fn is_address(address: &str) -> bool {
    let Some((user, host)) = address.rsplit_once('@') else { return false };
    let is_plain =
        |character: char| character.is_ascii_graphic() && !"<>,;:\"\\()[]@".contains(character);
    (1..=64).contains(&user.len())
        && (1..=253).contains(&host.len())
        && user.chars().all(is_plain)
        && host.chars().all(|one| one.is_ascii_alphanumeric() || "-.".contains(one))
}
