// A ban: from its moment on nothing is issued to whom it concerns, whatever they can prove and whatever policy allows, and what
// they were given before counts as revoked until it ends.
import type { Authorship } from '../trust/issuer-ledger.ts';

/** The server's own cluster, where a ban names the cluster that it is for. */
export const OWN_CLUSTER = '';

/**
 * Whom a ban concerns. An identity and a namespace are concerned in every cluster unless one is named; nodes of two clusters
 * may have one name, so that theirs is always named: `OWN_CLUSTER`, or the id of a remote one.
 */
export type BanTarget =
  | {
      readonly kind: 'serial';
      /** Lower-case hex, no leading zeros. */
      readonly serial: string;
      /** SPIFFE ID in the certificate. */
      readonly identity: string;
      /** The decision that the certificate goes back to: whatever was renewed on the strength of the same proof is concerned too. */
      readonly proofId: string;
    }
  | { readonly kind: 'identity'; readonly identity: string; readonly cluster?: string }
  | { readonly kind: 'namespace'; readonly namespace: string; readonly cluster?: string }
  | { readonly kind: 'node'; readonly node: string; readonly cluster: string };

export const BAN_KINDS = ['serial', 'identity', 'namespace', 'node'] as const satisfies readonly BanTarget['kind'][];

export interface Ban extends Authorship {
  /** 16 hex digits. */
  readonly id: string;
  readonly target: BanTarget;
  /** Until then nothing is issued, in ms since the epoch; absent, until it is lifted. */
  readonly untilMs?: number;
  /** When the last certificate from before the ban is over at the latest. */
  readonly leavesUntilMs: number;
}
