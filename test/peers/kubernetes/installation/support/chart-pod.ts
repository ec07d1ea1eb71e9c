// The pod that the chart renders, as a server in this process: it reads the rendered configuration, finds mounted what the rendered
// pod mounts, and listens where that says. Only the roots of paths and the ports are this machine's own.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { serve, type ServeReport } from '../../../../../src/app/serve.ts';
import { loadConfig } from '../../../../../src/config/load.ts';
import type { ServerFiles } from '../../../../app/support/server-files.ts';
import { freePort } from '../../../../support/eventually.ts';
import { mergedValues, renderChart, renderNotes, type Values } from '../../support/chart.ts';
import type { ClusterObject } from '../../support/cluster-api.ts';

type Files = Readonly<Record<string, string>>;
/** ConfigMaps and Secrets that somebody else made, by name. */
export type GivenObjects = Readonly<Record<string, Files>>;

interface PodSpec {
  readonly containers: readonly {
    readonly name: string;
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
  }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: {
      readonly secretName: string;
      readonly items?: readonly { readonly key: string; readonly path: string }[];
      readonly optional?: true;
    };
  }[];
}

interface ServiceSpec {
  readonly ports: readonly { readonly port: number; readonly targetPort: string | number }[];
}

const CONFIG = '/etc/capstan/capstan.yaml';
const LOG = '/var/lib/capstan/capstan.log';

export class ChartPod {
  readonly #values: Values;
  readonly #pinned: { readonly keys: readonly string[] };
  readonly #objects: readonly ClusterObject[];
  readonly #given: GivenObjects;
  /** Where the pod's root is. */
  readonly #root: string;
  /** On this machine, by port of the pod. */
  readonly #ports = new Map<number, number>();

  private constructor(values: Values, files: ServerFiles, given: GivenObjects) {
    // There is no API server here to ask.
    this.#values = mergedValues(values, { config: { cluster: { kubernetes: null }, telemetry: { logFile: LOG } } });
    this.#pinned = { keys: [files.path('bundle-key.pem')] };
    this.#objects = renderChart(this.#values, 'istio-system', this.#pinned).objects;
    this.#given = { ...madeBefore(files), ...given };
    this.#root = files.directory;
  }

  /** @param files of the CA, and the folder that is the pod's root. @param given beside what docs/kubernetes.md has people make before. */
  static async installed(values: Values, files: ServerFiles, given: GivenObjects = {}): Promise<ChartPod> {
    const pod = new ChartPod(values, files, given);
    for (const { mountPath, name, subPath } of pod.#container.volumeMounts) pod.#mount(name, mountPath, subPath);
    for (const { containerPort } of pod.#container.ports) pod.#ports.set(containerPort, await freePort());
    const config = pod.#readable(pod.#filesOf('config')['capstan.yaml'] ?? '');
    writeFileSync(pod.configFile, config);
    return pod;
  }

  /** What who installs it is told. */
  get notes(): string {
    return renderNotes(this.#values, this.#pinned);
  }

  get configFile(): string {
    return path.join(this.#root, CONFIG);
  }

  /** As it was rendered. */
  named(kind: string, name: string): ClusterObject | undefined {
    return this.#objects.find((object) => object.kind === kind && object.metadata.name === name);
  }

  /** Resolves when it is ready. Ends with what it is put on. */
  async start(ended: AsyncDisposableStack): Promise<ServeReport> {
    const loaded = loadConfig({ file: this.configFile });
    if ('problems' in loaded) assert.fail(JSON.stringify(loaded.problems));
    const stop = new AbortController();
    return new Promise((resolve, reject) => {
      const served = serve(loaded.config, { signal: stop.signal, onReady: resolve });
      served.catch(reject);
      ended.defer(async () => {
        stop.abort();
        await served;
      });
    });
  }

  /**
   * As kubectl port-forward: to the container's port of that number, or the one that the Service's leads to.
   * @param to such as `service/capstan-console` and `pod/capstan-0`. @param local port of this machine.
   */
  async forward(to: string, local: number, port: number, ended: AsyncDisposableStack): Promise<void> {
    const target = this.#ports.get(to.startsWith('service/') ? this.#portBehind(to.slice(8), port) : port);
    assert.ok(target !== undefined, `the pod has no port ${port}`);
    const forwarder = createServer((socket) => {
      const through = connect(target, '127.0.0.1');
      // Either may go first; the other then has nobody to talk to.
      socket.on('error', () => through.destroy()).pipe(through);
      through.on('error', () => socket.destroy()).pipe(socket);
    });
    forwarder.listen(local, '127.0.0.1');
    await once(forwarder, 'listening');
    ended.defer(() => void forwarder.close());
  }

  get #spec(): PodSpec {
    const set = this.named('StatefulSet', 'capstan') as unknown as {
      readonly spec: { readonly template: { readonly spec: PodSpec } };
    };
    return set.spec.template.spec;
  }

  get #container(): PodSpec['containers'][number] {
    return this.#spec.containers.find(({ name }) => name === 'capstan')!;
  }

  #portBehind(service: string, port: number): number {
    const { spec } = this.named('Service', service) as unknown as { readonly spec: ServiceSpec };
    const target = spec.ports.find((one) => one.port === port)!.targetPort;
    return this.#container.ports.find(({ name, containerPort }) => [name, containerPort].includes(target))!
      .containerPort;
  }

  #filesOf(volume: string): Files {
    const { configMap, secret } = this.#spec.volumes.find(({ name }) => name === volume)!;
    const name = configMap?.name ?? secret?.secretName;
    if (name === undefined) return {};
    const rendered = this.named('ConfigMap', name) as { readonly data?: Files } | undefined;
    const all = this.#given[name] ?? rendered?.data;
    if (all === undefined && secret?.optional === true) return {};
    assert.ok(all !== undefined, `the pod waits for ${name}`);
    return secret?.items === undefined
      ? all
      : Object.fromEntries(secret.items.map(({ key, path: file }) => [file, all[key] ?? '']));
  }

  #mount(volume: string, mountPath: string, subPath?: string): void {
    const at = path.join(this.#root, mountPath);
    const files = this.#filesOf(volume);
    mkdirSync(subPath === undefined ? at : path.dirname(at), { recursive: true });
    const placed = subPath === undefined ? files : { '': files[subPath] ?? '' };
    for (const [name, text] of Object.entries(placed)) writeFileSync(path.join(at, name), text, { mode: 0o600 });
  }

  /** The configuration with the paths and ports of this machine, and of its addresses the loopback's. */
  #readable(text: string): string {
    const mounts = this.#container.volumeMounts.map(({ mountPath }) => mountPath).join('|');
    return text
      .replaceAll(new RegExp(`(?<![\\w/.])(${mounts})(?=/)`, 'g'), (found) => path.join(this.#root, found))
      .replace(
        /address: [\d.]+:(\d+)/g,
        (_, port: string) => `address: 127.0.0.1:${this.#ports.get(Number(port)) ?? 0}`,
      );
  }
}

/** As docs/kubernetes.md has people make them. */
function madeBefore(files: ServerFiles): GivenObjects {
  const text = (name: string): string => readFileSync(files.path(name), 'utf8');
  return {
    'capstan-issuer': { 'tls.crt': text('issuer-chain.pem'), 'tls.key': text('issuer-key.pem') },
    'capstan-anchors': { 'root-cert.pem': text('anchors.pem') },
    'capstan-policy-bundle': { 'bundle.yaml': text('bundle.yaml'), 'bundle.yaml.sig': text('bundle.yaml.sig') },
  };
}
