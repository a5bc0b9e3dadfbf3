// Maps that all copies of this package in a process share (an app may load it as a module and by `require`).

const shared = globalThis as unknown as Record<symbol, WeakMap<object, unknown> | undefined>;

/** The process's map of that name, whose values copies of other versions may have made. */
export function sharedMap<K extends object, V>(name: string): WeakMap<K, V> {
  return (shared[Symbol.for(`api-analytics-client.${name}`)] ??= new WeakMap<object, unknown>()) as WeakMap<K, V>;
}
