import assert from 'node:assert/strict';
import { driftCases, driftOf } from '../../../src/review/drift/drift.ts';
import { LiveCertificateReview, type LiveJudges } from '../../../src/review/drift/live-certificates.ts';
import { candidateOf, type Candidate } from '../../../src/review/sources/candidate.ts';
import { parseTexts } from '../../../src/review/sources/policy-texts.ts';
import { NOON_MS } from '../../support/fakes/fake-clock.ts';
import { BUNDLE, issuancePolicy } from '../../support/policy/policy-texts.ts';
import { issuedTo } from '../../support/policy/recorded-decisions.ts';

const BUNDLE_TEXT = { place: 'bundle.yaml', text: BUNDLE };
const NARROW = { place: 'shop.yaml', text: issuancePolicy('{ narrow: { keys: [ec-p384] } }') };

function candidate(): Candidate {
  const made = candidateOf({
    bundle: { place: 'bundle.yaml', texts: [BUNDLE_TEXT] },
    policies: [NARROW],
    cluster: { id: 'prod-1', labels: {} },
    whyUnknown: 'nothing is known of the cluster',
  });
  assert.ok(!('problems' in made));
  return made;
}

function judges(): LiveJudges {
  const { policies, snapshot } = candidate();
  return { policies, snapshotOf: () => snapshot };
}

describe('A review of live certificates', () => {
  it("lists those that today's policy would refuse, with the reason", () => {
    const review = new LiveCertificateReview(judges(), NOON_MS);
    const refused = issuedTo();
    const { policy, ...untraced } = issuedTo();
    assert.ok(policy);
    for (const record of [refused, issuedTo({ who: 'team-a/api' }), untraced, undefined]) review.add(record);
    const { listed, ...counts } = review.result();
    assert.deepEqual(counts, { live: 4, refused: 1, undecided: 0, leftOut: 2, reasons: { 'CAP-P02': 1 } });
    assert.deepEqual(
      listed.map(({ serial, refusalReason, renewable }) => [serial, refusalReason.reason, renewable]),
      [[refused.serial, 'CAP-P02', false]],
    );
  });
});

describe('Drift between policies in force and policies in Git', () => {
  const inGit = (text: string) => parseTexts([BUNDLE_TEXT, { place: 'git/shop.yaml', text }]).documents;

  it('is none between equal documents, however they are written', () => {
    const spaced = NARROW.text.replace('[ec-p384]', '[ "ec-p384" ]');
    assert.deepEqual(driftCases(driftOf({ candidate: candidate(), inGit: inGit(spaced) })), [
      { name: 'policies in Git', findings: [] },
    ]);
  });

  it('names each field that differs where both texts are at hand', () => {
    const other = issuancePolicy('{ narrow: { keys: [ec-p256] } }');
    const drift = driftOf({ candidate: candidate(), inGit: inGit(other) });
    const [policies] = driftCases(drift);
    assert.deepEqual(
      policies?.findings.map(({ id, severity, subject, position }) => [id, severity, subject, position?.place]),
      [['drift/different', 'error', 'IssuancePolicy shop/local', 'git/shop.yaml']],
    );
    assert.match(policies.findings[0]?.message ?? '', /spec\.narrow\.keys ec-p384 became ec-p256/);
  });

  it('goes by what the server says is in force, before what is at hand', () => {
    const names = [{ kind: 'IssuancePolicy', namespace: 'shop', name: 'old', digest: '00' }];
    const drift = driftOf({
      inForce: { revision: 'r1', policies: names },
      candidate: candidate(),
      inGit: inGit(NARROW.text),
    });
    assert.equal(drift.revision, 'r1');
    assert.deepEqual(
      drift.policies?.map(({ title, drift: way }) => [title, way]),
      [
        ['IssuancePolicy shop/local', 'extra'],
        ['IssuancePolicy shop/old', 'missing'],
      ],
    );
  });
});
