// Node keeps the first of several `authorization` headers and drops the others without a word, so a
// request with two tokens would be judged by one of them. Here all of them are put back, joined as any
// other repeated header is (RFC 9110 section 5.3); two tokens then are no bearer token, and are refused.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';

/** Published when a stream begins, before its headers reach any listener. */
const STREAM_BEGINS = 'http2.server.stream.start';

type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  raw: readonly string[],
) => void;

/**
 * Watches every HTTP/2 server session of this process from its first stream on.
 * @returns how to stop.
 */
export function joinRepeatedAuthorization(): () => void {
  const watched = new WeakSet<ServerHttp2Session>();
  const onStart = (message: unknown): void => {
    const { session } = (message as { stream: ServerHttp2Stream }).stream;
    if (session === undefined || watched.has(session as ServerHttp2Session)) return;
    watched.add(session as ServerHttp2Session);
    const onStream: OnStream = (_stream, headers, _flags, raw) => join(headers, raw);
    session.prependListener('stream', onStream);
  };
  subscribe(STREAM_BEGINS, onStart);
  return () => void unsubscribe(STREAM_BEGINS, onStart);
}

/** `raw` alternates names, which HTTP/2 has in lower case, and values. */
function join(headers: IncomingHttpHeaders, raw: readonly string[]): void {
  const first = raw.indexOf('authorization');
  if (first < 0 || raw.indexOf('authorization', first + 1) < 0) return;
  headers.authorization = raw
    .filter((_value, index) => raw[index - 1] === 'authorization' && index % 2 === 1)
    .join(', ');
}
