// Shared by the apps of all runtimes: slow bodies.

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const bytes = (text) => new TextEncoder().encode(text);

/** Three parts of 3 bytes over 150 ms. */
export async function* parts() {
  for (let part = 0; part < 3; part += 1) {
    if (part > 0) await sleep(75);
    yield bytes(`p${part}\n`);
  }
}

/** A part each 20 ms, for two seconds or until the caller leaves. */
export async function* endless() {
  for (let part = 0; part < 100; part += 1) {
    yield bytes('part\n');
    await sleep(20);
  }
}
