// An API server that is asked for the pods of a node: it answers what a test says, or nothing.
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { NodeAccount, NodePods } from '../../../../src/ports/cluster/node-pods.ts';
import type { KnownPod } from '../../../../src/ports/cluster/workload-directory.ts';

export class FakeNodePods implements NodePods {
  readonly pods: KnownPod[] = [];
  /** Every question, as `node namespace/serviceAccount`. */
  readonly asked: string[] = [];
  failing = false;
  #held: Promise<unknown> | undefined;

  /** Holds back every answer until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#held = promise;
    return () => resolve(undefined);
  }

  async podsOn({ node, namespace, serviceAccount }: NodeAccount): Promise<readonly KnownPod[]> {
    this.asked.push(`${node} ${namespace}/${serviceAccount}`);
    await this.#held;
    if (this.failing) throw new AuthorityError('CAP-S13', { detail: 'the API server does not answer' });
    return this.pods.filter(
      (pod) => pod.node === node && pod.namespace === namespace && pod.serviceAccount === serviceAccount,
    );
  }
}
