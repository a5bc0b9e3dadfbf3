// Commands of the palette, and those that match the typed words.

import type { Scope } from '../api/request';
import type { ProjectSummary, SavedView } from '../api/types';
import { subjectOf } from '../dashboard/places';
import { viewHref } from '../dashboard/savedViews';
import { toTitle, type Subject } from '../dashboard/subject';
import { DEPLOY } from '../dashboard/state';
import { fold } from '../filter/countries';
import { alertsHref, dashboardHref, explorerHref, monitoringHref, projectPages, statusPageHref, toHref, type Parameters } from '../router/address';
import type { Theme } from '../theme';

export interface Command {
  label: string;
  /** The group it belongs to, set thinner. */
  group: string;
  /** Where it leads. */
  href?: string;
  theme?: Theme;
}

const SECTIONS = [
  { id: 'privacy', label: 'Privacy' },
  { id: 'limits', label: 'Limits' },
  { id: 'keys', label: 'Keys' },
  { id: 'share-links', label: 'Share links' },
  { id: 'dashboard-id', label: 'Dashboard id' },
  { id: 'routes', label: 'Routes' },
  { id: 'consumers', label: 'Consumer data' },
  { id: 'sign-out', label: 'Sign out' },
  { id: 'delete', label: 'Delete the project' },
] as const;

const THEMES = [
  { theme: 'system', label: 'Theme: as the system' },
  { theme: 'light', label: 'Theme: light' },
  { theme: 'dark', label: 'Theme: dark' },
] as const;

/** `project`: the current one, "" for none; `projects`: those of the session; `views`: the saved views of `project`. */
export function toCommands(project: string, projects: readonly ProjectSummary[], views: readonly SavedView[] = []): Command[] {
  const own = projects.find(({ project_id }) => String(project_id) === project);
  const nameOf = (one: ProjectSummary) => one.name || 'Unnamed project';
  const here: Command[] = own
    ? [
        ...projectPages(project, own.access === 'owner').map(({ label, href }) => ({ label, href, group: nameOf(own) })),
        ...views.map((view) => ({ label: view.name, href: viewHref({ project }, view), group: 'View' })),
        { label: 'Deploys', href: dashboardHref(project, { [`tab.${DEPLOY}`]: 'all' }), group: 'Dashboard' },
        { label: 'Rules', href: alertsHref(project, { tab: 'rules' }), group: 'Alerts' },
        { label: 'Channels', href: alertsHref(project, { tab: 'channels' }), group: 'Alerts' },
        { label: 'Maintenance', href: monitoringHref(project, { tab: 'maintenance' }), group: 'Monitors' },
        { label: 'Status page', href: statusPageHref(project), group: nameOf(own) },
        ...(own.access === 'owner' ? SECTIONS.map(({ id, label }) => ({ label, href: `${toHref('/settings', { project })}#${id}`, group: 'Settings' })) : []),
      ]
    : [];
  const demo = project === 'demo' ? [{ label: 'Dashboard', href: dashboardHref('demo'), group: 'Demo' }, { label: 'Requests', href: explorerHref('demo'), group: 'Demo' }] : [];
  return [
    ...here,
    ...demo,
    ...projects.filter((one) => one !== own).map((one) => ({ label: nameOf(one), href: dashboardHref(one.project_id), group: 'Project' })),
    ...(projects.length ? [{ label: 'All projects', href: toHref('/projects'), group: '' }] : []),
    { label: projects.length ? 'Add existing project' : 'Sign in', href: toHref('/signin'), group: '' },
    { label: 'Start page', href: toHref('/'), group: '' },
    { label: 'Documentation', href: toHref('/docs'), group: '' },
    ...THEMES.map(({ theme, label }) => ({ label, theme, group: '' })),
  ];
}

/** The period and zone are kept from the current page. */
const KEPT = ['period', 'from', 'to', 'tz'];

export function toThing(scope: Scope, subject: Subject, at: URLSearchParams): Command {
  const { path, fixed } = subjectOf(scope, subject);
  const kept: Parameters = Object.fromEntries(KEPT.map((name) => [name, at.get(name) ?? undefined]));
  return { label: toTitle(subject), group: subject.kind === 'endpoint' ? 'Endpoint' : 'Consumer', href: toHref(path, { ...fixed, ...kept }) };
}

/** Commands with all words, those that begin with the first word before the others; then found endpoints and consumers, and last a search
 * through the documentation. */
export function matching(commands: readonly Command[], typed: string, things: readonly Command[] = []): Command[] {
  const words = fold(typed).split(/\s+/).filter(Boolean);
  const first = words[0];
  if (first === undefined) return [...commands];
  const found = commands.filter(({ label, group }) => words.every((word) => fold(`${label} ${group}`).includes(word)));
  const rank = ({ label }: Command) => (fold(label).startsWith(first) ? 0 : 1);
  return [
    ...found.toSorted((a, b) => rank(a) - rank(b)),
    ...things,
    { label: `Search the documentation for “${typed.trim()}”`, href: toHref('/docs/search', { q: typed.trim() }), group: '' },
  ];
}
