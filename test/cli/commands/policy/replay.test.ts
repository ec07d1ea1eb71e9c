import assert from 'node:assert/strict';
import { BUNDLE, issuancePolicy } from '../../../support/policy/policy-texts.ts';
import { HOUR_MS, issuedTo, refusedTo } from '../../../support/policy/recorded-decisions.ts';
import { PolicyFiles, type Run } from '../../support/policy-files.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';

const NAMESPACE = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n';
const INGRESS = `${NAMESPACE}---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: shop }
`;
const needsIngress = (onRenew: string): string =>
  issuancePolicy(
    `{ conditions: [{ id: has-ingress, exists: { kind: Ingress }, message: Publish an Ingress, onRenew: ${onRenew} }] }`,
  );
const RSA_ONLY = issuancePolicy('{ narrow: { keys: ["rsa>=3072"] } }');

/** Replays records under the bundle and one local policy. */
async function replayed(
  records: readonly DecisionRecord[],
  policy: string,
  { words = [], manifests }: { readonly words?: readonly string[]; readonly manifests?: string } = {},
): Promise<Run> {
  const cluster = manifests === undefined ? {} : { 'cluster/shop.yaml': manifests };
  await using files = await PolicyFiles.make({ 'bundle.yaml': BUNDLE, 'with/local.yaml': policy, ...cluster }, records);
  const known = manifests === undefined ? [] : ['--cluster', '@cluster'];
  const candidate = ['--bundle', '@bundle.yaml', '--with', '@with', ...known];
  return await files.run('policy', 'replay', '--journal', '@journal.db', ...candidate, ...words);
}

/** Counts in the order: newly refused, newly approved, undecided, unchanged. */
async function counted(...args: Parameters<typeof replayed>): Promise<readonly number[]> {
  const [records, policy, options = {}] = args;
  const { out } = await replayed(records, policy, {
    ...options,
    words: [...(options.words ?? []), '--output', 'json'],
  });
  const { counts } = JSON.parse(out) as { counts: Record<string, number> };
  return ['newlyRefused', 'newlyApproved', 'undecided', 'unchanged'].map((change) => counts[change] ?? -1);
}

describe('capstan policy replay', () => {
  it('is content with a candidate that says what was said', async () => {
    const { code, out } = await replayed([issuedTo(), issuedTo({ who: 'team-a/api' })], issuancePolicy('{}'));
    assert.equal(code, 0);
    assert.match(out, /about 2 decisions: 2 unchanged, 0 newly refused, 0 newly approved, 0 undecided\.\n$/);
  });

  it('tells who would newly be refused, why, how often and when, with an example', async () => {
    const first = issuedTo({ agoMs: 2 * HOUR_MS });
    const { code, out } = await replayed([first, issuedTo(), issuedTo({ who: 'team-a/api' })], RSA_ONLY);
    assert.equal(code, 1);
    assert.match(
      out,
      /^2 decisions of 1 identity would newly be refused:\n {2}spiffe:\/\/cluster.local\/ns\/shop\/sa\/web\n/,
    );
    assert.match(out, /CAP-P02 shop\/local spec.narrow.keys: ec-p256, allowed rsa>=3072; to pass: /);
    assert.match(
      out,
      new RegExp(`2 times, 2026-01-06 10:00:00 UTC to .* 11:00:00 UTC; such as decision ${first.decisionId}\n`),
    );
  });

  it('tells who would newly be approved, and is content', async () => {
    const { code, out } = await replayed([refusedTo()], issuancePolicy('{}'));
    assert.equal(code, 0);
    assert.match(
      out,
      /1 decision of 1 identity would newly be approved:\n[^]*was CAP-P02 corp@6 rules.mesh.bounds.keys/,
    );
  });

  it('leaves undecided what depends on a cluster that it is not shown', async () => {
    assert.deepEqual(await counted([issuedTo()], needsIngress('enforce')), [0, 0, 1, 0]);
    assert.deepEqual(await counted([issuedTo()], needsIngress('enforce'), { manifests: NAMESPACE }), [1, 0, 0, 0]);
    assert.deepEqual(await counted([issuedTo()], needsIngress('enforce'), { manifests: INGRESS }), [0, 0, 0, 1]);
  });

  it('knows a renewal by the certificate that the identity had, and waives what the policy waives', async () => {
    const hourly = [3, 2, 1].map((hours) => issuedTo({ agoMs: hours * HOUR_MS }, { notAfterMs: Date.UTC(2027, 0) }));
    const renewals = { manifests: NAMESPACE, words: ['--since', '2h'] };
    assert.deepEqual(await counted(hourly, needsIngress('warn'), renewals), [0, 0, 0, 2]);
    assert.deepEqual(await counted(hourly, needsIngress('enforce'), renewals), [2, 0, 0, 0]);
    // Whoever would not have got the first certificate has none to renew.
    const fromTheFirst = { manifests: NAMESPACE };
    assert.deepEqual(await counted(hourly, needsIngress('warn'), fromTheFirst), [3, 0, 0, 0]);
  });

  it('leaves out what policy was not asked, or was asked by a Capstan that kept no trace', async () => {
    const { policy, ...untraced } = issuedTo();
    const { policy: unasked, ...stranger } = refusedTo({}, { reason: 'CAP-A01' });
    assert.ok(policy && unasked);
    const { code, out } = await replayed([untraced, stranger, issuedTo()], issuancePolicy('{}'));
    assert.equal(code, 0);
    assert.match(
      out,
      /about 3 decisions: 1 unchanged, .* 2 left out, because policy was not asked or no trace was kept/,
    );
  });

  it('takes who was over quota for approved by policy, and who could not be judged for undecided', async () => {
    const { policy } = issuedTo();
    const over = refusedTo({}, { reason: 'CAP-Q03', policy: policy! });
    assert.deepEqual(await counted([over], issuancePolicy('{}')), [0, 0, 0, 1]);
    assert.deepEqual(await counted([over], RSA_ONLY), [1, 0, 0, 0]);
    const unsynced = refusedTo({}, { reason: 'CAP-S10', policy: policy! });
    assert.deepEqual(await counted([unsynced], issuancePolicy('{}')), [0, 0, 1, 0]);
  });

  it('looks no further back than it is told', async () => {
    const { code } = await replayed([issuedTo({ agoMs: 3 * HOUR_MS })], RSA_ONLY, { words: ['--since', '2h'] });
    assert.equal(code, 0);
  });

  it('reports to pipelines in their own forms', async () => {
    const github = await replayed([issuedTo()], RSA_ONLY, { words: ['--output', 'github'] });
    assert.match(github.out, /^::error .*CAP-P02.*::.*would newly be refused/);
    const sarif = await replayed([issuedTo()], RSA_ONLY, { words: ['--output', 'sarif'] });
    const log = JSON.parse(sarif.out) as { runs: { results: { ruleId: string }[] }[] };
    assert.deepEqual(
      log.runs[0]?.results.map(({ ruleId }) => ruleId),
      ['CAP-P02'],
    );
    const junit = await replayed([issuedTo()], RSA_ONLY, { words: ['--output', 'junit'] });
    assert.match(junit.out, /<testcase [^>]*spiffe:\/\/cluster.local\/ns\/shop\/sa\/web[^>]*>\s*<failure/);
  });

  it('cannot judge without a journal or with a broken candidate, and says what is wrong', async () => {
    const broken = await replayed([issuedTo()], issuancePolicy('{ narrow: { kees: [rsa] } }'));
    assert.equal(broken.code, 2);
    assert.match(broken.error, /local\.yaml:4:\d+: spec\.narrow\.kees .*keys/);
    const missing = await replayed([], issuancePolicy('{}'), { words: ['--journal', '/nowhere/journal.db'] });
    assert.equal(missing.code, 2);
    assert.match(missing.error, /\/nowhere\/journal\.db does not exist/);
  });

  it('tells a pipeline of its progress only when asked', async () => {
    const records = Array.from({ length: 3 }, () => issuedTo());
    assert.equal((await replayed(records, issuancePolicy('{}'))).error, '');
    assert.match(
      (await replayed(records, issuancePolicy('{}'), { words: ['--progress'] })).error,
      /100% {2}3 of 3 decisions\n/,
    );
  });
});
