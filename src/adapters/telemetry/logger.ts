// The log: one JSON object per line, written in the background so that issuing never waits for
// whoever reads it. The bound on what waits is here; what exceeds it is dropped and counted.
import { pino, type DestinationStream, type Logger } from 'pino';
import { scrubSecrets } from './scrub.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogSettings {
  readonly level: LogLevel;
  /** A file descriptor, a file's path (appended to), or a stream in tests. */
  readonly destination: number | string | DestinationStream;
}

/** Lines are gathered until this many bytes wait ... */
const WRITE_AT_BYTES = 4096;
/** ... or this long has passed. */
const FLUSH_EVERY_MS = 200;
/** Most that may wait for a slow reader: about 30,000 lines. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Noise stops at half of it, so that the other half is left to what the CA has to tell. */
const MAX_WAITING_NOISE_BYTES = MAX_WAITING_BYTES / 2;
/** Longest that shutting down waits for the last lines. */
const CLOSE_WITHIN_MS = 2000;

export interface Log extends AsyncDisposable {
  readonly logger: Logger;
  /** For lines that clients can cause in any number: dropped first when the reader of the log is slow. */
  readonly noise: Logger;
}

/** @param onDropped called for each line that is lost. */
export function openLog(settings: LogSettings, onDropped: () => void): Log {
  const { destination, level } = settings;
  const sink =
    typeof destination === 'object'
      ? { stream: destination, noise: destination, close: async () => undefined }
      : backgroundSink(destination, onDropped);
  return {
    logger: loggerTo(sink.stream, level),
    noise: loggerTo(sink.noise, level),
    [Symbol.asyncDispose]: sink.close,
  };
}

function loggerTo(stream: DestinationStream, level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
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
  readonly close: () => Promise<void>;
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
  return {
    stream: { write },
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
