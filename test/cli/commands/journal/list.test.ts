import assert from 'node:assert/strict';
import { issued, refused } from '../../../adapters/storage/sqlite/records.ts';
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
});
