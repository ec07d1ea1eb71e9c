// All streams of the process: how many there may be, and the one clock that looks after them.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { Caller } from '../../../../domain/identity/caller.ts';
import { workloadKey } from '../../../../domain/identity/workload-key.ts';
import type { GoneCallers } from '../../../../authority/surface/surface.ts';
import { every } from '../../../../live/every.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { ListenerView } from '../../listeners/listener-view.ts';
import type { AnyStream } from '../secret-stream.ts';
import { CountByKey } from './count-by-key.ts';

export interface RegisterSettings {
  /** At a time, over all listeners; those that are being authenticated count. */
  readonly maxStreams: number;
  /** At a time, of one workload. */
  readonly maxStreamsPerCaller: number;
  /** At a time, of all workloads of one namespace; and of those being authenticated, of one owner of connections. */
  readonly maxStreamsPerNamespace: number;
}

/** How exact the deadlines of streams are. */
export const SWEEP_MS = 1_000;

export class StreamRegister {
  readonly #settings: RegisterSettings;
  readonly #open = new Set<AnyStream>();
  /** The same, by namespace. */
  readonly #byNamespace = new Map<string, Set<AnyStream>>();
  readonly #perCaller = new CountByKey();
  readonly #perNamespace = new CountByKey();
  /** Streams being authenticated, by the owner of their connection: while a key server is slow, one owner must not take all. */
  readonly #beingAuthenticated = new CountByKey();
  #admitted = 0;

  constructor(settings: RegisterSettings) {
    this.#settings = settings;
  }

  get open(): number {
    return this.#open.size;
  }

  /**
   * Takes a place before anything is known of the caller; `authenticationDone` has to follow.
   * @param owner `ListenerView.ownerOf` the call.
   * @throws AuthorityError CAP-Q01 when there is none, or the owner has its share of those.
   */
  admit(owner: string): void {
    const { maxStreams, maxStreamsPerNamespace } = this.#settings;
    const full = this.#admitted >= maxStreams;
    if (full || this.#beingAuthenticated.of(owner) >= maxStreamsPerNamespace) {
      throw new AuthorityError('CAP-Q01', {
        detail: full ? 'too many streams are open' : 'too many streams of one source are being authenticated',
      });
    }
    this.#admitted += 1;
    this.#beingAuthenticated.change(owner, 1);
  }

  /** The caller is authenticated, or refused. */
  authenticationDone(owner: string): void {
    this.#beingAuthenticated.change(owner, -1);
  }

  /** Gives back a place that no stream came to fill. */
  releasePlace(): void {
    this.#admitted -= 1;
  }

  /** @throws AuthorityError CAP-Q01 when the caller, or its namespace, has too many already. */
  demandRoomFor(caller: Caller): void {
    const { maxStreamsPerCaller, maxStreamsPerNamespace } = this.#settings;
    const { namespace } = caller.identity;
    if (this.#perCaller.of(workloadKey(caller)) >= maxStreamsPerCaller) {
      throw new AuthorityError('CAP-Q01', { detail: 'the caller has too many streams open' });
    }
    const open = this.#perNamespace.of(namespace);
    if (open >= maxStreamsPerNamespace) {
      throw new AuthorityError('CAP-Q01', { detail: `namespace ${namespace} has ${open} streams open, its share` });
    }
  }

  /** Fills an admitted place. */
  add(stream: AnyStream): void {
    this.#open.add(stream);
    const { namespace } = stream.watcher.caller.identity;
    const those = this.#byNamespace.get(namespace) ?? new Set();
    this.#byNamespace.set(namespace, those.add(stream));
    this.#count(stream, 1);
  }

  remove(stream: AnyStream): void {
    if (!this.#open.delete(stream)) return;
    this.#admitted -= 1;
    const { namespace } = stream.watcher.caller.identity;
    const those = this.#byNamespace.get(namespace);
    those?.delete(stream);
    if (those?.size === 0) this.#byNamespace.delete(namespace);
    this.#count(stream, -1);
  }

  #count({ watcher: { caller } }: AnyStream, change: 1 | -1): void {
    this.#perCaller.change(workloadKey(caller), change);
    this.#perNamespace.change(caller.identity.namespace, change);
  }

  endAllOf(listener: ListenerView, error: unknown): void {
    for (const stream of this.#open) if (stream.listener === listener) stream.end(error);
  }

  /** Ends the streams of workloads that are gone. */
  endOfGone(gone: GoneCallers): void {
    const { namespace } = gone;
    for (const stream of namespace === undefined ? this.#open : (this.#byNamespace.get(namespace) ?? [])) {
      if (gone.concerns(stream.watcher.caller)) stream.end(gone.error);
    }
  }

  /** Ends the streams of one connection. */
  endOfConnection(listener: ListenerView, remoteAddress: string, error: unknown): void {
    for (const stream of this.#open)
      if (stream.listener === listener && stream.watcher.remoteAddress === remoteAddress) stream.end(error);
  }

  /** Looks at the times of all streams, again and again, until the signal aborts. */
  async sweep(clock: Clock, options: { readonly signal: AbortSignal }): Promise<void> {
    const checkAll = (): void => {
      const monotonicMs = clock.monotonicMs();
      for (const stream of this.#open) stream.checkTime(monotonicMs);
    };
    await every(SWEEP_MS, clock, checkAll, options);
  }
}
