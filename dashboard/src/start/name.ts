// The proposed name of a new project.

/** Prefixes of a host that mean analytics, and say nothing about the project. */
const OURS = /^(?:(?:api-)?analytics|stats|metrics|monitoring|www)\./;

/** The host without its analytics prefix; numbered if a project has that name already. */
export function proposeName(host: string, taken: readonly string[]): string {
  const rest = host.replace(OURS, '');
  const name = rest.includes('.') ? rest : host;
  let proposed = name;
  for (let n = 2; taken.includes(proposed); n++) proposed = `${name} ${n}`;
  return proposed;
}
