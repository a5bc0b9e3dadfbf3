// Polls while the page is visible, and at once when somebody comes back to it.

/** How often a page of monitors loads their states. The shortest interval of a monitor is 20 seconds. */
const EVERY_MS = 10_000;

/** Returns a function that ends it. */
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
