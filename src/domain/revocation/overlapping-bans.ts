// Whom another ban goes on to concern when one is lifted.
import type { Ban, BanTarget } from './ban.ts';
import { isInForce, type BanLedger } from './ban-ledger.ts';
import { namespaceIn } from './revoked-leaves.ts';

/** @returns bans in force that concern all or some of whom the lifted one concerned, by the same name or their namespace. */
export function stillBanning({ bans }: BanLedger, lifted: Ban, nowMs: number): readonly Ban[] {
  return bans.filter((ban) => ban.id !== lifted.id && isInForce(ban, nowMs) && meets(ban.target, lifted.target));
}

function meets(ban: BanTarget, lifted: BanTarget): boolean {
  const [here, there] = [clusterOf(ban), clusterOf(lifted)];
  if (here !== undefined && there !== undefined && here !== there) return false;
  const identity = 'identity' in lifted ? lifted.identity : undefined;
  switch (ban.kind) {
    case 'serial':
      return lifted.kind === 'serial' && ban.proofId === lifted.proofId;
    case 'identity':
      return ban.identity === identity;
    case 'namespace':
      return ban.namespace === (lifted.kind === 'namespace' ? lifted.namespace : identity && namespaceIn(identity));
    case 'node':
      return lifted.kind === 'node' && ban.node === lifted.node;
  }
}

function clusterOf(target: BanTarget): string | undefined {
  return target.kind === 'serial' ? undefined : target.cluster;
}
