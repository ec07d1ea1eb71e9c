// A bounded number of connections to whichever host takes writes. A connection is opened when one is wanted and none is
// free; after a failover that is how the new primary is found.
import { AuthorityError } from '../../../../domain/errors.ts';
import { abortable, orAborted } from '../../../../live/abortable.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { Row } from '../../records.ts';
import { onNewestTimeline } from './newest-timeline.ts';
import { PostgresConnection, type Value } from './postgres-connection.ts';
import { PostgresProblem } from './postgres-problem.ts';
import type { PostgresHost, PostgresSettings } from './settings.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Questions that wait for a connection; one more is refused. */
const MAX_WAITING = 1_000;

export class PostgresPool implements AsyncDisposable {
  readonly #parts: { readonly clock: Pick<Clock, 'after' | 'monotonicMs'> };
  readonly #settings: PostgresSettings;
  #idle: PostgresConnection[] = [];
  /** Open, or being opened. */
  #taken = 0;
  readonly #waiting: (() => void)[] = [];
  /** The one that took writes last is asked first. */
  #writable: PostgresHost | undefined;
  #closed = false;

  /** Connects to nothing before it is asked. */
  constructor(parts: { readonly clock: Pick<Clock, 'after' | 'monotonicMs'> }, settings: PostgresSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * One statement, in a transaction of its own, within about twice `statementTimeout`, and as long again when all
   * connections are in use. What runs when the signal aborts goes on to its end, unheard.
   * @returns the rows, by the names of their columns; a bigint is a number.
   * @throws AuthorityError CAP-S04, its cause a PostgresProblem; the signal's reason.
   */
  async query(text: string, values: readonly Value[], options: Waits): Promise<readonly Row[]> {
    return this.use(async (connection) => connection.query({ text, values }), options);
  }

  /** As `query`, for what changes something: durable when it resolves, on every synchronous standby too. */
  async commit(text: string, values: readonly Value[], options: Waits): Promise<readonly Row[]> {
    return this.use(async (connection) => connection.commit({ text, values }), options);
  }

  /** As `query`, with all statements of `work` in one transaction. */
  async transaction<T>(work: (connection: PostgresConnection) => Promise<T>, options: Waits): Promise<T> {
    return this.use(async (connection) => {
      await connection.run('BEGIN');
      try {
        const result = await work(connection);
        await connection.commit({ text: 'COMMIT' });
        return result;
      } catch (cause) {
        if (connection.usable) await connection.run('ROLLBACK').catch(() => connection.destroy());
        throw cause;
      }
    }, options);
  }

  /**
   * Lends a connection to `work` alone.
   * @throws AuthorityError as `query`; whatever else `work` throws.
   */
  async use<T>(work: (connection: PostgresConnection) => Promise<T>, options: Waits): Promise<T> {
    try {
      const connection = await this.#acquire(options);
      const working = work(connection).finally(() => this.#release(connection));
      return await orAborted(working, options.signal);
    } catch (cause) {
      if (!(cause instanceof PostgresProblem)) throw cause;
      // The others go to the same host.
      if (cause.passing) this.#dropIdle();
      throw new AuthorityError('CAP-S04', { cause });
    }
  }

  /** Closes what is free; what is in use is closed when it is given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const idle = this.#idle.splice(0);
    this.#taken -= idle.length;
    await Promise.all(idle.map(async (connection) => connection.close()));
  }

  async #acquire({ signal }: Waits): Promise<PostgresConnection> {
    signal.throwIfAborted();
    for (;;) {
      if (this.#closed) throw new PostgresProblem('unreachable', 'the connections to PostgreSQL are closed');
      const free = this.#idle.pop();
      if (free !== undefined) return free;
      if (this.#taken < this.#settings.maxConnections) {
        const opening = this.#opened();
        return orAborted(opening, signal).catch((cause: unknown) => {
          // Nobody waits for it any more; the next one finds it free.
          opening.then((connection) => this.#release(connection)).catch(() => undefined);
          throw cause;
        });
      }
      await this.#oneFree(signal);
    }
  }

  async #opened(): Promise<PostgresConnection> {
    this.#taken += 1;
    try {
      const connection = await this.#connect();
      connection.onEnd = () => this.#forget(connection);
      return connection;
    } catch (cause) {
      this.#gone();
      throw cause;
    }
  }

  /**
   * All at once, so that hosts that are silent cost one time-out together; of those that take writes the newest timeline
   * counts, then the first, so that all servers choose alike while a former primary is still up.
   */
  async #connect(): Promise<PostgresConnection> {
    const { hosts } = this.#settings;
    const first = this.#writable;
    const inOrder = first === undefined ? hosts : [first, ...hosts.filter((host) => host !== first)];
    const attempts = inOrder.map(async (host) => PostgresConnection.open(this.#parts, this.#settings, host));
    const results = attempts.map(async (attempt) =>
      attempt.then(undefined, (cause: unknown) => cause as PostgresProblem),
    );
    let chosen: PostgresConnection | undefined;
    const problems: PostgresProblem[] = [];
    for (const result of results) {
      const found = await result;
      if (found instanceof PostgresProblem) problems.push(found);
      else {
        chosen = results.length === 1 ? found : await onNewestTimeline(this.#parts.clock, found, results);
        break;
      }
    }
    for (const result of results) void result.then((found) => (found === chosen ? undefined : discard(found)));
    if (chosen === undefined) throw summary(problems);
    this.#writable = chosen.host;
    return chosen;
  }

  #release(connection: PostgresConnection): void {
    if (!connection.usable) {
      this.#gone();
    } else if (this.#closed) {
      this.#gone();
      void connection.close();
    } else {
      this.#idle.push(connection);
      this.#waiting.shift()?.();
    }
  }

  #dropIdle(): void {
    for (const connection of this.#idle.splice(0)) {
      this.#gone();
      connection.destroy();
    }
  }

  /** One that ends while it is in use is seen when it is given back. */
  #forget(connection: PostgresConnection): void {
    const index = this.#idle.indexOf(connection);
    if (index === -1) return;
    this.#idle.splice(index, 1);
    this.#gone();
  }

  #gone(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
  }

  async #oneFree(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new PostgresProblem('unreachable', `${MAX_WAITING} questions to PostgreSQL wait already`);
    }
    const withinMs = 2 * this.#settings.statementTimeout;
    await abortable<undefined>(signal, ({ resolve, reject }) => {
      const free = (): void => resolve(undefined);
      const late = this.#parts.clock.after(withinMs, () =>
        reject(new PostgresProblem('unreachable', `no connection to PostgreSQL was free within ${withinMs} ms`)),
      );
      this.#waiting.push(free);
      return () => {
        late();
        const index = this.#waiting.indexOf(free);
        if (index !== -1) this.#waiting.splice(index, 1);
      };
    });
  }
}

/** Reached in time, and not needed: another was before it. */
function discard(found: PostgresConnection | PostgresProblem): void {
  if (found instanceof PostgresConnection) void found.close();
}

/** What only an operator can change is said before what may pass, unless a host that would do is only away. */
function summary(problems: readonly PostgresProblem[]): PostgresProblem {
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) return first;
  const every = problems.every(({ kind }) => kind === 'misconfigured');
  return new PostgresProblem(
    every ? 'misconfigured' : 'unreachable',
    problems.map(({ message }) => message).join('; '),
  );
}
