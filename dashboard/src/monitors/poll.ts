// Asks again every so often while the page is looked at, and at once when somebody comes back to it.

/** How often a page of monitors asks where they stand. The shortest interval of a monitor is 20 seconds. */
const EVERY_MS = 10_000;

/** Returns what ends it. */
export function poll(ask: () => unknown): () => void {
  void ask();
  const timer = setInterval(() => { if (!document.hidden) void ask(); }, EVERY_MS);
  const onvisible = () => { if (!document.hidden) void ask(); };
  document.addEventListener('visibilitychange', onvisible);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', onvisible);
  };
}
