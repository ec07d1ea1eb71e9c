// Methods of which the platform makes no `Request` (Fetch standard, section 2.2.1). Where requests are handed on as data, such a one
// is refused by whoever hands it on: it is the caller's mistake, and no fault of the server.
const FORBIDDEN: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** JSON, as an answer of status 405 has it. */
export const METHOD_NOT_ALLOWED = JSON.stringify({ error: 'method not allowed' });

export function isForbiddenMethod(method: string): boolean {
  return FORBIDDEN.has(method);
}
