// An issuer with a CA above it that signs by itself, at a real server.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { FakeUpstream } from '../../support/upstream/fake-upstream.ts';
import { eventually, freePort } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const IN_FOLDER = (files: ServerFiles) => ({
  'issuer.chainFile': undefined,
  'issuer.keyFile': undefined,
  'issuer.directory': files.path('issuer'),
  'lifetimes.max': '50s',
  'lifetimes.default': '50s',
  'lifetimes.backdate': '0s',
  'sds.ttl': '50s',
  'serving.ttl': '50s',
});

describe('An issuer with an upstream', function () {
  this.timeout(120_000);
  it('gets its first certificate at the first start, and is live and not ready while its CA does not sign', async () => {
    using files = await ServerFiles.create();
    const upstream = new FakeUpstream(files.pki.root);
    upstream.problem = 'the fake CA is sealed: unseal it';
    const http = `127.0.0.1:${await freePort()}`;
    const settings = { ...IN_FOLDER(files), 'listen.http.address': http };
    const starting = RunningServer.start({ files, settings, upstream });
    await eventually('it is asked twice', async () => upstream.asked.length >= 2 || undefined, { withinMs: 60_000 });
    const ready = await fetch(`http://${http}/readyz`, { signal: AbortSignal.timeout(30_000) });
    assert.equal(ready.status, 503);
    assert.match(
      await ready.text(),
      /issuer default, since .*: the fake CA is sealed: unseal it; nothing is signed before/,
    );
    assert.equal((await fetch(`http://${http}/healthz`, { signal: AbortSignal.timeout(30_000) })).status, 200);
    upstream.problem = undefined;
    await using server = await starting;
    const { code } = await server.ask('default', 'demo');
    assert.equal(code, status.OK);
    assert.equal(new Set(upstream.asked.map(({ csrPem }) => publicKeyOf(csrPem))).size, 1, 'one key is asked for');
    const chain = readFileSync(path.join(files.path('issuer'), 'tls.crt'), 'utf8');
    assert.match(new X509Certificate(chain).subject, /Capstan issuer default/);
  });
});

function publicKeyOf(csrPem: string): string {
  return Buffer.from(new Pkcs10CertificateRequest(csrPem).publicKey.rawData).toString('hex');
}
