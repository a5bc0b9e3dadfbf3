// The name of a downloaded file: project, content and period.

/** Days in UTC, like the file's own times. */
export function fileName(project: string | undefined, what: string, period: { from: string; to: string } | null, end: string): string {
  const safe = (project || 'api-analytics').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'api-analytics';
  const days = period ? `-${period.from.slice(0, 10)}-to-${period.to.slice(0, 10)}` : '';
  return `${safe}-${what}${days}.${end}`;
}
