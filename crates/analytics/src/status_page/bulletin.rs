//! Mails to the subscribers of a status page. A `Bulletin` holds what the owner has published about an incident or a
//! monitor and nothing else, so no mail reveals more than the page. The server decides when to send them, and to whom.

use serde::{Deserialize, Serialize};

use super::publication::{Severity, Stage};
use super::subscriber::Address;
use crate::limits;
use crate::notice::Email;
use crate::notice::message::minute;
use crate::notice::text::{self, LengthUnit, escape_all, fit, html, plain};

/// Something published, as subscribers read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulletin {
    pub at_ms: i64,
    pub title: String,
    /// May be empty, and have several lines.
    pub text: String,
    pub news: News,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Incident {
        severity: Severity,
        /// None if its owner has not set one yet.
        stage: Option<Stage>,
        /// Subscribers have not heard of it before.
        opens: bool,
    },
    Maintenance {
        from_ms: i64,
        to_ms: i64,
        /// The affected services' names, as visitors know them. Empty: all of them.
        services: Vec<String>,
    },
}

/// The parts that all mails to one subscriber share.
#[derive(Clone, Copy, Debug)]
pub struct Letterhead<'a> {
    /// The title of the status page.
    pub title: &'a str,
    pub page_url: &'a str,
    /// Ends the subscription: after a confirmation for people, at once for a mail program's POST.
    pub leave_url: &'a str,
    pub to: &'a Address,
    /// Differs between subscribers and reveals nothing about them; part of each Message-ID.
    pub recipient: &'a str,
    /// This server's host; the right half of each Message-ID.
    pub host: &'a str,
}

const SUBJECT: usize = 200;

/// Asks whether the address wants to be subscribed. Sent again, it has the same Message-ID for the same `asked_ms`.
pub fn confirmation(letterhead: Letterhead<'_>, confirm_url: &str, asked_ms: i64) -> Email {
    let days = limits::SUBSCRIPTION_CONFIRM_DAYS;
    let title = one_line(letterhead.title);
    let paragraphs = [
        format!(
            "Somebody, most likely you, asked for updates of {title} to be sent to this address."
        ),
        format!(
            "To get them, open this link and press the button there. It works for {days} days."
        ),
    ];
    Letter {
        subject: "Confirm your subscription".to_owned(),
        heading: "Confirm your subscription",
        paragraphs: &paragraphs,
        action: Some(("Confirm", confirm_url)),
        foot: "If it was not you, do nothing: no updates are sent before the address is confirmed.",
        leave: "Forget this address",
        id: format!("confirm-{asked_ms}"),
        replies_to: None,
    }
    .to_email(letterhead)
}

/// `thread`: the same for all bulletins of one incident, and of no other.
pub fn mail(letterhead: Letterhead<'_>, bulletin: &Bulletin, thread: &str) -> Email {
    let title = one_line(&bulletin.title);
    let mut paragraphs = Vec::new();
    let heading = match &bulletin.news {
        News::Incident { severity, stage, .. } => {
            paragraphs.push(format!("{}, {} incident", minute(bulletin.at_ms), severity.as_str()));
            match stage {
                Some(stage) => format!("{}: {title}", stage.as_text()),
                None => title,
            }
        }
        News::Maintenance { from_ms, to_ms, services } => {
            paragraphs.push(format!("{} to {}", minute(*from_ms), minute(*to_ms)));
            if !services.is_empty() {
                paragraphs.push(format!("Concerns {}", one_line(&services.join(", "))));
            }
            format!("Maintenance: {title}")
        }
    };
    if !bulletin.text.is_empty() {
        paragraphs.push(bulletin.text.clone());
    }
    let is_reply = matches!(bulletin.news, News::Incident { opens: false, .. });
    // The first mail of a thread has the thread's id, so that later ones can name it.
    let (id, replies_to) = match is_reply {
        true => (format!("{thread}-{}", bulletin.at_ms), Some(thread.to_owned())),
        false => (thread.to_owned(), None),
    };
    Letter {
        subject: heading.clone(),
        heading: &heading,
        paragraphs: &paragraphs,
        action: None,
        foot: "You get this mail because this address is subscribed to the status page.",
        leave: "Unsubscribe",
        id,
        replies_to,
    }
    .to_email(letterhead)
}

struct Letter<'a> {
    subject: String,
    heading: &'a str,
    paragraphs: &'a [String],
    /// A label and an address of this server.
    action: Option<(&'a str, &'a str)>,
    foot: &'a str,
    /// The label of the unsubscribe link.
    leave: &'a str,
    id: String,
    replies_to: Option<String>,
}

impl Letter<'_> {
    fn to_email(&self, letterhead: Letterhead<'_>) -> Email {
        let Letterhead { title, page_url, leave_url, to, recipient, host } = letterhead;
        let subject = format!("[{}] {}", one_line(title), self.subject);
        let host = text::id(host, 200);
        let id_of =
            |id: &str| format!("<{}.{}@{host}>", text::id(id, 100), text::id(recipient, 40));
        let mut headers = vec![
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("Message-ID", id_of(&self.id)),
            ("List-Unsubscribe", format!("<{leave_url}>")),
        ];
        // RFC 8058 defines one-click for https only.
        if leave_url.starts_with("https://") {
            headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        if let Some(thread) = &self.replies_to {
            headers.push(("In-Reply-To", id_of(thread)));
            headers.push(("References", id_of(thread)));
        }
        Email {
            to: vec![to.as_str().to_owned()],
            subject: fit(&subject, SUBJECT, LengthUnit::Characters, plain),
            text: self.text(page_url, leave_url),
            html: self.html(page_url, leave_url),
            headers,
        }
    }

    fn text(&self, page_url: &str, leave_url: &str) -> String {
        let mut out = format!("{}\n\n{}\n", self.heading, self.paragraphs.join("\n\n"));
        if let Some((label, url)) = self.action {
            out.push_str(&format!("\n{label}: {url}\n"));
        }
        out.push_str(&format!(
            "\n{}\nStatus page: {page_url}\n{}: {leave_url}\n",
            self.foot, self.leave
        ));
        out
    }

    fn html(&self, page_url: &str, leave_url: &str) -> String {
        let escape = |text: &str| escape_all(text, html);
        let link = |label: &str, url: &str| format!("<a href=\"{}\">{label}</a>", escape(url));
        let mut out = format!("<!doctype html>\n<html><body>\n<h2>{}</h2>\n", escape(self.heading));
        for paragraph in self.paragraphs {
            out.push_str(&format!("<p>{}</p>\n", escape(paragraph).replace('\n', "<br>\n")));
        }
        if let Some((label, url)) = self.action {
            out.push_str(&format!("<p>{}</p>\n", link(label, url)));
        }
        out.push_str(&format!(
            "<p><small>{}<br>\n{}<br>\n{}</small></p>\n</body></html>\n",
            self.foot,
            link("Status page", page_url),
            link(self.leave, leave_url)
        ));
        out
    }
}

/// Owners write titles and names in one line; a header must be one.
fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_MS: i64 = 1_795_348_800_000;

    fn sent(make: impl Fn(Letterhead<'_>) -> Email) -> Email {
        make(Letterhead {
            title: "Shop status",
            page_url: "https://stats.example.com/status/shop",
            leave_url: "https://stats.example.com/subscription/0a/leave",
            to: &Address::parse("ann@example.com").unwrap(),
            recipient: "c0ffee",
            host: "stats.example.com",
        })
    }

    fn incident(opens: bool, stage: Option<Stage>) -> Bulletin {
        Bulletin {
            at_ms: AT_MS,
            title: "Orders cannot be placed".to_owned(),
            text: "A failover <is> under way.\nReading works.".to_owned(),
            news: News::Incident { severity: Severity::Major, stage, opens },
        }
    }

    fn header<'a>(email: &'a Email, name: &str) -> &'a str {
        let found = email.headers.iter().find(|(header, _)| *header == name);
        found.map_or("", |(_, value)| value)
    }

    #[test]
    fn an_incident_is_a_thread_in_the_owner_s_words() {
        let opening = sent(|head| mail(head, &incident(true, None), "f00d"));
        assert_eq!(opening.subject, "[Shop status] Orders cannot be placed");
        assert_eq!(header(&opening, "Message-ID"), "<f00d.c0ffee@stats.example.com>");
        assert_eq!(header(&opening, "In-Reply-To"), "");
        assert_eq!(
            opening.text,
            "Orders cannot be placed\n\n2026-11-22 12:00 UTC, major incident\n\nA failover <is> under way.\nReading works.\n\n\
             You get this mail because this address is subscribed to the status page.\n\
             Status page: https://stats.example.com/status/shop\n\
             Unsubscribe: https://stats.example.com/subscription/0a/leave\n"
        );
        assert!(
            opening.html.contains("<p>A failover &lt;is&gt; under way.<br>\nReading works.</p>"),
            "{}",
            opening.html
        );
        let update = sent(|head| mail(head, &incident(false, Some(Stage::Resolved)), "f00d"));
        assert_eq!(update.subject, "[Shop status] Resolved: Orders cannot be placed");
        assert_eq!(header(&update, "Message-ID"), "<f00d-1795348800000.c0ffee@stats.example.com>");
        for name in ["In-Reply-To", "References"] {
            assert_eq!(header(&update, name), "<f00d.c0ffee@stats.example.com>");
        }
    }

    #[test]
    fn maintenance_says_when_and_what_it_concerns() {
        let news = News::Maintenance {
            from_ms: AT_MS,
            to_ms: AT_MS + 3_600_000,
            services: vec!["Orders".to_owned(), "Search".to_owned()],
        };
        let title = "Database upgrade".to_owned();
        let bulletin = Bulletin { at_ms: AT_MS, title, text: String::new(), news };
        let email = sent(|head| mail(head, &bulletin, "beef"));
        assert_eq!(email.subject, "[Shop status] Maintenance: Database upgrade");
        let said = "2026-11-22 12:00 UTC to 2026-11-22 13:00 UTC\n\nConcerns Orders, Search\n";
        assert!(email.text.contains(said), "{}", email.text);
    }

    #[test]
    fn every_mail_can_be_left_by_one_click() {
        let confirming = sent(|head| confirmation(head, "https://stats.example.com/c", AT_MS));
        assert_eq!(confirming.to, ["ann@example.com"]);
        assert!(confirming.text.contains("\nConfirm: https://stats.example.com/c\n"));
        assert!(confirming.text.contains("updates of Shop status"), "{}", confirming.text);
        for email in [&confirming, &sent(|head| mail(head, &incident(true, None), "f00d"))] {
            let leave = "https://stats.example.com/subscription/0a/leave";
            assert_eq!(header(email, "List-Unsubscribe"), format!("<{leave}>"));
            assert_eq!(header(email, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
            assert_eq!(header(email, "Auto-Submitted"), "auto-generated");
            assert!(email.text.contains(leave) && email.html.contains(leave));
        }
        let plain = sent(|head| {
            let leave_url = "http://stats.lan/subscription/0a/leave";
            confirmation(Letterhead { leave_url, ..head }, "http://stats.lan/c", AT_MS)
        });
        assert_eq!(header(&plain, "List-Unsubscribe-Post"), "", "RFC 8058 wants https");
    }

    #[test]
    fn a_hostile_text_becomes_no_header_and_no_markup() {
        let hostile = "x\r\nBcc: eve@example.com\r\n\r\n<script>\"'&";
        let bulletin = Bulletin {
            title: hostile.to_owned(),
            text: hostile.to_owned(),
            ..incident(true, Some(Stage::Identified))
        };
        let email = sent(|head| mail(Letterhead { title: hostile, ..head }, &bulletin, hostile));
        assert!(!email.subject.contains(['\r', '\n']), "{:?}", email.subject);
        for (name, value) in &email.headers {
            assert!(!value.contains(['\r', '\n']), "{name}: {value:?}");
        }
        assert!(!email.html.contains("<script") && email.html.contains("&lt;script&gt;"));
        let confirming =
            sent(|head| confirmation(Letterhead { title: hostile, ..head }, "https://x/", AT_MS));
        assert!(!confirming.html.contains("<script"), "{}", confirming.html);
    }
}
