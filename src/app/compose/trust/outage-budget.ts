// The outage budget, measured by one process for all that share the store.
import { OutageBudget } from '../../../authority/chores/outage-budget.ts';
import type { Config } from '../../../config/schema.ts';
import type { Barred } from '../../../domain/trust/outage-budget.ts';
import type { NamedIssuer } from '../../../ports/issuing/issuers.ts';
import type { Cluster } from '../cluster.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { Trust } from './trust.ts';

interface Former {
  readonly storage: Pick<Storage, 'evidence' | 'lease'>;
  readonly trust: Pick<Trust, 'governed'>;
  readonly cluster: Pick<Cluster, 'kubernetes'>;
}

export function composeOutageBudget(
  { sds, lifetimes }: Pick<Config, 'sds' | 'lifetimes'>,
  { clock, events, health, telemetry, startUp, running, worker }: Foundation,
  { storage: { evidence: reader, lease }, trust: { governed }, cluster: { kubernetes } }: Former,
): void {
  // Each worker has the lease of its own journal.
  if (worker !== undefined && worker.slot !== 1) return;
  const barred = (): readonly Barred[] => {
    const nowMs = clock.nowMs();
    const nobody = health.parts().some(({ state }) => state === 'not ready');
    const issuers = governed.all().filter((issuer) => !signs(issuer, nowMs + lifetimes.min));
    const clusters = kubernetes?.clusters.all() ?? [];
    const unknown = clusters.filter(({ workloads }) => workloads.unavailable !== undefined);
    return [
      ...(nobody ? [{}] : []),
      ...issuers.map(({ name }) => ({ issuer: name })),
      ...unknown.map(({ id }) => ({ cluster: id === kubernetes?.clusters.own.id ? '' : id })),
    ];
  };
  const settings = { sdsRenewAt: sds.renewAt, longestLeafMs: lifetimes.max };
  const budget = new OutageBudget({ reader, lease, clock, barred }, settings);
  telemetry.observeOutageBudget(() => budget.leftMs);
  startUp.at('listen', () => {
    void budget
      .run({ signal: running })
      .catch((cause: unknown) => events.unexpected({ where: 'outage budget', cause }));
  });
}

/** One that is retired has nobody whom it keeps waiting. */
function signs({ state }: NamedIssuer, untilMs: number): boolean {
  if (state.kind === 'ready') return state.issuer.notAfterMs > untilMs;
  return state.withdrawn === 'retired';
}
