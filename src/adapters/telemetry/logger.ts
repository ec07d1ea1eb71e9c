// The log: one JSON object per line, written in the background so that issuing never waits for
// whoever reads it. The bound on what waits is here; what exceeds it is dropped and counted.
import { pino, type DestinationStream, type Logger } from 'pino';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { AuthorityError } from '../../domain/errors.ts';
import { codeOf, writingProblem } from '../../domain/text/system-error.ts';
import { relayLines, type LineSink } from './log-relay.ts';
import { scrubSecrets } from './scrub.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogSettings {
  readonly level: LogLevel;
  /** A file descriptor, a file's path (appended to), or a stream in tests. */
  readonly destination: number | string | DestinationStream;
  /** The number of the worker that this process is: each line says it. */
  readonly worker?: number;
}

/**
 * Lines are gathered until this many bytes wait ... A write is handed to a thread and costs more than the lines in it; the
 * library takes less than 16 KiB.
 */
const WRITE_AT_BYTES = 15 * 1024;
/** ... or this long has passed. */
const FLUSH_EVERY_MS = 200;
/** Most that may wait for a slow reader: about 30,000 lines. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Noise stops at half of it, so that the other half is left to what the CA has to tell. */
const MAX_WAITING_NOISE_BYTES = MAX_WAITING_BYTES / 2;
/** Lines of workers wait in their pipes, and with the workers, while so much waits here. */
const ROOMY_BYTES = 1024 * 1024;
/** ... and no longer: a worker that ends must get rid of its last lines, though they be dropped here. */
const ROOMY_WITHIN_MS = 1_000;
/** Longest that shutting down waits for the last lines. */
const CLOSE_WITHIN_MS = 2000;

export interface Log extends AsyncDisposable {
  readonly logger: Logger;
  /** For lines that clients can cause in any number: dropped first when the reader of the log is slow. */
  readonly noise: Logger;
  /** Writes the lines of another process, which ended each by its own rules; resolves when there are no more. */
  readonly relay: (from: Readable) => Promise<void>;
}

/**
 * @param onDropped called for each line that is lost.
 * @throws AuthorityError CAP-X03 naming a file that cannot be written.
 */
export function openLog(settings: LogSettings, onDropped: () => void): Log {
  const { destination, level, worker } = settings;
  if (typeof destination === 'string') demandWritable(destination);
  const sink =
    typeof destination === 'object' ? streamSink(destination, onDropped) : backgroundSink(destination, onDropped);
  const base = worker === undefined ? null : { worker };
  return {
    logger: loggerTo(sink.stream, level, base),
    noise: loggerTo(sink.noise, level, base),
    relay: async (from) => relayLines(from, sink.lines),
    [Symbol.asyncDispose]: sink.close,
  };
}

/** The library opens it later, and without a file its first flush throws where nobody can catch it. */
function demandWritable(file: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  try {
    closeSync(openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666));
  } catch (cause) {
    // A named pipe whose reader has yet to come (fifo(7)).
    if (codeOf(cause) === 'ENXIO') return;
    throw new AuthorityError('CAP-X03', { detail: `the log file ${file} ${writingProblem(cause)}`, cause });
  }
}

function loggerTo(stream: DestinationStream, level: LogLevel, base: { readonly worker: number } | null): Logger {
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: scrubSecrets },
    },
    stream,
  );
}

interface Sink {
  readonly stream: DestinationStream;
  readonly noise: DestinationStream;
  readonly lines: LineSink;
  readonly close: () => Promise<void>;
}

function streamSink(stream: DestinationStream, dropped: () => void): Sink {
  const lines = { write: (line: string) => stream.write(line), roomy: async () => undefined, dropped };
  return { stream, noise: stream, lines, close: async () => undefined };
}

function backgroundSink(destination: number | string, onDropped: () => void): Sink {
  const background = pino.destination({
    dest: destination,
    sync: false,
    minLength: WRITE_AT_BYTES,
    maxLength: MAX_WAITING_BYTES,
    periodicFlush: FLUSH_EVERY_MS,
  });
  let open = true;
  let waitingBytes = 0;
  background.on('write', (bytes) => (waitingBytes -= bytes));
  background.on('drop', (line: string) => {
    waitingBytes -= Buffer.byteLength(line);
    onDropped();
  });
  const write = (line: string): void => {
    if (!open) {
      onDropped();
      return;
    }
    waitingBytes += Buffer.byteLength(line);
    background.write(line);
  };
  survivingWriteErrors(background);
  const roomy = async (): Promise<void> => {
    const enough = AbortSignal.timeout(ROOMY_WITHIN_MS);
    while (open && waitingBytes > ROOMY_BYTES && !enough.aborted)
      await once(background, 'write', { signal: enough }).catch(() => undefined);
  };
  return {
    stream: { write },
    lines: { write, roomy, dropped: onDropped },
    noise: { write: (line) => (waitingBytes < MAX_WAITING_NOISE_BYTES ? write(line) : onDropped()) },
    close: async () => {
      if (!open) return;
      open = false;
      const closed = Promise.withResolvers<boolean>();
      const deadline = setTimeout(() => closed.resolve(false), CLOSE_WITHIN_MS);
      background.once('close', () => closed.resolve(true));
      // What cannot be written now will not be written later.
      background.once('error', () => closed.resolve(false));
      background.end();
      if (!(await closed.promise)) background.destroy();
      clearTimeout(deadline);
    },
  };
}

/**
 * A full disk or a closed pipe must not stop a CA that can still record its decisions in the
 * journal: lines wait for the next write, and are dropped and counted once the bound is reached.
 * Nor may it hold up an exit: the flush that the library hooks to it retries for ever, so there is
 * none while writing fails.
 */
function survivingWriteErrors(background: ReturnType<typeof pino.destination>): void {
  const flushSync = background.flushSync.bind(background);
  background.on('error', () => (background.flushSync = () => undefined));
  background.on('write', () => (background.flushSync = flushSync));
}
