// A request as a command that repeats it. A client's text is hostile: no part of it may become a shell command, an option of curl, or a key
// press in the terminal that it is pasted into.

import type { Hit } from '../api/types';

/** To the request's host, or a placeholder if it is unknown. */
export function toCurl(hit: Pick<Hit, 'method' | 'host' | 'path' | 'user_agent'>): string {
  const words = ['curl', '--globoff', '--path-as-is'];
  if (hit.method === 'HEAD') words.push('--head');
  else if (hit.method !== 'GET') words.push('--request', quote(printable(hit.method)));
  if (hit.user_agent) words.push('--user-agent', quote(printable(hit.user_agent)));
  // After the last option, so that no host can be one.
  words.push('--url', quote(toUrl(hit.host ?? '', hit.path)));
  return words.join(' ');
}

function toUrl(host: string, path: string): string {
  const safe = host.replace(/[^\w.:[\]-]/g, '') || 'HOST';
  const scheme = /^(localhost|127\.|\[::1\])/.test(safe) ? 'http' : 'https';
  // A path has no query string: a question mark in it is an ordinary character.
  const rest = path.replace(/[^\x21-\x7e]|["'<>\\^`{|}?#]/gu, escape);
  return `${scheme}://${safe}${rest.startsWith('/') ? '' : '/'}${rest}`;
}

function escape(character: string): string {
  try {
    return encodeURIComponent(character).replace(/'/g, '%27');
  } catch {
    // Half of a surrogate pair.
    return '%EF%BF%BD';
  }
}

/** Control characters act in a terminal even between quotes. */
const printable = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');

/** Between single quotes a shell reads everything as it is. */
const quote = (text: string) => `'${text.replace(/'/g, `'\\''`)}'`;
