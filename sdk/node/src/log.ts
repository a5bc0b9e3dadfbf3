// Where messages go. A library must not fill its host's output, so only what nobody would find out otherwise is printed: a wrong or
// missing key and a setting that cannot be used, once each. All else is shown with NODE_DEBUG=api-analytics.

type Debug = (message: string, ...given: unknown[]) => void;

let show: Debug = () => undefined;

export const debug: Debug = (message, ...given) => show(message, ...given);

/** Once a process, by the part that knows the runtime. */
export function showDebug(how: Debug): void {
  show = how;
}

export function complain(message: string): void {
  try {
    // A part of it may be what a server sent, and nobody else's lines may appear in a log.
    console.error(`api-analytics: ${message.replace(/\p{Cc}/gu, ' ')}`);
  } catch {
    // A host may have closed or replaced its output.
  }
}
