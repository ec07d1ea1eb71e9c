// The certificate of an issuer that is imported below another trust anchor than the one in force: by the commands, without a server.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { folderAt } from '../../../adapters/upstream/offline/folder-at.ts';
import { AnchorDrill } from '../../support/anchor-drill.ts';

describe('An intermediate below another trust anchor', function () {
  this.timeout(60_000);
  let drill: AnchorDrill;
  let settings: Readonly<Record<string, unknown>>;
  beforeEach(async () => {
    drill = await AnchorDrill.create();
    settings = drill.settingsIn('issuer');
    const { files, next } = drill;
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
  });
  afterEach(() => drill[Symbol.dispose]());

  const inForce = (): X509Certificate => new X509Certificate(readFileSync(drill.files.path('issuer/tls.crt')));
  const isBelow = (root: string): boolean => inForce().verify(new X509Certificate(root).publicKey);
  const waiting = async (): Promise<string | undefined> =>
    (await folderAt(drill.files.path('issuer')).kept('prepared'))?.chain;
  const nextChain = (): string => readFileSync(drill.files.path('next-chain.pem'), 'utf8');

  it('waits beside the one in force for the rotation, and says so', async () => {
    const { output, error } = await drill.importNext(settings);
    assert.match(
      output,
      /^default keeps CN=Capstan issuer default \([0-9a-f]{16}\), until .*; it leads to another trust anchor, and signs when capstan anchor advance adopts that \(--now: at once\)$/m,
      error,
    );
    assert.ok(isBelow(drill.files.pki.root.certificatePem));
    assert.equal(await waiting(), nextChain());
  });

  it('says in JSON whether it waits', async () => {
    const { output, error } = await drill.importNext(settings, { more: ['--output', 'json'] });
    const { issuer, waits, unchanged } = JSON.parse(output === '' ? error : output) as Record<string, unknown>;
    assert.deepEqual([issuer, waits, unchanged], ['default', true, false]);
  });

  it('is in force at once with --now', async () => {
    const { output, error } = await drill.importNext(settings, { more: ['--now'] });
    assert.match(
      output,
      /^default signs with CN=Capstan issuer default \([0-9a-f]{16}\), until .*; a running server/m,
      error,
    );
    assert.ok(isBelow(drill.next.root.certificatePem));
    assert.equal(await waiting(), undefined);
  });

  it('may come twice: it waits on', async () => {
    await drill.importNext(settings);
    const before = inForce().fingerprint256;
    const { code, output, error } = await drill.importAgain();
    assert.equal(code, 0, error);
    assert.match(output, /^default keeps /m);
    assert.equal(inForce().fingerprint256, before);
    assert.equal(await waiting(), nextChain());
  });

  it('is in force with --now also when it waits already, and waits no longer', async () => {
    await drill.importNext(settings);
    const { output, error } = await drill.importAgain('--now');
    assert.match(output, /^default signs with /m, error);
    assert.ok(isBelow(drill.next.root.certificatePem));
    assert.equal(await waiting(), undefined);
  });

  it('is one thing, below the anchor in force another: that signs at once', async () => {
    const { pki } = drill.files;
    const former = inForce().fingerprint256;
    const { output, error } = await drill.importNext(settings, { below: pki });
    assert.match(output, /^default signs with /m, error);
    assert.ok(isBelow(pki.root.certificatePem));
    assert.notEqual(inForce().fingerprint256, former);
  });
});
