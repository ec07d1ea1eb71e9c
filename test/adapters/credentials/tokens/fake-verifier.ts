// A verifier of tokens that a test tells what to say of each.
import type {
  TokenContext,
  TokenVerdict,
  TokenVerifier,
  WorkloadClaims,
} from '../../../../src/adapters/credentials/tokens/token-verifier.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../../../src/domain/identity/kubernetes-identity.ts';
import { good, TEST_TRUST_DOMAIN } from '../../../support/certificates.ts';

export class FakeVerifier implements TokenVerifier {
  /** Each token that it was asked about. */
  readonly asked: string[] = [];
  /** The cluster that each was said to be of. */
  readonly clusters: (string | undefined)[] = [];
  inForce = true;
  expiresAtMs = Infinity;
  /** What it says of every token; `undefined` verifies it as the service account of that name. */
  verdict: TokenVerdict | Error | undefined;

  async verify(token: string, { signal, clusterId }: TokenContext): Promise<TokenVerdict> {
    signal.throwIfAborted();
    this.asked.push(token);
    this.clusters.push(clusterId);
    if (this.verdict instanceof Error) throw this.verdict;
    return this.verdict ?? { outcome: 'verified', claims: this.#claimsOf(token), isInForce: () => this.inForce };
  }

  #claimsOf(token: string): WorkloadClaims {
    const identity = good<KubernetesIdentity>(kubernetesIdentity(TEST_TRUST_DOMAIN, 'shop', token));
    return { identity, issuer: 'the API server', expiresAtMs: this.expiresAtMs };
  }
}
