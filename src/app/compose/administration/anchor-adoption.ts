// Has issuers in folders sign below the anchor that the rotation is at. Of several processes the one in slot 1 does it.
import { AnchorAdoption } from '../../../authority/chores/adopt-anchors.ts';
import { anchorsAbove } from '../../../domain/trust/anchors-above.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { IssuerGenerations } from '../../../ports/issuing/issuer-generations.ts';
import type { TrustAnchors } from '../../../ports/issuing/trust-anchors.ts';
import type { Foundation } from '../foundation.ts';
import type { Trust } from '../trust/trust.ts';

export function composeAdoption(
  { clock, events, health, startUp, running: signal, worker }: Foundation,
  parts: Pick<Trust, 'ledger' | 'anchorLedger'> & {
    readonly generations: IssuerGenerations;
    readonly anchors: TrustAnchors;
  },
): void {
  if (worker !== undefined && worker.slot !== 1) return;
  const { anchors } = parts;
  const anchorsOf = (chainPem: string): readonly string[] => anchorsAbove(chainPem, anchors.current(), clock.nowMs());
  const adoption = new AnchorAdoption({ ...parts, anchorsOf, clock, events });
  startUp.at('listen', () => void adoption.keep({ signal }));
  health.report('adoption of trust anchors', () => degradedBy(adoption.problem));
}
