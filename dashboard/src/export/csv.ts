// Rows to a CSV file (RFC 4180), made in the browser from the shown data. Text that a spreadsheet would run as a formula gets a leading
// apostrophe, as in the server's own exports.

export type Cell = string | number | null;

export function toCsv(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

export function download(name: string, text: string) {
  // A spreadsheet only recognises UTF-8 by a byte order mark.
  save(name, new Blob(['\uFEFF', text], { type: 'text/csv;charset=utf-8' }));
}

export function save(name: string, blob: Blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
