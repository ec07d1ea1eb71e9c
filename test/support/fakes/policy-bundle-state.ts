// A rollback state that replicas share within a test.
import type { PolicyBundleState, RollbackState } from '../../../src/ports/policy/policy-bundle-state.ts';

export class SharedBundleState implements PolicyBundleState {
  readonly place = 'the shared store';
  state: RollbackState | undefined;
  /** Thrown by the next changes, as by a store that is away. */
  failure: Error | undefined;
  /** Done after the next write, before its writer hears of it. */
  afterWrite: (() => Promise<void>) | undefined;

  async read({ signal }: { readonly signal: AbortSignal }): Promise<RollbackState | undefined> {
    signal.throwIfAborted();
    return this.state;
  }

  async update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<RollbackState | undefined> {
    signal.throwIfAborted();
    const next = change(this.state);
    if (next !== undefined && this.failure !== undefined) throw this.failure;
    this.state = next ?? this.state;
    const then = this.afterWrite;
    this.afterWrite = undefined;
    await then?.();
    return this.state;
  }
}
