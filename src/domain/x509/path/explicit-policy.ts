// Certificate policies along a path (RFC 5280 sections 6.1.3 to 6.1.5), as far as they can refuse it: a CA may
// demand that a policy holds from top to bottom (requireExplicitPolicy), and BoringSSL and Go enforce that
// without being asked. Qualifiers are not read.
import { isSelfIssued, type PathCertificate } from './certificate.ts';

const ANY = '2.5.29.32.0';

interface State {
  /** Certificates until a policy must hold; zero means now. */
  readonly explicitIn: number;
  /** Certificates until anyPolicy means nothing. */
  readonly noAnyIn: number;
  /** Policies that hold so far. */
  readonly valid: ReadonlySet<string>;
}

/**
 * @param below certificates under the anchor, topmost first, down to the one that is judged.
 * @param leaf policies of the last, where it is one that is not made yet.
 * @returns the certificate from which no demanded policy holds; nothing when all is well.
 */
export function withoutPolicy(
  below: readonly PathCertificate[],
  leaf?: { readonly policies: readonly string[] },
): PathCertificate | 'leaf' | undefined {
  let state: State = { explicitIn: Infinity, noAnyIn: Infinity, valid: new Set([ANY]) };
  for (const certificate of below) {
    state = { ...state, valid: met(state, certificate.extensions.policies) };
    if (state.explicitIn === 0 && state.valid.size === 0) return certificate;
    state = next(state, certificate);
  }
  if (leaf === undefined) return undefined;
  return state.explicitIn === 0 && met(state, leaf.policies).size === 0 ? 'leaf' : undefined;
}

function met({ valid, noAnyIn }: State, own: readonly string[] = []): ReadonlySet<string> {
  const policies = noAnyIn === 0 ? own.filter((policy) => policy !== ANY) : own;
  if (policies.includes(ANY)) return valid;
  return new Set(policies.filter((policy) => valid.has(ANY) || valid.has(policy)));
}

function next({ explicitIn, noAnyIn, valid }: State, certificate: PathCertificate): State {
  const { policyMappings, requireExplicitPolicy = Infinity, inhibitAnyPolicy = Infinity } = certificate.extensions;
  const step = isSelfIssued(certificate) ? 0 : 1;
  const mapped = [...valid].flatMap((policy) => {
    const to = policyMappings.filter(([issuer]) => issuer === policy).map(([, subject]) => subject);
    return to.length > 0 ? to : [policy];
  });
  return {
    explicitIn: Math.min(Math.max(0, explicitIn - step), requireExplicitPolicy),
    noAnyIn: Math.min(Math.max(0, noAnyIn - step), inhibitAnyPolicy),
    valid: new Set(mapped),
  };
}
