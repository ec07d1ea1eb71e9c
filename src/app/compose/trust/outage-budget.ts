// The outage budget, measured by one process for all that share the store.
import { OutageBudget } from '../../../authority/chores/outage-budget.ts';
import type { Config } from '../../../config/schema.ts';
import { readyIssuersOf } from '../../../ports/issuing/issuers.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { Trust } from './trust.ts';

interface Former {
  readonly storage: Pick<Storage, 'evidence' | 'lease' | 'canRecord'>;
  readonly trust: Pick<Trust, 'governed'>;
}

export function composeOutageBudget(
  { sds }: Pick<Config, 'sds'>,
  { clock, events, telemetry, startUp, running, worker }: Foundation,
  { storage: { evidence: reader, lease, canRecord }, trust: { governed } }: Former,
): void {
  // Each worker has the lease of its own journal.
  if (worker !== undefined && worker.slot !== 1) return;
  const canIssue = (): boolean => canRecord() && readyIssuersOf(governed).length > 0;
  const budget = new OutageBudget({ reader, lease, clock, canIssue }, { sdsRenewAt: sds.renewAt });
  telemetry.observeOutageBudget(() => budget.leftMs);
  startUp.at('listen', () => {
    void budget
      .run({ signal: running })
      .catch((cause: unknown) => events.unexpected({ where: 'outage budget', cause }));
  });
}
