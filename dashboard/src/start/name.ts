// The name that a new project is proposed.

/** Parts of a host that say that analytics runs there, and nothing about whose. */
const OURS = /^(?:(?:api-)?analytics|stats|metrics|monitoring|www)\./;

/** The host, without what it says of this server; numbered where a project is called so already. */
export function proposeName(host: string, taken: readonly string[]): string {
  const rest = host.replace(OURS, '');
  const name = rest.includes('.') ? rest : host;
  let proposed = name;
  for (let n = 2; taken.includes(proposed); n++) proposed = `${name} ${n}`;
  return proposed;
}
