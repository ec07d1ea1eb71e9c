// Two servers on one database whose issuers have their keys in memory: an intermediate each, and leaves that either of them renews.
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

interface Leaf {
  readonly chainPem: string;
  readonly keyPem: string;
  readonly issuer: X509Certificate;
}

describe('Two servers on one database whose keys are in memory', function () {
  this.timeout(180_000);
  const ending = new AsyncDisposableStack();
  let files: ServerFiles;
  let cluster: PostgresCluster;
  let upstream: FakeUpstream;
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = ending.use(await PostgresCluster.start());
    files = ending.use(await ServerFiles.create());
    upstream = new FakeUpstream(files.pki.root);
    for (const name of ['one', 'other']) mkdirSync(files.path(name));
  });
  after(async () => ending.disposeAsync());

  async function start(name: string): Promise<RunningServer> {
    const { host, port, database, passwordFile, caFile } = cluster;
    const settings = {
      'journal.store': `postgres://capstan@${host}:${port}/${database}`,
      'journal.postgres.caFile': caFile,
      'journal.postgres.passwordFile': passwordFile,
      'listen.administration.socket': files.path(`${name}/admin.sock`),
      'sds.sockets': [],
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.upstream': {
        vault: { address: 'https://127.0.0.1:1', caFile: 'absent.pem', mount: 'pki', tokenFile: 'absent' },
      },
    };
    return RunningServer.start({ files, settings, upstream, rollover: ROLLOVER });
  }

  async function issuer(
    server: string,
    ...argv: readonly string[]
  ): Promise<{ code: number; output: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const all = ['issuer', ...argv, '--data-dir', files.path(server)];
    const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(20_000) });
    return { code, output: out(), error: error() };
  }

  /** By a token, or by a leaf that it got before. */
  async function leafOf(server: RunningServer, by?: Leaf): Promise<Leaf> {
    using client = server.client(by);
    const { pem: csr, privateKeyPem: keyPem } = await buildCsr({ names: [spiffe(WEB)] });
    const headers = by ? {} : { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const { code, details, response } = await client.call({ csr, headers });
    assert.equal(code, status.OK, details);
    const chain = response!.certChain;
    return { chainPem: chain.slice(0, -1).join(''), keyPem, issuer: new X509Certificate(chain[1]!) };
  }

  it('sign with one each, take the leaves of the other, also of one that ended with its server', async () => {
    const [before, other] = [await start('one'), ending.use(await start('other'))];
    const [first, theirs] = [await leafOf(before), await leafOf(other)];
    assert.notEqual(first.issuer.fingerprint256, theirs.issuer.fingerprint256);
    assert.equal((await leafOf(other, first)).issuer.fingerprint256, theirs.issuer.fingerprint256);
    assert.equal((await leafOf(before, theirs)).issuer.fingerprint256, first.issuer.fingerprint256);
    await before.stop();
    await using one = await start('one');
    const second = await leafOf(one, first);
    assert.notEqual(second.issuer.fingerprint256, first.issuer.fingerprint256);
    await leafOf(other, second);
    await leafOf(other, first);
    // Of three certificates by one name nobody can tell which have a server: none is closed.
    const { output } = await issuer('one', 'list');
    assert.equal(output.match(/^default .* active /gm)?.length, 3, output);
    assert.equal((await issuer('one', 'suspend', 'default', '--reason', 'a drill')).code, 0);
    await eventually(
      'it signs nothing',
      async () => (await one.ask('default', 'web')).code === status.UNAVAILABLE,
      SOON,
    );
    await leafOf(other);
  });
});

/** For which the leaves of a default configuration are short enough. */
const ROLLOVER = { lifetime: 30 * 86_400_000, prepareAt: 1 / 2, activateAt: 5 / 6 };
