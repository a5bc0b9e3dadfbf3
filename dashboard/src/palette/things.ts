// Endpoints and consumers whose names have the typed words, as commands.

import { api } from '../api/client';
import type { Scope } from '../api/request';
import type { ConsumerRow, EndpointRow, ListName } from '../api/types';
import type { Subject } from '../dashboard/subject';
import { toThing, type Command } from './commands';

/** Of each kind. */
const MOST = 5;
/** The searched period, whatever the page shows: someone may look for last week's endpoint, too. */
const PERIOD = '30d';

export async function findThings(scope: Scope, typed: string, at: URLSearchParams, signal: AbortSignal): Promise<Command[]> {
  const parameters = { period: PERIOD, search: typed, limit: MOST };
  // Nothing is offered that can't be had now or isn't shown to this viewer.
  const rows = <Row>(panel: ListName) => api.list<Row>(scope, panel, parameters, signal).then((page) => page.rows, () => []);
  const [endpoints, consumers] = await Promise.all([rows<EndpointRow>('endpoints'), rows<ConsumerRow>('top_consumers')]);
  const subjects: Subject[] = [
    ...endpoints.map(({ method, route }): Subject => ({ kind: 'endpoint', method, route })),
    ...consumers.filter(({ user, address }) => user || address).map(({ key }): Subject => ({ kind: 'consumer', key })),
  ];
  return subjects.map((subject) => toThing(scope, subject, at));
}
