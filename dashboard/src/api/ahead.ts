// Answers that were asked for before the page was there to ask: `before.ts` asks, `client.ts` takes. Between them stands a property of
// the window, since the two are scripts of their own. An address that nobody takes was guessed wrongly and costs one call, no more.

type Ahead = Map<string, Promise<Response>>;

const holder = window as Window & { apiAnalyticsAhead?: Ahead };

export function askAhead(address: string, request: RequestInit) {
  const answer = fetch(address, request);
  // Whoever takes it hears of its failure.
  answer.catch(() => undefined);
  (holder.apiAnalyticsAhead ??= new Map()).set(address, answer);
}

/** Once: whoever asks a second time wants a new answer. */
export function takeAhead(address: string): Promise<Response> | undefined {
  const answer = holder.apiAnalyticsAhead?.get(address);
  holder.apiAnalyticsAhead?.delete(address);
  return answer;
}
