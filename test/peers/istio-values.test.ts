// The values of istio-config/istio: what they say must lead Istio's agents to a name that Capstan's own certificate carries
// unless configured otherwise, and to audiences, signers and sockets that Capstan knows.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { schema } from '../../src/config/schema.ts';

const HOME = path.resolve(import.meta.dirname, '../../istio-config');
const read = (name: string): unknown => parse(readFileSync(path.join(HOME, name), 'utf8'));

interface SidecarValues {
  readonly global: {
    readonly caAddress: string;
    readonly pilotCertProvider: string;
    readonly sds: { readonly token: { readonly aud: string } };
  };
  readonly pilot: { readonly env: Readonly<Record<string, string>> };
}

function assertLeadsToCapstan(caAddress: string): void {
  const [host, port, ...rest] = caAddress.split(':');
  assert.deepEqual(rest, [], 'an agent wants host:port, without a scheme');
  assert.ok(
    (schema.serving.dnsNames.fallback as readonly string[]).includes(host!),
    `${host} is not in our certificate`,
  );
  assert.equal(port, String(schema.listen.tls.address.fallback).split(':').at(-1));
}

describe('The Helm values for Istio', () => {
  it('lead sidecars and gateways to a name and port that Capstan serves', () => {
    assertLeadsToCapstan((read('istio/sidecars.yaml') as SidecarValues).global.caAddress);
  });

  it('lead ztunnel there too, in the key that its chart reads', () => {
    assertLeadsToCapstan((read('istio/ambient.yaml') as { readonly caAddress: string }).caAddress);
  });

  it('stop istiod from being a CA and keep the agents on the root ConfigMap', () => {
    const { global, pilot } = read('istio/sidecars.yaml') as SidecarValues;
    // A Helm environment value is text; a bare false would be dropped by the chart's template.
    assert.equal(pilot.env['ENABLE_CA_SERVER'], 'false');
    assert.equal(global.pilotCertProvider, 'istiod');
    assert.equal(global.sds.token.aud, 'istio-ca');
  });

  it('ask in RA mode for one signer in all three places', () => {
    interface RaValues {
      readonly global: { readonly certSigners: readonly string[] };
      readonly pilot: { readonly env: Readonly<Record<string, string>> };
      readonly meshConfig: {
        readonly defaultConfig: { readonly proxyMetadata: Readonly<Record<string, string>> };
        readonly caCertificates: readonly { readonly certSigners: readonly string[] }[];
      };
    }
    const { global, pilot, meshConfig } = read('istio/ra.yaml') as RaValues;
    const signer = `${pilot.env['CERT_SIGNER_DOMAIN']}/${meshConfig.defaultConfig.proxyMetadata['ISTIO_META_CERT_SIGNER']}`;
    assert.equal(signer, `capstan.dev/${String(schema.issuer.name.fallback)}`);
    assert.deepEqual(global.certSigners, [signer]);
    assert.deepEqual(meshConfig.caCertificates[0]?.certSigners, [signer]);
  });

  it('lead the agent of a virtual machine to Capstan, or to the socket that Capstan opens', () => {
    const vm = read('istio/vm.yaml') as Readonly<Record<'agentAsks' | 'socket', Readonly<Record<string, never>>>>;
    const env = '/var/lib/istio/envoy/cluster.env';
    const { CA_ADDR } = vm.agentAsks[env] as unknown as { readonly CA_ADDR: string };
    assertLeadsToCapstan(CA_ADDR);
    const { WORKLOAD_IDENTITY_SOCKET_FILE: file } = vm.socket[env] as unknown as Readonly<Record<string, string>>;
    const { sds } = vm.socket['/etc/capstan/capstan.yaml'] as unknown as {
      readonly sds: { readonly sockets: readonly { readonly path: string }[] };
    };
    assert.equal(path.basename(sds.sockets[0]!.path), file);
    assert.equal(path.basename(path.dirname(sds.sockets[0]!.path)), 'workload-spiffe-uds', 'where the agent looks');
  });

  it('are listed with every other file in the README beside them', () => {
    const readme = readFileSync(path.join(HOME, 'README.md'), 'utf8');
    const listed = [...readme.matchAll(/\]\(((?:envoy|istio)\/[^)]+)\)/g)].map(([, file]) => file);
    const present = ['envoy', 'istio'].flatMap((folder) =>
      readdirSync(path.join(HOME, folder)).map((name) => `${folder}/${name}`),
    );
    assert.deepEqual(listed.toSorted(), present.toSorted());
  });
});
