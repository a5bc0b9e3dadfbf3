//! Resolves names, by the system's name servers or those of the settings. Nothing is cached: with yesterday's answer a
//! check would not notice that a name is gone.

mod witness;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use analytics::check::Failure;
use analytics::limits;
use analytics::target;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use tokio::sync::Semaphore;
use url::Host;

use witness::Witnesses;

/// The addresses of a name to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    #[default]
    Any,
    V4,
    V6,
}

impl Family {
    fn includes(self, address: &IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

pub struct Names {
    /// None if the system has no name servers configured: names cannot be resolved then, but addresses can be called.
    resolver: Option<TokioResolver>,
    at_once: Semaphore,
    witnesses: Witnesses,
}

impl Names {
    pub fn new(name_servers: &[SocketAddr]) -> Names {
        let resolver = match build(name_servers) {
            Ok(resolver) => Some(resolver),
            Err(problem) => {
                tracing::warn!(%problem, "no name servers: checks and notices can call addresses alone");
                None
            }
        };
        let at_once = Semaphore::new(limits::LOOKUPS_AT_ONCE as usize);
        Names { resolver, at_once, witnesses: Witnesses::default() }
    }

    /// The addresses of a host in the order to try; at least one. An address resolves to itself.
    pub async fn lookup(
        &self,
        host: &Host<String>,
        family: Family,
    ) -> Result<Vec<IpAddr>, Failure> {
        if let Some(address) = target::literal(host) {
            return Ok(vec![address]);
        }
        let Host::Domain(name) = host else { return Err(Failure::NameNotFound) };
        let resolver = self.resolver.as_ref().ok_or(Failure::ResolverFailed)?;
        let _one = self.at_once.acquire().await.map_err(|_| Failure::Ours)?;
        let found =
            resolver.lookup_ip(name.as_str()).await.map_err(|problem| classify(&problem))?;
        let addresses: Vec<IpAddr> =
            found.iter().filter(|address| family.includes(address)).collect();
        let addresses = interleave(addresses);
        if addresses.is_empty() {
            return Err(Failure::NameNotFound);
        }
        self.witnesses.note(name);
        Ok(addresses)
    }

    /// Whether name servers answer at all, after they failed for this host.
    pub async fn answer_others(&self, host: &Host<String>) -> bool {
        let (Some(resolver), Host::Domain(name)) = (&self.resolver, host) else { return false };
        let is_answered = async |name: String| {
            let patience = Duration::from_millis(limits::NAME_SERVERS_WAIT_MS);
            let answer = tokio::time::timeout(patience, resolver.lookup_ip(name)).await;
            let answer = answer.map(|found| found.map_err(|problem| classify(&problem)));
            matches!(answer, Ok(Ok(_) | Err(Failure::NameNotFound)))
        };
        self.witnesses.others_are_answered(name, is_answered).await
    }
}

fn build(name_servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = match name_servers {
        [] => TokioResolver::builder_tokio()?,
        servers => {
            let servers = servers.iter().map(|server| {
                let mut config = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut config.connections {
                    connection.port = server.port();
                }
                config
            });
            let config = ResolverConfig::from_name_servers(servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
    };
    put_options(builder.options_mut());
    builder.build()
}

fn put_options(options: &mut ResolverOpts) {
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = 0;
    options.positive_max_ttl = Some(Duration::ZERO);
    options.negative_max_ttl = Some(Duration::ZERO);
    options.timeout = Duration::from_secs(limits::LOOKUP_SECONDS);
    options.attempts = 2;
}

fn classify(problem: &NetError) -> Failure {
    match problem {
        NetError::Dns(DnsError::NoRecordsFound(_)) => Failure::NameNotFound,
        // No name server could be asked for this name.
        NetError::Proto(_) => Failure::NameNotFound,
        NetError::Io(io) => super::connect::of_this_machine(io).unwrap_or(Failure::ResolverFailed),
        _ => Failure::ResolverFailed,
    }
}

/// IPv6 and IPv4 alternately, so that a network without one of them costs one try.
fn interleave(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let (v6, v4): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(IpAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = [v6.next(), v4.next()];
        if pair == [None, None] {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| {
            texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>()
        };
        let mixed = interleave(addresses(&["1.1.1.1", "1.1.1.2", "1.1.1.3", "2001::1"]));
        assert_eq!(mixed, addresses(&["2001::1", "1.1.1.1", "1.1.1.2", "1.1.1.3"]));
        assert_eq!(interleave(Vec::new()), addresses(&[]));
    }
}
