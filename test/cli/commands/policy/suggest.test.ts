import assert from 'node:assert/strict';
import { parsePolicyDocuments } from '../../../../src/adapters/policy/source/parse-documents.ts';
import { BUNDLE } from '../../../support/policy/policy-texts.ts';
import { HOUR_MS, issuedTo, refusedTo } from '../../../support/policy/recorded-decisions.ts';
import { PolicyFiles } from '../../support/policy-files.ts';

/** What three workloads of a namespace asked for in a month, and what others did. */
const PAST = [
  issuedTo({ agoMs: 29 * 24 * HOUR_MS, policy: { requestedTtlMs: HOUR_MS } }, { notAfterMs: 0 }),
  ...[1, 2, 3].map((hours) =>
    issuedTo({ agoMs: hours * HOUR_MS, policy: { key: { type: 'rsa', bits: 2048 * hours } } }),
  ),
  issuedTo({ who: 'shop/api', policy: { requestedTtlMs: 2 * HOUR_MS } }, { notAfterMs: Date.UTC(2026, 0, 6, 12, 57) }),
  issuedTo({ who: 'team-a/other', policy: { key: { type: 'ec-p384', bits: 0 } } }),
  refusedTo({ who: 'shop/batch' }),
  refusedTo({ who: 'shop/batch' }, { reason: 'CAP-P04' }),
];

async function files(): Promise<PolicyFiles> {
  return PolicyFiles.make({ 'bundle.yaml': BUNDLE }, PAST);
}

describe('capstan policy suggest', () => {
  it('prints the tightest policy that would have passed a namespace, and what it rests on', async () => {
    await using past = await files();
    const { code, out } = await past.run('policy', 'suggest', '--journal', '@journal.db', '--namespace', 'shop');
    assert.equal(code, 0);
    assert.match(out, /^# .*\n# 7 decisions, 2025-12-08 12:00:00 UTC to 2026-01-06 11:00:00 UTC: 5 issued\.\n/);
    assert.match(out, /# 2 refused, and not covered: CAP-P02 1, CAP-P04 1\.\n/);
    const { documents, problems } = parsePolicyDocuments(out, 'suggested.yaml');
    assert.deepEqual(problems, []);
    assert.deepEqual(documents[0]?.data, {
      apiVersion: 'capstan.dev/v1alpha1',
      kind: 'IssuancePolicy',
      metadata: { name: 'suggested', namespace: 'shop' },
      spec: {
        narrow: {
          trustDomains: ['cluster.local'],
          serviceAccounts: ['api', 'web'],
          dnsNames: 'none',
          ttl: { max: '2h' },
          keys: ['ec-p256', 'rsa>=2048'],
          impersonators: [],
          issuer: 'default',
        },
      },
    });
  });

  it('suggests what the same past passes without a refusal', async () => {
    await using past = await files();
    const { out } = await past.run('policy', 'suggest', '--journal', '@journal.db', '--namespace', 'shop');
    await past.write('with/shop/suggested.yaml', out);
    const candidate = ['--bundle', '@bundle.yaml', '--with', '@with', '--since', '30d'];
    const replay = await past.run('policy', 'replay', '--journal', '@journal.db', ...candidate, '--output', 'json');
    assert.equal(replay.code, 0);
    const { counts } = JSON.parse(replay.out) as { counts: unknown };
    // The refused account is none of those that the suggestion names; it stays refused.
    assert.deepEqual(counts, { newlyRefused: 0, newlyApproved: 0, undecided: 0, unchanged: 8 });
  });

  it('looks no further back than it is told, and only at the namespace', async () => {
    await using past = await files();
    const words = ['--journal', '@journal.db', '--namespace', 'team-a', '--since', '2h', '--name', 'tight'];
    const { out } = await past.run('policy', 'suggest', ...words);
    assert.match(out, /# 1 decisions?, /);
    assert.match(out, /name: tight\n {2}namespace: team-a\n/);
    assert.match(out, /keys:\n {6}- ec-p384\n/);
  });

  it('has nothing to suggest where nothing was issued', async () => {
    await using past = await files();
    const { code, out, error } = await past.run('policy', 'suggest', '--journal', '@journal.db', '--namespace', 'void');
    assert.deepEqual([code, out], [2, '']);
    assert.match(error, /nothing was issued to namespace void/);
  });

  it('is for one namespace by its name', async () => {
    await using past = await files();
    const { code, error } = await past.run('policy', 'suggest', '--journal', '@journal.db', '--namespace', 'Sho*');
    assert.equal(code, 2);
    assert.match(error, /--namespace/);
  });
});
