// What the apps of Node's frameworks share: the port, an upgrade, and an end that lets open requests finish.

export const port = Number(process.env.PORT);

/** Answers `GET /socket` with `Upgrade` by 101 and the end of the connection. */
export function finishSetup(server) {
  server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  });
  process.once('SIGTERM', () => {
    server.close();
    server.closeIdleConnections();
  });
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Three parts of 3 bytes over 150 ms. */
export async function* parts() {
  for (let part = 0; part < 3; part += 1) {
    if (part > 0) await sleep(75);
    yield Buffer.from(`p${part}\n`);
  }
}

/** A part each 20 ms, for two seconds or until the caller leaves. */
export async function* endless() {
  for (let part = 0; part < 100; part += 1) {
    yield Buffer.from('part\n');
    await sleep(20);
  }
}
