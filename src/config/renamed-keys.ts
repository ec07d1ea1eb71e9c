// Keys that have another name now. A configuration that still has the old one is refused with the new one;
// `capstan config migrate` rewrites the file. Rows stay as long as anybody may upgrade from a release before them.

export interface RenamedKey {
  /** Dotted path of a key, or of a section, which then moved with all its keys. */
  readonly old: string;
  /** In use today: when a key is renamed again, this changes and a row is added. */
  readonly now: string;
  /** The release that has the new name first. */
  readonly since: string;
}

export const RENAMED_KEYS: readonly RenamedKey[] = [
  { old: 'listen.unprovenShare', now: 'listen.unauthenticatedShare', since: '0.2.0' },
  { old: 'listen.unprovenTimeout', now: 'listen.unauthenticatedTimeout', since: '0.2.0' },
  { old: 'journal.file', now: 'journal.store', since: '0.2.0' },
];

/** @returns the row of the key or section that had this dotted path. */
export function renamedKey(path: string): RenamedKey | undefined {
  return RENAMED_KEYS.find(({ old }) => old === path);
}

/** @param paths of the keys of today. @returns a row for each that was renamed, also where its section was. */
export function renamedWithin(paths: readonly string[]): readonly RenamedKey[] {
  return RENAMED_KEYS.flatMap(({ old, now, since }) =>
    paths
      .filter((path) => isWithin(path, now))
      .map((path) => ({ old: old + path.slice(now.length), now: path, since })),
  );
}

/** @returns whether `path` is `section`, or a key below it. */
export function isWithin(path: string, section: string): boolean {
  return path === section || path.startsWith(`${section}.`);
}
