// What the product exists for, end to end: security signs one bundle, a platform team narrows it next to
// its manifests, and a workload that is refused reads in its own proxy's log what to change and whom to ask.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { Outcome } from '../../adapters/grpc/wire.ts';
import { eventually } from '../../support/eventually.ts';
import { buildCsr } from '../../support/certificates.ts';
import { bundleDocument } from '../../support/policy/signed-bundle.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const SOON = { withinMs: 30_000 };
const MINUTE_MS = 60_000;

const NEEDS_INGRESS = `
apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: public-api, namespace: shop }
spec:
  conditions:
    - id: has-ingress
      exists: { apiVersion: networking.k8s.io/v1, kind: Ingress, where: "object.spec.rules.exists(r, r.host.endsWith('.shop.example'))" }
      message: Publish an Ingress for this service before it gets an identity
      waitFor: 1s
  contact: "#team-shop"
`;

const ingress = (host: string): string => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: front, namespace: shop }
spec: { rules: [{ host: ${host} }] }
`;

describe('A mesh whose security team allows identities in namespaces shop and pay only', () => {
  let files: ServerFiles;
  let server: RunningServer;
  before(async () => {
    files = await ServerFiles.create();
    files.setPolicy([{ namespaces: ['shop', 'pay'] }]);
    server = await RunningServer.start({ files });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const ask = async (namespace: string, serviceAccount = 'api'): Promise<Outcome> =>
    server.ask(namespace, serviceAccount);

  async function leafOf(namespace: string): Promise<X509Certificate> {
    const { code, details, response } = await ask(namespace);
    assert.equal(status[code], 'OK', details);
    return new X509Certificate(response?.certChain[0] ?? '');
  }

  /** By the revision that the next decision names. */
  async function inForce(change: () => void): Promise<void> {
    const before = await revision();
    change();
    await eventually('the change is in force', async () => (await revision()) !== before, SOON);
  }

  async function revision(): Promise<string> {
    const { revision: current } = (await (await server.get('/policy')).json()) as { revision: string };
    return current;
  }

  it('gives an identity in namespace shop', async () => {
    assert.equal((await leafOf('shop')).subjectAltName, 'URI:spiffe://cluster.local/ns/shop/sa/api');
  });

  it('refuses one in namespace lab, and says who decides and which namespaces there are', async () => {
    const { code, details } = await ask('lab');
    assert.equal(status[code], 'PERMISSION_DENIED');
    assert.match(
      details,
      /^CAP-P01 no policy rule allows this identity: test@\d+ rules: workload lab\/api, allowed namespaces pay shop; .*ask #pki id=[0-9a-f]{20}$/,
    );
  });

  it('tells which policies are in force, by name and digest', async () => {
    const body = (await (await server.get('/policy')).json()) as Record<string, unknown>;
    const [decision] = files.decisions({ outcome: 'refused' });
    assert.equal(decision?.policyRevision, body['revision']);
    assert.deepEqual(Object.keys(body), ['revision', 'bundle', 'policies']);
  });

  describe('and whose shop team wants no identity before there is an Ingress', () => {
    before(async () => inForce(() => files.setLocal('public-api.yaml', NEEDS_INGRESS)));

    it('refuses with a line that names the condition, what to do and whom to ask', async () => {
      const { code, details } = await ask('shop', 'storefront');
      assert.equal(status[code], 'PERMISSION_DENIED');
      assert.match(
        details,
        /^CAP-P12 a policy condition is not met: shop\/public-api spec\.conditions\.has-ingress: Publish an Ingress for this service before it gets an identity \(there is none\); may pass later; ask #team-shop id=[0-9a-f]{20}$/,
      );
    });

    it('leaves other namespaces alone', async () => {
      assert.ok(await leafOf('pay'));
    });

    it('is not impressed by an Ingress for another host, nor by one elsewhere', async () => {
      files.setManifest('elsewhere.yaml', ingress('www.shop.example').replace('namespace: shop', 'namespace: pay'));
      files.setManifest('front.yaml', ingress('www.other.example'));
      await eventually(
        'the snapshot changes',
        async () => (await ask('shop', 'storefront')).details.includes('none of 1 fits'),
        SOON,
      );
    });

    it('gives the identity at the next try once the Ingress is there, with no restart', async () => {
      files.setManifest('front.yaml', ingress('www.shop.example'));
      await eventually('the identity is given', async () => (await ask('shop', 'storefront')).code === status.OK, SOON);
      const [{ policy } = assert.fail()] = files.decisions({ outcome: 'issued' });
      const [looked] = policy?.objects ?? [];
      assert.deepEqual([looked?.kind, looked?.namespace, looked?.name], ['Ingress', 'shop', 'front']);
      assert.ok(looked?.uid && looked.resourceVersion);
    });

    it('goes on renewing when the Ingress is deleted, for one lifetime, and records why', async () => {
      files.setManifest('front.yaml');
      const audited = await eventually(
        'a renewal for which the condition is waived',
        async () => {
          assert.equal((await ask('shop', 'storefront')).code, status.OK);
          return files.decisions({ outcome: 'issued' })[0]?.policy?.waived;
        },
        SOON,
      );
      assert.equal(audited[0]?.key, 'shop/public-api spec.conditions.has-ingress');
    });

    it('remembers across a restart what an identity had', async () => {
      await server.stop();
      server = await RunningServer.start({ files });
      assert.equal((await ask('shop', 'storefront')).code, status.OK);
      assert.equal((await ask('shop', 'newcomer')).code, status.PERMISSION_DENIED);
    });

    it('holds a first request for a moment, so that the order of an apply does not matter', async () => {
      const asked = ask('shop', 'late');
      files.setManifest('front.yaml', ingress('www.shop.example'));
      assert.equal((await asked).code, status.OK);
      files.setManifest('front.yaml');
    });
  });

  describe('and whose pay team asks for more than it may have', () => {
    const greedy = `
apiVersion: capstan.dev/v1alpha1
kind: IssuancePolicy
metadata: { name: greedy, namespace: pay }
spec:
  narrow: { ttl: { max: 720h }, keys: [ec-p256, ed25519], trustDomains: ["*"] }
`;

    it('gives nothing more', async () => {
      await inForce(() => files.setLocal('greedy.yaml', greedy));
      using client = server.client();
      const headers = { authorization: `Bearer ${await files.mint.tokenIn('pay', 'api')}` };
      const answer = await client.call({ csr: (await buildCsr()).pem, headers, validityDuration: 30n * 86_400n });
      const leaf = new X509Certificate(answer.response?.certChain[0] ?? '');
      assert.ok(Date.parse(leaf.validTo) - Date.now() <= 24 * 60 * MINUTE_MS);
    });

    it('gives less where the team narrows', async () => {
      const narrow = greedy
        .replace('max: 720h', 'max: 30m')
        .replace('keys:', 'usages: [digitalSignature, serverAuth, clientAuth], keys:');
      await inForce(() => files.setLocal('greedy.yaml', narrow));
      const leaf = await leafOf('pay');
      assert.ok(Date.parse(leaf.validTo) - Date.now() <= 30 * MINUTE_MS);
      assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    });
  });

  it('audits before it enforces: what would be refused is issued, recorded and counted', async () => {
    const audit = NEEDS_INGRESS.replaceAll('shop', 'pay')
      .replace('spec:', 'spec:\n  mode: audit')
      .replace('public-api', 'trial');
    await inForce(() => files.setLocal('trial.yaml', audit));
    assert.ok(await leafOf('pay'));
    const [{ policy } = assert.fail()] = files.decisions({ outcome: 'issued' });
    assert.deepEqual(
      policy?.audits?.map(({ reason, policy: name }) => [reason, name]),
      [['CAP-P12', 'pay/trial']],
    );
    const page = await (await server.get('/metrics')).text();
    assert.match(page, /capstan_policy_clauses_total\{policy="pay\/trial",reason="CAP-P12",effect="audited"\} [1-9]/);
  });
});

describe('A folder of policy bundles', () => {
  it('has its highest sequence in force, and a newer one as soon as both its files are there', async () => {
    using files = await ServerFiles.create();
    mkdirSync(files.path('bundles'));
    const put = (sequence: number, namespaces: readonly string[]): void => {
      const document = bundleDocument([{ namespaces }], { sequence });
      files.write(`bundles/${sequence}.yaml.sig`, files.signBundle(document));
      files.write(`bundles/${sequence}.yaml`, JSON.stringify(document));
    };
    put(1, ['default']);
    put(2, ['default', 'shop']);
    await using server = await RunningServer.start({
      files,
      settings: { 'policy.bundle.file': files.path('bundles') },
    });
    assert.equal(server.report.policy.bundle, 'test@2');
    put(3, ['default']);
    const inForce = async (): Promise<unknown> => await (await server.get('/policy')).json();
    await eventually(
      'the newer one is in force',
      async () => ((await inForce()) as { bundle: { sequence: number } }).bundle.sequence === 3,
      SOON,
    );
  });
});
