// A real Envoy whose listeners each ask for a client certificate and trust anchors of their own: its verdict on a path,
// without SDS in between.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, createSecureContext } from 'node:tls';
import type { EnvoyVersion } from './envoy-package.ts';
import { envoyBinary } from './envoy-package.ts';
import { eventually, freePort } from '../../../support/eventually.ts';
import { endProcess, startProcess } from '../../support/owned-process.ts';

export interface Presented {
  readonly chainPem: string;
  readonly keyPem: string;
}

export interface TrustingListener {
  readonly anchorsPem: string;
  /** By the SPIFFE validator of this trust domain; by plain trusted_ca where none is named. */
  readonly trustDomain?: string;
  /** With plain trusted_ca: a file of revocation lists, as Istio's agent names it. */
  readonly crlFile?: string;
}

const inline = (text: string): object => ({ inline_string: text });

export class StaticEnvoy implements AsyncDisposable {
  readonly #sockets: readonly string[];
  readonly #stop: () => Promise<void>;

  private constructor(sockets: readonly string[], stop: () => Promise<void>) {
    this.#sockets = sockets;
    this.#stop = stop;
  }

  /** @param own what Envoy shows of itself; nobody looks at it. */
  static async start(
    version: EnvoyVersion,
    listeners: readonly TrustingListener[],
    own: Presented,
  ): Promise<StaticEnvoy> {
    const directory = mkdtempSync(path.join(tmpdir(), 'ce-'));
    const file = path.join(directory, 'envoy.json');
    const admin = await freePort();
    const sockets = listeners.map((_, index) => path.join(directory, `${index}.sock`));
    writeFileSync(
      file,
      JSON.stringify({
        admin: { address: { socket_address: { address: '127.0.0.1', port_value: admin } } },
        static_resources: { listeners: listeners.map((one, index) => listenerOf(one, sockets[index] ?? '', own)) },
      }),
    );
    const args = ['-c', file, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'warning'];
    const child = startProcess(envoyBinary(version) ?? '', args);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
    const stop = async (): Promise<void> => {
      await endProcess(child, 5_000);
      rmSync(directory, { recursive: true, force: true });
    };
    const ready = async (): Promise<boolean> =>
      (await (await fetch(`http://127.0.0.1:${admin}/ready`)).text()).startsWith('LIVE');
    await eventually('Envoy is live', async () => ready().catch(() => false), { withinMs: 60_000 }).catch(
      async (cause: unknown) => {
        await stop();
        throw new Error(`Envoy did not come up: ${said}`, { cause });
      },
    );
    return new StaticEnvoy(sockets, stop);
  }

  /** Whether the listener takes this client: it answers a request, or ends the handshake. */
  async takes(index: number, { chainPem, keyPem }: Presented): Promise<boolean> {
    const socket = connect({
      path: this.#sockets[index] ?? '',
      rejectUnauthorized: false,
      secureContext: createSecureContext({ cert: chainPem, key: keyPem }),
    });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.once('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: envoy\r\n\r\n'));
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    const taken = await promise;
    socket.destroy();
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

function listenerOf({ anchorsPem, trustDomain, crlFile }: TrustingListener, socket: string, own: Presented): object {
  const tls = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    require_client_certificate: true,
    common_tls_context: {
      tls_certificates: [{ certificate_chain: inline(own.chainPem), private_key: inline(own.keyPem) }],
      validation_context: trustDomain === undefined ? plain(anchorsPem, crlFile) : spiffe(trustDomain, anchorsPem),
    },
  };
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'client',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  return {
    name: path.basename(socket),
    address: { pipe: { path: socket } },
    filter_chains: [
      {
        transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: tls },
        filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
      },
    ],
  };
}

function plain(anchorsPem: string, crlFile: string | undefined): object {
  return { trusted_ca: inline(anchorsPem), ...(crlFile !== undefined && { crl: { filename: crlFile } }) };
}

function spiffe(trustDomain: string, anchorsPem: string): object {
  return {
    custom_validator_config: {
      name: 'envoy.tls.cert_validator.spiffe',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig',
        trust_domains: [{ name: trustDomain, trust_bundle: inline(anchorsPem) }],
      },
    },
  };
}
