// Addresses of the page: text to page and back. Pure except for the base path, which the server writes into the document.

export type PageName =
  | 'start'
  | 'signin'
  | 'projects'
  | 'dashboard'
  | 'explorer'
  | 'endpoint'
  | 'consumer'
  | 'monitoring'
  | 'alerts'
  | 'open'
  | 'share'
  | 'status-page'
  | 'settings'
  | 'ingest-health'
  | 'not-found';

/** A page and the secret in its path: a dashboard id, or a share link's token. */
export interface Page {
  name: PageName;
  /** `open`: the dashboard id; `share`: the token. */
  secret?: string;
  /** `open`: the page to show its project on. */
  next?: 'dashboard' | 'explorer' | 'monitoring';
  /** Fixed by the path (`/dashboard/demo`); else it is in `?project=`. */
  project?: string;
  /** The part of the page to scroll to: `/delete` leads to the end of the settings. */
  anchor?: string;
}

let base: string | undefined;

/** "" or "/analytics": without a trailing slash. */
export function basePath(): string {
  base ??= (document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? '').replace(/\/+$/, '');
  return base;
}

/** The page of a path (without the base path). Bookmarks of the original's users lead to our pages. */
export function toPage(path: string): Page {
  const parts = path.split('/').filter((text) => text !== '').map(decode);
  const [first, second] = parts;
  if (parts.length > 2) return { name: 'not-found' };
  switch (first) {
    case undefined:
      return { name: 'start' };
    case 'generate':
    case 'signin':
    case 'projects':
    case 'status-page':
    case 'alerts':
    case 'settings':
    case 'ingest-health':
      if (second !== undefined) return { name: 'not-found' };
      return { name: first === 'generate' ? 'start' : first };
    case 'delete':
      return second === undefined ? { name: 'settings', anchor: 'delete' } : { name: 'not-found' };
    case 'dashboard':
    case 'explorer':
    case 'monitoring': {
      if (second === undefined) return { name: first };
      // The demo has no monitors; it leads to its dashboard.
      if (second === 'demo') return { name: first === 'monitoring' ? 'dashboard' : first, project: 'demo' };
      return { name: 'open', secret: second, next: first };
    }
    case 'endpoint':
    case 'consumer':
      if (second === undefined) return { name: first };
      return second === 'demo' ? { name: first, project: 'demo' } : { name: 'not-found' };
    case 'share':
      return second === undefined ? { name: 'not-found' } : { name: 'share', secret: second };
    default:
      return { name: 'not-found' };
  }
}

/** The same text for the same page: another project or endpoint is another page, even if the component is the same. */
export function toIdentity({ page, parameters }: { page: Page; parameters: URLSearchParams }): string {
  const view = parameters.get('view') ?? '';
  const about = ['endpoint', 'consumer'].includes(page.name === 'share' ? view : page.name);
  const which = about ? ['method', 'route', 'consumer'].map((name) => parameters.get(name)) : [];
  return JSON.stringify([page.name, page.project ?? page.secret ?? parameters.get('project') ?? '', view, ...which]);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export type Parameters = Record<string, string | number | undefined>;

/** `/settings` and parameters as an address below the base path; parameters without a value are left out. */
export function toHref(path: string, parameters: Parameters = {}, under = basePath()): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  // The filter's characters stay readable: these have no meaning of their own in a query string.
  const text = search.toString().replace(/%3A/g, ':').replace(/%2F/g, '/').replace(/%2C/g, ',').replace(/%40/g, '@');
  return `${under}${path}${text ? `?${text}` : ''}`;
}

export function dashboardHref(project: string | number, parameters: Parameters = {}): string {
  return projectHref('/dashboard', project, parameters);
}

/** The individual requests of a project. The original called that page its explorer. */
export function explorerHref(project: string | number, parameters: Parameters = {}): string {
  return projectHref('/explorer', project, parameters);
}

/** The monitors of a project, or one of them. The server answers at this address of the original, but not below it. */
export function monitoringHref(project: string | number, parameters: Parameters = {}): string {
  return toHref('/monitoring', { project, ...parameters });
}

/** The editor of a project's public status page. */
export function statusPageHref(project: string | number): string {
  return toHref('/status-page', { project });
}

/** The incidents of a project, or one of them; with `tab=rules` its rules, with `tab=channels` its channels. */
export function alertsHref(project: string | number, parameters: Parameters = {}): string {
  return toHref('/alerts', { project, ...parameters });
}

/** The pages of a project for somebody who is signed in to it. */
export function projectPages(project: string | number, withSettings: boolean): { name: string; label: string; href: string }[] {
  return [
    { name: 'dashboard', label: 'Dashboard', href: dashboardHref(project) },
    { name: 'requests', label: 'Requests', href: explorerHref(project) },
    { name: 'monitoring', label: 'Monitors', href: monitoringHref(project) },
    { name: 'alerts', label: 'Alerts', href: alertsHref(project) },
    { name: 'ingest-health', label: 'Ingest health', href: toHref('/ingest-health', { project }) },
    ...(withSettings ? [{ name: 'settings', label: 'Settings', href: toHref('/settings', { project }) }] : []),
  ];
}

function projectHref(path: string, project: string | number, parameters: Parameters): string {
  return project === 'demo' ? toHref(`${path}/demo`, parameters) : toHref(path, { project, ...parameters });
}
