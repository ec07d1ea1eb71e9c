// The whole server in this process, on free ports, and the clients that tests need of it.
import assert from 'node:assert/strict';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { serve, type ServeReport } from '../../../src/app/serve.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import type { UpstreamPlace } from '../../../src/config/shapes/upstream.ts';
import type { IntermediateUpstream } from '../../../src/ports/issuing/intermediate-upstream.ts';
import type { Clock } from '../../../src/ports/platform/clock.ts';
import { CsrWire, type Outcome } from '../../adapters/grpc/wire.ts';
import { buildCsr } from '../../support/certificates.ts';
import { SdsClient } from '../../support/clients/sds-client.ts';
import { ServerFiles } from './server-files.ts';
import { withOwnPorts } from './several-processes.ts';

/** What a client shows of itself in the TLS handshake; nothing unless said otherwise. */
export interface Showing {
  readonly chainPem?: string;
  readonly keyPem?: string;
  readonly minVersion?: SecureVersion;
}

export type SdsShowing = Showing & { readonly token?: string };

export interface ServerOptions {
  /** Files of an earlier server, to be the same CA again; they are then not removed at the end. */
  readonly files?: ServerFiles;
  /** Laid over the settings of the files, by dotted path. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The machine's, unless a test sets one of its own. */
  readonly clock?: Clock;
  /** Above the default issuer, whose folder is `issuer.directory`. */
  readonly upstream?: IntermediateUpstream;
  /** When that is asked, and for how long a certificate; as the configuration has it. */
  readonly rollover?: Omit<UpstreamPlace, 'vault' | 'certManager'>;
}

const ROLLOVER = { lifetime: 3_600_000, prepareAt: 1 / 2, activateAt: 5 / 6 };

export class RunningServer implements AsyncDisposable {
  readonly files: ServerFiles;
  readonly report: ServeReport;
  /** Settles when the server has stopped. */
  readonly ended: Promise<void>;
  readonly #stop: AbortController;
  readonly #ownsFiles: boolean;

  private constructor(files: ServerFiles, ownsFiles: boolean, run: Run, report: ServeReport) {
    this.files = files;
    this.#ownsFiles = ownsFiles;
    this.ended = run.ended;
    this.#stop = run.stop;
    this.report = report;
  }

  /** Resolves when it is ready. @throws AuthorityError when it cannot start. */
  static async start({
    files,
    settings = {},
    clock,
    upstream,
    rollover = ROLLOVER,
  }: ServerOptions = {}): Promise<RunningServer> {
    const used = files ?? (await ServerFiles.create());
    const config = configOf(await withOwnPorts({ ...used.settings, ...settings }));
    const stop = new AbortController();
    let ended = Promise.resolve();
    const ready = new Promise<ServeReport>((resolve, reject) => {
      const options = {
        signal: stop.signal,
        onReady: resolve,
        ...(clock !== undefined && { clock }),
        ...(upstream !== undefined && { upstreamOf: () => upstream }),
      };
      const issuer = { ...config.issuer, ...(upstream !== undefined && { upstream: rollover }) };
      ended = serve({ ...config, issuer }, options);
      ended.catch(reject);
    });
    try {
      return new RunningServer(used, files === undefined, { stop, ended }, await ready);
    } catch (error) {
      if (files === undefined) used[Symbol.dispose]();
      throw error;
    }
  }

  get tlsPort(): number {
    return Number(this.report.tlsAddress.split(':').at(-1));
  }

  /** A client of the CSR API with a connection of its own. */
  client(showing: Showing = {}): CsrWire {
    return csrClient(this.tlsPort, this.files.pki.root.certificatePem, showing);
  }

  /** Asks for a certificate with a token of the service account, on a connection of its own. */
  async ask(namespace: string, serviceAccount: string): Promise<Outcome> {
    using client = this.client();
    const headers = { authorization: `Bearer ${await this.files.mint.tokenIn(namespace, serviceAccount)}` };
    return await client.call({ csr: (await buildCsr()).pem, headers });
  }

  /** The Envoy of `default/demo`. */
  envoy(): SdsClient {
    return new SdsClient(`unix:${this.files.socket('demo')}`);
  }

  /** A workload at the TLS listener, on a connection of its own. */
  sdsClient(showing: SdsShowing): SdsClient {
    return sdsOverTls(this.tlsPort, this.files.pki.root.certificatePem, showing);
  }

  async get(target: string): Promise<Response> {
    return fetch(`http://${this.report.httpAddress}${target}`, { signal: AbortSignal.timeout(30_000) });
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#ownsFiles) this.files[Symbol.dispose]();
  }
}

interface Run {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export function configOf(given: Readonly<Record<string, unknown>>): Config {
  const loaded = loadConfig({ given });
  if ('problems' in loaded) assert.fail(JSON.stringify(loaded.problems));
  return loaded.config;
}

export function csrClient(tlsPort: number, anchorsPem: string, showing: Showing = {}): CsrWire {
  return new CsrWire(`127.0.0.1:${tlsPort}`, tlsCredentials(anchorsPem, showing));
}

export function sdsOverTls(tlsPort: number, anchorsPem: string, { token, ...showing }: SdsShowing): SdsClient {
  const channel = tlsCredentials(anchorsPem, showing);
  return new SdsClient(`127.0.0.1:${tlsPort}`, { credentials: channel, ...(token !== undefined && { token }) });
}

function tlsCredentials(anchorsPem: string, { chainPem, keyPem, minVersion }: Showing): ChannelCredentials {
  const context = createSecureContext({
    ca: anchorsPem,
    cert: chainPem,
    key: keyPem,
    ...(minVersion !== undefined && { minVersion }),
  });
  return credentials.createFromSecureContext(context);
}
