// Two servers on one database whose issuers are in folders of their own: an intermediate each under one anchor. Whatever step of its
// rollover one of them is at, either renews what the other one issued; what is tainted at one proves nobody at the other.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { RunningServer } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, spiffe } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { findPostgres } from '../../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../../support/postgres/cluster.ts';
import { FakeUpstream } from '../../../support/upstream/fake-upstream.ts';
import { peerOrSkip } from '../../support/presence.ts';

const SOON = { withinMs: 30_000 };
const WEB = 'spiffe://cluster.local/ns/default/sa/web';
/** For which the leaves of a default configuration are short enough. */
const ROLLOVER = { lifetime: 30 * 86_400_000, prepareAt: 1 / 2, activateAt: 5 / 6 };

interface Leaf {
  readonly chainPem: string;
  readonly keyPem: string;
  /** Of the intermediate that signed it. */
  readonly signer: string;
}

type Name = 'one' | 'other';

describe('Two servers on one database with an intermediate each', function () {
  this.timeout(180_000);
  const ending = new AsyncDisposableStack();
  const servers = new Map<Name, RunningServer>();
  let files: ServerFiles;
  let cluster: PostgresCluster;
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = ending.use(await PostgresCluster.start());
    files = ending.use(await ServerFiles.create());
    for (const name of ['one', 'other'] as const) servers.set(name, ending.use(await start(name)));
  });
  after(async () => ending.disposeAsync());

  async function start(name: Name): Promise<RunningServer> {
    for (const folder of [name, `${name}/issuer`]) mkdirSync(files.path(folder), { recursive: true, mode: 0o700 });
    const { host, port, database, passwordFile, caFile } = cluster;
    const settings = {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
      'listen.administration.socket': files.path(`${name}/admin.sock`),
      'sds.sockets': [],
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path(`${name}/issuer`),
    };
    return RunningServer.start({ files, settings, upstream: new FakeUpstream(files.pki.root), rollover: ROLLOVER });
  }

  async function issuer(name: Name, ...argv: readonly string[]): Promise<string> {
    const { terminal, out, error } = recordTerminal();
    const all = ['issuer', ...argv, '--reason', 'a drill', '--data-dir', files.path(name)];
    const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(20_000) });
    assert.equal(code, 0, error());
    return out();
  }

  /** By a token, or by a leaf that it got before. @returns what came of it, in words, and the leaf. */
  async function ask(name: Name, by?: Leaf): Promise<{ readonly said: string; readonly leaf?: Leaf }> {
    using client = servers.get(name)!.client(by);
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr({ names: [spiffe(WEB)] });
    const headers = by ? {} : { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr, headers });
    const said = `${status[code]} ${details}`;
    if (code !== status.OK) return { said };
    const chain = response!.certChain;
    const signer = new X509Certificate(chain[1]!).fingerprint256;
    return { said, leaf: { chainPem: chain.slice(0, -1).join(''), keyPem, signer } };
  }
  async function leafOf(name: Name, by?: Leaf): Promise<Leaf> {
    const { said, leaf } = await ask(name, by);
    return leaf ?? assert.fail(`${name}: ${said}`);
  }

  /** Each renews, on new connections, every leaf there is; what it gives is of its own intermediate. */
  async function eachRenews(leaves: readonly Leaf[]): Promise<void> {
    for (const name of ['one', 'other'] as const) {
      const own = (await leafOf(name)).signer;
      for (const leaf of leaves) assert.equal((await leafOf(name, leaf)).signer, own);
    }
  }

  it('renew each other’s leaves before, in the middle of and after a rollover of one, and of the other after it', async () => {
    const leaves = [await leafOf('one'), await leafOf('other')];
    assert.notEqual(leaves[0]!.signer, leaves[1]!.signer);
    await eachRenews(leaves);
    for (const [rolls, stays] of [
      ['one', 'other'],
      ['other', 'one'],
    ] as const) {
      const [former, beside] = [(await leafOf(rolls)).signer, (await leafOf(stays)).signer];
      await issuer(rolls, 'rotate', 'default');
      assert.equal((await leafOf(rolls)).signer, former, 'it is prepared, and does not sign');
      await eachRenews(leaves);
      await issuer(rolls, 'rotate', 'default', '--activate');
      const [newest] = [await leafOf(rolls)];
      assert.notEqual(newest.signer, former);
      // At once: the other one has not read of this intermediate yet.
      assert.equal((await leafOf(stays, newest)).signer, beside);
      leaves.push(newest);
      await eachRenews(leaves);
    }
    assert.equal(new Set(leaves.map(({ signer }) => signer)).size, 4);
  });

  it('and a server that was away while the other one rolled over', async () => {
    await servers.get('other')!.stop();
    const before = await leafOf('one');
    await issuer('one', 'rotate', 'default', '--activate');
    const newest = await leafOf('one');
    assert.notEqual(newest.signer, before.signer);
    servers.set('other', ending.use(await start('other')));
    await eachRenews([before, newest]);
  });

  it('take no leaf any more of an intermediate that is tainted at either, and go on with the rest', async () => {
    const [theirs, own] = [await leafOf('one'), await leafOf('other')];
    await issuer('one', 'taint', 'default', '--force');
    await eventually('the other one knows', async () => (await ask('other', theirs)).leaf === undefined, SOON);
    assert.match((await ask('other', theirs)).said, /^UNAUTHENTICATED CAP-A09 .*: its issuer is tainted/);
    assert.equal((await leafOf('other', own)).signer, own.signer);
    // Its upstream signs it another one at once, of another key.
    await eventually('it signs again', async () => (await ask('one', own)).leaf !== undefined, SOON);
    assert.ok(![theirs.signer, own.signer].includes((await leafOf('one', own)).signer));
  });
});
