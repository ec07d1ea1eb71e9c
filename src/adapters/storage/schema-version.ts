// Who may use a store: one rule for every kind of store (docs/decisions/0050). A newer version of Capstan migrates a store, and
// the version before goes on with it when the migration only added what it need not know. So the servers of a rolling
// upgrade share one store, and a server can be put back. Versions here are those of the schema.

export interface SchemaVersion {
  /** Of the newest server that has migrated the store. */
  readonly version: number;
  /** The oldest whose servers can use the store as it is now; they leave its schema alone. */
  readonly usableFrom: number;
}

/**
 * @param known the version of the server that wants to use the store.
 * @returns why it may not, to follow the store's name; nothing when it may.
 */
export function unusable({ version, usableFrom }: SchemaVersion, known: number): string | undefined {
  if (known >= Math.min(version, usableFrom)) return undefined;
  const found = usableFrom < version ? `${version}, for Capstans that know ${usableFrom} or later` : String(version);
  return `has schema version ${found}, and this Capstan knows ${known}; run the newer Capstan that wrote it`;
}
