// The Envoy bootstraps an operator would use, istio-config/envoy/*.yaml, filled in for a test. A test
// that needs more than the file says amends the parsed document; scenario 1 runs every file as it is.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const TEMPLATES = path.resolve(import.meta.dirname, '../../../../istio-config/envoy');

export type BootstrapName = 'sds-unix-socket' | 'sds-tls-token-google-grpc' | 'sds-tls-token-envoy-grpc';
export type SecretFileName = 'mesh-token-secret' | 'server-ca-secret';
export type ApiType = 'GRPC' | 'DELTA_GRPC';

/** The part of a bootstrap that tests amend; the rest is kept as it is. */
export interface BootstrapDocument {
  node: Record<string, unknown>;
  static_resources: {
    clusters: (Record<string, unknown> & { name: string })[];
    listeners: (Record<string, unknown> & { name: string; filter_chains: [FilterChain] })[];
  };
}

interface Route {
  readonly match: unknown;
  readonly route?: Record<string, unknown>;
}

interface FilterChain {
  filters: [{ typed_config: { route_config: { virtual_hosts: [{ routes: Route[] }] } } }];
  transport_socket?: { typed_config: Record<string, unknown> };
}

export type Amendment = (document: BootstrapDocument) => void;

/**
 * The template with every `__NAME__` replaced.
 * @throws Error naming a placeholder that has no value.
 */
export function fillIn(name: BootstrapName | SecretFileName, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(path.join(TEMPLATES, `${name}.yaml`), 'utf8');
  return text.replace(/^(?!#).*$/gm, (line) =>
    line.replace(/__([A-Z]+(?:_[A-Z]+)*)__/g, (_, key: string) => {
      const value = values[key];
      if (value === undefined) throw new Error(`${name}.yaml needs a value for __${key}__`);
      return value;
    }),
  );
}

/** Writes the filled-in bootstrap to `file`. */
export function writeBootstrap(
  file: string,
  name: BootstrapName,
  values: Readonly<Record<string, string>>,
  amend?: Amendment,
): void {
  const text = fillIn(name, values);
  if (amend === undefined) {
    writeFileSync(file, text);
    return;
  }
  // Through JSON, so that what was one YAML anchor becomes separate objects.
  const document = JSON.parse(JSON.stringify(parse(text))) as BootstrapDocument;
  amend(document);
  writeFileSync(file, JSON.stringify(document)); // JSON is YAML
}

/** Of a request, and of a connection with its handshake: as long as a machine that others use too may take. What lacks a certificate fails at once. */
const UNHURRIED = '20s';

/** Calls of this proxy may take their time; what it asks of its SDS server waits as it did. */
export function lengthenTimeouts(document: BootstrapDocument): void {
  const { clusters } = document.static_resources;
  for (const cluster of clusters) if (cluster.name === 'peers') cluster['connect_timeout'] = UNHURRIED;
  for (const { route } of routesOf(document)) if (route !== undefined) route['timeout'] = UNHURRIED;
}

/** Adds a route in front of the others of the plain listener. */
export function addRoute(document: BootstrapDocument, prefix: string, cluster: string): void {
  routesOf(document).unshift({ match: { prefix }, route: { cluster, timeout: UNHURRIED } });
}

function routesOf(document: BootstrapDocument): Route[] {
  const plain = document.static_resources.listeners.find(({ name }) => name === 'client_plain')!;
  return plain.filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes;
}

/** A stream is opened again three seconds after it ended at the latest, and not thirty; of `google_grpc` that cannot be said. */
export function shortenBackOff(document: BootstrapDocument): void {
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('envoy_grpc' in value) {
      const back_off = { base_interval: '0.5s', max_interval: '3s' };
      Object.assign(value.envoy_grpc as object, { retry_policy: { retry_back_off: back_off } });
    }
    Object.values(value).forEach(visit);
  };
  visit(document);
}

/** Laid over a cluster: a new connection, hence a new handshake, for each request. */
export const FRESH_CONNECTIONS = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      common_http_protocol_options: { max_requests_per_connection: 1 },
      explicit_http_config: { http_protocol_options: {} },
    },
  },
} as const;

/** Laid over a cluster: it leads to this port of the loopback. */
export function leadingTo(clusterName: string, port: number): Record<string, unknown> {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
  return { load_assignment: { cluster_name: clusterName, endpoints: [{ lb_endpoints: [{ endpoint }] }] } };
}

/** Adds a cluster like `peers` under another name, with `changes` laid over it. */
export function addPeerCluster(document: BootstrapDocument, name: string, changes: Record<string, unknown>): void {
  const peers = document.static_resources.clusters.find((cluster) => cluster.name === 'peers')!;
  document.static_resources.clusters.push({ ...structuredClone(peers), ...changes, name });
}
