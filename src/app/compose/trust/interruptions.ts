// When nothing could be issued, and to whom, as this process saw it: for the outage budget, and for whoever says who is overdue.
import { WatchedInterruptions } from '../../../authority/chores/outage/watch-interruptions.ts';
import type { Config } from '../../../config/schema.ts';
import { excusedTimes, type Barred, type ExcusedTime, type Interruption } from '../../../domain/trust/interruption.ts';
import type { NamedIssuer } from '../../../ports/issuing/issuers.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { Trust } from './trust.ts';

export interface KnownInterruptions {
  /** Nothing while it is not known for how long no server ran. */
  readonly felt: () => readonly Interruption[] | undefined;
  /** The time that nobody is late for; as `felt`. */
  readonly excused: () => readonly ExcusedTime[] | undefined;
}

interface Former {
  readonly storage: Pick<Storage, 'evidence'>;
  readonly trust: Pick<Trust, 'governed'>;
  readonly cluster: Pick<Cluster, 'kubernetes'>;
}

/** @returns nothing in a worker that has the lease of its own journal alone. */
export function composeInterruptions(
  { lifetimes, cluster: { id: own } }: Pick<Config, 'lifetimes' | 'cluster'>,
  { clock, events, health, startUp, running: signal, worker }: Foundation,
  { storage: { evidence: reader }, trust: { governed }, cluster: { kubernetes } }: Former,
): KnownInterruptions | undefined {
  if (worker !== undefined && worker.slot !== 1) return undefined;
  const barred = (): readonly Barred[] => {
    const untilMs = clock.nowMs() + lifetimes.min;
    const all = governed.all();
    const nobody =
      health.parts().some(({ state }) => state === 'not ready') || !all.some((issuer) => signs(issuer, untilMs));
    const issuers = all.filter((issuer) => !signs(issuer, untilMs) && !isRetired(issuer));
    const clusters = kubernetes?.clusters.all() ?? [];
    const unknown = clusters.filter(({ workloads }) => workloads.unavailable !== undefined);
    return [
      ...(nobody ? [{}] : []),
      ...issuers.map(({ name }) => ({ issuer: name })),
      ...unknown.map(({ id }) => ({ cluster: id === kubernetes?.clusters.own.id ? '' : id })),
    ];
  };
  const watched = new WatchedInterruptions({ reader, clock, barred }, { longestLeafMs: lifetimes.max });
  startUp.at('listen', () => {
    void watched.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'interruptions', cause }));
  });
  const felt = (): readonly Interruption[] | undefined => watched.felt();
  const excused = (): readonly ExcusedTime[] | undefined => {
    const interruptions = felt();
    return interruptions && excusedTimes(interruptions, { cluster: own });
  };
  return { felt, excused };
}

function signs({ state }: NamedIssuer, untilMs: number): boolean {
  return state.kind === 'ready' && state.issuer.notAfterMs > untilMs;
}

/** It keeps nobody waiting: it will not come back. */
function isRetired({ state }: NamedIssuer): boolean {
  return state.kind !== 'ready' && state.withdrawn === 'retired';
}
