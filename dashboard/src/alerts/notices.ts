// What a notice's id says: of a monitor's incident it is `monitor-MONITOR-INCIDENT-TRANSITION`.

/** The incident that a notice is about, as its address names it; null where it is about none. */
export function toIncident(notice: string): string | null {
  const [, monitor, incident] = /^monitor-(\d+)-(\d+)-\d+$/.exec(notice) ?? [];
  return monitor && incident ? `${monitor}-${incident}` : null;
}
