// The console of a server of two processes: one of them serves it, and it shows what all of them did.
import assert from 'node:assert/strict';
import type { RefusalGroup } from '../../../src/review/explain/refusal-groups.ts';
import type { Overview } from '../../../src/adapters/http/admin/administer-overview.ts';
import { createRoot, issueLeaf } from '../../peers/support/pki.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { Visitor } from '../operating/console/support/visitor.ts';
import { ChildServer } from '../support/child-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { kill9, untilServing, workersOf } from '../support/several-processes.ts';

const OPS = 'spiffe://corp.example/ops';
const SOON = { withinMs: 30_000 };

describe('The console of a server of two processes', function () {
  this.timeout(90_000);
  let files: ServerFiles;
  let server: ChildServer;
  let visitor: Visitor;
  before(async () => {
    files = await ServerFiles.create();
    const port = await freePort();
    const corporate = await createRoot('People of the Corporation');
    files.write('people.pem', corporate.certificatePem);
    server = await ChildServer.start(files, {
      processes: 2,
      'listen.console.address': `127.0.0.1:${port}`,
      'listen.administration.clientCaFile': files.path('people.pem'),
      'listen.administration.roles.security': [`URI:${OPS}/alice`],
    });
    await untilServing(files, 2);
    const { chainPem: cert, keyPem: key } = await issueLeaf(corporate, { uri: `${OPS}/alice` });
    visitor = new Visitor(`https://localhost:${port}`, { ca: files.pki.root.certificatePem, shown: { cert, key } });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  /** Of either worker; fewer than a flood, of which the journal has some a minute later. */
  async function refuseSome(): Promise<void> {
    for (let asked = 0; asked < 8; asked += 1) {
      using client = server.client();
      const headers = { authorization: `Bearer ${await files.mint.tokenIn('shop', 'api')}` };
      await client.call({ csr: (await buildCsr()).pem, headers });
    }
  }

  it('shows the decisions of both, by one sign-in', async () => {
    assert.equal((await visitor.post('/login/certificate', {})).status, 200);
    await refuseSome();
    const refusals = async (): Promise<number> => {
      const { groups } = (await visitor.get('/api/refusals')).body as { groups: readonly RefusalGroup[] };
      return groups.reduce((sum, { count }) => sum + count, 0);
    };
    assert.equal(await refusals(), 8);
    await eventually(
      'the figures of both',
      async () => {
        const { figures } = (await visitor.get('/api/overview')).body as Overview;
        return figures.refused['CAP-P01'] === 8;
      },
      { ...SOON, everyMs: 1_000 },
    );
    for (const path of ['issuers', 'issuers/default', 'anchors/rotation', 'operations', 'policies', 'pending-acts']) {
      assert.equal((await visitor.get(`/api/${path}`)).status, 200, path);
    }
  });

  it('is served again after the process that serves it was killed, and knows no session of before', async () => {
    const [first] = workersOf(files);
    await kill9(first!.pid);
    const answer = await eventually(
      'the console is back',
      async () => visitor.get('/api/session').catch(() => undefined),
      { ...SOON, everyMs: 500 },
    );
    assert.equal(answer.status, 401);
    assert.equal((await visitor.post('/login/certificate', {})).status, 200);
  });
});
