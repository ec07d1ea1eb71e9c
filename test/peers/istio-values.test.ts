// The Helm values of istio-config/istio: what they say must lead Istio's agents to a name that Capstan's
// own certificate carries unless configured otherwise.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { schema } from '../../src/config/schema.ts';

const HOME = path.resolve(import.meta.dirname, '../../istio-config');
const read = (name: string): unknown => parse(readFileSync(path.join(HOME, name), 'utf8'));

interface SidecarValues {
  readonly global: { readonly caAddress: string; readonly pilotCertProvider: string };
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
    assertLeadsToCapstan((read('istio/values-sidecar.yaml') as SidecarValues).global.caAddress);
  });

  it('lead ztunnel there too, in the key that its chart reads', () => {
    assertLeadsToCapstan((read('istio/values-ztunnel.yaml') as { readonly caAddress: string }).caAddress);
  });

  it('stop istiod from being a CA and keep the agents on the root ConfigMap', () => {
    const { global, pilot } = read('istio/values-sidecar.yaml') as SidecarValues;
    // A Helm environment value is text; a bare false would be dropped by the chart's template.
    assert.equal(pilot.env['ENABLE_CA_SERVER'], 'false');
    assert.equal(global.pilotCertProvider, 'istiod');
  });

  it('are listed with every other file in the README beside them', () => {
    const readme = readFileSync(path.join(HOME, 'README.md'), 'utf8');
    const listed = [...readme.matchAll(/\]\(([a-z]+\/[^)]+)\)/g)].map(([, file]) => file);
    const present = ['envoy', 'istio'].flatMap((folder) =>
      readdirSync(path.join(HOME, folder)).map((name) => `${folder}/${name}`),
    );
    assert.deepEqual(listed.toSorted(), present.toSorted());
  });
});
