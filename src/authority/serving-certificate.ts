// The CA's own serving certificate: issued by the default issuer, or by the next one while operators do not let that sign, or by one
// that is suspended where no other can; where none may at all, as soon as one may;
// renewed at half life, after each issuer change (in a rotation of trust anchors when all workloads have moved) and when the clock
// was set, installed without closing a connection.
import { AuthorityError } from '../domain/errors.ts';
import { ApprovedRequest } from '../domain/issuance/approved-request.ts';
import { readPublicKey } from '../domain/x509/public-key.ts';
import type { HostName } from '../domain/x509/template.ts';
import type { LifetimeSettings } from '../domain/issuance/lifetime.ts';
import { Alarm } from '../live/alarm.ts';
import { certifiedOf } from '../ports/issuing/issuers.ts';
import type { KeyGenerator } from '../ports/issuing/key-generator.ts';
import { DecisionRecorder } from './issuing/decision-recorder.ts';
import { sign, type IssuingParts } from './issuing/issue-certificate.ts';
import type { OwnMoves } from './trust/own-certificates.ts';

export interface ServingCertificate {
  /** Leaf, then intermediates. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Which issuer signed it. */
  readonly issuerName: string;
  /** On which it hangs, as hex SHA-256. */
  readonly trustAnchor: string;
}

export type Validity = Pick<ServingCertificate, 'notBeforeMs' | 'notAfterMs'>;

export interface ServingParts extends IssuingParts {
  readonly keys: KeyGenerator;
  readonly install: (certificate: ServingCertificate) => void;
  /** Whether it is to stay below an anchor that a rotation replaces. */
  readonly moves: OwnMoves;
}

export interface ServingSettings {
  readonly names: readonly HostName[];
  /** Where it is to be an X.509-SVID; reserved, so that no workload has it. */
  readonly spiffeId?: string;
  readonly lifetimes: LifetimeSettings;
}

/** Wait before another try when a renewal failed; the certificate in hand is good for half its life. */
const RETRY_MS = 10_000;
const RENEW_AT = 0.5;

/** @throws AuthorityError when it cannot be issued now. */
async function issueServingCertificate(
  parts: ServingParts,
  settings: ServingSettings,
  options: { readonly signal: AbortSignal },
): Promise<ServingCertificate> {
  return DecisionRecorder.run(parts, 'self', 'localhost', async (recorder) => {
    const { spki, privateKeyPem } = await parts.keys.generate('ec-p256');
    const chosen = parts.chooser.own(parts.clock.nowMs());
    const { lifetimes } = settings;
    const approved = ApprovedRequest.forServing(chosen, settings, readPublicKey(spki), lifetimes.maxMs);
    const { certificate } = await sign(parts, settings.lifetimes, recorder, approved, 0, options);
    const certificateChainPem = certificate.pem + certificate.issuer.chainPems.join('');
    const { notBeforeMs, notAfterMs, issuerName } = certificate;
    const { anchorSha256: trustAnchor } = certificate.issuer;
    return { certificateChainPem, privateKeyPem, notBeforeMs, notAfterMs, issuerName, trustAnchor };
  });
}

/**
 * Installs the first one, then keeps it renewed until the signal aborts. Where no issuer may sign it now, it comes as soon as one
 * may: nobody is met by TLS until then, but the server's own socket is, by which operators have an issuer sign again.
 * @throws AuthorityError when it cannot be issued for another reason.
 */
export async function startServingCertificate(
  parts: ServingParts,
  settings: ServingSettings,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const first = await issueServingCertificate(parts, settings, options).catch((error: unknown) => {
    if (!(error instanceof AuthorityError) || error.code !== 'not_ready') throw error;
    parts.events.reloadFailed({ source: 'serving-certificate', problem: error.message });
    return undefined;
  });
  if (first !== undefined) parts.install(first);
  void keepServingCertificate(parts, settings, first, options);
}

/** Renews `current`, or issues the first one, until the signal aborts. */
async function keepServingCertificate(
  parts: ServingParts,
  settings: ServingSettings,
  first: ServingCertificate | undefined,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const { signal } = options;
  let current = first;
  // Rung by a change of its issuer, also while a renewal is under way: it may have been signed by the former one.
  const alarm = new Alarm(parts.clock);
  const [{ name: defaultIssuer }] = parts.issuers.all();
  let waiting = false;
  const moveOrWait = (): void => {
    waiting = current !== undefined && parts.moves.waits(current.trustAnchor);
    if (!waiting) alarm.ring();
  };
  parts.issuers.onChange((name) => {
    const own = current === undefined || name === defaultIssuer || name === current.issuerName;
    if (own && !isPaused(parts, name)) moveOrWait();
  }, options);
  parts.moves.onChange(() => {
    if (waiting) moveOrWait();
  }, options);
  for (let due = current; ;) {
    await (due === undefined ? alarm.sleep(RETRY_MS, { signal }) : untilDue(parts, alarm, due, { signal }));
    if (signal.aborted) return;
    due = await renew(parts, settings, { signal });
    current = due ?? current;
  }
}

/** Suspended, or its key does not answer: what it signed is as good as before. */
function isPaused({ issuers }: Pick<ServingParts, 'issuers'>, name: string): boolean {
  const state = issuers.all().find((one) => one.name === name)?.state;
  return state?.kind === 'unavailable' && certifiedOf(state) !== undefined;
}

/** Half of the life that is left has passed, the clock was set so that it is over or not valid yet, or the alarm rang. */
async function untilDue(
  { clock }: ServingParts,
  alarm: Alarm,
  { notBeforeMs, notAfterMs }: ServingCertificate,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const startMs = clock.nowMs();
  const dueMs = startMs + (notAfterMs - startMs) * RENEW_AT;
  for (let nowMs = startMs; notBeforeMs <= nowMs && nowMs < dueMs; nowMs = clock.nowMs()) {
    const end = await alarm.sleepUntil(dueMs, options);
    if (end === 'rung' || end === 'aborted') return;
  }
}

/** @returns why clients will not trust the serving certificate in hand; nothing when they will. */
export function servingProblem(serving: Validity | undefined, nowMs: number): string | undefined {
  if (serving === undefined) return 'there is no serving certificate yet';
  if (nowMs >= serving.notAfterMs) return `the serving certificate ended at ${timeOf(serving.notAfterMs)}`;
  if (nowMs >= serving.notBeforeMs) return undefined;
  return `the serving certificate is not valid before ${timeOf(serving.notBeforeMs)}`;
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
    parts.events.reloaded({ source: 'serving-certificate', revision: timeOf(next.notAfterMs) });
    return next;
  } catch (error) {
    const problem = error instanceof AuthorityError ? error.message : 'unexpected failure';
    parts.events.reloadFailed({ source: 'serving-certificate', problem });
    return undefined;
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
