// A Capstan in this process that attests by the cluster of a test, and what pods of that cluster ask of it.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Clock } from '../../../../src/ports/platform/clock.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import type { Outcome } from '../../../adapters/grpc/wire.ts';
import { RunningServer, type Showing } from '../../../app/support/running-server.ts';
import { ServerFiles } from '../../../app/support/server-files.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { ChartAccount, type Settings } from './chart-account.ts';
import type { KubernetesCluster, PodSettings, TokenRequest } from './cluster.ts';

/** What a pod shows: its token, a certificate that it had before, the cluster that it says it runs in. */
export interface Asking {
  readonly token?: string;
  readonly clusterId?: string;
  readonly showing?: Showing;
}

const SOON = { withinMs: 30_000 };

export class AttestedServer implements AsyncDisposable {
  readonly files: ServerFiles;
  readonly server: RunningServer;

  private constructor(files: ServerFiles, server: RunningServer) {
    this.files = files;
    this.server = server;
  }

  /** With an account of its own. @param files of a server before it, to be the same CA again; whoever made them removes them. */
  static async start(cluster: KubernetesCluster, files: ServerFiles, settings?: Settings): Promise<AttestedServer> {
    return AttestedServer.startAs(await ChartAccount.make(cluster, settings), files);
  }

  /**
   * For a server that starts while the API server is away, or has other rights than the chart gives by itself.
   * @param more of this server alone: nothing that a role is for.
   */
  static async startAs(
    { settings }: Pick<ChartAccount, 'settings'>,
    files: ServerFiles,
    more: Settings = {},
    clock?: Clock,
  ): Promise<AttestedServer> {
    const server = await RunningServer.start({
      files,
      ...(clock !== undefined && { clock }),
      settings: { 'authentication.tokens.issuers': [], 'sds.sockets': [], ...settings, ...more },
    });
    return new AttestedServer(files, server);
  }

  static async files(namespaces: readonly string[]): Promise<ServerFiles> {
    const files = await ServerFiles.create();
    files.setPolicy([{ namespaces }]);
    return files;
  }

  async ask({ token, clusterId, showing = {} }: Asking): Promise<Outcome & { readonly next: Showing }> {
    using client = this.server.client(showing);
    const { pem: csr, privateKeyPem } = await buildCsr();
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(clusterId !== undefined && { clusterid: clusterId }),
    };
    const outcome = await client.call({ csr, headers });
    const chainPem = outcome.response?.certChain.slice(0, -1).join('') ?? '';
    return { ...outcome, next: { chainPem, keyPem: privateKeyPem } };
  }

  /** @returns what the pod has then, to renew with. */
  async granted(asking: Asking): Promise<Showing> {
    const { code, details, next } = await this.ask(asking);
    assert.equal(code, status.OK, details);
    return next;
  }

  async refused(asking: Asking, message: RegExp, code = status.UNAUTHENTICATED): Promise<void> {
    const { code: found, details } = await this.ask(asking);
    assert.match(details, message);
    assert.equal(found, code, details);
  }

  /** As `refused`, once what was done at the API server a moment ago is known here. */
  async refusedSoon(asking: Asking, message: RegExp, code?: status): Promise<void> {
    await eventually('the refusal', async () => (await this.ask(asking)).code !== status.OK, SOON);
    await this.refused(asking, message, code);
  }

  /** The newest record in the journal. */
  newest(): DecisionRecord {
    const [record] = this.files.decisions({ limit: 1 });
    assert.ok(record);
    return record;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** A pod of an account of its own name, with a token that is bound to it. */
export async function podWithToken(
  cluster: KubernetesCluster,
  namespace: string,
  name: string,
  more: Partial<TokenRequest> & Pick<PodSettings, 'labels'> = {},
): Promise<{ readonly uid: string; readonly token: string }> {
  const { labels = {}, ...asked } = more;
  const { serviceAccount = name } = asked;
  const { metadata } = await cluster.pod({ namespace, name, serviceAccount, labels });
  const token = await cluster.token({ namespace, serviceAccount, pod: name, ...asked });
  return { uid: metadata.uid ?? '', token };
}

export const podNamed = (namespace: string, name: string) =>
  ({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name } }) as const;
export const accountNamed = (namespace: string, name: string) =>
  ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } }) as const;
export const namespaceNamed = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }) as const;
