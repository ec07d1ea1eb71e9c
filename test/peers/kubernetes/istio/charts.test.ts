// Istio's own charts with the values of istio-config/istio: whether each value is one that they read, and arrives where agents,
// istiod and ztunnel look for it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { peerOrSkip } from '../../support/presence.ts';
import { ISTIO_CONFIG } from '../support/chart.ts';
import type { ClusterObject } from '../support/cluster-api.ts';
import { istioCharts, renderIstio, type IstioChart } from './support/charts.ts';

type Tree = Readonly<Record<string, unknown>>;
const ADDRESS = 'capstan.istio-system.svc:15012';
/** What an operator fills in freely: environment, and Istio's mesh configuration, which no chart spells out. */
const OPEN = /^(pilot\.env|meshConfig)\./;
const FILES: readonly (readonly [file: string, chart: IstioChart])[] = [
  ['sidecars', 'istiod'],
  ['multicluster', 'istiod'],
  ['ra', 'istiod'],
  ['ambient', 'ztunnel'],
];

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const yamlOf = (...file: readonly string[]): Tree => parse(readFileSync(path.join(...file), 'utf8')) as Tree;

/** Dotted paths of all that a file sets. */
function pathsIn(values: Tree, above = ''): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    isTree(value) && Object.keys(value).length > 0 ? pathsIn(value, `${above}${name}.`) : [`${above}${name}`],
  );
}

const knows = (values: Tree, wanted: string): boolean =>
  wanted.split('.').reduce<unknown>((at, name) => (isTree(at) && name in at ? at[name] : undefined), values) !==
  undefined;

const find = (objects: readonly ClusterObject[], kind: string, name: string): ClusterObject =>
  objects.find((one) => one.kind === kind && one.metadata.name === name) ?? assert.fail(`no ${kind} ${name}`);

/** Of the only container. */
function envOf(object: ClusterObject): Readonly<Record<string, string | undefined>> {
  const { spec } = object as unknown as {
    readonly spec: {
      readonly template: {
        readonly spec: { readonly containers: readonly { env: readonly { name: string; value?: string }[] }[] };
      };
    };
  };
  return Object.fromEntries(spec.template.spec.containers[0]!.env.map(({ name, value }) => [name, value]));
}

const dataOf = (object: ClusterObject): Readonly<Record<string, string>> =>
  object['data'] as Readonly<Record<string, string>>;

describe("Istio's charts with the values of istio-config", function () {
  this.timeout(60_000);
  let charts: Readonly<Record<IstioChart, string>>;
  before(function () {
    charts = peerOrSkip(this, istioCharts(), "Helm and Istio's source");
  });

  for (const [file, chart] of FILES) {
    it(`know each value of ${file}.yaml`, () => {
      const known = yamlOf(charts[chart], 'values.yaml')['_internal_defaults_do_not_set'] as Tree;
      const wanted = pathsIn(yamlOf(ISTIO_CONFIG, 'istio', `${file}.yaml`)).filter((one) => !OPEN.test(one));
      assert.deepEqual(
        wanted.filter((one) => !knows(known, one)),
        [],
      );
    });
  }

  it('have agents ask Capstan with a token for it, and istiod take its certificate from istiod-tls', () => {
    const objects = renderIstio('istiod', 'sidecars');
    const injector = dataOf(find(objects, 'ConfigMap', 'istio-sidecar-injector'));
    const { global } = JSON.parse(injector['values'] ?? '') as { readonly global: Tree };
    assert.deepEqual([global['caAddress'], global['pilotCertProvider']], [ADDRESS, 'istiod']);
    assert.match(
      injector['config'] ?? '',
      /CA_ADDR\n\s+\{\{- if \.Values\.global\.caAddress }}\n\s+value: \{\{ \.Values\.global\.caAddress }}/,
    );
    assert.match(injector['config'] ?? '', /audience: \{\{ \.Values\.global\.sds\.token\.aud }}/);
    const istiod = find(objects, 'Deployment', 'istiod');
    assert.equal(envOf(istiod)['ENABLE_CA_SERVER'], 'false');
    assert.match(JSON.stringify(istiod), /"secretName":"istiod-tls"/);
  });

  it('have ztunnel ask Capstan, which the values of istiod do not', () => {
    assert.equal(envOf(find(renderIstio('ztunnel', 'ambient'), 'DaemonSet', 'ztunnel'))['CA_ADDRESS'], ADDRESS);
    const without = envOf(find(renderIstio('ztunnel'), 'DaemonSet', 'ztunnel'));
    assert.notEqual(without['CA_ADDRESS'], ADDRESS);
  });

  it('have istiod of a mesh of several clusters, and so its agents, name the cluster', () => {
    const objects = renderIstio('istiod', 'sidecars', 'multicluster');
    assert.equal(envOf(find(objects, 'Deployment', 'istiod'))['CLUSTER_ID'], '__CLUSTER__');
    const config = dataOf(find(objects, 'ConfigMap', 'istio-sidecar-injector'))['config'] ?? '';
    assert.match(config, /ISTIO_META_CLUSTER_ID\n\s+value: .*global\.multiCluster\.clusterName/);
  });

  it('have istiod relay in RA mode: it may approve for our signer, and knows the root and whom agents ask for', () => {
    const objects = renderIstio('istiod', 'ra');
    const env = envOf(find(objects, 'Deployment', 'istiod'));
    assert.deepEqual(
      [env['EXTERNAL_CA'], env['CERT_SIGNER_DOMAIN'], env['ENABLE_CA_SERVER']],
      ['ISTIOD_RA_KUBERNETES_API', 'capstan.dev', undefined],
    );
    const roles = objects.filter(({ kind }) => kind === 'ClusterRole').map(({ rules }) => JSON.stringify(rules));
    assert.ok(
      roles.some((rules) =>
        /"resources":\["signers"\],"resourceNames":\["capstan\.dev\/default"\],"verbs":\["approve"\]/.test(rules),
      ),
    );
    const mesh = parse(dataOf(find(objects, 'ConfigMap', 'istio'))['mesh'] ?? '') as {
      readonly caCertificates: readonly { readonly certSigners: readonly string[] }[];
      readonly defaultConfig: { readonly proxyMetadata: Tree };
    };
    assert.deepEqual(mesh.caCertificates[0]?.certSigners, ['capstan.dev/default']);
    assert.equal(mesh.defaultConfig.proxyMetadata['ISTIO_META_CERT_SIGNER'], 'default');
  });
});
