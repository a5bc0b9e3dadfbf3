//! E-mail, through the operator's mail server. Unlike for all other calls (`dial`), only the operator chooses that
//! host, so it may be on this machine or in a private network, and the system resolves its name.

use std::time::{Duration, UNIX_EPOCH};

use analytics::limits;
use analytics::notice::Email;
use anyhow::Context;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, Tls, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use rustls_pki_types::CertificateDer;

use crate::config::{MailServer, MailTls};

/// Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// The mail server did not take the message.
pub enum Refused {
    /// Its reply: the code, and the text in one line.
    Reply { code: u16, text: String },
    /// There was no reply.
    Unreachable(String),
}

impl Mailer {
    /// `host`: the name by which this server introduces itself. `authorities`: trusted besides the system's.
    pub fn new(
        server: &MailServer,
        host: &str,
        authorities: &[CertificateDer<'static>],
    ) -> anyhow::Result<Mailer> {
        let name = server.host.clone();
        let parameters = || trust(TlsParameters::builder(name.clone()), authorities)?.build();
        let tls = match server.tls {
            MailTls::Off => Tls::None,
            MailTls::Starttls => Tls::Required(parameters()?),
            MailTls::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(Duration::from_secs(limits::NOTICE_SEND_SECONDS)))
            .hello_name(ClientId::Domain(host.to_owned()));
        if let Some(user) = &server.user {
            let password = match &server.password_file {
                Some(file) => std::fs::read_to_string(file).with_context(|| {
                    format!("`smtp_password_file`: {} cannot be read", file.display())
                })?,
                None => String::new(),
            };
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let from = server
            .from
            .parse()
            .map_err(|_| anyhow::anyhow!("`smtp_from` is missing, or is not an e-mail address"))?;
        Ok(Mailer { transport: builder.build(), from })
    }

    /// Returns once the mail server has accepted the message for every recipient.
    pub async fn send(&self, email: &Email, now_ms: i64) -> Result<(), Refused> {
        let message = self.compose(email, now_ms).map_err(|problem| Refused::Reply {
            code: PERMANENT,
            text: format!("the message can't be written: {problem}"),
        })?;
        let patience = Duration::from_secs(limits::NOTICE_SEND_SECONDS);
        match tokio::time::timeout(patience, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(&error)),
            Err(_) => Err(Refused::Unreachable("the mail server didn't answer in time".to_owned())),
        }
    }

    fn compose(&self, email: &Email, now_ms: i64) -> anyhow::Result<Message> {
        let now = UNIX_EPOCH + Duration::from_millis(now_ms.max(0) as u64);
        let mut builder =
            Message::builder().from(self.from.clone()).date(now).subject(&email.subject);
        for address in &email.to {
            builder = builder.to(Mailbox::new(None, address.parse()?));
        }
        for (name, value) in &email.headers {
            let name = HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(HeaderValue::new(name, value.clone()));
        }
        let body = MultiPart::alternative_plain_html(email.text.clone(), email.html.clone());
        Ok(builder.multipart(body)?)
    }
}

/// The code of an error in the message itself.
const PERMANENT: u16 = 554;

/// The system's authorities, or if it has none Mozilla's, which are built in; and `authorities`.
fn trust(
    mut parameters: TlsParametersBuilder,
    authorities: &[CertificateDer<'static>],
) -> Result<TlsParametersBuilder, Error> {
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        parameters = parameters.certificate_store(CertificateStore::WebpkiRoots);
    }
    for authority in authorities {
        parameters = parameters.add_root_certificate(Certificate::from_der(authority.to_vec())?);
    }
    Ok(parameters)
}

fn refused(error: &Error) -> Refused {
    let text: String = error
        .to_string()
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(limits::NOTICE_ANSWER_CHARACTERS as usize)
        .collect();
    match error.status() {
        Some(code) => Refused::Reply { code: code.into(), text },
        None => Refused::Unreachable(format!("the mail server can't be used: {text}")),
    }
}
