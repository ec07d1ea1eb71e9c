// Where in a text something stands, and what is wrong there: problems of files that people wrote.

/** Lines and columns count from 1, as editors do. */
export interface Position {
  /** What an operator calls the text: a file's path. */
  readonly place: string;
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  readonly position: Position;
  /** The field, dotted from the top of its document: `spec.narrow.ttl.max`; empty for the document itself. */
  readonly path: string;
  readonly problem: string;
}

/** `file:line:column`, which terminals and editors turn into a link. */
export function formatPosition({ place, line, column }: Position): string {
  return `${place}:${line}:${column}`;
}
