// The configuration in force as people may see it: every key as it was written, where that was, and
// nothing of a key that may carry a credential.
import type { Key } from './key.ts';
import { KEYS, type Entry } from './sources.ts';

export interface ShownKey {
  readonly path: string;
  /** As written in a file; `undefined` when the key is absent and has no default. */
  readonly value: unknown;
  /** Where it was said; `default` when nowhere. */
  readonly from: string;
}

const HIDDEN = '(hidden)';

/** @param entries what the sources said, as `loadConfig` returns it. */
export function showConfig(entries: ReadonlyMap<string, Entry>): readonly ShownKey[] {
  return [...KEYS].map(([path, key]) => {
    const entry = entries.get(path);
    return entry === undefined
      ? { path, value: key.fallback, from: 'default' }
      : { path, value: redacted(key, entry.value), from: entry.where([]) };
  });
}

function redacted({ traits }: Key<unknown>, value: unknown): unknown {
  return traits.secret === true ? HIDDEN : value;
}
