// Refusals by the thousand: whoever looks at the console meanwhile has an answer in time, and the journal has a few records in which every
// one of them is counted. What an hour with a million of them leaves is shown in test/authority/issuing/refusal-records.test.ts.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { RefusalGroup } from '../../../../src/review/explain/refusal-groups.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { stopwatch } from '../../../support/stopwatch.ts';
import { RunningServer } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';
import { Visitor } from './support/visitor.ts';

const SETTINGS = { 'listen.console.address': '127.0.0.1:0', 'listen.console.oneTimeLink': true };
const ACCOUNTS = 5;
const AT_ONCE = 500;
const REFUSALS = 5_000;
/** Records of one identity in a minute: ten, and the one in which the others are counted. */
const RECORDS = 11;
/** Of one look, on a machine that does much else. */
const IN_TIME_MS = 5_000;

describe('The console while thousands are refused', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let server: RunningServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    server = await RunningServer.start({ files, settings: SETTINGS });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function visitorOf({ report }: RunningServer): Promise<Visitor> {
    const [base = '', secret = ''] = report.consoleUrl!.split('/#');
    const visitor = new Visitor(base);
    assert.equal((await visitor.post('/login/link', { secret })).status, 200);
    return visitor;
  }

  async function groupsFor(visitor: Visitor): Promise<readonly RefusalGroup[]> {
    const { status: answered, body } = await visitor.get('/api/refusals');
    assert.equal(answered, 200);
    return (body as { readonly groups: readonly RefusalGroup[] }).groups;
  }

  /** Of no namespace that policy lets in. */
  async function refuseThousands(): Promise<void> {
    const csr = (await buildCsr()).pem;
    const accounts = Array.from({ length: ACCOUNTS }, (_, account) => `sa-${account}`);
    const tokens = await Promise.all(accounts.map(async (account) => files.mint.tokenIn('shop', account)));
    const clients = tokens.map((token) => ({ token, client: server.client() }));
    let left = REFUSALS;
    const askOn = async (at: number): Promise<void> => {
      const { client, token } = clients[at % ACCOUNTS]!;
      while (left-- > 0) {
        const { code } = await client.call({ csr, headers: { authorization: `Bearer ${token}` } });
        assert.equal(code, status.PERMISSION_DENIED);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, async (_, at) => askOn(at)));
    for (const { client } of clients) client[Symbol.dispose]();
  }

  it('answers in time, and knows of every one when the minute is over', async () => {
    const visitor = await visitorOf(server);
    const startedMs = performance.now();
    const flooding = { now: true };
    const flood = refuseThousands().finally(() => (flooding.now = false));
    const looksMs: number[] = [];
    // No more than one person may ask at once.
    while (flooding.now && looksMs.length < 50) {
      const took = stopwatch();
      await groupsFor(visitor);
      looksMs.push(took());
      assert.equal((await server.ask('default', 'demo')).code, status.OK);
    }
    await flood;
    assert.ok(Math.max(...looksMs) < IN_TIME_MS, `${looksMs.map(Math.round).join(', ')} ms`);
    // What is counted is written when the minute ends, or the server.
    await server.stop();
    const minutes = Math.ceil((performance.now() - startedMs) / 60_000) + 1;
    const records = files.decisions({ outcome: 'refused' });
    assert.ok(records.length <= minutes * ACCOUNTS * RECORDS, `${records.length} records`);
    server = await RunningServer.start({ files, settings: SETTINGS });
    const groups = await groupsFor(await visitorOf(server));
    for (const group of groups) assert.deepEqual([group.reason, group.namespace], ['CAP-P01', 'shop']);
    assert.equal(
      groups.reduce((sum, { count }) => sum + count, 0),
      REFUSALS,
    );
    assert.ok(groups.every(({ identities }) => identities.count === ACCOUNTS));
  });
});
