// The request of a test's case as the evaluator reads it.
import type { PolicyBundle } from '../../domain/policy/documents.ts';
import type { CurrentCertificate, PolicyRequest } from '../../domain/policy/request.ts';
import type { WrittenRequest } from './policy-test-schema.ts';
import {
  DEFAULT_ISSUER,
  DEFAULT_TRUST_DOMAIN,
  parseKey,
  soundIssuer,
  subjectOfServiceAccount,
} from '../requests/assumed-request.ts';

/** When cases happen that say nothing of it, under a bundle that has always begun: tests do not depend on the day. */
const NOW_MS = Date.UTC(2026, 0, 1);

type Key = PolicyRequest['key'];

/** @param bundle whose beginning is the moment, and whose anchors are in force, unless the case says otherwise. */
export function requestOfCase(
  written: WrittenRequest,
  bundle: PolicyBundle,
): PolicyRequest | { readonly problem: string } {
  const { namespace, serviceAccount, actor, pods } = written;
  if (namespace === undefined || serviceAccount === undefined) {
    return { problem: `names no ${namespace === undefined ? 'namespace' : 'serviceAccount'}` };
  }
  const subject = subjectOfServiceAccount(written.trustDomain ?? DEFAULT_TRUST_DOMAIN, namespace, serviceAccount);
  if ('problem' in subject) return subject;
  const currentCertificate = currentCertificateOf(written.currentCertificate);
  return {
    subject,
    ...(actor !== undefined && { actor }),
    ...(pods !== undefined && { pods: pods.map((name) => ({ name })) }),
    key: written.key ?? (parseKey('ec-p256') as Key),
    requestedTtlMs: written.ttl ?? 0,
    dnsNames: written.dnsNames ?? [],
    claims: written.claims ?? {},
    issuer: issuerOf(written.issuer, bundle),
    ...(currentCertificate !== undefined && { currentCertificate }),
    nowMs: written.now ?? (bundle.validity.notBeforeMs > 0 ? bundle.validity.notBeforeMs : NOW_MS),
  };
}

function issuerOf(written: WrittenRequest['issuer'], bundle: PolicyBundle): PolicyRequest['issuer'] {
  const sound = soundIssuer(written?.name ?? DEFAULT_ISSUER, bundle);
  return {
    ...sound,
    ...(written?.anchors !== undefined && { anchors: written.anchors }),
    ...(written?.remaining !== undefined && { remainingMs: written.remaining }),
  };
}

function currentCertificateOf(written: WrittenRequest['currentCertificate']): CurrentCertificate | undefined {
  if (written === undefined || written === null) return undefined;
  return { issuedMs: written.issued, notAfterMs: written.notAfter, waived: written.waived };
}
