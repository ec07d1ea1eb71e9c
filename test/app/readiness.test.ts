// `/readyz` is not ready, with the reason, whenever every request would be refused for a reason of ours. The
// journal, the issuer's end and a server that stops are shown where those are provoked (csr-refusals,
// life-of-a-server).
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { buildCsr } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import type { Outcome } from '../adapters/grpc/wire.ts';
import { KeyServer } from './support/key-server.ts';
import { RunningServer, type ServerOptions } from './support/running-server.ts';
import { POLICY, ServerFiles } from './support/server-files.ts';
import { TOKEN_ISSUER } from './support/token-mint.ts';

const EXPIRED = { hardExpiry: '2026-01-01T00:00:00Z' };
const SOON = { withinMs: 30_000 };

describe('/readyz says why no request at all can be granted:', () => {
  let files: ServerFiles;
  beforeEach(async () => {
    files = await ServerFiles.create();
  });
  afterEach(() => files[Symbol.dispose]());

  it('the bundle is past its hard expiry, from the start', async () => {
    files.setPolicy(POLICY, { validity: EXPIRED });
    await using server = await start();
    assert.match((await ask(server)).details, /^CAP-S11 /);
    await showsUnready(server, 'policy', /ended at 2026-01-01T00:00:00/);
  });

  it('the bundle passes its hard expiry, without a request or a change, until a newer one is there', async () => {
    files.setPolicy(POLICY, { validity: { hardExpiry: new Date(Date.now() + 4_000).toISOString() } });
    await using server = await start();
    await isReady(server);
    await showsUnready(server, 'policy', /ended at /);
    files.setPolicy(POLICY);
    await isReady(server);
    assert.equal((await ask(server)).code, status.OK);
  });

  const CASES: readonly (readonly [what: string, bundle: object, why: RegExp, refusal: RegExp])[] = [
    [
      'the issuer ends sooner than the bundle demands',
      { issuers: [{ name: 'default', minRemaining: '36500d' }] },
      /issuer default ends sooner than .* demands/,
      /^CAP-S01 /,
    ],
    [
      'the issuer is not under the anchor that the bundle pins',
      { issuers: [{ name: 'default', anchor: `sha256:${'ab'.repeat(32)}` }] },
      /issuer default is under another anchor than .* pins/,
      /^CAP-P08 /,
    ],
  ];
  for (const [what, bundle, why, refusal] of CASES) {
    it(`${what}, from the start`, async () => {
      files.setPolicy(POLICY, bundle);
      await using server = await start();
      assert.match((await ask(server)).details, refusal);
      await showsUnready(server, 'policy', why);
      assert.deepEqual(
        server.report.troubled.map(({ part, state }) => [part, state]),
        [['policy', 'not ready']],
      );
    });

    it(`${what}, by a new bundle, until another one mends it`, async () => {
      await using server = await start();
      assert.equal((await ask(server)).code, status.OK);
      await isReady(server);
      files.setPolicy(POLICY, bundle);
      await showsUnready(server, 'policy', why);
      files.setPolicy(POLICY);
      await isReady(server);
      assert.equal((await ask(server)).code, status.OK);
    });
  }

  it('not when those who hold a certificate are still served past the hard expiry: that is degraded', async () => {
    files.setPolicy(POLICY, { validity: { ...EXPIRED, renewAfterHardExpiry: true } });
    await using server = await start();
    assert.match((await ask(server)).details, /^CAP-S11 /);
    const answer = await server.get('/readyz');
    assert.equal(answer.status, 200);
    assert.match(
      await answer.text(),
      /"degraded":\[\{"part":"policy","why":"only renewals are granted: .*ended at 2026/,
    );
  });

  const tokensBy = (keys: KeyServer): ServerOptions['settings'] => ({
    'authentication.tokens.issuers': [{ issuer: TOKEN_ISSUER, keys: { url: keys.url } }],
  });

  it('the keys of the only credential that anybody could show are not to be had', async () => {
    await using keys = await KeyServer.start();
    const alone = { ...tokensBy(keys), 'authentication.clientCertificates': false, 'sds.sockets': [] };
    await using server = await start(alone);
    await withoutKeys(server, keys);
    await showsUnready(server, 'token keys', /the keys of the token issuer .* could not be fetched/);
  });

  it('not when there are other credentials than the tokens whose keys are not to be had: that is degraded', async () => {
    await using keys = await KeyServer.start();
    await using server = await start(tokensBy(keys));
    await withoutKeys(server, keys);
    const answer = await server.get('/readyz');
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /"degraded":\[\{"part":"token keys","why":"the keys of the token issuer /);
  });

  async function withoutKeys(server: RunningServer, keys: KeyServer): Promise<void> {
    const asking = ask(server);
    await keys.asked();
    keys.answer(500, 'out of order');
    assert.match((await asking).details, /^CAP-S05 /);
  }

  async function start(settings: ServerOptions['settings'] = {}): Promise<RunningServer> {
    return RunningServer.start({ files, settings });
  }
});

async function showsUnready(server: RunningServer, part: string, why: RegExp): Promise<void> {
  const answer = await eventually(
    'not ready',
    async () => {
      const found = await server.get('/readyz');
      return found.status === 503 && found;
    },
    SOON,
  );
  const { ready, unready } = (await answer.json()) as { ready: boolean; unready: { part: string; why: string }[] };
  assert.equal(ready, false);
  assert.deepEqual(
    unready.map((one) => one.part),
    [part],
  );
  assert.match(unready[0]?.why ?? '', why);
  const metrics = await (await server.get('/metrics')).text();
  assert.match(metrics, new RegExp(`^capstan_part_ready\\{part="${part}"\\} 0$`, 'm'));
}

async function isReady(server: RunningServer): Promise<void> {
  await eventually('ready', async () => (await server.get('/readyz')).ok, SOON);
}

async function ask(server: RunningServer): Promise<Outcome> {
  using client = server.client();
  const headers = { authorization: `Bearer ${await server.files.mint.token()}` };
  return await client.call({ csr: (await buildCsr()).pem, headers });
}
