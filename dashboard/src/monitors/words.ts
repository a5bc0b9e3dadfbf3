// The codes of failed checks in plain words, and first steps to take. An unlisted code is shown as it is.

export interface Meaning {
  what: string;
  todo: string;
}

const MEANINGS: Record<string, Meaning> = {
  name_not_found: { what: 'Name not found', todo: 'Check the spelling of the host, and whether its DNS record still exists.' },
  resolver_failed: { what: 'Name servers could not answer', todo: 'They answer about other names. Look at the name servers of this domain.' },
  no_name_server: { what: 'No name server answers', todo: 'This server can look up no name at all. Look at its own name servers; nothing is known of the host.' },
  refused_address: { what: 'Private address', todo: 'This server does not call private networks unless its operator allows them with `allow_networks`.' },
  connection_refused: { what: 'Connection refused', todo: 'The host is there, but nothing listens on this port. Is the service running?' },
  unreachable: { what: 'Host unreachable', todo: 'There is no route to the host. Look at its network and firewall.' },
  timeout_dns: { what: 'Timed out looking up the name', todo: 'The name servers are slow or cannot be reached.' },
  timeout_connect: { what: 'Timed out connecting', todo: 'The host does not answer, or a firewall drops the connection.' },
  timeout_tls: { what: 'Timed out during the TLS handshake', todo: 'The port is open, but TLS is not answered. Is it an HTTPS port?' },
  timeout_first_byte: { what: 'Timed out waiting for the answer', todo: 'The service took the request and did not answer in time.' },
  timeout_body: { what: 'Timed out reading the body', todo: 'The answer began, but did not end in time.' },
  tls_expired: { what: 'Certificate expired', todo: 'Renew the certificate and reload the service.' },
  tls_not_yet_valid: { what: 'Certificate not valid yet', todo: 'Check the clock of the machine that issued the certificate.' },
  tls_wrong_name: { what: 'Certificate for another name', todo: 'The certificate does not cover this host.' },
  tls_self_signed: { what: 'Self-signed certificate', todo: 'Use a trusted certificate, or turn off “Verify the certificate”.' },
  tls_unknown_issuer: { what: 'Certificate not trusted', todo: 'Often an intermediate certificate is missing from what the host sends.' },
  tls_revoked: { what: 'Certificate revoked', todo: 'Get a new certificate.' },
  tls_bad_certificate: { what: 'Certificate unusable', todo: 'Look at the certificate that the host sends.' },
  tls_handshake: { what: 'TLS handshake failed', todo: 'The host offers no TLS version or cipher that this server accepts.' },
  closed_early: { what: 'Connection closed too early', todo: 'The service closed the connection before its answer was complete.' },
  protocol: { what: 'Not an HTTP answer', todo: 'Something other than HTTP answers on this port.' },
  head_too_large: { what: 'Response headers too large', todo: 'Check an address that sends fewer headers.' },
  body_too_large: { what: 'Body too large', todo: 'Check with HEAD, or an address with a smaller answer.' },
  too_many_redirects: { what: 'Too many redirects', todo: 'Look for a redirect loop, or check the last address directly.' },
  bad_redirect: { what: 'Redirect cannot be followed', todo: 'Look at the Location header of the answer.' },
  status: { what: 'Unexpected status', todo: 'The service answered, but not with an expected status.' },
  assertion: { what: 'Unexpected body', todo: 'The service answered, but its body is not as expected.' },
  missed: { what: 'No call in time', todo: 'The job did not run, or could not reach this server.' },
  reported_failure: { what: 'The job reported a failure', todo: 'Look at the log of the job.' },
  ours: { what: 'Not checked', todo: 'This server is short of files or memory. It says nothing about the host.' },
};

export function failureMeaning(code: string): Meaning {
  return MEANINGS[code] ?? { what: code, todo: '' };
}

/** A sentence of the server, which begins in lower case and has no full stop. */
export function toSentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
