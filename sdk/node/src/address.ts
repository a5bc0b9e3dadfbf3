/** The connection's address: Bun's server has it by request, Deno hands it to the app. */
export function toAddress(given: unknown, request: Request): string | undefined {
  const from = (given ?? {}) as { requestIP?(request: Request): { address?: string } | null; server?: typeof from; remoteAddr?: { hostname?: string } };
  try {
    return from.remoteAddr?.hostname ?? (from.server ?? from).requestIP?.(request)?.address;
  } catch {
    return undefined; // not theirs
  }
}
