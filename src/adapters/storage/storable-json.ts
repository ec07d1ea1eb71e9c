// Records as one text of JSON, as it crosses to the thread or the database that stores them.

/** Escapes in JSON of what no text of PostgreSQL holds, and none of SQLite whole: U+0000, and half of a surrogate pair. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** @returns JSON of the records; what a caller put in that is not stored stands there as U+FFFD. */
export function recordsAsJson(records: readonly object[]): string {
  const json = JSON.stringify(records);
  return json.includes('\\u') ? json.replace(UNSTORABLE, '$1\\ufffd') : json;
}

/** @param json as `recordsAsJson` made it of the records. @returns them as they will be read back. */
export function storedRecords<T extends object>(json: string, records: readonly T[]): readonly T[] {
  return json.includes('\\u') ? (JSON.parse(json) as readonly T[]) : records;
}
