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
];

/** @returns the row of the key or section that had this dotted path. */
export function renamedKey(path: string): RenamedKey | undefined {
  return RENAMED_KEYS.find(({ old }) => old === path);
}

/** @returns what is wrong with an old key. */
export function formatRenamed({ now, since }: RenamedKey): string {
  return `is called ${now} since ${since}; \`capstan config migrate\` rewrites the file`;
}

/** @param paths of the keys of today. @returns each that is new by what it was before. */
export function renamedPaths(paths: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    RENAMED_KEYS.flatMap(({ old, now }) =>
      paths.filter((path) => isWithin(path, now)).map((path) => [old + path.slice(now.length), path] as const),
    ),
  );
}

/** @returns whether `path` is `section`, or a key below it. */
export function isWithin(path: string, section: string): boolean {
  return path === section || path.startsWith(`${section}.`);
}
