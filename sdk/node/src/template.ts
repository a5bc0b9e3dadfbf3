// A framework's route pattern as a template: `/users/:id(\\d+)` is `/users/{id}`, in every framework the same.

/**
 * Undefined for a pattern that no template describes (a regular expression, an unnamed wildcard). `braces`: their meaning in the
 * framework's patterns, an optional group (Express 5, Koa) or the constraint of the parameter before them (Hono).
 */
export function toTemplate(pattern: unknown, braces: 'group' | 'constraint' = 'group'): string | undefined {
  if (typeof pattern !== 'string') return undefined;
  let template = '';
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at] as string;
    if (character === '\\') {
      template += pattern[at + 1] ?? '';
      at += 2;
    } else if (character === ':' && pattern[at + 1] === ':') {
      template += ':'; // Fastify's escape
      at += 2;
    } else if (character === ':' || character === '*') {
      const name = /^(?:"([^"]+)"|([\p{L}\p{N}_$]+))/u.exec(pattern.slice(at + 1));
      if (!name) return undefined;
      template += `{${name[1] ?? name[2]}}`;
      at = afterConstraint(pattern, at + 1 + name[0].length, braces);
    } else if (character === '(') {
      return undefined;
    } else {
      if (character !== '{' && character !== '}' && character !== '?' && character !== '+') template += character;
      at += 1;
    }
  }
  return template.startsWith('/') ? template : `/${template}`;
}

function afterConstraint(pattern: string, from: number, braces: 'group' | 'constraint'): number {
  let at = from;
  const [open, close] = pattern[at] === '{' && braces === 'constraint' ? '{}' : '()';
  if (pattern[at] === open) {
    for (let depth = 0; at < pattern.length; at += 1) {
      if (pattern[at] === '\\') at += 1;
      else if (pattern[at] === open) depth += 1;
      else if (pattern[at] === close && --depth === 0) break;
    }
    at += 1;
  }
  return /[?+*]/.test(pattern[at] ?? '') ? at + 1 : at;
}

/** The template of a mount, from the concrete prefix and the parameters that were read from it: `/orgs/acme` is `/orgs/{org}`. */
export function toMountTemplate(prefix: string, params: unknown, template: string): string {
  if (!prefix || typeof params !== 'object' || params === null) return prefix;
  const segments = prefix.split('/');
  let end = segments.length;
  // From the right, as the rightmost parameter was matched last.
  for (const [name, value] of Object.entries(params).reverse()) {
    if (typeof value !== 'string' || !value || template.includes(`{${name}}`)) continue;
    for (let at = end - 1; at > 0; at -= 1) {
      if (decoded(segments[at] as string) !== value) continue;
      segments[at] = `{${name}}`;
      end = at;
      break;
    }
  }
  return segments.join('/');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function join(prefix: string, template: string): string {
  const base = prefix.replace(/\/+$/, '');
  return base && template === '/' ? base : base + template;
}
