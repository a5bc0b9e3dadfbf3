// Shared by the apps of Node's frameworks: the port, an upgrade, and an end that lets open requests finish.

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

export { endless, parts, sleep } from './parts.mjs';
