// What each edge of a running server answers in each state of an issuer, by the table of docs/trust.md.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, spiffe, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { pemOf, SdsClient, secretsOf } from '../../../support/clients/sds-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { FakeUpstream } from '../../../support/upstream/fake-upstream.ts';
import { issuerEdges } from './issuer-edges.ts';
import { csrClient, RunningServer, type Showing } from '../../support/running-server.ts';
import { ServerFiles } from '../../support/server-files.ts';

const SOON = { withinMs: 60_000 };
const WEB = 'spiffe://cluster.local/ns/default/sa/web';
const ROLLOVER = { lifetime: 30 * 86_400_000, prepareAt: 1 / 2, activateAt: 5 / 6 };
const WHY = ['--reason', 'a drill'];
/** What leads to each state. */
const LEADS_TO: Readonly<Record<string, readonly string[]>> = {
  active: [],
  preparing: ['rotate', 'default'],
  prepared: ['rotate', 'default'],
  retiring: ['rotate', 'default', '--activate'],
  suspended: ['suspend', 'default'],
  tainted: ['taint', 'default', '--force'],
  retired: ['retire', 'default', '--override'],
};

interface Scene extends AsyncDisposable {
  readonly server: RunningServer;
  readonly upstream: FakeUpstream;
  readonly files: ServerFiles;
  readonly anchorsPem: string;
  /** The certificate whose state it is about was in force at first; the next one of its issuer comes after it. */
  readonly first: X509Certificate;
  readonly other: TestAuthority;
}

async function start({ withOther }: { readonly withOther: boolean }): Promise<Scene> {
  const ending = new AsyncDisposableStack();
  const files = ending.use(await ServerFiles.create());
  const other = await testAuthority();
  const anchorsPem = files.pki.root.certificatePem + other.root.certificatePem;
  files.setAnchors(anchorsPem);
  files.write('other-key.pem', other.intermediate.keyPem);
  files.write('other-chain.pem', other.intermediate.certificatePem);
  const entry = { name: 'other', chainFile: files.path('other-chain.pem'), keyFile: files.path('other-key.pem') };
  const socketOf = (serviceAccount: string) => ({
    path: files.socket(serviceAccount),
    namespace: 'default',
    serviceAccount,
  });
  const settings = {
    ...(withOther && { additionalIssuers: [entry] }),
    'sds.sockets': [socketOf('demo'), socketOf('late')],
    'sds.rotationSpread': '0s',
    'issuer.chainFile': undefined,
    'issuer.keyFile': undefined,
    'issuer.directory': files.path('issuer'),
    'crl.address': '127.0.0.1:0',
  };
  const upstream = new FakeUpstream(files.pki.root);
  const server = ending.use(await RunningServer.start({ files, settings, upstream, rollover: ROLLOVER }));
  const first = new X509Certificate(readFileSync(files.path('issuer/tls.crt')));
  return {
    ...{ server, upstream, files, anchorsPem, first, other },
    [Symbol.asyncDispose]: async () => ending.disposeAsync(),
  };
}

async function issuer({ files }: Scene, ...argv: readonly string[]): Promise<string> {
  const { terminal, out, error } = recordTerminal();
  const all = ['issuer', ...argv, '--data-dir', files.directory];
  const code = await runCli(all, { terminal, environment: {}, signal: AbortSignal.timeout(30_000) });
  assert.equal(code, 0, error());
  return out();
}

const verifies = (leaf: X509Certificate, { publicKey }: Pick<X509Certificate, 'publicKey'>): boolean =>
  leaf.verify(publicKey);

/** In the words of the table. @param isFirst whether the first certificate is the one in the state, or the active one beside it. */
function signerOf(leaf: X509Certificate, { first, other }: Scene, isFirst: boolean): string {
  if (verifies(leaf, first)) return isFirst ? 'itself' : 'active';
  return leaf.verify(other.issuer.publicKey) ? 'another' : 'active';
}

async function ask(scene: Scene, showing?: Showing): Promise<X509Certificate | string> {
  return (await asked(scene, showing)).said;
}
async function asked({ server, anchorsPem, files }: Scene, showing?: Showing) {
  using client = csrClient(server.tlsPort, anchorsPem, showing);
  const { pem: csr, privateKeyPem: keyPem } = await buildCsr({ names: [spiffe(WEB)] });
  const headers = showing ? {} : { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
  const { code, details, response } = await client.call({ csr, headers });
  const chainPem = response?.certChain.slice(0, -1).join('') ?? '';
  return {
    said: code === status.OK ? new X509Certificate(chainPem) : details.slice(0, 7),
    showing: { chainPem, keyPem },
  };
}
async function overSds({ files }: Scene, account: string): Promise<X509Certificate | string> {
  using envoy = new SdsClient(`unix:${files.socket(account)}`);
  try {
    return new X509Certificate(pemOf(secretsOf(await envoy.fetch({ resourceNames: ['default'] }))[0]!));
  } catch (error) {
    return /CAP-\w+/.exec(String(error))?.[0] ?? String(error);
  }
}
async function served({ server: { tlsPort: port } }: Scene): Promise<X509Certificate> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate ?? assert.fail('it shows no certificate');
}

describe('The edges of a server', function () {
  this.timeout(120_000);
  const rows = issuerEdges();

  it('have an answer in every state that an issuer can have', () => {
    assert.deepEqual([...rows.keys()].toSorted(), Object.keys(LEADS_TO).toSorted());
  });

  for (const [state, row] of rows) {
    for (const withOther of [true, false]) {
      const beside = withOther ? 'with another issuer beside it' : 'with no other issuer';
      it(`answer as docs/trust.md says where one is ${state}, ${beside}`, async () => {
        await using scene = await start({ withOther });
        const own = await asked(scene);
        using envoy = scene.server.envoy();
        const held = envoy.sotw();
        held.subscribe('default');
        await held.accept();
        const release = Promise.withResolvers<undefined>();
        if (state === 'preparing') scene.upstream.held = release.promise;
        const acts = LEADS_TO[state] ?? [];
        // Else it has its next certificate moments after this one is tainted or retired.
        if (acts[0] !== 'rotate') scene.upstream.problem = 'away';
        const acting = acts.length === 0 ? undefined : issuer(scene, ...acts, ...WHY);
        if (state !== 'preparing') await acting;
        else await eventually('it is asked for', () => scene.upstream.asked.length === 2, SOON);

        const isFirst = !state.startsWith('prepar');
        const said = (answer: X509Certificate | string): string =>
          typeof answer === 'string' ? answer : signerOf(answer, scene, isFirst);
        const expected = (column: string): string | undefined => row.get(column)?.[withOther ? 'withOther' : 'alone'];
        const answers = async (): Promise<Record<string, string | undefined>> => ({
          token: said(await ask(scene)),
          'leaf of it': isFirst ? said(await ask(scene, own.showing)) : 'none',
          'new over SDS': said(await overSds(scene, 'late')),
          'held over SDS': said(await overSds(scene, 'demo')),
          'serving certificate': said(await served(scene)),
        });
        const wanted = Object.fromEntries(Object.keys(await answers()).map((column) => [column, expected(column)]));
        // What is replaced is so within moments.
        await eventually(
          state,
          async () => {
            assert.deepEqual(await answers(), wanted);
            return true;
          },
          SOON,
        );
        assert.equal(await listOf(scene, state, isFirst), expected('revocation list'));
        release.resolve(undefined);
        await acting;
      });
    }
  }
});

/** Whether there is a revocation list of the certificate that is in the state. */
async function listOf(scene: Scene, state: string, isFirst: boolean): Promise<string> {
  const first = scene.first.fingerprint256.replaceAll(':', '').toLowerCase().slice(0, 16);
  const listed = await issuer(scene, 'list');
  const id = isFirst ? first : new RegExp(` ${state} .* ([0-9a-f]{16}) `, 'm').exec(listed)?.[1];
  if (id === undefined) return 'none';
  const target = `http://${scene.server.report.crlAddress}/crl/${id}.crl`;
  return (await fetch(target, { signal: AbortSignal.timeout(10_000) })).ok ? 'signed' : 'none';
}
