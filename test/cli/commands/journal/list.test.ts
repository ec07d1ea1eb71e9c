import assert from 'node:assert/strict';
import { closing, issued, refused } from '../../../adapters/storage/sqlite/records.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { PolicyFiles } from '../../support/policy-files.ts';

describe('capstan journal list', () => {
  const records = [
    refused('d-1', { remoteAddress: '192.0.2.7:40000' }),
    refused('d-2', { remoteAddress: '192.0.2.7', count: 1_200 }),
  ];

  it('says how many refusals a record stands for', async () => {
    await using files = await PolicyFiles.make({}, records);
    const { code, out } = await files.run('journal', 'list', '--journal', '@journal.db');
    assert.equal(code, 0);
    const [counted, single] = ['d-2', 'd-1'].map((id) => out.split('\n').find((line) => line.includes(id)) ?? '');
    assert.match(counted!, /CAP-P01 \(1200 times\) .* 192\.0\.2\.7 /);
    assert.doesNotMatch(single!, /times/);
  });

  it('names the issuer that signed, and none for records of before issuers had names', async () => {
    await using files = await PolicyFiles.make({}, [
      issued('d-3', { issuerName: 'gold' }),
      issued('d-4', { serial: 'b0' }),
    ]);
    const { out } = await files.run('journal', 'list', '--journal', '@journal.db');
    const column = out.split('\n')[0]?.indexOf('ISSUER') ?? assert.fail();
    const shown = ['d-3', 'd-4'].map((id) =>
      out
        .split('\n')
        .find((line) => line.endsWith(id))
        ?.slice(column, column + 5),
    );
    assert.deepEqual(shown, ['gold ', '-    ']);
  });

  it('says by whom a certificate was asked for, when that is another than who has it', async () => {
    const identity = 'spiffe://cluster.local/ns/shop/sa/web';
    const istiod = 'spiffe://cluster.local/ns/istio-system/sa/istiod';
    await using files = await PolicyFiles.make({}, [
      issued('d-5', { identity, caller: istiod, authenticationMethod: 'kubernetes-csr', api: 'kubernetes-csr' }),
      issued('d-6', { identity, caller: identity, serial: 'b1' }),
    ]);
    const { out } = await files.run('journal', 'list', '--journal', '@journal.db');
    const [relayed, own] = ['d-5', 'd-6'].map((id) => out.split('\n').find((line) => line.endsWith(id)) ?? '');
    assert.match(
      relayed!,
      new RegExp(`issued \\(kubernetes-csr\\) +${identity} \\(asked by ${istiod}\\) .* kubernetes-csr `),
    );
    assert.doesNotMatch(own!, /asked by/);
  });

  it('says so in JSON', async () => {
    await using files = await PolicyFiles.make({}, records);
    const { out } = await files.run(
      'journal',
      'list',
      '--journal',
      '@journal.db',
      '--output',
      'json',
      '--decision',
      'd-2',
    );
    const [record] = JSON.parse(out) as { count?: number }[];
    assert.equal(record?.count, 1_200);
  });

  describe('of identities that ended', () => {
    const demo = 'spiffe://cluster.local/ns/default/sa/demo';
    const files = async (): Promise<PolicyFiles> =>
      PolicyFiles.make(
        {},
        [issued('d-7'), refused('d-8', { timeMs: NOON_MS + 2 })],
        [
          closing('8a1f', { timeMs: NOON_MS + 1, liveCertificates: 2, serials: ['7f00aa', '7f00ab'] }),
          closing('8a20', { timeMs: NOON_MS + 3, identity: `${demo}-2`, podName: 'demo-2', lastSeenMs: NOON_MS }),
        ],
      );
    const list = async (...words: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> => {
      await using made = await files();
      const { code, out } = await made.run('journal', 'list', '--journal', '@journal.db', '--output', 'json', ...words);
      assert.equal(code, 0);
      return JSON.parse(out) as Readonly<Record<string, unknown>>[];
    };
    const told = async (...words: readonly string[]): Promise<readonly unknown[]> =>
      (await list(...words)).map(({ decisionId, podUid, outcome }) => (outcome === 'closed' ? podUid : decisionId));

    it('shows them among the decisions, newest first, each with its pod, why, and when its last certificate ends', async () => {
      await using made = await files();
      const { out } = await made.run('journal', 'list', '--journal', '@journal.db');
      const lines = out.split('\n').slice(1, 5);
      assert.match(lines[0]!, /closed .*demo-2 .*pod_deleted \(1 certificate live\) .* pod default\/demo-2 of east /);
      assert.match(lines[1]!, / refused /);
      assert.match(
        lines[2]!,
        /closed +spiffe:\/\/cluster.local\/ns\/default\/sa\/demo +pod_deleted \(2 certificates live\) +2026-01-06 13:00:00/,
      );
      assert.match(lines[3]!, / issued /);
    });

    it('says all of it in JSON, with times as tools read them', async () => {
      const [later, earlier] = await list('--closed');
      assert.deepEqual(earlier, {
        outcome: 'closed',
        time: '2026-01-06T12:00:00.001Z',
        identity: demo,
        reason: 'pod_deleted',
        cluster: 'east',
        namespace: 'default',
        podName: 'demo-1',
        podUid: '8a1f',
        liveCertificates: 2,
        latestEnd: '2026-01-06T13:00:00.000Z',
        serials: ['7f00aa', '7f00ab'],
      });
      assert.equal(later?.['lastSeen'], '2026-01-06T12:00:00.000Z');
    });

    it('chooses by what is asked for, and shows them where nothing is asked that only decisions have', async () => {
      assert.deepEqual(await told(), ['8a20', 'd-8', '8a1f', 'd-7']);
      assert.deepEqual(await told('--limit', '2'), ['8a20', 'd-8']);
      assert.deepEqual(await told('--closed', '--limit', '1'), ['8a20']);
      assert.deepEqual(await told('--identity', demo), ['8a1f', 'd-7']);
      for (const words of [['--issued'], ['--refused'], ['--decision', 'd-7']]) {
        assert.ok(
          (await told(...words)).every((id) => String(id).startsWith('d-')),
          words.join(' '),
        );
      }
    });
  });
});
