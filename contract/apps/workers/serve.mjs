// Starts a Worker as it is deployed: bundled by esbuild with the conditions that wrangler gives it, and run by workerd.
//
//   node workers/serve.mjs ENTRY
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'worker-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
execFileSync('./esbuild', [process.argv[2], '--bundle', '--format=esm', '--log-level=warning', '--conditions=workerd,worker,browser', `--outfile=${folder}/worker.js`], { stdio: 'inherit' });

const bindings = ['API_ANALYTICS_KEY', 'API_ANALYTICS_SERVER_URL', 'NODE_DEBUG'].filter((name) => process.env[name] !== undefined);
writeFileSync(join(folder, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "app", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-11-01",
      bindings = [${bindings.map((name) => `(name = "${name}", fromEnvironment = "${name}")`).join(', ')}],
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${process.env.PORT}", http = (), service = "app")],
);
`);
const workerd = spawn('./workerd', ['serve', join(folder, 'config.capnp')], { stdio: 'inherit' });
workerd.once('exit', (code) => process.exit(code ?? 0));
// Workers have no end that an app could see; the last request posts a second after its answer.
process.once('SIGTERM', () => setTimeout(() => workerd.kill('SIGKILL'), 1500));
process.once('exit', () => workerd.kill('SIGKILL'));
