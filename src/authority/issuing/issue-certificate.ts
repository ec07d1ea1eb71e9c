// The issuing flow, read from top to bottom: choose the issuer and decide, prepare, sign, have it read again, record. It imports
// much because every step of it is a part of its own.
import { ApprovedRequest } from '../../domain/issuance/approved-request.ts';
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import { PreparedCertificate, SERIAL_BYTES } from '../../domain/issuance/prepared-certificate.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { SubjectPublicKey } from '../../domain/x509/public-key.ts';
import type { Issuers } from '../../ports/issuing/issuers.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { Tracer } from '../../ports/platform/tracer.ts';
import type { IssuerChooser } from './choose-issuer.ts';
import type { Allowed, DecisionRecorder, RecorderParts, IssuedCertificate } from './decision-recorder.ts';
import type { NamespaceTurns, TurnOptions } from './namespace-turns.ts';
import type { PolicyJudgement, Question } from './policy-judgement.ts';
import type { Revocations } from '../revocation/revocations.ts';

export interface IssuingParts extends RecorderParts {
  readonly issuers: Issuers;
  readonly anchors: TrustAnchors;
  readonly chooser: IssuerChooser;
  readonly judgement: PolicyJudgement;
  readonly revocations: Pick<Revocations, 'demand' | 'unlessBanned' | 'onBan'>;
  readonly turns: Pick<NamespaceTurns, 'take'>;
  readonly tracer: Tracer;
}

/** A recorded certificate and the trust bundle that was in force when it was signed. */
export interface Issued {
  readonly certificate: IssuedCertificate;
  readonly bundle: TrustBundle;
}

/**
 * Issues a workload certificate for `order.identity`, as far as policy allows.
 * @throws AuthorityError CAP-R01 for who is banned, `overloaded` (CAP-Q01), `policy_denied`, `quota_exceeded`, `not_ready`, `dependency_unavailable` or `certificate_rejected`.
 */
export async function issueForWorkload(
  parts: IssuingParts,
  lifetimes: LifetimeSettings,
  recorder: DecisionRecorder,
  order: Question & { readonly publicKey: SubjectPublicKey },
  options: TurnOptions,
): Promise<Issued> {
  const { judgement, tracer, turns, revocations } = parts;
  revocations.demand(order.caller, order.identity);
  const turn = await turns.take(order.identity.namespace, options);
  try {
    const whileHeld = { signal: options.signal, onHold: () => turn.end() };
    const verdict = await tracer.span('judge', async () => judgement.judge(order, whileHeld));
    recorder.judgedBy(verdict);
    const approved = ApprovedRequest.byPolicy(verdict, order.publicKey);
    await judgement.count(verdict, options);
    const { signal } = options;
    const allowed: Allowed = async (record) =>
      revocations.unlessBanned(order.caller, order.identity, record, { signal });
    return await sign(parts, lifetimes, recorder, approved, order.requestedMs, { signal, allowed });
  } finally {
    turn.end();
  }
}

/**
 * Signs with the issuer that was chosen, and records, what has been approved.
 * @param options.allowed throws when it may not be given away any more: asked when it is signed and not on record yet.
 * @throws AuthorityError `not_ready` (CAP-S01) when that issuer leads to no trust anchor in force any more.
 */
export async function sign(
  parts: IssuingParts,
  lifetimes: LifetimeSettings,
  recorder: DecisionRecorder,
  approved: ApprovedRequest,
  requestedMs: number,
  options: { readonly signal: AbortSignal; readonly allowed?: Allowed },
): Promise<Issued> {
  const { clock, random, tracer } = parts;
  const bundle = parts.anchors.current();
  approved.chosen.demandAnchorAmong(bundle.anchors);
  const prepared = PreparedCertificate.from(approved, lifetimes, {
    nowMs: clock.nowMs(),
    requestedMs,
    fraction: random.fraction(),
    serial: random.bytes(SERIAL_BYTES),
  });
  const signer = parts.chooser.signerOf(prepared.chosen);
  const signature = await tracer.span('sign', async () => signer.sign(prepared.tbs, options));
  const finished = prepared.finish(signature);
  const certificate = await tracer.span('record', async () => recorder.issue(finished, bundle, options.allowed));
  return { certificate, bundle };
}
