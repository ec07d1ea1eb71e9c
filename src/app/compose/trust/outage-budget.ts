// The outage budget, measured by one process for all that share the store.
import { OutageBudget } from '../../../authority/chores/outage/outage-budget.ts';
import type { Config } from '../../../config/schema.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { KnownInterruptions } from './interruptions.ts';

interface Former {
  readonly storage: Pick<Storage, 'evidence' | 'lease'>;
  readonly interruptions: KnownInterruptions | undefined;
}

export function composeOutageBudget(
  { sds }: Pick<Config, 'sds'>,
  { clock, events, telemetry, startUp, running: signal }: Foundation,
  { storage: { evidence: reader, lease }, interruptions }: Former,
): void {
  if (interruptions === undefined) return;
  const budget = new OutageBudget({ reader, lease, clock, interruptions }, { sdsRenewAt: sds.renewAt });
  telemetry.observeOutageBudget(() => budget.leftMs);
  startUp.at('listen', () => {
    void budget.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'outage budget', cause }));
  });
}
