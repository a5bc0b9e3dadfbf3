// Meanings of ingest's codes, and their remedies. An unlisted code is shown as it is.

export interface Meaning {
  what: string;
  todo: string;
}

const REASONS: Record<string, Meaning> = {
  not_an_object: { what: 'The entry isn’t an object', todo: 'Each entry of `requests` must be a JSON object.' },
  unreadable: { what: 'It cannot be read', todo: 'A string in it is broken, often half of a character.' },
  invalid_path: { what: 'The path is missing or not a string', todo: 'Every request needs a path.' },
  invalid_method: { what: 'The method is missing or invalid', todo: 'Every request needs a method.' },
  invalid_status: { what: 'The status is missing or invalid', todo: 'A status is a whole number from 100 to 599.' },
  invalid_created_at: { what: 'The time cannot be read', todo: 'Send RFC 3339, or omit it to use the time of arrival.' },
  invalid_response_time: { what: 'The duration is not a number', todo: 'Send milliseconds as a number.' },
  invalid_hostname: { what: 'The host is not a string', todo: 'Send a string, or omit it.' },
  invalid_user_agent: { what: 'The user agent is not a string', todo: 'Send a string, or omit it.' },
  invalid_user_id: { what: 'The user id is not a string', todo: 'Send a string, or omit it.' },
  invalid_route: { what: 'The route is not a string', todo: 'Send a string, or omit it.' },
  invalid_referrer: { what: 'The referrer is not a string', todo: 'Send a string, or omit it.' },
  too_old: { what: 'Older than what is kept', todo: 'Requests older than a year, or than this project’s retention, are not accepted.' },
  too_new: { what: 'From the future', todo: 'Set the clock of the machine that sends.' },
};

const REFUSALS: Record<string, Meaning> = {
  invalid_json: { what: 'The body is not a JSON object', todo: 'Send the JSON that the documentation shows.' },
  invalid_requests: { what: '`requests` is missing or not an array', todo: 'Send the JSON that the documentation shows.' },
  invalid_batch_id: { what: 'The batch id cannot be used', todo: 'Send a shorter one.' },
  invalid_encoding: { what: 'The body is not what its Content-Encoding says', todo: 'Send gzip, or no compression.' },
  unsupported_encoding: { what: 'The Content-Encoding is not known here', todo: 'Send gzip, or no compression.' },
  every_hit_rejected: { what: 'Every request in it was rejected', todo: 'The reasons are listed above.' },
  unreadable_body: { what: 'The body broke off', todo: 'The connection was lost while it was sent.' },
  request_timeout: { what: 'The body arrived too slowly', todo: 'Check the network between the app and this server.' },
  body_too_large: { what: 'The post was too large', todo: 'Send fewer requests in one post.' },
  too_large: { what: 'The post was too large', todo: 'Send fewer requests in one post.' },
  too_many_hits: { what: 'Too many requests in one post', todo: 'Send fewer requests in one post.' },
  overloaded: { what: 'The server could not take it just then', todo: 'Our own clients retry automatically; published ones do not.' },
  disk_low: { what: 'The disk of the server was nearly full', todo: 'Free some space. Our own clients retry automatically.' },
  write_failed: { what: 'The disk of the server did not take it', todo: 'Check the disk and the log of the server. Our own clients retry automatically.' },
  closing: { what: 'The server was stopping', todo: 'Our own clients retry automatically.' },
};

export function reasonMeaning(code: string): Meaning {
  const known = REASONS[code];
  if (known) return known;
  const name = code.replace(/_/g, ' ');
  const field = /^invalid (.*)/.exec(name)?.[1];
  if (!field) return { what: name, todo: '' };
  return { what: `The ${field} cannot be used`, todo: 'The table of fields in the documentation says what it may be. It may be omitted.' };
}

export const refusalMeaning = (code: string): Meaning => REFUSALS[code] ?? reasonMeaning(code);

/** A smaller skew does not matter: buckets are minutes and more. */
export const SKEW_MS = 60_000;
