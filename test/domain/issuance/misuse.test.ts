// That no step of issuing can be left out or done twice. What must not compile is checked by tsc: a line that compiled after
// all would leave its @ts-expect-error without an error, which is one.
import assert from 'node:assert/strict';
import { DecisionRecorder, IssuedCertificate } from '../../../src/authority/issuing/decision-recorder.ts';
import { IssuerChooser } from '../../../src/authority/issuing/choose-issuer.ts';
import { ApprovedRequest } from '../../../src/domain/issuance/approved-request.ts';
import { ChosenIssuer } from '../../../src/domain/issuance/chosen-issuer.ts';
import {
  FinishedCertificate,
  PreparedCertificate,
  SERIAL_BYTES,
} from '../../../src/domain/issuance/prepared-certificate.ts';
import { evaluate } from '../../../src/domain/policy/evaluation/evaluate.ts';
import type { PolicyDecision } from '../../../src/domain/policy/policy-decision.ts';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';
import { keyGenerator } from '../../../src/adapters/issuers/memory/key-generator.ts';
import {
  fakeIssuers,
  NEVER,
  TEST_LIFETIMES,
  TEST_POLICY,
  testParts,
  type TestParts,
} from '../../support/authority-parts.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { request, snapshot } from '../../support/policy/policies.ts';

const BUNDLE = { digest: '0123456789abcdef' };
const FACTS = { nowMs: NOON_MS, requestedMs: 0, fraction: 0, serial: new Uint8Array(SERIAL_BYTES).fill(7) };
const BUG = { reason: 'CAP-X01' };

/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment, @typescript-eslint/no-misused-spread --
   it says of these lines what tsc says of them */
/** Never called: each line is a way around a step, and none of them compiles. */
export async function misuses(
  decision: PolicyDecision,
  approved: ApprovedRequest,
  prepared: PreparedCertificate,
  finished: FinishedCertificate,
  chosen: ChosenIssuer,
  recorder: DecisionRecorder,
  parts: TestParts,
): Promise<void> {
  const publicKey = readPublicKey(new Uint8Array());
  const { pem, contents } = finished;
  const { tbs } = prepared;
  const { issuer } = chosen;
  const candidate = { name: 'default', bounds: { maxTtlMs: 1 }, state: { kind: 'ready', issuer } } as const;

  // A decision that policy did not make.
  const {
    outcome,
    grant,
    class: of,
    revision,
    bundle,
    snapshot: version,
    applied,
    failures,
    audits,
    waived,
  } = decision;
  const said = { outcome, grant, class: of, revision, bundle, snapshot: version, applied, failures, audits, waived };
  // @ts-expect-error the mark of a decision is missing
  const decided: PolicyDecision = { ...said, request: decision.request, objects: [], waitMs: 0 };

  // An approval without a decision, or of more than was decided.
  // @ts-expect-error its constructor is private
  new ApprovedRequest(approved.take());
  // @ts-expect-error what only looks like one is none
  const looksApproved: ApprovedRequest = { chosen, take: () => approved.take() };
  // @ts-expect-error a request is no decision
  ApprovedRequest.byPolicy(decision.request, publicKey);
  // @ts-expect-error the server's own certificate names no identity
  ApprovedRequest.forServing(chosen, [{ kind: 'uri', value: 'spiffe://cluster.local/ns/a/sa/b' }], publicKey, 1);

  // Another issuer than the one that was judged.
  // @ts-expect-error an issuer is chosen, not made
  new ChosenIssuer(candidate, { why: 'only', limitedBy: [] }, 0);
  // @ts-expect-error what only looks like one is none
  ApprovedRequest.forServing({ ...decision.request.issuer, issuer, bounds: candidate.bounds }, [], publicKey, 1);
  // @ts-expect-error no issuer beside the approved request's own
  PreparedCertificate.from(approved, issuer, TEST_LIFETIMES, FACTS);

  // A certificate that nobody approved.
  // @ts-expect-error its constructor is private
  new PreparedCertificate(chosen, contents);
  // @ts-expect-error a decision is no approved request: a refusal is one too
  PreparedCertificate.from(decision, TEST_LIFETIMES, FACTS);
  // @ts-expect-error what only looks like one is none
  const looksPrepared: PreparedCertificate = { tbs, chosen, finish: () => finished };

  // A signature without the second opinion.
  // @ts-expect-error its constructor is private
  new FinishedCertificate({ der: tbs, pem }, contents, chosen);
  // @ts-expect-error what only looks like one is none
  await recorder.issue({ pem, contents, chosen, serial: '1', take: () => undefined }, BUNDLE);
  // @ts-expect-error a prepared certificate is not finished
  await recorder.issue(prepared, BUNDLE);

  // A delivery without a record.
  // @ts-expect-error its constructor is private
  new IssuedCertificate(finished, 'decision');
  // @ts-expect-error a finished certificate is not recorded
  const delivered: IssuedCertificate = finished;
  // @ts-expect-error what only looks like one is none
  const looksIssued: IssuedCertificate = {
    ...finished,
    issuer,
    issuerName: 'default',
    decisionId: '1',
    notBeforeMs: 0,
    notAfterMs: 0,
  };
  // @ts-expect-error a recorder is made by `run`, which records refusals too
  new DecisionRecorder(parts, 'csr', 'somewhere');

  assert.ok([decided, looksApproved, looksPrepared, delivered, looksIssued]);
}
/* eslint-enable */

describe('Each step of issuing is done once:', () => {
  let authority: TestAuthority;
  let parts: TestParts;
  before(async () => {
    authority = await testAuthority({ nowMs: NOON_MS });
  });
  beforeEach(() => {
    parts = testParts(authority.material);
  });

  async function approvedRequest(): Promise<ApprovedRequest> {
    const publicKey = readPublicKey((await keyGenerator.generate('ec-p256')).spki);
    const asked = request({ namespace: 'default', key: { type: 'ec-p256', bits: 0 }, nowMs: NOON_MS });
    const issuer = parts.chooser.choose(TEST_POLICY, asked, snapshot(), NOON_MS);
    return ApprovedRequest.byPolicy(evaluate(TEST_POLICY, { ...asked, issuer }, snapshot()), publicKey);
  }

  async function finishedCertificate(): Promise<FinishedCertificate> {
    const prepared = PreparedCertificate.from(await approvedRequest(), TEST_LIFETIMES, FACTS);
    return prepared.finish(await authority.material.signer.sign(prepared.tbs, { signal: NEVER }));
  }

  it('of one approved request comes one certificate', async () => {
    const approved = await approvedRequest();
    PreparedCertificate.from(approved, TEST_LIFETIMES, FACTS);
    assert.throws(() => PreparedCertificate.from(approved, TEST_LIFETIMES, FACTS), BUG);
  });

  it('a prepared certificate takes one signature', async () => {
    const prepared = PreparedCertificate.from(await approvedRequest(), TEST_LIFETIMES, FACTS);
    const signature = await authority.material.signer.sign(prepared.tbs, { signal: NEVER });
    prepared.finish(signature);
    assert.throws(() => prepared.finish(signature), BUG);
  });

  it('a finished certificate is issued once, also when the first record fails', async () => {
    const finished = await finishedCertificate();
    await DecisionRecorder.run(parts, 'csr', '192.0.2.1', async (recorder) => recorder.issue(finished, BUNDLE));
    const again = DecisionRecorder.run(parts, 'csr', '192.0.2.1', async (recorder) => recorder.issue(finished, BUNDLE));
    await assert.rejects(again, BUG);
    const unlucky = await finishedCertificate();
    parts.journal.failing = true;
    const failing = DecisionRecorder.run(parts, 'csr', '192.0.2.1', async (recorder) =>
      recorder.issue(unlucky, BUNDLE),
    );
    await assert.rejects(failing, { reason: 'CAP-S04' });
    parts.journal.failing = false;
    const later = DecisionRecorder.run(parts, 'csr', '192.0.2.1', async (recorder) => recorder.issue(unlucky, BUNDLE));
    await assert.rejects(later, BUG);
  });

  it('a decision about an issuer that was only written down signs nothing', async () => {
    const publicKey = readPublicKey((await keyGenerator.generate('ec-p256')).spki);
    const asked = request({ namespace: 'default', key: { type: 'ec-p256', bits: 0 }, nowMs: NOON_MS });
    const decision = evaluate(TEST_POLICY, asked, snapshot());
    assert.equal(decision.outcome, 'approved');
    assert.throws(() => ApprovedRequest.byPolicy(decision, publicKey), BUG);
  });

  it('what was judged is what signs, also when the issuer is loaded anew meanwhile', async () => {
    const issuers = fakeIssuers(authority.material);
    const chooser = new IssuerChooser(issuers);
    const asked = request({ namespace: 'default', key: { type: 'ec-p256', bits: 0 }, nowMs: NOON_MS });
    const issuer = chooser.choose(TEST_POLICY, asked, snapshot(), NOON_MS);
    const decision = evaluate(TEST_POLICY, { ...asked, issuer }, snapshot());
    issuers.swap((await testAuthority({ nowMs: NOON_MS })).material);
    const publicKey = readPublicKey((await keyGenerator.generate('ec-p256')).spki);
    const prepared = PreparedCertificate.from(ApprovedRequest.byPolicy(decision, publicKey), TEST_LIFETIMES, FACTS);
    const signature = await chooser.signerOf(prepared.chosen).sign(prepared.tbs, { signal: NEVER });
    assert.equal(prepared.finish(signature).contents.issuer.id, authority.issuer.id);
  });
});
