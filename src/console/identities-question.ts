// What the server is asked for the page of identities.
import { parseDuration } from '../domain/text/duration.ts';
import { isUid } from '../domain/text/uid.ts';
import { serverNowMs } from './ask.ts';

/** Of one page. */
const ROWS = 100;

/** The address says how long from now on, and a pod by its name or UID; the server is asked of a moment, and of the one or the other. */
export function questionOf(query: URLSearchParams): string {
  const asked = new URLSearchParams(query);
  asked.set('limit', String(ROWS));
  asked.delete('endsWithin');
  const pod = query.get('podName');
  if (pod !== null && isUid(pod)) {
    asked.delete('podName');
    asked.set('podUid', pod);
  }
  const within = query.get('endsWithin');
  if (within !== null) {
    const ms = parseDuration(within);
    // What is no length of time the server says.
    asked.set('endsBeforeMs', typeof ms === 'number' ? String(Math.round(serverNowMs() + ms)) : within);
  }
  return `/api/inventory?${asked.toString()}`;
}
