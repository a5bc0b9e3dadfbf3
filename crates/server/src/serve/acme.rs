//! Certificates that the server orders from an authority such as Let's Encrypt by ACME (RFC 8555), stores in the data folder
//! and renews.
//!
//! The authority connects to port 443 of each name and is shown a certificate made for this one proof (TLS-ALPN-01, RFC 8737),
//! so no other port and no file has to be reachable. A failed order is retried later; until the first one succeeds, the port
//! presents a self-signed certificate, of which browsers warn.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use analytics::limits;
use anyhow::{Context, anyhow, bail};
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType,
    HttpClient, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::sign::CertifiedKey;
use url::Url;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificates::Certificates;
use crate::app::SharedApp;
use crate::config::AcmeOrder;
use crate::dial::{Dialer, FetchRequest};

/// Files in the data folder. Both hold private keys.
struct Files {
    folder: PathBuf,
}

impl Files {
    fn of(data: &Path) -> Files {
        Files { folder: data.join("acme") }
    }

    fn account(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    /// Key and chain in one file, so that they always fit each other.
    fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Readable only by this user; complete or absent.
    fn write(&self, path: &Path, text: &str) -> anyhow::Result<()> {
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            std::fs::File::open(&self.folder)?.sync_all()
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// A certificate in the data folder, with its key.
struct Kept {
    certificate: CertifiedKey,
    names: Vec<String>,
    /// When the last third of its lifetime begins, in seconds since the epoch.
    renewal_s: i64,
    /// Seconds since the epoch.
    expires_s: i64,
}

impl Kept {
    /// None: nothing was ordered yet.
    fn read(file: &Path) -> anyhow::Result<Option<Kept>> {
        match std::fs::read(file) {
            Ok(pem) => Kept::parse(&pem).map(Some).with_context(|| {
                format!("{} cannot be used; delete it to order another", file.display())
            }),
            Err(problem) if problem.kind() == ErrorKind::NotFound => Ok(None),
            Err(problem) => {
                Err(problem).with_context(|| format!("{} cannot be read", file.display()))
            }
        }
    }

    fn parse(pem: &[u8]) -> anyhow::Result<Kept> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(pem)?;
        let first = chain.first().context("there is no certificate in it")?;
        let (_, read) = X509Certificate::from_der(first)?;
        let (from, to) =
            (read.validity().not_before.timestamp(), read.validity().not_after.timestamp());
        let names = read.subject_alternative_name()?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        let (names, renewal_s, expires_s) = (names.collect(), to - (to - from) / 3, to);
        let certificate = CertifiedKey::from_der(chain, key, &ring::default_provider())?;
        Ok(Kept { certificate, names, renewal_s, expires_s })
    }

    /// Whether it is for all of the names.
    fn fits(&self, order: &AcmeOrder) -> bool {
        order.names.iter().all(|name| self.names.contains(name))
    }
}

/// The certificate to begin with.
pub(super) fn kept_or_placeholder(data: &Path, order: &AcmeOrder) -> anyhow::Result<CertifiedKey> {
    match Kept::read(&Files::of(data).certificate())? {
        // Also if a name was added: that must not cost the others their certificate while it is proven.
        Some(kept) => Ok(kept.certificate),
        None => {
            let made = rcgen::generate_simple_self_signed(order.names.clone())
                .context("`acme`: no certificate can be made for these names")?;
            certified(&made.cert, &made.signing_key)
        }
    }
}

/// Orders the certificate if there is none for these names, and renews it, until `stopping`.
pub(super) async fn keep(
    order: &AcmeOrder,
    certificates: &Certificates,
    app: &SharedApp,
    mut stopping: watch::Receiver<bool>,
) {
    let files = Files::of(&app.settings.data);
    let mut failures = 0;
    loop {
        let wait_s = match seconds_left(&files, order, app) {
            left_s @ 1.. => (left_s as u64).min(limits::ACME_LOOK_SECONDS),
            _ => {
                let time = Duration::from_secs(limits::ACME_ORDER_SECONDS);
                let obtained = tokio::select! {
                    obtained = tokio::time::timeout(time, obtain(order, certificates, app, &files)) => obtained,
                    _ = stopping.wait_for(|stop| *stop) => return,
                };
                certificates.drop_proofs();
                let obtained = obtained
                    .unwrap_or_else(|_| Err(anyhow!("it took longer than {} s", time.as_secs())));
                match obtained.and_then(|()| match seconds_left(&files, order, app) {
                    1.. => Ok(()),
                    _ => bail!("the issued certificate is already due for renewal; check this machine's clock"),
                }) {
                    Ok(()) => {
                        failures = 0;
                        app.certificate_order.note_success();
                        continue;
                    }
                    Err(problem) => {
                        let wait_s = retry_after(failures);
                        failures += 1;
                        let (names, problem) = (order.names.join(","), format!("{problem:#}"));
                        app.certificate_order.note_failure(
                            format!("no certificate for {names}: {problem}"),
                            has_valid(&files, order, app),
                        );
                        tracing::error!(
                            names,
                            problem,
                            next_try_in_seconds = wait_s,
                            "no certificate could be obtained; the previous one stays in use"
                        );
                        wait_s
                    }
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(wait_s)) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Time until the stored certificate is due for renewal; 0 if there is none for these names.
fn seconds_left(files: &Files, order: &AcmeOrder, app: &SharedApp) -> i64 {
    match Kept::read(&files.certificate()) {
        Ok(Some(kept)) if kept.fits(order) => kept.renewal_s - app.clock.now_us() / 1_000_000,
        _ => 0,
    }
}

fn has_valid(files: &Files, order: &AcmeOrder, app: &SharedApp) -> bool {
    let kept = Kept::read(&files.certificate()).ok().flatten();
    kept.is_some_and(|kept| kept.fits(order) && kept.expires_s > app.clock.now_us() / 1_000_000)
}

fn retry_after(failures: u32) -> u64 {
    let wait_s = limits::ACME_RETRY_SECONDS.saturating_mul(1 << failures.min(16));
    wait_s.min(limits::ACME_RETRY_MOST_SECONDS)
}

/// One order, from the account to the certificate that is presented.
async fn obtain(
    order: &AcmeOrder,
    certificates: &Certificates,
    app: &SharedApp,
    files: &Files,
) -> anyhow::Result<()> {
    tracing::info!(
        names = order.names.join(","),
        directory = order.directory,
        "ordering a certificate"
    );
    let account = open_account(order, &app.dialer, files).await?;
    let names: Vec<Identifier> = order.names.iter().cloned().map(Identifier::Dns).collect();
    let placed = account.new_order(&NewOrder::new(&names)).await;
    let mut placed = placed.context("the authority did not accept the order")?;
    if let Err(problem) = prove(&mut placed, certificates).await {
        // A quick authority has looked by then, and answers the proof with what it saw.
        return Err(refusal(&mut placed).await.map_or(problem, anyhow::Error::msg));
    }
    let patience =
        RetryPolicy::new().backoff(1.5).timeout(Duration::from_secs(limits::ACME_ORDER_SECONDS));
    match placed.poll_ready(&patience).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) | Err(instant_acme::Error::Api(_)) => match refusal(&mut placed).await {
            Some(refusal) => bail!(refusal),
            None => bail!("the authority refused the order and gave no reason"),
        },
        Err(problem) => return Err(problem).context("the authority did not decide"),
    }
    let key =
        placed.finalize().await.context("the authority did not accept the signing request")?;
    let chain =
        placed.poll_certificate(&patience).await.context("the authority sent no certificate")?;
    let pem = format!("{key}{chain}");
    let kept = Kept::parse(pem.as_bytes()).context("the issued certificate cannot be used")?;
    if !kept.fits(order) {
        bail!("the issued certificate is for {:?}", kept.names);
    }
    files.write(&files.certificate(), &pem)?;
    certificates.present(kept.certificate);
    tracing::info!(names = order.names.join(","), "a certificate was issued and is now in use");
    Ok(())
}

/// The account at the authority, as stored between two starts.
#[derive(Deserialize, Serialize)]
struct KeptAccount<C> {
    directory: String,
    credentials: C,
}

async fn open_account(
    order: &AcmeOrder,
    dialer: &Dialer,
    files: &Files,
) -> anyhow::Result<Account> {
    let builder = || Account::builder_with_http(Box::new(Http(dialer.clone())));
    let unreachable = || format!("{} cannot be used", order.directory);
    if let Ok(text) = std::fs::read_to_string(files.account())
        && let Ok(kept) = serde_json::from_str::<KeptAccount<AccountCredentials>>(&text)
        && kept.directory == order.directory
    {
        return builder().from_credentials(kept.credentials).await.with_context(unreachable);
    }
    let wanted =
        NewAccount { contact: &[], terms_of_service_agreed: true, only_return_existing: false };
    let created = builder().create(&wanted, order.directory.clone(), None).await;
    let (account, credentials) = created.with_context(unreachable)?;
    let kept = KeptAccount { directory: order.directory.clone(), credentials };
    files.write(&files.account(), &serde_json::to_string(&kept)?)?;
    Ok(account)
}

/// Installs a proof for each name, and asks the authority to verify it.
async fn prove(placed: &mut Order, certificates: &Certificates) -> anyhow::Result<()> {
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization =
            authorization.context("the authority does not say what to prove")?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => bail!("the proof of {} is {other:?} already", authorization.identifier()),
        }
        let name = authorization.identifier().to_string();
        let mut challenge = authorization.challenge(ChallengeType::TlsAlpn01).with_context(|| {
            format!("the authority offers no proof by TLS-ALPN-01 for {name}, the only one that this server gives")
        })?;
        let proof = proof(&name, challenge.key_authorization().digest().as_ref())?;
        certificates.add_proof(name, proof);
        challenge.set_ready().await.context("the authority does not take the proof")?;
    }
    Ok(())
}

/// Shown only to the authority.
fn proof(name: &str, digest: &[u8]) -> anyhow::Result<CertifiedKey> {
    let mut wanted = CertificateParams::new(vec![name.to_owned()])?;
    wanted.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    certified(&wanted.self_signed(&key)?, &key)
}

fn certified(certificate: &rcgen::Certificate, key: &KeyPair) -> anyhow::Result<CertifiedKey> {
    let chain = vec![certificate.der().clone()];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Not by `from_der`, whose checks reject proofs.
    Ok(CertifiedKey::new(chain, ring::default_provider().key_provider.load_private_key(key)?))
}

/// Why the authority refused the order, in its own words; none if it says nothing against a proof.
async fn refusal(placed: &mut Order) -> Option<String> {
    let mut reasons = Vec::new();
    let mut authorizations = placed.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        let problems = state.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    let reasons = (!reasons.is_empty()).then(|| reasons.join("; "));
    reasons.map(|text| format!("the authority could not see that the names lead here: {text}"))
}

/// Calls to the authority go through the same dialer as all others.
struct Http(Dialer);

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let dialer = self.0.clone();
        Box::pin(async move {
            let other = |problem: String| instant_acme::Error::Other(problem.into());
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let url = Url::parse(&head.uri.to_string())
                .map_err(|problem| other(format!("{}: {problem}", head.uri)))?;
            let sent = FetchRequest {
                method: head.method,
                headers: head.headers,
                body: body.to_bytes(),
                follow_redirects: false,
                ..FetchRequest::get(url, Duration::from_secs(limits::ACME_CALL_SECONDS))
            };
            let answer = dialer.fetch(&sent).await.result;
            let answer = answer.map_err(|failure| other(format!("{}: {failure}", sent.url)))?;
            let mut response = Response::new(Full::new(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(BytesResponse::from(response))
        })
    }
}
