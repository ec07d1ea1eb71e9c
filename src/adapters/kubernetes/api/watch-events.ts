// The body of a watch: one JSON document a line for as long as it is open (Kubernetes API concepts, efficient detection
// of changes).
import { refusalOf } from './api-answer.ts';
import type { WatchEvent } from './kubernetes-api.ts';
import { malformed, servedObject } from './served-object.ts';

/** etcd holds objects of 1.5 MiB; JSON may spell one longer. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** @throws KubernetesApiError as the server says in an ERROR event, or for a line that is no event. */
export async function* watchEvents(body: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent, void, void> {
  for await (const line of linesOf(body)) {
    const event = eventOf(line);
    if (event !== undefined) yield event;
  }
}

async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      const last = chunk.subarray(from, at);
      yield (parts.length === 0 ? last : Buffer.concat([...parts, last])).toString('utf8');
      [parts, length, from] = [[], 0, at + 1];
    }
    length += chunk.length - from;
    if (length > MAX_LINE_BYTES) throw malformed(`a watch event of more than ${MAX_LINE_BYTES} bytes`);
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
}

const TYPES = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const;

/** Nothing for an event of a type that is not known: newer servers may have more of them. */
function eventOf(line: string): WatchEvent | undefined {
  const { type, object } = parsed(line);
  if (type === 'ERROR') throw refusalOf(object.code ?? 500, JSON.stringify(object), undefined);
  if (type === 'BOOKMARK') return { type: 'bookmark', resourceVersion: object.metadata?.resourceVersion ?? '' };
  return Object.hasOwn(TYPES, type)
    ? { type: TYPES[type as keyof typeof TYPES], object: servedObject(object) }
    : undefined;
}

interface Line {
  readonly type: string;
  readonly object: { readonly code?: number; readonly metadata?: { readonly resourceVersion?: string } };
}

function parsed(line: string): Line {
  try {
    const data = JSON.parse(line) as Partial<Line> | null;
    if (typeof data?.type === 'string' && typeof data.object === 'object') return data as Line;
  } catch {
    // Said below, for whatever is no event.
  }
  throw malformed('a watch event that is none');
}
