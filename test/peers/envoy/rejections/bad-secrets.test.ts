// What Envoy does with answers that Capstan must never give, shown with a scripted SDS server. These
// are the facts that Capstan's own checks, its silence after a NACK and its one-name answers rest on.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { type ApiType, type BootstrapDocument, FRESH_CONNECTIONS } from '../support/bootstrap.ts';
import { Envoy } from '../support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary, type EnvoyVersion, OLDEST_ENVOY } from '../support/envoy-package.ts';
import { createRoot, issueIntermediate, issueLeaf, type TestAuthority, type TestLeaf } from '../../support/pki.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { bundleSecret, certificateSecret, type NamedSecret, ScriptedSds } from '../support/scripted-sds.ts';
import { visit, type Visitor } from '../../support/tls-visit.ts';

const WORKLOAD = 'spiffe://cluster.local/ns/default/sa/shop';
const VARIANTS: readonly (readonly [EnvoyVersion, ApiType])[] = [
  [CURRENT_ENVOY, 'GRPC'],
  [CURRENT_ENVOY, 'DELTA_GRPC'],
  [OLDEST_ENVOY, 'GRPC'],
  [OLDEST_ENVOY, 'DELTA_GRPC'],
];

for (const [version, apiType] of VARIANTS) {
  describe(`Envoy ${version} over ${apiType}, given bad secrets`, function () {
    this.timeout(180_000);
    let issuer: TestAuthority;
    let anchorsPem: string;
    let visitor: Visitor;
    let good: TestLeaf;
    let other: TestLeaf;
    let workDir: string | undefined;

    before(async function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
      const root = await createRoot('Corporate Root');
      anchorsPem = root.certificatePem;
      issuer = await issueIntermediate(root, 'Mesh Issuer');
      visitor = {
        identity: await issueLeaf(issuer, { uri: 'spiffe://cluster.local/ns/default/sa/visitor' }),
        anchorsPem,
      };
      good = await issueLeaf(issuer, { uri: WORKLOAD });
      other = await issueLeaf(issuer, { uri: WORKLOAD });
      workDir = mkdtempSync(path.join(tmpdir(), 'cs-'));
    });
    after(() => {
      if (workDir !== undefined) rmSync(workDir, { recursive: true, force: true });
    });

    const scene = async (): Promise<Scene> =>
      Scene.open(version, apiType, path.join(workDir!, 's.sock'), good, anchorsPem);
    const withKeyOf = (leaf: TestLeaf): Any => certificateSecret('default', { ...other, keyPem: leaf.keyPem });

    it('rejects each kind of garbage, keeps serving the good certificate and takes the next good one', async () => {
      await using s = await scene();
      const garbage: Readonly<Record<string, Any>> = {
        'a key of another certificate': withKeyOf(good),
        'a chain that is not PEM': certificateSecret('default', { ...other, chainPem: 'garbage' }),
        'an empty chain': certificateSecret('default', { ...other, chainPem: '' }),
        'a bundle where a certificate belongs': bundleSecret('default', anchorsPem),
        'another message type': create(AnySchema, { typeUrl: 'type.googleapis.com/google.protobuf.Empty' }),
      };
      let rejected = 0;
      for (const [what, secret] of Object.entries(garbage)) {
        // 1. The bad secret is refused with a reason, and counted.
        assert.notEqual(await s.send('default', [{ name: 'default', secret }]), 'ACK', what);
        assert.equal(await s.envoy.sds('default', 'update_rejected'), ++rejected, what);
        // 2. A fresh connection still gets the good certificate.
        assert.equal((await visit(s.envoy.mtlsPort, visitor)).serial, good.serial, what);
      }
      // 3. The other secret's stream saw nothing, and a good certificate heals.
      assert.equal(await s.envoy.sds('ROOTCA', 'update_rejected'), 0);
      assert.equal(await s.send('default', [{ name: 'default', secret: certificateSecret('default', other) }]), 'ACK');
      assert.equal((await visit(s.envoy.mtlsPort, visitor)).serial, other.serial);
    });

    it('rejects an empty bundle and a bundle that is not PEM', async () => {
      await using s = await scene();
      for (const anchors of ['', 'garbage']) {
        assert.notEqual(await s.send('ROOTCA', [{ name: 'ROOTCA', secret: bundleSecret('ROOTCA', anchors) }]), 'ACK');
        assert.equal((await visit(s.envoy.mtlsPort, visitor)).status, 200);
      }
      assert.equal(await s.envoy.sds('ROOTCA', 'update_rejected'), 2);
    });

    it('claims success when the same bad bytes come again, and serves the old certificate all the same', async () => {
      await using s = await scene();
      const bad = [{ name: 'default', secret: withKeyOf(good) }];
      // 1. First time: NACK.
      assert.match(await s.send('default', bad), /KEY_VALUES_MISMATCH/);
      assert.equal(await s.envoy.sds('default', 'update_success'), 1);
      // 2. Second time: ACK, counted as success, and nothing has changed.
      assert.equal(await s.send('default', bad), 'ACK');
      assert.equal(await s.envoy.sds('default', 'update_success'), 2);
      assert.deepEqual(await s.envoy.leafSerials(), [good.serial]);
      assert.equal((await visit(s.envoy.mtlsPort, visitor)).serial, good.serial);
    });

    it('lets a bad certificate poison the next good bundle', async () => {
      await using s = await scene();
      const nextBundle = [{ name: 'ROOTCA', secret: bundleSecret('ROOTCA', `${anchorsPem}\n`) }];
      // 1. With unreadable PEM in store, the good bundle is rejected for the certificate's fault.
      await s.send('default', [
        { name: 'default', secret: certificateSecret('default', { ...other, chainPem: 'garbage' }) },
      ]);
      assert.match(await s.send('ROOTCA', nextBundle), /certificate chain/);
      // 2. A different good certificate heals both.
      assert.equal(await s.send('default', [{ name: 'default', secret: certificateSecret('default', other) }]), 'ACK');
      // 3. With an empty certificate in store, the good bundle is taken and every new call out fails. Calls in
      //    are still answered: the cluster's failure kept the listener from ever hearing of it.
      const empty = certificateSecret('default', { chainPem: '', keyPem: '' });
      assert.notEqual(await s.send('default', [{ name: 'default', secret: empty }]), 'ACK');
      assert.equal(await s.envoy.call(), 200);
      const again = [{ name: 'ROOTCA', secret: bundleSecret('ROOTCA', `${anchorsPem}\n\n`) }];
      assert.equal(await s.send('ROOTCA', again), 'ACK');
      assert.equal(await s.envoy.call(), 503);
      assert.equal(await s.envoy.sum(/upstream_context_secrets_not_ready$/), 1);
      assert.equal((await visit(s.envoy.mtlsPort, visitor)).serial, other.serial);
    });

    it('silently accepts a wrong name, an empty answer and an extra secret', async () => {
      await using s = await scene();
      const stranger = { name: 'stranger', secret: certificateSecret('stranger', other) };
      const same = { name: 'default', secret: certificateSecret('default', good) };
      for (const secrets of [[stranger], [], [stranger, same]]) {
        assert.equal(await s.send('default', secrets), 'ACK');
        assert.equal((await visit(s.envoy.mtlsPort, visitor)).serial, good.serial);
      }
      assert.equal(await s.envoy.sds('default', 'update_rejected'), 0);
    });
  });
}

/** Each call out opens an mTLS connection of its own. */
function amend(document: BootstrapDocument): void {
  const peers = document.static_resources.clusters.find(({ name }) => name === 'peers');
  Object.assign(peers!, FRESH_CONNECTIONS);
}

/** A live Envoy with one good certificate, and the scripted server behind it. */
class Scene implements AsyncDisposable {
  readonly envoy: Envoy;
  readonly #sds: ScriptedSds;
  #version = 0;

  private constructor(sds: ScriptedSds, envoy: Envoy) {
    this.#sds = sds;
    this.envoy = envoy;
  }

  static async open(
    version: EnvoyVersion,
    apiType: ApiType,
    socket: string,
    leaf: TestLeaf,
    anchorsPem: string,
  ): Promise<Scene> {
    const sds = await ScriptedSds.listen(socket);
    const scene = new Scene(sds, await Envoy.start({ version, apiType, values: { SDS_SOCKET: socket }, amend }));
    await scene.send('default', [{ name: 'default', secret: certificateSecret('default', leaf) }]);
    await scene.send('ROOTCA', [{ name: 'ROOTCA', secret: bundleSecret('ROOTCA', anchorsPem) }]);
    await scene.envoy.live();
    return scene;
  }

  /** @returns `ACK`, or Envoy's words of refusal. */
  async send(name: string, secrets: readonly NamedSecret[]): Promise<string> {
    const stream = await this.#sds.stream(name, { signal: AbortSignal.timeout(30_000) });
    const version = String(++this.#version);
    const answer =
      stream.kind === 'sotw'
        ? await stream.send(
            version,
            secrets.map(({ secret }) => secret),
          )
        : await stream.send(version, secrets);
    return answer.errorDetail?.message ?? 'ACK';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.envoy[Symbol.asyncDispose]();
    await this.#sds[Symbol.asyncDispose]();
  }
}
