// One endpoint or one consumer, as in its page's address, and the condition that the page adds to every query.

import { both, join, quote, split, write } from '../filter/text';

export type Subject =
  /** `method` "": every method of the route; `route` "": requests without one. */
  | { kind: 'endpoint'; method: string; route: string }
  /** `key`: `u:ID` of a user, `a:ADDRESS` of an address that came without a user id. */
  | { kind: 'consumer'; key: string };

export type SubjectKind = Subject['kind'];

/** The parameters that name it. */
export function toSubjectParameters(subject: Subject): Record<string, string> {
  return subject.kind === 'endpoint' ? { method: subject.method, route: subject.route } : { consumer: subject.key };
}

/** Null if the address names none. */
export function toSubject(kind: string, parameters: URLSearchParams): Subject | null {
  if (kind === 'endpoint') {
    const [method, route] = [parameters.get('method') ?? '', parameters.get('route') ?? ''];
    return method || route ? { kind, method, route } : null;
  }
  const key = parameters.get('consumer') ?? '';
  return kind === 'consumer' && /^[ua]:./s.test(key) ? { kind, key } : null;
}

/** The filter that only its requests pass. */
export function lockOf(subject: Subject): string {
  if (subject.kind === 'consumer') return write('consumer', [quote(subject.key)]);
  return both(subject.method && write('method', [quote(subject.method)]), write('route', [quote(subject.route)]));
}

const FIELDS: Record<SubjectKind, readonly string[]> = { endpoint: ['method', 'route'], consumer: ['consumer'] };

/** `q` without conditions that are redundant on its page. Exclusions stay: they may be permanent. */
export const withoutOwn = (q: string, kind: SubjectKind) => join(split(q).filter(({ field, negated }) => negated || !FIELDS[kind].includes(field)));

/** `q` without any condition that could exclude the page's subject. */
export const withoutAnyOwn = (q: string, kind: SubjectKind) => join(split(q).filter(({ field }) => !FIELDS[kind].includes(field)));

/** Whether all its requests have this value. */
export function isGiven(subject: Subject, field: string, value: string): boolean {
  if (subject.kind === 'endpoint') return (field === 'route' && subject.route === value) || (field === 'method' && subject.method === value);
  return (field === 'user' && subject.key === `u:${value}`) || (field === 'address' && subject.key === `a:${value}`);
}

/** Without the prefix of its kind. */
export const consumerName = (key: string) => key.slice(2);

export function toTitle(subject: Subject): string {
  if (subject.kind === 'consumer') return consumerName(subject.key);
  return `${subject.method} ${subject.route || '(no path)'}`.trim();
}
