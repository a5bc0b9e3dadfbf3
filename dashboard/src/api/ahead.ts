// Answers requested before the page is loaded: `before.ts` requests them, `client.ts` takes them. They are passed in a property of the
// window, since the two are separate scripts. A wrong guess that nobody takes costs one call, no more.

type Ahead = Map<string, Promise<Response>>;

const holder = window as Window & { apiAnalyticsAhead?: Ahead };

export function askAhead(address: string, request: RequestInit) {
  const answer = fetch(address, request);
  // The caller that takes it handles its failure.
  answer.catch(() => undefined);
  (holder.apiAnalyticsAhead ??= new Map()).set(address, answer);
}

/** Once: a second call gets a new answer. */
export function takeAhead(address: string): Promise<Response> | undefined {
  const answer = holder.apiAnalyticsAhead?.get(address);
  holder.apiAnalyticsAhead?.delete(address);
  return answer;
}
