// Whose agents a storm consists of: tokens minted here, for a server that has the issuer's keys in a file, or pods of a real
// cluster, for a server that attests by it.
import { ChartAccount } from '../../peers/kubernetes/support/chart-account.ts';
import { KubernetesCluster } from '../../peers/kubernetes/support/cluster.ts';
import type { ServerFiles } from '../../app/support/server-files.ts';

export interface Crowd {
  readonly namespaces: number;
  readonly agents: number;
}

export const namespaceOf = (index: number): string => `storm-${index}`;

/** Where the agents' tokens come from. */
export interface TokenSource extends AsyncDisposable {
  /** Of the server that is to take them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** One for each agent, the namespaces in turn. */
  tokens(crowd: Crowd): Promise<readonly string[]>;
}

export function mintedTokens({ mint }: ServerFiles): TokenSource {
  return {
    settings: {},
    tokens: async ({ namespaces, agents }) =>
      Promise.all(numbers(agents).map((number) => mint.tokenIn(namespaceOf(number % namespaces), `account-${number}`))),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Service accounts of each namespace, which its pods share. */
const ACCOUNTS = 10;
/** Asked of the API server at once. */
const AT_ONCE = 8;

export class ClusterTokens implements TokenSource {
  readonly cluster: KubernetesCluster;
  readonly settings: Readonly<Record<string, unknown>>;

  private constructor(cluster: KubernetesCluster, { settings }: ChartAccount) {
    this.cluster = cluster;
    this.settings = { 'authentication.tokens.issuers': [], 'sds.sockets': [], ...settings };
  }

  static async start(): Promise<ClusterTokens> {
    const cluster = await KubernetesCluster.start();
    return new ClusterTokens(cluster, await ChartAccount.make(cluster));
  }

  async tokens({ namespaces, agents }: Crowd): Promise<readonly string[]> {
    const { cluster } = this;
    await eachOf(numbers(namespaces), async (index) => {
      const namespace = namespaceOf(index);
      const accounts = numbers(ACCOUNTS).map((account) => ({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: `account-${account}`, namespace },
      }));
      await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, ...accounts]);
    });
    const tokens: string[] = [];
    await eachOf(numbers(agents), async (number) => {
      const [namespace, pod] = [namespaceOf(number % namespaces), `pod-${number}`];
      const serviceAccount = `account-${Math.floor(number / namespaces) % ACCOUNTS}`;
      await cluster.api.ask('POST', `/api/v1/namespaces/${namespace}/pods`, {
        metadata: { name: pod },
        spec: {
          serviceAccountName: serviceAccount,
          nodeName: `node-${number % 100}`,
          containers: [{ name: 'main', image: 'registry.test/main:1' }],
        },
      });
      tokens[number] = await cluster.token({ namespace, serviceAccount, pod });
    });
    return tokens;
  }

  /** That the API server has answered. */
  async reviews(): Promise<number> {
    return this.cluster.metric('apiserver_request_total', { resource: 'tokenreviews', verb: 'POST' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_none, number) => number);

async function eachOf(all: readonly number[], work: (number: number) => Promise<void>): Promise<void> {
  const left = all.values();
  await Promise.all(
    numbers(AT_ONCE).map(async () => {
      for (const number of left) await work(number);
    }),
  );
}
