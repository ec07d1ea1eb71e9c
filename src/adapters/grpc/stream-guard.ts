// Two things about a request that grpc-js does not look at, seen where HTTP/2 hands the request over.
//
// Node keeps the first of several `authorization` headers and drops the others without a word, so a
// request with two tokens would be judged by one of them. Here all of them are put back, joined as any
// other repeated header is (RFC 9110 section 5.3); two tokens then are no bearer token, and are refused.
//
// And grpc-js calls the handler of a unary method when the whole request is there, however long that
// takes; a deadline of the handler's own comes too late for a request that never ends.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';

/** Published when a stream begins, before its headers reach any listener. */
const STREAM_BEGINS = 'http2.server.stream.start';

export interface GuardSettings {
  /** Paths of the methods whose request is one message. */
  readonly unaryPaths: ReadonlySet<string>;
  /** From the headers to the end of such a request. */
  readonly requestArrivalMs: number;
  /** Called once for each session of this process, when its first stream begins. */
  readonly onSession?: (session: ServerHttp2Session) => void;
}

/**
 * Watches every HTTP/2 server session of this process from its first stream on: the channel is the
 * process's, so have few guards.
 * @returns how to stop.
 */
export function guardStreams(settings: GuardSettings): () => void {
  const watched = new WeakSet<ServerHttp2Session>();
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]): void => {
    joinRepeatedAuthorization(headers, raw);
    if (settings.unaryPaths.has(headers[':path'] ?? '')) boundArrival(stream, settings.requestArrivalMs);
  };
  const onStart = (message: unknown): void => {
    const { stream } = message as { readonly stream: ServerHttp2Stream };
    const session = stream.session as ServerHttp2Session | undefined;
    if (session === undefined || watched.has(session)) return;
    watched.add(session);
    settings.onSession?.(session);
    session.prependListener('stream', onStream);
  };
  subscribe(STREAM_BEGINS, onStart);
  return () => void unsubscribe(STREAM_BEGINS, onStart);
}

/** @param raw names, which HTTP/2 has in lower case, and values in turn. */
function joinRepeatedAuthorization(headers: IncomingHttpHeaders, raw: readonly string[]): void {
  const values = raw.filter((_value, index) => index % 2 === 1 && raw[index - 1] === 'authorization');
  if (values.length > 1) headers.authorization = values.join(', ');
}

/** Absolute, so that a request which arrives byte by byte gains no time. Clients take the code for UNAVAILABLE. */
function boundArrival(stream: ServerHttp2Stream, ms: number): void {
  const timer = setTimeout(() => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_REFUSED_STREAM);
  }, ms);
  stream.once('close', () => clearTimeout(timer));
}
