// The CA's own serving certificate: issued by its own intermediate, renewed at half life and after
// each issuer change, installed into the listeners without closing a connection.
import { AuthorityError } from '../domain/errors.ts';
import { ApprovedRequest } from '../domain/issuance/approved-request.ts';
import { readPublicKey } from '../domain/x509/public-key.ts';
import type { SubjectAltName } from '../domain/x509/template.ts';
import type { LifetimeSettings } from '../domain/issuance/lifetime.ts';
import type { KeyGenerator } from '../ports/key-generator.ts';
import { Decision } from './decision.ts';
import { sign, type IssuingParts } from './issue-certificate.ts';

export interface ServingCertificate {
  /** Leaf, then intermediates. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
  readonly notAfterMs: number;
}

export interface ServingParts extends IssuingParts {
  readonly keys: KeyGenerator;
  readonly install: (certificate: ServingCertificate) => void;
}

export interface ServingSettings {
  readonly names: readonly SubjectAltName[];
  readonly lifetimes: LifetimeSettings;
}

/** Wait before another try when a renewal failed; the certificate in hand is good for half its life. */
const RETRY_MS = 10_000;
const RENEW_AT = 0.5;

/** @throws AuthorityError when it cannot be issued now. */
export async function issueServingCertificate(
  parts: ServingParts,
  settings: ServingSettings,
  options: { readonly signal: AbortSignal },
): Promise<ServingCertificate> {
  return Decision.make(parts, 'self', 'localhost', async (decision) => {
    const { spki, privateKeyPem } = await parts.keys.generate('ec-p256');
    const approved = ApprovedRequest.forServing(settings.names, readPublicKey(spki), settings.lifetimes.maxMs);
    const { certificate } = await sign(parts, settings.lifetimes, decision, approved, 0, options);
    const certificateChainPem = certificate.pem + certificate.issuer.chainPems.join('');
    return { certificateChainPem, privateKeyPem, notAfterMs: certificate.notAfterMs };
  });
}

/** Installs `first`, then keeps renewing until the signal aborts. */
export async function keepServingCertificate(
  parts: ServingParts,
  settings: ServingSettings,
  first: ServingCertificate,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  let current = first;
  let alarm = new AbortController();
  parts.issuers.onChange(() => alarm.abort(), { signal });
  parts.install(current);
  let waitMs = halfLifeMs(parts, current);
  for (;;) {
    alarm = new AbortController();
    await parts.clock.sleep(waitMs, { signal: AbortSignal.any([signal, alarm.signal]) }).catch(() => undefined);
    if (signal.aborted) return;
    const next = await renew(parts, settings, { signal });
    current = next ?? current;
    waitMs = next === undefined ? RETRY_MS : halfLifeMs(parts, current);
  }
}

/** @returns the installed successor, or nothing when it could not be issued now. */
async function renew(
  parts: ServingParts,
  settings: ServingSettings,
  options: { readonly signal: AbortSignal },
): Promise<ServingCertificate | undefined> {
  try {
    const next = await issueServingCertificate(parts, settings, options);
    parts.install(next);
    parts.events.reloaded({ source: 'serving-certificate', revision: new Date(next.notAfterMs).toISOString() });
    return next;
  } catch (error) {
    const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
    parts.events.reloadFailed({ source: 'serving-certificate', problem });
    return undefined;
  }
}

function halfLifeMs(parts: ServingParts, certificate: ServingCertificate): number {
  return Math.max(0, (certificate.notAfterMs - parts.clock.nowMs()) * RENEW_AT);
}
