// Parses ids of notices: that of a monitor's incident is `monitor-MONITOR-INCIDENT-TRANSITION`.

/** The id of the incident that a notice is about; null if there is none. */
export function toIncident(notice: string): string | null {
  const [, monitor, incident] = /^monitor-(\d+)-(\d+)-\d+$/.exec(notice) ?? [];
  return monitor && incident ? `${monitor}-${incident}` : null;
}
