// What operators are shown of bans, and do against workloads.
import type { BansParts } from '../../../adapters/http/admin/administer-bans.ts';
import { BanActs } from '../../../authority/administration/ban-acts.ts';
import { BanEffects } from '../../../authority/administration/ban-effects.ts';
import { BanTargets } from '../../../authority/administration/ban-targets.ts';
import type { Config } from '../../../config/schema.ts';
import type { Foundation } from '../foundation.ts';
import type { Policy } from '../policy/policy.ts';
import type { Cluster } from '../cluster.ts';
import type { Storage } from '../storage.ts';
import type { FollowedLedgers } from '../stores/followed-ledgers.ts';

interface Former {
  readonly cluster: Cluster;
  readonly storage: Pick<Storage, 'revokedLeaves'>;
  readonly ledgers: Pick<FollowedLedgers, 'bans'>;
  readonly policy: Policy;
}

export function composeBanAdministration(
  { lifetimes, cluster: { id: own }, journal }: Config,
  { clock, events, running: signal }: Foundation,
  {
    cluster: { kubernetes },
    storage: { revokedLeaves: leaves },
    ledgers: { bans: ledger },
    policy: { policies },
  }: Former,
): BansParts {
  const longestLeafMs = lifetimes.max;
  const remoteClusters = (): readonly string[] =>
    (kubernetes?.clusters.all() ?? []).flatMap(({ id }) => (id === own ? [] : [id]));
  const targets = new BanTargets({ leaves, clock, remoteClusters }, { longestLeafMs, cluster: own });
  const effects = new BanEffects({ leaves, clock }, { longestLeafMs, shared: journal.store.kind === 'postgres' });
  const acts = new BanActs({ ledger, targets, effects, policies, clock, events }, { longestLeafMs });
  return {
    list: async () => acts.list(),
    revoke: async (asked, operator) => acts.revoke(asked, operator, { signal }),
    lift: async (asked, operator) => acts.lift(asked, operator, { signal }),
    pending: async () => acts.pending(),
    approve: async (digest, operator) => acts.approve(digest, operator, { signal }),
  };
}
