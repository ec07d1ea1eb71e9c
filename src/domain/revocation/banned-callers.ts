// Who is concerned by bans: asked for every certificate.
import type { Caller } from '../identity/caller.ts';
import type { KubernetesIdentity } from '../identity/kubernetes-identity.ts';
import type { Ban } from './ban.ts';
import { BansByName, type Names } from './bans-by-name.ts';
import { isInForce } from './ban-ledger.ts';

export interface Concerned {
  readonly caller: Caller;
  /** Whom the certificate would name: the caller, or another for whom it asks. */
  readonly identity: KubernetesIdentity;
  /** Where the caller's pod runs; absent where nobody knows. */
  readonly node?: string | undefined;
}

export class BannedCallers {
  /** Whether it matters where a caller's pod runs. */
  readonly namesNodes: boolean;
  readonly #bans: BansByName;

  constructor(bans: readonly Ban[]) {
    this.namesNodes = bans.some(({ target }) => target.kind === 'node');
    this.#bans = new BansByName(bans);
  }

  /** @returns a ban in force that concerns them; nothing where there is none. */
  banOf(concerned: Concerned, nowMs: number): Ban | undefined {
    return this.#bans.find(namesOf(concerned), (ban) => isInForce(ban, nowMs));
  }
}

/** Whether one ban concerns them; times aside. */
export function concerns(ban: Ban, concerned: Concerned): boolean {
  return new BansByName([ban]).find(namesOf(concerned), () => true) !== undefined;
}

/** Who renews is known by the certificate shown too, and by what that goes back to. */
function namesOf({ caller, identity, node }: Concerned): Names {
  const renewing = caller.authenticationMethod === 'client-certificate' ? caller : undefined;
  const asking = identity === caller.identity ? [identity] : [identity, caller.identity];
  return {
    identities: asking.map(({ spiffeId: { uri }, namespace }) => ({ uri, namespace })),
    node,
    serial: renewing?.credentialId,
    proofId: renewing?.lineage.id,
    remoteCluster: caller.remoteCluster,
  };
}
