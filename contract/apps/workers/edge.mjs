/** The handler as it is behind Cloudflare's edge, which says who calls, and answers for a handler that throws. */
export function atEdge(handler) {
  return {
    async fetch(request, bindings, context) {
      const passed = new Request(request);
      passed.headers.set('CF-Connecting-IP', '127.0.0.1');
      try {
        return await handler.fetch(passed, bindings, context);
      } catch {
        return new Response('Internal Server Error', { status: 500 });
      }
    },
  };
}

/** The answer to an upgrade. */
export function upgrade() {
  const [theirs, ours] = Object.values(new WebSocketPair());
  ours.accept();
  ours.close();
  return new Response(null, { status: 101, webSocket: theirs });
}
