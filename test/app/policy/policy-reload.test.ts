// Policies change while certificates are issued as fast as one process can: every decision names exactly
// one revision, and is what that revision says.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { AssembledPolicySource } from '../../../src/adapters/policy/source/assembled-policy-source.ts';
import { csrAuthority } from '../../../src/authority/surface/answer-csr.ts';
import { PolicyJudgement } from '../../../src/authority/issuing/policy-judgement.ts';
import {
  NEVER,
  PRESENTED,
  TEST_JUDGEMENT,
  TEST_LIFETIMES,
  testCaller,
  testParts,
  trusting,
} from '../../support/authority-parts.ts';
import { testAuthority, ztunnelCsr } from '../../support/certificates.ts';
import { DocumentSet } from '../../support/fakes/document-set.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { byOwner } from '../../support/policy/owned-documents.ts';
import { bundle, CLUSTER } from '../../support/policy/policies.ts';

const CHANGES = 100;
const REQUESTS_PER_CHANGE = 50;
const CALLERS = 5;
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';

/** Every other revision refuses; each of the others grants a lifetime of its own, in seconds. */
function policyOf(change: number): string {
  const spec =
    change % 2 === 0
      ? { narrow: { ttl: { max: `${600 + change}s` } } }
      : { deny: { serviceAccounts: ['demo-*', `other-${change}`] } };
  const metadata = { name: 'changing', namespace: 'default' };
  return JSON.stringify({ apiVersion: 'capstan.dev/v1alpha1', kind: 'IssuancePolicy', metadata, spec });
}

const fixed = { bundle: bundle(), digest: 'd1', place: 'bundle.yaml', signedBy: [] };
const BUNDLES = { current: () => fixed, timeMs: () => NOON_MS, onChange: () => undefined };

describe('While policies change a hundred times under load', function () {
  this.timeout(60_000);

  it('each decision names one revision and agrees with it', async () => {
    const documents = new DocumentSet({ 'changing.yaml': policyOf(0) });
    const parts = testParts((await testAuthority({ nowMs: NOON_MS })).material);
    const { events } = parts;
    const policies = new AssembledPolicySource(
      { bundles: BUNDLES, documents: byOwner(documents), clock: parts.clock, events },
      { cluster: CLUSTER },
    );
    await policies.start({ signal: NEVER });
    const judgement = new PolicyJudgement({ ...parts, policies }, TEST_JUDGEMENT);
    // Few enough refusals of each, in an interval of counting, that every one has a record of its own.
    const callers = await Promise.all(
      Array.from({ length: CALLERS }, async (_, index) => {
        const authenticators = [trusting(testCaller('default', `demo-${index}`))];
        const authority = csrAuthority({ ...parts, judgement, authenticators }, TEST_LIFETIMES);
        return { authority, order: { csrPem: (await ztunnelCsr(`${DEMO}-${index}`)).pem, validitySeconds: 86_400n } };
      }),
    );

    const revisions = new Map([[policies.current().revision, 0]]);
    const answers: Promise<string | undefined>[] = [];
    const ask = async ({ authority, order }: (typeof callers)[number]): Promise<string | undefined> =>
      authority
        .answerCsr(PRESENTED, () => order, { signal: NEVER })
        .then(
          ({ leafPem }) => leafPem,
          () => undefined,
        );
    for (let change = 1; change <= CHANGES; change += 1) {
      for (let request = 0; request < REQUESTS_PER_CHANGE; request += 1) answers.push(ask(callers[request % CALLERS]!));
      await parts.refusals.endInterval();
      await documents.edit({ 'changing.yaml': policyOf(change) });
      revisions.set(policies.current().revision, change);
    }
    const leaves = (await Promise.all(answers)).filter((leaf) => leaf !== undefined);

    assert.equal(revisions.size, CHANGES + 1);
    assert.equal(parts.journal.records.length, CHANGES * REQUESTS_PER_CHANGE);
    const seen = new Set<number>();
    const granted = new Map<string, number>();
    for (const record of parts.journal.records) {
      const change =
        revisions.get(record.policyRevision ?? '') ?? assert.fail('a decision names a revision that never was');
      seen.add(change);
      assert.equal(record.outcome, change % 2 === 0 ? 'issued' : 'refused');
      if (record.outcome === 'issued') granted.set(record.serial, 600 + change);
      else assert.equal(record.reason, 'CAP-P04');
    }
    assert.ok(seen.size > CHANGES / 2, 'the load was there while policies changed');
    for (const leaf of leaves) {
      const { serialNumber, validTo } = new X509Certificate(leaf);
      const seconds = granted.get(serialNumber.toLowerCase().replace(/^0+/, ''));
      assert.equal(Date.parse(validTo) - NOON_MS, (seconds ?? 0) * 1000);
    }
  });
});
